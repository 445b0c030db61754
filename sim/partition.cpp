#include "sim/partition.h"

#include "sim/schedule.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace ridge {
namespace {

std::int64_t at_least_one(std::int64_t n) { return std::max<std::int64_t>(n, 1); }
double degree(std::int64_t n) { return static_cast<double>(at_least_one(n)); }

/// Chunks beyond any model; a plan that asks for more has a violation and is cut here.
constexpr std::int64_t most_chunks = std::int64_t{1} << 16;

/// a b, no larger than any machine; plans beyond it have a violation.
std::int64_t product(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  return at_least_one(a) > most / at_least_one(b) ? most : at_least_one(a) * at_least_one(b);
}

/// First layer of each chunk, by the rule of the header.
class Chunks {
 public:
  Chunks(std::int64_t layers, std::int64_t chunks)
      : chunks_(chunks), each_(layers / chunks), rest_(layers % chunks) {}
  std::int64_t size(std::int64_t i) const { return each_ + (extra_before(i + 1) - extra_before(i)); }
  std::int64_t begin(std::int64_t i) const { return i * each_ + extra_before(i); }

 private:
  /// Chunks before `i` that hold one more.
  std::int64_t extra_before(std::int64_t i) const {
    if (i >= chunks_) return rest_;
    const std::int64_t first = chunks_ - 1 - rest_;  // the extras are chunks first .. chunks - 2
    return std::max<std::int64_t>(0, i - std::max<std::int64_t>(first, 0));
  }
  std::int64_t chunks_, each_, rest_;
};

class Partitioner {
 public:
  Partitioner(const Inventory& inv, const ParallelPlan& plan)
      : inv_(inv),
        kind_(plan.schedule),
        p_(std::min(at_least_one(plan.pipeline), most_chunks)),
        n_(p_ * std::clamp<std::int64_t>(
                    kind_ == ScheduleKind::dualpipe ? 1 : chunks_per_stage(kind_, plan.virtual_stages), 1,
                    std::max<std::int64_t>(most_chunks / p_, 1))),
        split_(inv.layers.encoder_layers + inv.layers.decoder_layers, n_) {}

  StageLayers stage(std::int64_t i) const {
    StageLayers s;
    if (kind_ == ScheduleKind::dualpipe) {
      add_chunk(s, i);
      add_chunk(s, p_ - 1 - i);
    } else if (kind_ == ScheduleKind::zbv) {
      add_chunk(s, i);
      add_chunk(s, 2 * p_ - 1 - i);
    } else {
      for (std::int64_t k = i; k < n_; k += p_) add_chunk(s, k);
    }
    if (s.outputs > s.embeddings && inv_.tied_embeddings) s.token_copies = s.outputs - s.embeddings;
    return s;
  }
  std::int64_t stages() const { return p_; }
  std::int64_t chunks() const { return n_; }
  std::int64_t begin(std::int64_t chunk) const { return split_.begin(chunk); }
  /// The chunks of a stage, by the header's rule.
  std::vector<std::int64_t> chunks_of(std::int64_t i) const {
    if (kind_ == ScheduleKind::dualpipe) return {i, p_ - 1 - i};
    if (kind_ == ScheduleKind::zbv) return {i, 2 * p_ - 1 - i};
    std::vector<std::int64_t> own;
    for (std::int64_t k = i; k < n_; k += p_) own.push_back(k);
    return own;
  }

 private:
  void add_chunk(StageLayers& s, std::int64_t chunk) const {
    const std::int64_t begin = split_.begin(chunk), size = split_.size(chunk);
    for (std::int64_t l = begin; l < begin + size; ++l) add_layer(s, l);
    if (chunk == 0) ++s.embeddings;
    if (chunk != n_ - 1) return;
    ++s.outputs;
    const std::int64_t decoder_end = inv_.layers.encoder_layers + inv_.layers.decoder_layers;
    for (std::int64_t l = 0; l < inv_.layers.mtp_layers; ++l) add_layer(s, decoder_end + l);
  }
  void add_layer(StageLayers& s, std::int64_t layer) const {
    const std::size_t kind = inv_.layers.kind_of_layer[static_cast<std::size_t>(layer)];
    if (kind < max_layer_kinds) ++s.of_kind[kind];
    ++s.layers;
  }

