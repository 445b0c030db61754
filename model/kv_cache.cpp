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
  std::string_view source;
};

constexpr std::string_view plain = "definition of the format",
                           ggml = "ggml-org/llama.cpp ggml/src/ggml-common.h: blocks of 32";

// Groups of -1 span one head.
constexpr NamedFormat cache_formats[] = {
    {"bf16", 16, 0, 0, plain},
    {"fp16", 16, 0, 0, plain},
    {"fp32", 32, 0, 0, plain},
    {"fp8", 8, 0, 0, plain},
    {"int8", 8, -1, 16, "one 16-bit scale for each token and head"},
    {"int4", 4, 32, 32, "groups of 32 with a 16-bit scale and zero point"},
    {"q8_0", 8, 32, 16, ggml},
    {"q5_0", 5, 32, 16, ggml},
    {"q5_1", 5, 32, 32, ggml},
    {"q4_0", 4, 32, 16, ggml},
    {"q4_1", 4, 32, 32, ggml},
    {"nvfp4", 4, 16, 8, "NVIDIA NVFP4: 16 elements share an 8-bit scale"},
    {"mxfp4", 4, 32, 8, "OCP Microscaling Formats 1.0: 32 elements share an 8-bit scale"},
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
    if (f.name == name) return {std::string(name), f.bits, f.group, f.scale_bits, std::string(f.source)};
  return {"", 16, 0, 0, ""};
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

}  // namespace ridge
