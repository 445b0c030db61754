#include "sim/memory.h"
#include "sim/partition.h"
#include "sim/stated.h"
#include "sim/traffic.h"

#include <algorithm>
#include <string>

namespace ridge {
namespace {

inline constexpr Formula weights_of_layers{"memory.weights.layers",
                                           "weight bytes of equal layers on a device", "n * x",
                                           "storage format: blocks, scales and zero points included"};
inline constexpr Formula sum_formula{"memory.sum", "bytes together", "sum(...)", "definition"};
inline constexpr Formula sequences_formula{"inference.sequences", "sequences a replica serves", "ceil(B / d)",
                                           "definition"};
inline constexpr Formula pass_tokens_formula{"inference.tokens", "tokens of a pass on a device", "B * s / c",
                                             "definition"};
inline constexpr Formula cache_formula{"memory.kv_cache.layers", "cache of equal layers", "n * B * E * w / c",
                                       "keys and values of every token, or the recurrent state",
                                       "sequences at their longest"};
inline constexpr Formula pass_formula{"memory.activations.pass", "activations of one pass", "tokens * x",
                                      "definition: residual stream, its norm and the widest intermediate"};
inline constexpr Formula logit_rows{"inference.logits.rows", "positions whose logits are computed", "B * x",
                                    "definition"};
inline constexpr Formula logits_formula{"memory.logits", "logits of one pass", "rows * V / t * a",
                                        "definition"};

double real(std::int64_t n) { return static_cast<double>(n); }
double degree(std::int64_t n) { return real(std::max<std::int64_t>(n, 1)); }

/// What one device of a replica works on.
struct Serving {
  const Prepared& p;
  const Inference& asked;
  const ParallelPlan& plan;
  Explain* ex;
  Traced<double> sequences{};
  std::int64_t context = 0, encoder_tokens = 0;
  Traced<Tokens> pass_tokens{};  ///< tokens of the widest pass, one device

  Serving(const Prepared& prepared, const Inference& i, const ParallelPlan& pl, Explain* e)
      : p(prepared), asked(i), plan(pl), ex(e) {
    const double d = degree(plan.data);
    sequences = note(ex, sequences_formula, std::ceil(real(i.batch) / d),
                     {{"B", stated(ex, "inference.batch", i.batch)}, {"d", stated(ex, "parallel.data", d)}});
    const bool has_both = p.scenario.model.encoder_layers > 0 && p.scenario.model.layers > 0;
    encoder_tokens = has_both ? i.prompt_tokens : 0;
    context = (has_both ? 0 : i.prompt_tokens);
    if (i.phase == InferencePhase::decode) context += 1;
    if (i.phase == InferencePhase::request) context += i.output_tokens;
    const bool is_decode = i.phase == InferencePhase::decode;
    const auto tokens = is_decode ? constant(ex, "tokens of a decode step", Tokens{1}, "definition")
                                  : stated(ex, "inference.prompt_tokens", Tokens{real(i.prompt_tokens)});
    const auto c = stated(ex, "parallel.context", degree(plan.context));
    pass_tokens = note(ex, pass_tokens_formula, sequences.value * tokens.value / c.value,
                       {{"B", sequences}, {"s", tokens}, {"c", c}});
  }
  Traced<BytesPerElement> activation() const {
    return stated(ex, "precision.activations", p.scenario.precision.activations);
  }
  /// Prediction modules serve speculative decoding, which is not asked for.
  bool is_unused(std::size_t kind) const { return p.inventory.layers.kinds[kind].is_mtp; }
  ShardingDegrees degrees() const {
    return {std::max<std::int64_t>(plan.tensor, 1), std::max<std::int64_t>(plan.expert, 1),
            std::max<std::int64_t>(plan.expert_tensor, 1)};
  }
};

Traced<Bytes> inventory_bytes(Explain* ex, const std::string& key, Bytes b) {
  return {b, ex->input(key, b.value(), Bytes::dim,
                       {Origin::Kind::definition, {}, "storage format and tensor inventory", {}})};
}

/// Sum that names its terms only while explaining.
class Sum {
 public:
  explicit Sum(Explain* ex) : ex_(ex) {}
  void add(std::string_view symbol, double n, Bytes each, const char* what) {
    total_ += each * n;
    if (!ex_ || n == 0) return;
    const Traced<double> count = counted(ex_, n, "layers of one kind on the stage");
    const auto one = inventory_bytes(ex_, std::string(what) + " " + std::string(symbol), each);
    terms_.emplace_back(symbol, note(ex_, weights_of_layers, each * n, {{"n", count}, {"x", one}}));
  }
  void add(std::string_view symbol, Traced<Bytes> amount) {
    total_ += amount.value;
    if (ex_) terms_.emplace_back(symbol, amount);
  }
  Traced<Bytes> total() const {
    if (!ex_) return {total_, 0};
    if (terms_.empty()) return constant(ex_, "nothing held", Bytes{0}, "definition");
    return {total_, ex_->note(sum_formula, total_.value(), Bytes::dim, terms_)};
  }