  const Inventory& inv_;
  ScheduleKind kind_;
  std::int64_t p_, n_;
  Chunks split_;
};

}  // namespace

std::vector<StageLayers> partition(const Inventory& inv, const ParallelPlan& plan) {
  const Partitioner parts(inv, plan);
  std::vector<StageLayers> stages;
  stages.reserve(static_cast<std::size_t>(std::min<std::int64_t>(parts.stages(), 4)));
  for (std::int64_t i = 0; i < parts.stages(); ++i) {
    StageLayers s = parts.stage(i);
    if (!stages.empty()) {
      StageLayers& last = stages.back();
      s.first = last.first, s.count = last.count;
      if (s == last) {
        ++last.count;
        continue;
      }
    }
    s.first = i, s.count = 1;
    stages.push_back(s);
  }
  return stages;
}

namespace {

constexpr Formula equal_share{"partition.layers", "layers of a stage", "L / p", "definition"};
constexpr Formula two_shares{"partition.layers.dualpipe", "layers of a stage, its own and its mirror's",
                             "2 * L / p", "DeepSeek-V3, arXiv 2412.19437, table 2"};
constexpr Formula uneven_share{"partition.layers.uneven", "layers of a stage", "floor(L / n) * k + x",
                               "sim/partition.h: n chunks of the model, k of them on each stage",
                               "x chunks of this stage take one layer more"};
constexpr Formula chunk_count{"partition.chunks", "chunks of the model", "p * v", "definition"};

constexpr Formula layers_before{"partition.before", "layers before a chunk", "floor(L / n) * k + x",
                                "sim/partition.h: n chunks of the model, k of them before this one",
                                "x of those take one layer more"};
constexpr Formula between_formula{"partition.between", "layers of a kind in a chunk", "e - b", "definition"};
constexpr Formula chunks_sum{"partition.kinds", "layers of a kind on a stage", "sum(...)", "definition"};

/// Layers of one kind on a stage, chunk by chunk; no node when no single field rules the kind.
Traced<double> mixed_layers(const Architecture& a, const Inventory& inv, const ParallelPlan& plan,
                            const StageLayers& stage, std::size_t kind, Explain& ex) {
  const Partitioner parts(inv, plan);
  const std::int64_t all = inv.layers.encoder_layers + inv.layers.decoder_layers;
  const auto number = [&](const std::string& what, std::int64_t n) {
    return constant(&ex, what + ": " + std::to_string(n), static_cast<double>(n), "sim/partition.h");
  };
  const auto before = [&](std::int64_t chunk) {
    const std::int64_t begin = chunk < parts.chunks() ? parts.begin(chunk) : all;
    return note(&ex, layers_before, begin,
                {{"L", input(&ex, "model.layers", all)},
                 {"n", number("chunks of the model", parts.chunks())},
                 {"k", number("chunks before", chunk)},
                 {"x", number("larger chunks before", begin - all / parts.chunks() * chunk)}});
  };
  std::vector<Term> terms;
  std::int64_t total = 0;
  for (const std::int64_t chunk : parts.chunks_of(stage.first)) {
    const auto b = layers_among_first(a, inv.layers, kind, before(chunk), ex),
               e = layers_among_first(a, inv.layers, kind, before(chunk + 1), ex);
    if (b.node == 0 || e.node == 0) return {};
    total += e.value - b.value;
    terms.emplace_back("chunk", note(&ex, between_formula, e.value - b.value, {{"e", e}, {"b", b}}));
  }
  const auto here = static_cast<double>(total);
  if (here != stage.of_kind[kind] || terms.empty()) return {};
  return {here, ex.note(chunks_sum, here, Dim{}, terms)};
}

}  // namespace

