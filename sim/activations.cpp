#include "sim/activations.h"

#include "sim/stated.h"
#include "sim/traffic.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr std::string_view korthikanti = "Korthikanti et al. 2022, arXiv 2205.05198, section 4";

inline constexpr Formula tokens_formula{"activations.tokens", "tokens of a micro-batch on a device",
                                        "b * s / c", "definition"};
inline constexpr Formula kept_formula{"activations.kept", "bytes a layer keeps for its backward pass",
                                      "tokens * x", korthikanti};
inline constexpr Formula outside_formula{"activations.outside", "bytes kept outside the layers",
                                         "tokens * x * n",
                                         "definition: passes of embedding and output, n predictions a token"};

constexpr auto hidden_width = static_cast<std::size_t>(Width::hidden),
               ffn_width = static_cast<std::size_t>(Width::ffn), q_width = static_cast<std::size_t>(Width::q),
               kv_width = static_cast<std::size_t>(Width::kv),
               scores_width = static_cast<std::size_t>(Width::scores),
               vocab_width = static_cast<std::size_t>(Width::vocab);

double real(std::int64_t n) { return static_cast<double>(n); }

const LayerKind& outside_layers() {
  static constexpr LayerKind kind{.mixer = Mixer::none, .feed_forward = FeedForward::none};
  return kind;
}

Traced<BytesPerElement> activation_width(const Prepared& p, Explain* ex) {
  return stated(ex, "precision.activations", p.scenario.precision.activations);
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
  if (recipe.cast_per_use) input.fixed_bytes[hidden_width] = recipe.weights.value();
  else input.activation_elements[hidden_width] = 1;
  return input;
}

/// Products of a layer that read a normed input, each casting it under autocast.
double casting_products(const SoftwareStack& stack, const Architecture& a, const LayerKind& kind) {
  double products = 0;
  if (kind.mixer != Mixer::none) products += stack.fused_qkv || a.one_qkv_weight ? 1 : 3;
  if (kind.feed_forward != FeedForward::none)
    products += stack.fused_gate_up || !is_gated(a.activation) ? 1 : 2;
  return products;
}

/// Adapters in a wider format keep a copy of their input each, where frozen products keep none: of each
/// norm its output and its scaled input, of the feed-forward the down product's input.
void add_adapter_inputs(Traffic& t, const AdapterTargets& adapters, BytesPerElement copy,
                        const Architecture& a, const LayerKind& kind) {
  if (kind.mixer != Mixer::none && adapters.has_attention()) {
    t.fixed_bytes[hidden_width] += 3 * copy.value();
    t.fixed_bytes[q_width] += copy.value();
    t.activation_elements[hidden_width] -= 2;
  }
  if (kind.feed_forward != FeedForward::none && adapters.has_feed_forward()) {
    t.fixed_bytes[hidden_width] += (is_gated(a.activation) ? 2 : 1) * copy.value();
    t.fixed_bytes[ffn_width] += copy.value();
    t.activation_elements[hidden_width] -= 2;
    t.activation_elements[ffn_width] -= 1;
  }
  for (double& n : t.activation_elements) n = std::max(n, 0.0);
}

struct LayerView {
  const Prepared& p;
  std::size_t kind;
  const ParallelPlan& plan;
  const TokenLoad& load;
  WidthTable table;
  const LayerKind& layer() const { return p.inventory.layers.kinds[kind]; }
  const LayerProgram& program() const { return p.programs[kind]; }

  Traced<BytesPerToken> traffic(const Traffic& t, Explain* ex, const TrafficSource& source) const {
    return traced_traffic(t, table, p.scenario.model, layer(), plan, activation_width(p, ex), load.attended,
                          ex, source);
  }
};

/// Which passes of a program keep what is counted.
enum class Keeps { all, unselected, selected };

TrafficSource kept_by(const LayerProgram& program, Keeps which, Explain* ex) {
  TrafficSource source{.rule = "copies that autocast, adapters and padding add or save"};
  if (!ex) return source;
  for (const Pass& pass : program.passes)
    if (which == Keeps::all || pass.selective == (which == Keeps::selected)) source.kept_by.push_back(&pass);
  return source;
}

Traced<Bytes> bytes_of(const LayerView& v, const Traffic& t, Explain* ex, const TrafficSource& source) {
  const auto each = v.traffic(t, ex, source);
  return note(ex, kept_formula, v.load.tokens.value * each.value, {{"tokens", v.load.tokens}, {"x", each}});
}

/// `t` and what autocast and low-rank adapters keep beside it.
Traffic with_copies(const LayerView& v, Traffic t) {
  const PrecisionRecipe& recipe = v.p.scenario.precision;
  const SoftwareStack& stack = v.p.scenario.software;
  if (recipe.cast_per_use && stack.casts_again) {
    t.activation_elements[hidden_width] *= recipe.weights / recipe.activations;
  } else if (recipe.cast_per_use) {
    t.activation_elements[hidden_width] += casting_products(stack, v.p.scenario.model, v.layer());
  }
  const Training* training = v.p.scenario.training();
  if (training && training->method != Method::full && stack.adapter_input.value() > 0) {
    add_adapter_inputs(t, v.p.adapters, stack.adapter_input, v.p.scenario.model, v.layer());
  }
  return t;
}

