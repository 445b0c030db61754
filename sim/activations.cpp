#include "sim/activations.h"

#include "sim/traffic.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr std::string_view korthikanti = "Korthikanti et al. 2022, arXiv 2205.05198, section 4";

inline constexpr Formula tokens_formula{"activations.tokens", "tokens of a micro-batch on a device",
                                        "b * s / c", "definition"};
inline constexpr Formula kept_formula{"activations.kept", "bytes a layer keeps for its backward pass",
                                      "tokens * x", korthikanti};
inline constexpr Formula casts_formula{"activations.casts", "bytes a layer keeps for its backward pass",
                                       "tokens * (x + d * n * a)", "PyTorch documentation, torch.amp",
                                       "each product that reads a normed input casts it for itself"};
inline constexpr Formula gradients_formula{
    "activations.gradients", "gradients alive in a layer's backward pass",
    "tokens * a * (hidden + max(n * ffn, 2 * q + 2 * kv + 2 * scores))", "definition"};
inline constexpr Formula loss_formula{"activations.loss", "logits and loss of a micro-batch",
                                      "tokens * x * n",
                                      "definition: the output's passes, n predictions a token"};
inline constexpr Formula waiting_formula{"activations.loss.waiting",
                                         "log-probabilities kept for the backward pass",
                                         "tokens * V / t * w * n", "definition: fp32 output of log-softmax"};

double real(std::int64_t n) { return static_cast<double>(n); }

const LayerKind& outside_layers() {
  static constexpr LayerKind kind{.mixer = Mixer::none, .feed_forward = FeedForward::none};
  return kind;
}

Traced<BytesPerElement> activation_width(const Prepared& p, Explain* ex) {
  return input(ex, "precision.activations", p.scenario.precision.activations);
}

Traffic difference(const Traffic& a, const Traffic& b) {
  Traffic d;
  for (std::size_t i = 0; i < num_widths; ++i) {
    d.activation_elements[i] = a.activation_elements[i] - b.activation_elements[i];
    d.fixed_bytes[i] = a.fixed_bytes[i] - b.fixed_bytes[i];
  }
  return d;
}

/// The input of a layer: one model width, in the weights' format under autocast.
Traffic layer_input(const PrecisionRecipe& recipe) {
  Traffic input;
  constexpr auto hidden = static_cast<std::size_t>(Width::hidden);
  if (recipe.cast_per_use) input.fixed_bytes[hidden] = recipe.weights.value();
  else input.activation_elements[hidden] = 1;
  return input;
}

/// Products of a layer that read a normed input, each casting it under autocast.
double casting_products(const SoftwareStack& stack, const Architecture& a, const LayerKind& kind) {
  double products = 0;
  if (kind.mixer != Mixer::none) products += stack.fused_qkv ? 1 : 3;
  if (kind.feed_forward != FeedForward::none)
    products += stack.fused_gate_up || !is_gated(a.activation) ? 1 : 2;
  return products;
}

struct LayerView {
  const Prepared& p;
  std::size_t kind;
  const ParallelPlan& plan;
  const TokenLoad& load;
  WidthTable table;
  const LayerKind& layer() const { return p.inventory.layers.kinds[kind]; }
  const LayerProgram& program() const { return p.programs[kind]; }

  Traced<BytesPerToken> traffic(const Traffic& t, Explain* ex) const {
    return traced_traffic(t, table, p.scenario.model, layer(), plan, activation_width(p, ex), load.attended,
                          ex);
  }
};

Traced<Bytes> bytes_of(const LayerView& v, const Traffic& t, Explain* ex) {
  const auto each = v.traffic(t, ex);
  return note(ex, kept_formula, v.load.tokens.value * each.value, {{"tokens", v.load.tokens}, {"x", each}});
}

/// `t`, with the casts of autocast beside it.
Traced<Bytes> with_casts(const LayerView& v, const Traffic& t, Explain* ex) {
  if (!v.p.scenario.precision.cast_per_use) return bytes_of(v, t, ex);
  const auto each = v.traffic(t, ex);
  const double hidden = v.table[Width::hidden];
  const double products = casting_products(v.p.scenario.software, v.p.scenario.model, v.layer());
  const BytesPerElement a = v.p.scenario.precision.activations;
  const Bytes bytes = v.load.tokens.value * (each.value + BytesPerToken{hidden * products * a.value()});
  if (!ex) return {bytes, 0};
  return note(ex, casts_formula, bytes,
              {{"tokens", v.load.tokens},
               {"x", each},
               {"d", input(ex, "width of normed inputs", hidden)},
               {"n", input(ex, "products reading normed inputs", products)},
               {"a", activation_width(v.p, ex)}});
}