Traced<double> layers_on_stage(const Architecture& a, const Inventory& inv, const ParallelPlan& plan,
                               const StageLayers& stage, std::size_t kind, Explain* ex) {
  const double here = stage.of_kind[kind];
  if (!ex) return {here, 0};
  const double all = static_cast<double>(inv.layers.count[kind]);
  if (here == all) return {here, layers_of(a, inv.layers, kind, ex).node};
  const bool is_dual = plan.schedule == ScheduleKind::dualpipe;
  const std::int64_t k = is_dual ? 2 : chunks_per_stage(plan.schedule, plan.virtual_stages);
  const double stages = degree(plan.pipeline), chunks = is_dual ? stages : stages * static_cast<double>(k);
  const bool is_only_kind = all == static_cast<double>(inv.layers.encoder_layers + inv.layers.decoder_layers);
  const std::string place = "stage " + std::to_string(stage.first);
  const bool is_even = here * stages == all * (is_dual ? 2 : 1);
  if (!is_only_kind && !is_even)
    if (const Traced<double> ruled = mixed_layers(a, inv, plan, stage, kind, *ex); ruled.node != 0)
      return ruled;
  if (!is_only_kind && !is_even)
    return {here, ex->input("layers on " + place + ": " + describe(inv.layers.kinds[kind]), here, Dim{},
                            {Origin::Kind::definition,
                             {},
                             "counted over the stage's share of model.layers (sim/partition.h)",
                             {}})};
  const Traced<double> L{all, layers_of(a, inv.layers, kind, ex).node};
  const auto p = input(ex, "parallel.pipeline", stages);
  if (is_even) return note(ex, is_dual ? two_shares : equal_share, here, {{"L", L}, {"p", p}});
  const auto per_stage = constant(ex, "chunks of a stage", static_cast<double>(k),
                                  "parallel.schedule and parallel.virtual_stages");
  const auto n = is_dual ? p : note(ex, chunk_count, chunks, {{"p", p}, {"v", per_stage}});
  const double extra = here - std::floor(all / chunks) * static_cast<double>(k);
  const auto x = constant(ex, "chunks with one layer more on " + place, extra,
                          "sim/partition.h: of what remains the middle chunks take one each");
  return note(ex, uneven_share, here, {{"L", L}, {"n", n}, {"k", per_stage}, {"x", x}});
}

Traced<std::int64_t> layers_on_stage(const Architecture& a, const Inventory& inv, const ParallelPlan& plan,
                                     const StageLayers& stage, Explain* ex) {
  static constexpr Formula kinds_sum{"partition.stage", "layers of a stage, all kinds", "sum(...)",
                                     "definition"};
  if (!ex) return {stage.layers, 0};
  std::vector<Term> terms;
  double total = 0;
  for (std::size_t k = 0; k < inv.layers.kinds.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0) continue;
    const auto n = layers_on_stage(a, inv, plan, stage, k, ex);
    total += n.value;
    terms.emplace_back(kind_symbols[k], n);
  }
  if (terms.empty())
    return {stage.layers, constant(ex, "no layers on the stage", 0.0, "sim/partition.h").node};
  return {stage.layers, ex->note(kinds_sum, total, Dim{}, terms)};
}

RankGroups rank_groups(const ParallelPlan& plan) {
  const std::int64_t t = at_least_one(plan.tensor), c = at_least_one(plan.context),
                     d = at_least_one(plan.data);
  const std::int64_t e = at_least_one(plan.expert), et = at_least_one(plan.expert_tensor);
  RankGroups g;
  g.tensor = {t, 1};
  g.context = {c, t};
  g.data = {d, product(t, c)};
  g.replicas = {product(d, c), t};
  g.pipeline = {at_least_one(plan.pipeline), product(product(t, c), d)};
  g.expert_tensor = {et, 1};
  g.expert = {e, et};
  g.expert_replicas = {static_cast<std::int64_t>(std::min(expert_replicas(plan), 1e12)), product(et, e)};
  return g;
}

double expert_replicas(const ParallelPlan& plan) {
  const double plane = degree(plan.data) * degree(plan.context) * degree(plan.tensor);
  return std::max(1.0, plane / (degree(plan.expert) * degree(plan.expert_tensor)));
}

}  // namespace ridge
