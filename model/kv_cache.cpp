#include "model/kv_cache.h"

#include <algorithm>
#include <string>

namespace ridge {

namespace {

struct NamedFormat {
  std::string_view name;
  double bits;
  std::int64_t group;
  double scale_bits;
};

// Groups of -1 span one head.
constexpr NamedFormat cache_formats[] = {
    {"bf16", 16, 0, 0},  {"fp16", 16, 0, 0},  {"fp32", 32, 0, 0},  {"fp8", 8, 0, 0},    {"int8", 8, -1, 16},
    {"int4", 4, 32, 32}, {"q8_0", 8, 32, 16}, {"q5_0", 5, 32, 16}, {"q5_1", 5, 32, 32}, {"q4_0", 4, 32, 16},
    {"q4_1", 4, 32, 32}, {"nvfp4", 4, 16, 8}, {"mxfp4", 4, 32, 8},
};

std::int64_t recurrent_state(const Recurrent& r, std::int64_t hidden) {
  const std::int64_t conv = r.inner_size * r.conv_kernel;
  switch (r.kind) {
    case RecurrentKind::mamba: return r.inner_size * r.state_size + conv;
    case RecurrentKind::mamba2:
      return r.inner_size * r.state_size + (r.inner_size + 2 * r.groups * r.state_size) * r.conv_kernel;
    case RecurrentKind::rwkv4: return 5 * hidden;
    case RecurrentKind::rwkv5:
    case RecurrentKind::rwkv6:
    case RecurrentKind::rwkv7: return (2 + r.head_dim) * hidden;
    case RecurrentKind::gated_delta:
      return r.value_heads * r.key_head_dim * r.value_head_dim +
             (2 * r.key_heads * r.key_head_dim + r.value_heads * r.value_head_dim) * r.conv_kernel;
    case RecurrentKind::none: break;
  }
  return 0;
}

}  // namespace

BytesPerElement bytes_per_element(const CacheFormat& f, std::int64_t head_dim) {
  const std::int64_t group = f.group < 0 ? head_dim : f.group;
  const double scale = group > 0 ? f.scale_bits / static_cast<double>(group) : 0;
  return BytesPerElement{(f.bits + scale) / 8};
}

CacheFormat cache_format(std::string_view name) {
  for (const NamedFormat& f : cache_formats)
    if (f.name == name) return {std::string(name), f.bits, f.group, f.scale_bits};
  return {"", 16, 0, 0};
}

std::vector<std::string> cache_format_names() {
  std::vector<std::string> names;
  for (const NamedFormat& f : cache_formats) names.emplace_back(f.name);
  return names;
}

LayerCache layer_cache(const Architecture& a, const LayerKind& k) {
  LayerCache c;
  if (k.is_encoder) return c;
  switch (k.mixer) {
    case Mixer::attention:
      c.per_token = 2 * key_value_width(a);
      c.divisor_limit = a.kv_heads;
      if (k.window > 0) c.token_limit = k.window + a.sink_tokens;
      break;
    case Mixer::latent_attention:
      c.per_token = a.latent.kv_lora_rank + a.latent.rope_head_dim;
      c.divisor_limit = 1;
      if (k.window > 0) c.token_limit = k.window + a.sink_tokens;
      break;
    case Mixer::recurrent: c.per_sequence = recurrent_state(a.recurrent, a.hidden_size); break;
    case Mixer::none: break;
  }
  if (k.has_cross_attention) c.per_encoder_token = 2 * key_value_width(a);
  return c;
}

double cache_elements(const LayerCache& c, std::int64_t context, std::int64_t encoder_tokens,
                      std::int64_t tensor) {
  const std::int64_t kept = c.token_limit > 0 ? std::min(context, c.token_limit) : context;
  const double tokens = static_cast<double>(c.per_token) * static_cast<double>(kept) +
                        static_cast<double>(c.per_encoder_token) * static_cast<double>(encoder_tokens);
  const std::int64_t limit = std::max<std::int64_t>(1, c.divisor_limit),
                     degree = std::clamp<std::int64_t>(tensor, 1, limit);
  const std::int64_t heads_per_rank =
      (limit + degree - 1) / degree;  // the fullest rank when K is not a multiple of t
  return tokens * static_cast<double>(heads_per_rank) / static_cast<double>(limit) +
         static_cast<double>(c.per_sequence) / static_cast<double>(std::max<std::int64_t>(1, tensor));
}

namespace {

constexpr Formula per_token_formula{
    "kv_cache.elements_per_token", "cached elements that one more token adds", "sum(...)", "sum over layers",
    "windows not yet full; a model that never looks back (encoder) adds none"};
constexpr Formula grouped_formula{"kv_cache.layer.heads", "elements a token over the layers of a kind",
                                  "2*K*e*layers", "DeepSeek-AI 2024, arXiv:2405.04434, table 1"};
constexpr Formula latent_formula{"kv_cache.layer.latent", "elements a token over the layers of a kind",
                                 "(r + rope)*layers", "DeepSeek-AI 2024, arXiv:2405.04434, table 1"};
constexpr Formula bytes_formula{"kv_cache.bytes", "cache bytes on one rank", "elements*width", "definition"};
constexpr Formula elements_formula{"kv_cache.elements", "cached elements on one rank", "sum(...)",
                                   "sum over layers"};
constexpr Formula kind_formula{"kv_cache.elements.kind",
                               "cached elements of the layers of a kind on one rank",
                               "sequences*layers*((per_token*select(limit, min(context, limit), context) + "
                               "per_encoder*encoder)*share + state/t)",
                               "definition", "share: K/V heads of the fullest rank over K"};

Traced<std::int64_t> layers_of(const LayerPlan& p, std::size_t k, Explain* ex) {
  if (!ex) return {p.count[k], 0};
  const double n = static_cast<double>(p.count[k]);
  const std::string key = "layers of a kind: " + format_number(n);
  return {p.count[k], constant(ex, key, n, "layers and the pattern of the model").node};
}

Traced<std::int64_t> per_token(const Architecture& a, const LayerPlan& p, std::size_t k, Explain* ex) {
  const std::int64_t value = layer_cache(a, p.kinds[k]).per_token * p.count[k];
  if (!ex) return {value, 0};
  const auto layers = layers_of(p, k, ex);
  if (p.kinds[k].mixer == Mixer::latent_attention)
    return note(ex, latent_formula, value,
                {{"r", input(ex, "model.latent.kv_lora_rank", a.latent.kv_lora_rank)},
                 {"rope", input(ex, "model.latent.rope_head_dim", a.latent.rope_head_dim)},
                 {"layers", layers}});
  return note(ex, grouped_formula, value,
              {{"K", input(ex, "model.kv_heads", a.kv_heads)},
               {"e", input(ex, "model.head_dim", a.head_dim)},
               {"layers", layers}});
}

}  // namespace

Traced<std::int64_t> cache_elements_per_token(const Architecture& a, const LayerPlan& p, Explain* ex) {
  std::int64_t total = 0;
  std::vector<Term> terms;
  for (std::size_t k = 0; k < p.kinds.size(); ++k) {
    if (p.kinds[k].is_mtp || layer_cache(a, p.kinds[k]).per_token == 0) continue;
    const auto part = per_token(a, p, k, ex);
    total += part.value;
    if (ex) terms.emplace_back("kind", part);
  }
  if (!ex) return {total, 0};
  if (terms.empty()) return {0, constant(ex, "kv_cache.none", 0.0, "no layer caches keys and values").node};
  return {total, ex->note(per_token_formula, static_cast<double>(total), Dim{}, terms)};
}

Traced<Bytes> cache_bytes(const Architecture& a, const LayerPlan& p, const CacheFormat& f,
                          std::int64_t sequences, std::int64_t context, std::int64_t encoder_tokens,
                          std::int64_t tensor, Explain* ex) {
  double elements = 0;
  std::vector<Term> terms;
  for (std::size_t k = 0; k < p.kinds.size(); ++k) {
    if (p.kinds[k].is_mtp) continue;
    const LayerCache c = layer_cache(a, p.kinds[k]);
    const double part =
        static_cast<double>(sequences * p.count[k]) * cache_elements(c, context, encoder_tokens, tensor);
    elements += part;
    if (!ex || part == 0) continue;
    // One record may hold caches of several sizes, so that a key names its value.
    const auto number = [&](std::string_view what, auto v) {
      const auto value = static_cast<double>(v);
      return constant(ex, std::string(what) + ' ' + format_number(value), value, "cache of a layer");
    };
    const std::int64_t limit = std::max<std::int64_t>(1, c.divisor_limit),
                       degree = std::clamp<std::int64_t>(tensor, 1, limit);
    const double share = static_cast<double>((limit + degree - 1) / degree) / static_cast<double>(limit);
    terms.emplace_back(
        "kind", note(ex, kind_formula, part,
                     {{"sequences", number("cached sequences:", sequences)},
                      {"layers", layers_of(p, k, ex)},
                      {"per_token", number("cached elements a token and layer:", c.per_token)},
                      {"limit", number("tokens kept at most, 0 all:", c.token_limit)},
                      {"context", number("tokens of a sequence:", context)},
                      {"per_encoder", number("cached elements an encoder token:", c.per_encoder_token)},
                      {"encoder", number("encoder tokens:", encoder_tokens)},
                      {"share", number("share of the heads on the fullest rank:", share)},
                      {"state", number("recurrent state, elements:", c.per_sequence)},
                      {"t", number("tensor parallel ranks:", tensor)}}));
  }
  const std::int64_t head =
      a.latent.kv_lora_rank > 0 ? a.latent.kv_lora_rank + a.latent.rope_head_dim : a.head_dim;
  const BytesPerElement width = bytes_per_element(f, head);
  const Bytes bytes = Elements{elements} * width;
  if (!ex) return {bytes, 0};
  const Traced<Elements> all =
      terms.empty()
          ? constant(ex, "kv_cache.none", Elements{0}, "no layer caches anything")
          : Traced<Elements>{Elements{elements}, ex->note(elements_formula, elements, Elements::dim, terms)};
  return note(
      ex, bytes_formula, bytes,
      {{"elements", all},
       {"width", constant(ex, "bytes per cached element, " + f.name, width, "cache format " + f.name)}});
}

}  // namespace ridge