 private:
  Explain* ex_;
  Bytes total_{0};
  std::vector<Term> terms_;
};

Traced<Bytes> weights(const Serving& s, const StageLayers& stage) {
  const WeightBytes& w = s.p.weights;
  const bool is_shared = s.p.inventory.shared_layers;
  Sum sum(s.ex);
  for (std::size_t k = 0; k < w.of_kind.size() && k < max_layer_kinds; ++k) {
    const double n = is_shared ? std::min(stage.of_kind[k], 1) : stage.of_kind[k];
    if (n > 0 && !s.is_unused(k))
      sum.add(kind_symbols[k], n, w.of_kind[k].per_rank(s.degrees()), "weight bytes of a layer,");
  }
  if (stage.embeddings > 0)
    sum.add("embedding", stage.embeddings, w.embedding.per_rank(s.degrees()), "weight bytes of the");
  if (stage.outputs > 0)
    sum.add("output", stage.outputs, w.output.per_rank(s.degrees()), "weight bytes of the");
  if (stage.token_copies > 0) {
    const double share =
        real(s.p.inventory.token_embedding) / std::max(1.0, real(s.p.inventory.embedding.total()));
    sum.add("tied", stage.token_copies, w.embedding.per_rank(s.degrees()) * share,
            "weight bytes of the head");
  }
  return sum.total();
}

Traced<Bytes> cache(const Serving& s, const StageLayers& stage) {
  const Architecture& a = s.p.scenario.model;
  const auto width =
      stated(s.ex, "inference.kv_cache", bytes_per_element(s.p.scenario.cache_format, a.head_dim));
  const auto c = stated(s.ex, "parallel.context", degree(s.plan.context));
  Sum sum(s.ex);
  for (std::size_t k = 0; k < s.p.inventory.layers.kinds.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0 || s.is_unused(k)) continue;
    const Elements each{cache_elements(layer_cache(a, s.p.inventory.layers.kinds[k]), s.context,
                                       s.encoder_tokens, std::max<std::int64_t>(s.plan.tensor, 1))};
    const double n = stage.of_kind[k];
    const Bytes bytes = n * s.sequences.value * each * width.value / c.value;
    if (!s.ex) {
      sum.add(kind_symbols[k], Traced<Bytes>{bytes});
      continue;
    }
    const Traced<double> count = counted(s.ex, n, "layers of one kind on the stage");
    const Traced<Elements> elements{
        each, s.ex->input("cache elements of a sequence, " + describe(s.p.inventory.layers.kinds[k]),
                          each.value(), Elements::dim,
                          {Origin::Kind::definition, {}, "DeepSeek-V2, arXiv 2405.04434, table 1", {}})};
    sum.add(kind_symbols[k],
            note(s.ex, cache_formula, bytes,
                 {{"n", count}, {"B", s.sequences}, {"E", elements}, {"w", width}, {"c", c}}));
  }
  return sum.total();
}

/// Residual stream, its norm, and the widest intermediate of a layer: feed-forward or attention.
Traffic pass_traffic(const Architecture& a, const WidthTable& w, BytesPerElement activation) {
  constexpr auto at = [](Width i) { return static_cast<std::size_t>(i); };
  Traffic ffn, attention;
  ffn.activation_elements[at(Width::whole)] = attention.activation_elements[at(Width::whole)] = 2;
  ffn.activation_elements[at(Width::ffn)] = is_gated(a.activation) ? 3 : 2;
  attention.activation_elements[at(Width::q)] = attention.activation_elements[at(Width::kv)] = 2;
  return traffic_bytes(ffn, w, activation) < traffic_bytes(attention, w, activation) ? attention : ffn;
}

Traced<Bytes> pass_activations(const Serving& s, const StageLayers& stage) {
  const Architecture& a = s.p.scenario.model;
  const BytesPerElement width = s.p.scenario.precision.activations;
  const Tokens attended{real(s.context)};
  BytesPerToken most{-1};
  std::size_t widest = 0;
  for (std::size_t k = 0; k < s.p.inventory.layers.kinds.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0 || s.is_unused(k)) continue;
    const WidthTable w = widths(a, s.p.inventory.layers.kinds[k], s.plan, attended);
    const BytesPerToken here = traffic_bytes(pass_traffic(a, w, width), w, width);
    if (here > most) most = here, widest = k;
  }
  if (most.value() < 0) return constant(s.ex, "nothing held", Bytes{0}, "definition");
  const LayerKind& kind = s.p.inventory.layers.kinds[widest];
  const WidthTable w = widths(a, kind, s.plan, attended);
  const auto each =
      traced_traffic(pass_traffic(a, w, width), w, a, kind, s.plan, s.activation(), attended, s.ex);
  return note(s.ex, pass_formula, s.pass_tokens.value * each.value, {{"tokens", s.pass_tokens}, {"x", each}});
}