Traced<Bytes> backward_gradients(const LayerView& v, Explain* ex) {
  const double n = is_gated(v.p.scenario.model.activation) ? 3 : 2;
  const bool has_scores = v.p.scenario.software.attention == AttentionKernel::unfused;
  const double scores = has_scores ? v.table[Width::scores] : 0, hidden = v.table[Width::hidden];
  const double ffn = v.table[Width::ffn], q = v.table[Width::q], kv = v.table[Width::kv];
  const auto a = activation_width(v.p, ex);
  const double elements = hidden + std::max(n * ffn, 2 * q + 2 * kv + 2 * scores);
  const Bytes bytes{v.load.tokens.value.value() * a.value.value() * elements};
  if (!ex) return {bytes, 0};
  return note(ex, gradients_formula, bytes,
              {{"tokens", v.load.tokens},
               {"a", a},
               {"hidden", input(ex, "width hidden", hidden)},
               {"n", input(ex, "feed-forward gradients", n)},
               {"ffn", input(ex, "width ffn", ffn)},
               {"q", input(ex, "width q", q)},
               {"kv", input(ex, "width kv", kv)},
               {"scores", input(ex, "width scores", scores)}});
}

Traced<Bytes> outside_bytes(const Prepared& p, const LayerProgram& program, const ParallelPlan& plan,
                            const TokenLoad& load, Traced<double> times, Explain* ex) {
  const WidthTable table = widths(p.scenario.model, outside_layers(), plan, load.attended);
  const auto each = traced_traffic(program.keep_all, table, p.scenario.model, outside_layers(), plan,
                                   activation_width(p, ex), load.attended, ex);
  return note(ex, loss_formula, load.tokens.value * each.value * times.value,
              {{"tokens", load.tokens}, {"x", each}, {"n", times}});
}

/// Losses per token: one, and one more for each prediction module.
Traced<double> predictions(const Prepared& p, Explain* ex) {
  return input(ex, "model.predictions_per_token", 1 + real(p.inventory.layers.mtp_layers));
}

}  // namespace

TokenLoad token_load(const Training& training, const ParallelPlan& plan, Explain* ex) {
  const double c = real(std::max<std::int64_t>(plan.context, 1));
  TokenLoad load;
  load.tokens =
      note(ex, tokens_formula, Tokens{real(training.micro_batch) * real(training.sequence_length) / c},
           {{"b", input(ex, "training.micro_batch", training.micro_batch)},
            {"s", input(ex, "training.sequence_length", Tokens{real(training.sequence_length)})},
            {"c", input(ex, "parallel.context", c)}});
  load.attended = Tokens{real(training.sequence_length)};
  load.recompute = training.recompute.value_or(Recompute::none);
  return load;
}

LayerActivations layer_activations(const Prepared& p, std::size_t kind, const ParallelPlan& plan,
                                   const TokenLoad& load, Explain* ex) {
  const LayerView v{p, kind, plan, load,
                    widths(p.scenario.model, p.inventory.layers.kinds[kind], plan, load.attended)};
  const LayerProgram& program = v.program();
  const Traced<Bytes> none = constant(ex, "nothing recomputed", Bytes{0}, "definition");
  LayerActivations a;
  a.gradients = backward_gradients(v, ex);
  switch (load.recompute) {
    case Recompute::none:
      a.kept = with_casts(v, program.keep_all, ex);
      a.recomputed = none;
      break;
    case Recompute::selective:
      a.kept = with_casts(v, difference(program.keep_all, program.keep_selective), ex);
      a.recomputed = bytes_of(v, program.keep_selective, ex);
      break;
    case Recompute::full:
      a.kept = bytes_of(v, layer_input(p.scenario.precision), ex);
      a.recomputed = with_casts(v, program.keep_all, ex);
      break;
  }
  return a;
}

Traced<Bytes> embedding_activations(const Prepared& p, const ParallelPlan& plan, const TokenLoad& load,
                                    Explain* ex) {
  return outside_bytes(p, p.embedding, plan, load, constant(ex, "one embedding", 1.0, "definition"), ex);
}

Traced<Bytes> loss_activations(const Prepared& p, const ParallelPlan& plan, const TokenLoad& load,
                               Explain* ex) {
  return outside_bytes(p, p.output, plan, load, predictions(p, ex), ex);
}

Traced<Bytes> waiting_loss(const Prepared& p, const ParallelPlan& plan, const TokenLoad& load, Explain* ex) {
  constexpr auto vocab = static_cast<std::size_t>(Width::vocab);
  const Traffic& keep = p.output.keep_all;
  const bool is_kept = keep.fixed_bytes[vocab] > 0 || keep.activation_elements[vocab] > 0;
  const double t = real(std::max<std::int64_t>(plan.tensor, 1)), width = is_kept ? 4 : 0;
  const auto n = predictions(p, ex);
  const Bytes bytes{load.tokens.value.value() * real(p.scenario.model.vocab_size) / t * width * n.value};
  if (!ex) return {bytes, 0};
  return note(ex, waiting_formula, bytes,
              {{"tokens", load.tokens},
               {"V", input(ex, "model.vocab_size", real(p.scenario.model.vocab_size))},
               {"t", input(ex, "parallel.tensor", t)},
               {"w", input(ex, "bytes of a log-probability", width)},
               {"n", n}});
}

}  // namespace ridge
