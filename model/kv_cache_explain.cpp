#include "model/kv_cache.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace ridge {

namespace {

constexpr std::string_view latent_paper = "DeepSeek-AI 2024, arXiv:2405.04434, table 1";

constexpr Formula plain_width{"kv_cache.width", "bytes of a cached element", "bits / 8", "definition"};
constexpr Formula grouped_width{"kv_cache.width.grouped",
                                "bytes of a cached element with its share of scales",
                                "(bits + scale / n) / 8", "definition", "n elements share their scales"};
constexpr Formula latent_head{"kv_cache.latent_width", "width of a cached latent", "r + rope", latent_paper};
constexpr Formula window_formula{"kv_cache.tokens.window", "tokens that a window keeps",
                                 "min(context, W + sinks)", "definition"};
constexpr Formula head_elements{"kv_cache.layer.heads", "cached keys and values of a sequence on a device",
                                "2 * ceil(K / min(t, K)) * e * n", latent_paper,
                                "n tokens; the fullest of min(t, K) ranks"};
constexpr Formula latent_elements{"kv_cache.layer.latent", "cached latents of a sequence on a device",
                                  "(r + rope) * n", latent_paper, "every rank holds them"};
constexpr Formula state_share{"kv_cache.layer.state", "recurrent state of a sequence on a device",
                              "state / t", "definition"};
constexpr Formula part_sum{"kv_cache.layer", "cached elements of a sequence on a device", "sum(...)",
                           "definition"};

constexpr Formula mamba_state{"kv_cache.state.mamba", "state of a layer", "D * N + D * c",
                              "state-spaces/mamba@e9594ce mamba_simple.py"};
constexpr Formula mamba2_state{"kv_cache.state.mamba2", "state of a layer", "D * N + (D + 2 * g * N) * c",
                               "state-spaces/mamba@e9594ce mamba2.py"};
constexpr Formula rwkv4_state{"kv_cache.state.rwkv4", "state of a layer", "5 * d", "BlinkDL/RWKV-LM"};
constexpr Formula rwkv_state{"kv_cache.state.rwkv", "state of a layer", "(2 + e) * d", "BlinkDL/RWKV-LM"};
constexpr Formula delta_state{"kv_cache.state.gated_delta", "state of a layer",
                              "Hv * ek * ev + (2 * Hk * ek + Hv * ev) * c",
                              "huggingface/transformers modeling_qwen3_next.py"};

constexpr Formula per_token_formula{
    "kv_cache.elements_per_token", "cached elements that one more token adds", "sum(...)", "sum over layers",
    "windows not yet full; a model that never looks back (encoder) adds none"};
constexpr Formula grouped_formula{"kv_cache.token.heads", "elements a token over the layers of a kind",
                                  "2 * K * e * layers", latent_paper};
constexpr Formula latent_formula{"kv_cache.token.latent", "elements a token over the layers of a kind",
                                 "(r + rope) * layers", latent_paper};
constexpr Formula kind_formula{"kv_cache.elements.kind", "cached elements of the layers of a kind",
                               "sequences * layers * x", "definition"};
constexpr Formula elements_formula{"kv_cache.elements", "cached elements on one rank", "sum(...)",
                                   "sum over layers"};
constexpr Formula bytes_formula{"kv_cache.bytes", "cache bytes on one rank", "elements * width",
                                "definition"};

Traced<double> real(Traced<std::int64_t> n) { return {static_cast<double>(n.value), n.node}; }
Traced<double> field_of(Explain* ex, std::string_view key, std::int64_t n) {
  return input(ex, key, static_cast<double>(n));
}

Traced<double> state_elements(const Architecture& a, double value, Explain* ex) {
  const Recurrent& r = a.recurrent;
  const auto of = [&](std::string_view key, std::int64_t n) { return field_of(ex, key, n); };
  const auto D = of("model.recurrent.inner_size", r.inner_size),
             N = of("model.recurrent.state_size", r.state_size);
  const auto c = of("model.recurrent.conv_kernel", r.conv_kernel);
  switch (r.kind) {
    case RecurrentKind::mamba: return note(ex, mamba_state, value, {{"D", D}, {"N", N}, {"c", c}});
    case RecurrentKind::mamba2:
      return note(ex, mamba2_state, value,
                  {{"D", D}, {"N", N}, {"g", of("model.recurrent.groups", r.groups)}, {"c", c}});
    case RecurrentKind::rwkv4:
      return note(ex, rwkv4_state, value, {{"d", of("model.hidden_size", a.hidden_size)}});
    case RecurrentKind::gated_delta:
      return note(ex, delta_state, value,
                  {{"Hv", of("model.recurrent.value_heads", r.value_heads)},
                   {"ek", of("model.recurrent.key_head_dim", r.key_head_dim)},
                   {"ev", of("model.recurrent.value_head_dim", r.value_head_dim)},
                   {"Hk", of("model.recurrent.key_heads", r.key_heads)},
                   {"c", c}});
    default:
      return note(
          ex, rwkv_state, value,
          {{"e", of("model.recurrent.head_dim", r.head_dim)}, {"d", of("model.hidden_size", a.hidden_size)}});
  }
}

/// Keys and values of `n` tokens, or of the encoder's.
Traced<Elements> heads(const Architecture& a, Traced<double> n, Traced<double> t, Explain* ex) {
  const auto K = field_of(ex, "model.kv_heads", a.kv_heads), e = field_of(ex, "model.head_dim", a.head_dim);
  const double on_rank = std::ceil(K.value / std::min(t.value, K.value));
  return note(ex, head_elements, Elements{2 * on_rank * e.value * n.value},
              {{"K", K}, {"t", t}, {"e", e}, {"n", n}});
}

Traced<double> kept_tokens(const Architecture& a, const LayerKind& k, Traced<double> context, Explain* ex) {
  if (k.window == 0) return context;
  const auto W = field_of(ex, "model.sliding_window", k.window),
             sinks = field_of(ex, "model.sink_tokens", a.sink_tokens);
  return note(ex, window_formula, std::min(context.value, W.value + sinks.value),
              {{"context", context}, {"W", W}, {"sinks", sinks}});
}

Traced<Elements> traced_elements(const Architecture& a, const LayerKind& k, const CachedTokens& c,
                                 double value, Explain* ex) {
  const LayerCache cache = layer_cache(a, k);
  std::vector<Term> parts;
  if (cache.per_token > 0) {
    const auto n = kept_tokens(a, k, c.context, ex);
    if (k.mixer == Mixer::latent_attention)
      parts.emplace_back("latent",
                         note(ex, latent_elements, Elements{static_cast<double>(cache.per_token) * n.value},
                              {{"r", field_of(ex, "model.latent.kv_lora_rank", a.latent.kv_lora_rank)},
                               {"rope", field_of(ex, "model.latent.rope_head_dim", a.latent.rope_head_dim)},
                               {"n", n}}));
    else parts.emplace_back("own", heads(a, n, c.tensor, ex));
  }
  if (cache.per_encoder_token > 0) parts.emplace_back("encoder", heads(a, c.encoder_tokens, c.tensor, ex));
  if (cache.per_sequence > 0) {
    const auto state = state_elements(a, static_cast<double>(cache.per_sequence), ex);
    parts.emplace_back("state", note(ex, state_share, Elements{state.value / c.tensor.value},
                                     {{"state", state}, {"t", c.tensor}}));
  }
  if (parts.empty())
    return constant(ex, "nothing cached", Elements{0}, "this kind of layer never looks back");
  if (parts.size() == 1) return {Elements{value}, parts.front().node};
  return {Elements{value}, ex->note(part_sum, value, Elements::dim, parts)};
}

}  // namespace