/// Gradients alive in one layer's backward pass: through its feed-forward or its attention.
Traffic backward_gradients(const LayerView& v) {
  const BytesPerElement a = v.p.scenario.precision.activations;
  Traffic ffn, attention;
  ffn.activation_elements[hidden_width] = attention.activation_elements[hidden_width] = 1;
  ffn.activation_elements[ffn_width] = is_gated(v.p.scenario.model.activation) ? 3 : 2;
  attention.activation_elements[q_width] = attention.activation_elements[kv_width] = 2;
  if (v.p.scenario.software.attention == AttentionKernel::unfused)
    attention.activation_elements[scores_width] = 2;
  return traffic_bytes(ffn, v.table, a) < traffic_bytes(attention, v.table, a) ? attention : ffn;
}

Traced<Bytes> outside_bytes(const Prepared& p, const Traffic& traffic, const ParallelPlan& plan,
                            const TokenLoad& load, Traced<double> times, Explain* ex,
                            const TrafficSource& source) {
  const WidthTable table = widths(p.scenario.model, outside_layers(), plan, Tokens{load.attended.value});
  const auto each = traced_traffic(traffic, table, p.scenario.model, outside_layers(), plan,
                                   activation_width(p, ex), load.attended, ex, source);
  return note(ex, outside_formula, load.tokens.value * each.value * times.value,
              {{"tokens", load.tokens}, {"x", each}, {"n", times}});
}

/// Losses per token: one, and one more for each prediction module.
Traced<double> predictions(const Prepared& p, Explain* ex) {
  static constexpr Formula f{"activations.predictions", "losses of a token", "1 + n",
                             "definition: the next token, and one for each prediction module"};
  const auto n = stated(ex, "model.mtp_layers", real(p.inventory.layers.mtp_layers));
  return note(ex, f, 1 + n.value, {{"n", n}});
}

}  // namespace

TokenLoad token_load(const Training& training, const ParallelPlan& plan, Explain* ex) {
  const double c = real(std::max<std::int64_t>(plan.context, 1));
  TokenLoad load;
  load.tokens =
      note(ex, tokens_formula, Tokens{real(training.micro_batch) * real(training.sequence_length) / c},
           {{"b", stated(ex, "training.micro_batch", training.micro_batch)},
            {"s", stated(ex, "training.sequence_length", Tokens{real(training.sequence_length)})},
            {"c", stated(ex, "parallel.context", c)}});
  const auto s = stated(ex, "training.sequence_length", Tokens{real(training.sequence_length)});
  load.attended = {s.value.value(), s.node};
  load.recompute = training.recompute.value_or(Recompute::none);
  return load;
}

LayerActivations layer_activations(const Prepared& p, std::size_t kind, const ParallelPlan& plan,
                                   const TokenLoad& load, Explain* ex) {
  const LayerView v{
      p, kind, plan, load,
      widths(p.scenario.model, p.inventory.layers.kinds[kind], plan, Tokens{load.attended.value})};
  const LayerProgram& program = v.program();
  const Traced<Bytes> none = constant(ex, "nothing recomputed", Bytes{0}, "definition");
  LayerActivations a;
  a.gradients =
      bytes_of(v, backward_gradients(v), ex, {.rule = "gradients alive in a layer's backward pass"});
  switch (load.recompute) {
    case Recompute::none:
      a.kept = bytes_of(v, with_copies(v, program.keep_all), ex, kept_by(program, Keeps::all, ex));
      a.recomputed = none;
      break;
    case Recompute::selective:
      a.kept = bytes_of(v, with_copies(v, difference(program.keep_all, program.keep_selective)), ex,
                        kept_by(program, Keeps::unselected, ex));
      a.recomputed = bytes_of(v, program.keep_selective, ex, kept_by(program, Keeps::selected, ex));
      break;
    case Recompute::full:
      a.kept = bytes_of(v, layer_input(p.scenario.precision), ex, {.rule = "the input of a layer"});
      a.recomputed = bytes_of(v, with_copies(v, program.keep_all), ex, kept_by(program, Keeps::all, ex));
      break;
  }
  return a;
}

Traced<Bytes> embedding_activations(const Prepared& p, const ParallelPlan& plan, const TokenLoad& load,
                                    Explain* ex) {
  return outside_bytes(p, p.embedding.keep_all, plan, load,
                       constant(ex, "embeddings of the model", 1.0, "definition"), ex,
                       kept_by(p.embedding, Keeps::all, ex));
}

Traced<Bytes> loss_activations(const Prepared& p, const ParallelPlan& plan, const TokenLoad& load,
                               Explain* ex) {
  return outside_bytes(p, p.output.keep_all, plan, load, predictions(p, ex), ex,
                       kept_by(p.output, Keeps::all, ex));
}

Traced<Bytes> waiting_loss(const Prepared& p, const ParallelPlan& plan, const TokenLoad& load, Explain* ex) {
  const Traffic& keep = p.output.keep_all;
  Traffic waiting;
  if (keep.fixed_bytes[vocab_width] > 0 || keep.activation_elements[vocab_width] > 0) {
    waiting.activation_elements[vocab_width] = 1;
    waiting.fixed_bytes[vocab_width] = 4;
  }
  return outside_bytes(p, waiting, plan, load, predictions(p, ex), ex,
                       {.rule = "logits and their fp32 copy that wait for the backward pass"});
}

}  // namespace ridge
