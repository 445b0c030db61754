#pragma once
/// Internal to flops.cpp and its record flops_explain.cpp: the factors of single operators.

#include "model/flops.h"

namespace ridge::flop_parts {

/// Tokens that pass a product with a weight in one layer, all sequences; 0 when the tensor is none.
double product_tokens(const Architecture&, const Tensor&, const LayerKind&, const TokenBatch&);
/// Copies of it that one token passes: k of the experts.
std::int64_t copies_passed(const Architecture&, const Tensor&);
double product(const Architecture&, const Tensor&, const LayerKind&, const TokenBatch&);

/// Whether latent attention runs absorbed.
bool is_absorbed(const Architecture&, const LayerKind&, const TokenBatch&);
/// e_qk + e_v of the attention core.
std::int64_t core_width(const Architecture&, const LayerKind&, bool absorbed);
/// Pairs of one sequence, cross attention included.
double pairs(const Architecture&, const LayerKind&, const TokenBatch&);
double scan_per_token(const Recurrent&);
/// Tokens of the layer's stack, all sequences.
double layer_tokens(const LayerKind&, const TokenBatch&);
/// Attention core (own and cross) or scan of one layer.
double core(const Architecture&, const LayerKind&, const TokenBatch&);

/// Tokens that pass a product outside the layers; 0 when there is none.
double outer_tokens(const Architecture&, const Tensor&, const TokenBatch&, std::int64_t head_tokens);
double outer(const Architecture&, const Tensor&, const TokenBatch&, std::int64_t head_tokens);

}  // namespace ridge::flop_parts