Traced<BytesPerElement> cache_width(const Architecture& a, const CacheFormat& f, Explain* ex) {
  const bool is_latent = a.latent.kv_lora_rank > 0;
  const std::int64_t head =
      std::max<std::int64_t>(1, is_latent ? a.latent.kv_lora_rank + a.latent.rope_head_dim : a.head_dim);
  const BytesPerElement width = bytes_per_element(f, head);
  if (!ex) return {width, 0};
  const std::string key = "cache format " + f.name;
  const auto bits = constant(ex, key + ", bits", f.bits, f.source);
  if (f.group == 0) return note(ex, plain_width, width, {{"bits", bits}});
  const auto scale = constant(ex, key + ", bits of scales", f.scale_bits, f.source);
  Traced<double> n = constant(ex, key + ", elements in a group", static_cast<double>(f.group), f.source);
  if (f.group < 0 && is_latent)
    n = note(ex, latent_head, static_cast<double>(head),
             {{"r", field_of(ex, "model.latent.kv_lora_rank", a.latent.kv_lora_rank)},
              {"rope", field_of(ex, "model.latent.rope_head_dim", a.latent.rope_head_dim)}});
  else if (f.group < 0) n = field_of(ex, "model.head_dim", head);
  return note(ex, grouped_width, width, {{"bits", bits}, {"scale", scale}, {"n", n}});
}

