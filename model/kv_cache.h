#pragma once
/// What a sequence keeps between tokens: keys and values, a latent, or recurrent state.
///
///   multi-head, grouped, multi-query   2·K·e  elements a token and layer
///   latent                             r + rope
///   window W with s sinks              min(T, W + s) tokens instead of T
///   cross attention                    2·K·e a encoder token and decoder layer, once
///   Mamba                              D·N + D·K_c a sequence and layer; Mamba-2 D·N + (D + 2 g N)·K_c
///   RWKV-4 5·d; RWKV-5, 6, 7 (2 + head_dim)·d ; gated delta  heads·e_k·e_v + conv
///
/// Tensor parallelism divides the K heads by min(t, K), so min(t, K) also divides the bytes; the
/// latent is replicated on every rank; recurrent state divides by t.

#include "model/inventory.h"

#include <cstdint>
#include <string_view>

namespace ridge {

/// Storage of cached elements: bf16, fp8, or groups with scales (int8: one fp16 scale per token and
/// head; int4 groups of 32 with scale and zero point; llama.cpp blocks).
struct CacheFormat {
  std::string name = "bf16";
  double bits = 16;
  std::int64_t group = 0;  ///< elements sharing a scale; 0: none; -1: one head
  double scale_bits = 0;   ///< of scale and zero point together, per group
  std::string source;
  friend bool operator==(const CacheFormat&, const CacheFormat&) = default;
};

/// Bytes of one element with its share of scales: bits/8 + scale_bits/8/group.
BytesPerElement bytes_per_element(const CacheFormat&, std::int64_t head_dim);
/// The same for a model's heads; of latent attention, r + rope elements are one head.
Traced<BytesPerElement> cache_width(const Architecture&, const CacheFormat&, Explain* ex = nullptr);

/// bf16 fp16 fp32 fp8 int8 int4 q8_0 q4_0 nvfp4 ...; "" name when unknown.
CacheFormat cache_format(std::string_view name);
std::vector<std::string> cache_format_names();

/// Cache of one layer of one kind.
struct LayerCache {
  std::int64_t per_token = 0;    ///< elements each further token adds while inside the window
  std::int64_t token_limit = 0;  ///< tokens kept at most; 0: no limit
  std::int64_t per_encoder_token = 0;
  std::int64_t per_sequence = 0;   ///< recurrent state
  std::int64_t divisor_limit = 0;  ///< tensor parallel ranks that share the token part: K; latent 1
};
LayerCache layer_cache(const Architecture&, const LayerKind&);

/// Elements of one layer for one sequence, on the fullest of `tensor` ranks.
double cache_elements(const LayerCache&, std::int64_t context, std::int64_t encoder_tokens,
                      std::int64_t tensor);

/// What a sequence keeps, and over how many ranks.
struct CachedTokens {
  Traced<double> context;         ///< tokens of its own
  Traced<double> encoder_tokens;  ///< tokens that cross attention reads
  Traced<double> tensor;          ///< tensor-parallel ranks
};
/// Elements of one layer of a kind for one sequence on the fullest rank; opens to the model's fields.
Traced<Elements> cache_elements(const Architecture&, const LayerKind&, const CachedTokens&,
                                Explain* ex = nullptr);

/// Elements that one more token adds over all layers, windows not yet full.
Traced<std::int64_t> cache_elements_per_token(const Architecture&, const LayerPlan&, Explain* ex = nullptr);

/// Bytes of `sequences` sequences of `context` tokens over all layers on one rank.
Traced<Bytes> cache_bytes(const Architecture&, const LayerPlan&, const CacheFormat&, std::int64_t sequences,
                          std::int64_t context, std::int64_t encoder_tokens = 0, std::int64_t tensor = 1,
                          Explain* ex = nullptr);

/// Tokens of a window-limited cache with blocks of `block` tokens: ceil(T / block)·block.
constexpr std::int64_t paged_tokens(std::int64_t context, std::int64_t block) {
  return block > 0 ? (context + block - 1) / block * block : context;
}

}  // namespace ridge
