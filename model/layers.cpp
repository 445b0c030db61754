#include "model/layers.h"

#include <algorithm>

namespace ridge {

namespace {

bool has_experts(const Architecture& a, std::int64_t i) {
  return a.moe.experts > 0 && i >= a.first_dense_layers && i % a.moe.every == a.moe.offset;
}

bool is_global(const Architecture& a, std::int64_t i) {
  return a.sliding_window == 0 || (a.global_every > 0 && i % a.global_every == a.global_offset);
}

Mixer attention_mixer(const Architecture& a) {
  return a.latent.kv_lora_rank > 0 ? Mixer::latent_attention : Mixer::attention;
}

LayerKind part_kind(const Architecture& a, char letter) {
  LayerKind k{.mixer = Mixer::none, .feed_forward = FeedForward::none, .is_causal = a.causal};
  switch (letter) {
    case 'M': k.mixer = Mixer::recurrent; break;
    case '*': k.mixer = attention_mixer(a); break;
    case 'E': k.feed_forward = FeedForward::experts; break;
    default: k.feed_forward = FeedForward::dense;
  }
  return k;
}

FeedForward feed_forward_of(const Architecture& a, std::int64_t i) {
  if (has_experts(a, i)) return FeedForward::experts;
  const bool is_rwkv = a.recurrent.kind >= RecurrentKind::rwkv4 && a.recurrent.kind <= RecurrentKind::rwkv7;
  if (is_rwkv) return FeedForward::channel_mix;
  return a.ffn_hidden_size > 0 ? FeedForward::dense : FeedForward::none;
}

LayerKind decoder_kind(const Architecture& a, std::int64_t i) {
  if (!a.layer_pattern.empty())
    return part_kind(a, a.layer_pattern[static_cast<std::size_t>(i) % a.layer_pattern.size()]);
  LayerKind k{.mixer = attention_mixer(a), .feed_forward = feed_forward_of(a, i), .is_causal = a.causal};
  const bool is_attention = a.recurrent.kind == RecurrentKind::none ||
                            (a.attention_every > 0 && i % a.attention_every == a.attention_offset);
  if (!is_attention) k.mixer = Mixer::recurrent;
  if (is_attention && !is_global(a, i)) k.window = a.sliding_window;
  k.has_cross_attention = a.encoder_layers > 0;
  return k;
}

void append(LayerPlan& p, const LayerKind& kind) {
  auto at = std::find(p.kinds.begin(), p.kinds.end(), kind);
  if (at == p.kinds.end()) {
    p.kinds.push_back(kind);
    p.count.push_back(0);
    at = p.kinds.end() - 1;
  }
  const auto index = static_cast<std::size_t>(at - p.kinds.begin());
  ++p.count[index];
  p.kind_of_layer.push_back(static_cast<std::uint8_t>(index));
}

}  // namespace

LayerPlan layer_plan(const Architecture& a) {
  LayerPlan p;
  p.encoder_layers = a.encoder_layers;
  p.decoder_layers = a.layers;
  p.mtp_layers = a.mtp_layers;
  p.kind_of_layer.reserve(static_cast<std::size_t>(a.encoder_layers + a.layers + a.mtp_layers));
  const LayerKind encoder{.feed_forward = FeedForward::dense, .is_encoder = true, .is_causal = false};
  for (std::int64_t i = 0; i < a.encoder_layers; ++i) append(p, encoder);
  for (std::int64_t i = 0; i < a.layers; ++i) append(p, decoder_kind(a, i));
  for (std::int64_t i = 0; i < a.mtp_layers; ++i) {
    LayerKind kind = decoder_kind(a, a.layers + i);
    kind.is_mtp = true;
    append(p, kind);
  }
  return p;
}

namespace {

using Count = Traced<std::int64_t>;

constexpr Formula expert_layers_formula{"model.layers.experts", "layers with experts", "L - D", "definition",
                                        "D dense layers come first"};
constexpr Formula global_layers_formula{"model.layers.global", "layers that attend to everything",
                                        "floor((L - 1 - o) / n) + 1", "definition",
                                        "layer i is global when i mod n = o"};
constexpr Formula window_layers_formula{"model.layers.window", "layers that attend to a window", "L - g",
                                        "definition"};

bool has_one_pattern(const Architecture& a) {
  return a.layer_pattern.empty() && a.recurrent.kind == RecurrentKind::none && a.encoder_layers == 0;
}

/// All layers dense, or all with experts.
bool has_one_feed_forward(const Architecture& a) {
  return a.moe.experts == 0 || (a.moe.every == 1 && a.first_dense_layers == 0);
}

/// Dense layers first, experts in all others.
Count layers_before_experts(const Architecture& a, FeedForward part, Explain* ex) {
  const Count dense = input(ex, "model.first_dense_layers", a.first_dense_layers);
  if (part != FeedForward::experts) return dense;
  return note(ex, expert_layers_formula, a.layers - a.first_dense_layers,
              {{"L", input(ex, "model.layers", a.layers)}, {"D", dense}});
}

Count layers_between_windows(const Architecture& a, bool is_global, Explain* ex) {
  const Count all = input(ex, "model.layers", a.layers);
  const Count global = note(ex, global_layers_formula, (a.layers - 1 - a.global_offset) / a.global_every + 1,
                            {{"L", all},
                             {"o", input(ex, "model.global_offset", a.global_offset)},
                             {"n", input(ex, "model.global_every", a.global_every)}});
  if (is_global) return global;
  return note(ex, window_layers_formula, a.layers - global.value, {{"L", all}, {"g", global}});
}

}  // namespace

Traced<std::int64_t> layers_of(const Architecture& a, const LayerPlan& plan, std::size_t kind, Explain* ex) {
  const std::int64_t n = plan.count[kind];
  if (!ex) return {n, 0};
  const LayerKind& k = plan.kinds[kind];
  if (k.is_mtp && n == a.mtp_layers) return input(ex, "model.mtp_layers", n);
  if (k.is_encoder) return input(ex, "model.encoder_layers", n);
  if (n == a.layers) return input(ex, "model.layers", n);
  if (!k.is_mtp && has_one_pattern(a)) {
    const bool is_mixed = a.moe.experts > 0 && a.moe.every == 1;
    if (is_mixed && a.sliding_window == 0 && a.first_dense_layers <= a.layers) {
      const Count found = layers_before_experts(a, k.feed_forward, ex);
      if (found.value == n) return found;
    }
    if (has_one_feed_forward(a) && a.sliding_window > 0 && a.global_every > 0 && a.global_offset < a.layers) {
      const Count found = layers_between_windows(a, k.window == 0, ex);
      if (found.value == n) return found;
    }
  }
  const Origin counted{
      Origin::Kind::definition, {}, "counted over model.layers by the model's pattern (model/layers.h)", {}};
  return {n, ex->input("layers of the model: " + describe(k), static_cast<double>(n), Dim{}, counted)};
}

namespace {

constexpr Formula dense_before{"model.layers.dense_before", "dense layers among the first", "min(x, D)",
                               "definition", "D dense layers come first"};
constexpr Formula experts_before{"model.layers.experts_before", "layers with experts among the first",
                                 "max(x - D, 0)", "definition", "D dense layers come first"};
constexpr Formula global_before{
    "model.layers.global_before", "layers among the first that attend to everything",
    "max(floor((x - 1 - o) / n) + 1, 0)", "definition", "layer i is global when i mod n = o"};
constexpr Formula window_before{"model.layers.window_before",
                                "layers among the first that attend to a window", "x - g", "definition"};

std::int64_t counted_before(const LayerPlan& plan, std::size_t kind, std::int64_t before) {
  const auto end = std::min<std::int64_t>(before, static_cast<std::int64_t>(plan.kind_of_layer.size()));
  return std::count(plan.kind_of_layer.begin(), plan.kind_of_layer.begin() + end,
                    static_cast<std::uint8_t>(kind));
}

}  // namespace

Traced<std::int64_t> layers_among_first(const Architecture& a, const LayerPlan& plan, std::size_t kind,
                                        Traced<std::int64_t> before, Explain& ex) {
  const LayerKind& k = plan.kinds[kind];
  const std::int64_t n = counted_before(plan, kind, before.value);
  if (k.is_mtp || !has_one_pattern(a)) return {n, 0};
  if (a.moe.experts > 0 && a.moe.every == 1 && a.sliding_window == 0) {
    const Count D = input(&ex, "model.first_dense_layers", a.first_dense_layers);
    const bool has_experts = k.feed_forward == FeedForward::experts;
    const std::int64_t ruled =
        has_experts ? std::max<std::int64_t>(before.value - D.value, 0) : std::min(before.value, D.value);
    if (ruled == n)
      return note(&ex, has_experts ? experts_before : dense_before, n, {{"x", before}, {"D", D}});
  }
  if (has_one_feed_forward(a) && a.sliding_window > 0 && a.global_every > 0) {
    const Count o = input(&ex, "model.global_offset", a.global_offset),
                every = input(&ex, "model.global_every", a.global_every);
    const std::int64_t global = (before.value - 1 - o.value + every.value) / every.value;
    const Count g = note(&ex, global_before, global, {{"x", before}, {"o", o}, {"n", every}});
    if (k.window == 0 && global == n) return g;
    if (k.window > 0 && before.value - global == n)
      return note(&ex, window_before, n, {{"x", before}, {"g", g}});
  }
  return {n, 0};
}

std::string describe(const LayerKind& k) {
  std::string s = k.is_mtp ? "token prediction: " : k.is_encoder ? "encoder " : "";
  switch (k.mixer) {
    case Mixer::attention: s += "attention"; break;
    case Mixer::latent_attention: s += "latent attention"; break;
    case Mixer::recurrent: s += "recurrent"; break;
    case Mixer::none: break;
  }
  if (k.window > 0) s += " over " + std::to_string(k.window) + " tokens";
  if (k.has_cross_attention) s += " + cross attention";
  if (k.mixer != Mixer::none && k.feed_forward != FeedForward::none) s += ", ";
  switch (k.feed_forward) {
    case FeedForward::dense: s += "dense"; break;
    case FeedForward::experts: s += "experts"; break;
    case FeedForward::channel_mix: s += "channel mix"; break;
    case FeedForward::none: break;
  }
  return s;
}

}  // namespace ridge