Traced<Elements> cache_elements(const Architecture& a, const LayerKind& k, const CachedTokens& c,
                                Explain* ex) {
  const auto whole = [](Traced<double> n) { return static_cast<std::int64_t>(n.value); };
  const double value =
      cache_elements(layer_cache(a, k), whole(c.context), whole(c.encoder_tokens), whole(c.tensor));
  if (!ex) return {Elements{value}, 0};
  return traced_elements(a, k, c, value, ex);
}

Traced<std::int64_t> cache_elements_per_token(const Architecture& a, const LayerPlan& p, Explain* ex) {
  std::int64_t total = 0;
  std::vector<Term> terms;
  for (std::size_t k = 0; k < p.kinds.size(); ++k) {
    const std::int64_t each = layer_cache(a, p.kinds[k]).per_token;
    if (p.kinds[k].is_mtp || each == 0) continue;
    const auto layers = layers_of(a, p, k, ex);
    total += each * layers.value;
    if (!ex) continue;
    const bool is_latent = p.kinds[k].mixer == Mixer::latent_attention;
    terms.emplace_back(
        "kind", is_latent ? note(ex, latent_formula, each * layers.value,
                                 {{"r", input(ex, "model.latent.kv_lora_rank", a.latent.kv_lora_rank)},
                                  {"rope", input(ex, "model.latent.rope_head_dim", a.latent.rope_head_dim)},
                                  {"layers", layers}})
                          : note(ex, grouped_formula, each * layers.value,
                                 {{"K", input(ex, "model.kv_heads", a.kv_heads)},
                                  {"e", input(ex, "model.head_dim", a.head_dim)},
                                  {"layers", layers}}));
  }
  if (!ex) return {total, 0};
  if (terms.empty()) return {0, constant(ex, "kv_cache.none", 0.0, "no layer caches keys and values").node};
  return {total, ex->note(per_token_formula, static_cast<double>(total), Dim{}, terms)};
}

Traced<Bytes> cache_bytes(const Architecture& a, const LayerPlan& p, const CacheFormat& f,
                          std::int64_t sequences, std::int64_t context, std::int64_t encoder_tokens,
                          std::int64_t tensor, Explain* ex) {
  const auto asked = [ex](std::string_view what, std::int64_t n) {
    const double v = static_cast<double>(n);
    return ex ? constant(ex, std::string(what) + ": " + format_number(v), v, "asked for") : Traced<double>{v};
  };
  const CachedTokens cached{asked("tokens of a sequence", context), asked("encoder tokens", encoder_tokens),
                            asked("tensor parallel ranks", tensor)};
  const auto n = asked("cached sequences", sequences);
  double elements = 0;
  std::vector<Term> terms;
  for (std::size_t k = 0; k < p.kinds.size(); ++k) {
    if (p.kinds[k].is_mtp) continue;
    const auto x = cache_elements(a, p.kinds[k], cached, ex);
    const auto layers = real(layers_of(a, p, k, ex));
    const double part = n.value * layers.value * x.value.value();
    elements += part;
    if (ex)
      terms.emplace_back(
          "kind", note(ex, kind_formula, Elements{part}, {{"sequences", n}, {"layers", layers}, {"x", x}}));
  }
  const auto width = cache_width(a, f, ex);
  const Bytes bytes = Elements{elements} * width.value;
  if (!ex) return {bytes, 0};
  const Traced<Elements> all =
      terms.empty()
          ? constant(ex, "kv_cache.none", Elements{0}, "no layer caches anything")
          : Traced<Elements>{Elements{elements}, ex->note(elements_formula, elements, Elements::dim, terms)};
  return note(ex, bytes_formula, bytes, {{"elements", all}, {"width", width}});
}

}  // namespace ridge