Traced<Bytes> logits(const Serving& s) {
  const bool is_all = s.p.scenario.software.logits_all_positions && s.asked.phase != InferencePhase::decode;
  const double t = degree(s.plan.tensor), vocab = real(s.p.scenario.model.vocab_size);
  const auto a = s.activation();
  const auto one = constant(s.ex, "logits of a sequence", Tokens{1}, "definition: the last position's");
  const Traced<Tokens> rows =
      is_all ? s.pass_tokens
             : note(s.ex, logit_rows, s.sequences.value * one.value, {{"B", s.sequences}, {"x", one}});
  return note(s.ex, logits_formula, Bytes{rows.value.value() * vocab / t * a.value.value()},
              {{"rows", rows},
               {"V", stated(s.ex, "model.vocab_size", vocab)},
               {"t", stated(s.ex, "parallel.tensor", t)},
               {"a", a}});
}

}  // namespace

MemoryEstimate detail::inference_memory(const Prepared& p, const Inference& asked, const ParallelPlan& plan,
                                        Explain* ex) {
  const Serving s(p, asked, plan, ex);
  MemoryEstimate result;
  for (const StageLayers& stage : partition(p.inventory, plan)) {
    StageMemory m;
    m.stage = stage.first;
    m.layers = stage.layers;
    m.parts.reserve(5);
    add_part(m, "weights", weights(s, stage));
    add_part(m, "kv_cache", cache(s, stage));
    add_part(m, "activations", pass_activations(s, stage));
    if (stage.outputs > 0) add_part(m, "logits", logits(s));
    add_part(m, "workspace",
             stated(ex, "software.allocator.workspace", p.scenario.software.allocator.workspace));
    finish_stage(m, p, plan.zero, ex);
    result.stages.push_back(std::move(m));
  }
  finish_estimate(result, p, ex);
  return result;
}

}  // namespace ridge
