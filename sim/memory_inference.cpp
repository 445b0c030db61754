#include "sim/derived_inputs.h"
#include "sim/memory.h"
#include "sim/rank_share.h"
#include "sim/stated.h"
#include "sim/traffic.h"

#include <algorithm>
#include <string>

namespace ridge {
namespace {

inline constexpr Formula weights_of_layers{"memory.weights.layers",
                                           "weight bytes of equal layers on a device", "n * x", "definition"};
inline constexpr Formula grown_formula{"inference.cached_tokens", "tokens of a sequence at its longest",
                                       "n + o", "definition"};
inline constexpr Formula sum_formula{"memory.sum", "bytes together", "sum(...)", "definition"};
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
  CachedTokens cached{};         ///< of a sequence at its longest
  Traced<Tokens> pass_tokens{};  ///< tokens of the widest pass, one device

  Serving(const Prepared& prepared, const Inference& i, const ParallelPlan& pl, Explain* e)
      : p(prepared), asked(i), plan(pl), ex(e) {
    sequences = replica_sequences(i, plan, ex);
    const bool is_decode = i.phase == InferencePhase::decode;
    const auto prompt = stated(ex, "inference.prompt_tokens", Tokens{real(i.prompt_tokens)});
    cached = cached_tokens({prompt.value.value(), prompt.node});
    const auto tokens = is_decode ? constant(ex, "tokens of a decode step", Tokens{1}, "definition") : prompt;
    const auto c = stated(ex, "parallel.context", degree(plan.context));
    pass_tokens = note(ex, pass_tokens_formula, sequences.value * tokens.value / c.value,
                       {{"B", sequences}, {"s", tokens}, {"c", c}});
  }

  /// The prompt, and what is generated; an encoder reads the prompt where there is one.
  CachedTokens cached_tokens(Traced<double> prompt) const {
    const bool has_both = p.scenario.model.encoder_layers > 0 && p.scenario.model.layers > 0;
    const Traced<double> none = constant(ex, "no tokens", 0.0, "definition");
    const Traced<double> before = has_both ? none : prompt;
    Traced<double> o = none;
    if (asked.phase == InferencePhase::decode)
      o = constant(ex, "the token of a decode step", 1.0, "definition");
    if (asked.phase == InferencePhase::request)
      o = stated(ex, "inference.output_tokens", real(asked.output_tokens));
    const auto grown = note(ex, grown_formula, before.value + o.value, {{"n", before}, {"o", o}});
    return {grown, has_both ? prompt : none, stated(ex, "parallel.tensor", degree(plan.tensor))};
  }
  Traced<BytesPerElement> activation() const {
    return stated(ex, "precision.activations", p.scenario.precision.activations);
  }
  /// Prediction modules serve speculative decoding, which is not asked for.
  bool is_unused(std::size_t kind) const { return p.inventory.layers.kinds[kind].is_mtp; }
};

/// Sum that names its terms only while explaining.
class Sum {
 public:
  explicit Sum(Explain* ex) : ex_(ex) {}
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
  Sum sum(s.ex);
  for (std::size_t k = 0; k < s.p.weights.of_kind.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0 || s.is_unused(k)) continue;
    const auto n = own_layers(s.p, s.plan, stage, k, s.ex);
    const auto x = stored_share(s.p, s.plan, static_cast<int>(k), s.ex);
    sum.add(kind_symbols[k], note(s.ex, weights_of_layers, n.value * x.value, {{"n", n}, {"x", x}}));
  }
  if (stage.embeddings > 0) sum.add("embedding", stored_share(s.p, s.plan, embedding_group, s.ex));
  if (stage.outputs > 0) sum.add("output", stored_share(s.p, s.plan, output_group, s.ex));
  if (stage.token_copies > 0) sum.add("tied", stored_table_share(s.p, s.plan, s.ex));
  return sum.total();
}

Traced<Bytes> cache(const Serving& s, const StageLayers& stage) {
  const Architecture& a = s.p.scenario.model;
  const auto width = cache_width(a, s.p.scenario.cache_format, s.ex);
  const auto c = stated(s.ex, "parallel.context", degree(s.plan.context));
  Sum sum(s.ex);
  for (std::size_t k = 0; k < s.p.inventory.layers.kinds.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0 || s.is_unused(k)) continue;
    const auto n = layers_on_stage(a, s.p.inventory, s.plan, stage, k, s.ex);
    const auto each = cache_elements(a, s.p.inventory.layers.kinds[k], s.cached, s.ex);
    const Bytes bytes = n.value * s.sequences.value * each.value * width.value / c.value;
    sum.add(kind_symbols[k], note(s.ex, cache_formula, bytes,
                                  {{"n", n}, {"B", s.sequences}, {"E", each}, {"w", width}, {"c", c}}));
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
  const Tokens attended{s.cached.context.value};
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
      traced_traffic(pass_traffic(a, w, width), w, a, kind, s.plan, s.activation(), s.cached.context, s.ex,
                     {.rule = "residual stream, its norm and the widest intermediate"});
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
    m.layers = layers_on_stage(p.scenario.model, p.inventory, plan, stage, ex);
    m.micro_batches_in_flight = {
        0, constant(ex, "no micro-batches in flight", 0.0, "inference keeps none").node};
    m.parts.reserve(5);
    add_part(m, "weights", weights(s, stage), ex);
    add_part(m, "kv_cache", cache(s, stage), ex);
    add_part(m, "activations", pass_activations(s, stage), ex);
    if (stage.outputs > 0) add_part(m, "logits", logits(s), ex);
    add_part(m, "workspace",
             stated(ex, "software.allocator.workspace", p.scenario.software.allocator.workspace), ex);
    finish_stage(m, p, plan.zero, ex);
    result.stages.push_back(std::move(m));
  }
  finish_estimate(result, p, ex);
  return result;
}

}  // namespace ridge
