#pragma once
/// Exact FLOPs of a pass, operator by operator.  A multiply-add counts 2.
///
///   product          2·tokens·out·in                       over the tensors of inventory.h
///   attention core   2·H·(e_qk + e_v)·pairs                pairs = query-key pairs computed
///   latent, absorbed 2·H·(2 r + rope)·pairs, with q and v products through the latent space
///   Mamba scan       9·D·N a token (exp and three multiply-adds); Mamba-2 4·D·N + 2·D
///   LM head          2·tokens·d·V
///
/// Norms, activations and softmax are left out, as in every published FLOP count.
/// Backward: each product costs its forward twice (input and weight gradient), as does the core.
/// Published closed forms, which leave out or halve some of these terms: tests/model/published_flops.h.

#include "model/inventory.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace ridge {

/// The tokens of one pass.  Prefill and training: past 0; decode: tokens 1.
struct TokenBatch {
  std::int64_t sequences = 1;
  std::int64_t tokens = 1;          ///< new tokens per sequence
  std::int64_t past = 0;            ///< tokens of the sequence already in the cache
  std::int64_t encoder_tokens = 0;  ///< per sequence, of an encoder-decoder
  /// Kernels that compute the whole square although half of it is masked: core counted in full.
  bool full_attention = false;
  /// Latent attention: attend in the latent space (true), or make keys and values of all tokens from it
  /// again (false); absent: whichever costs less, as engines choose for prefill and for decode.
  std::optional<bool> latent_absorbed = {};
  /// Where the counts above are recorded; 0: they are inputs of their own.
  NodeId sequences_node = 0, tokens_node = 0, past_node = 0, encoder_node = 0;
};

/// Query-key pairs of one sequence in one layer, summed exactly:
///   full              n (p + n)
///   causal            n p + n (n + 1)/2 ; `full_attention` or an encoder: full
///   window W, causal  sum over i of min(p + i + 1, W + sinks)
/// The customary half square n²/2 differs from the causal sum by n/2.
double attended_pairs(std::int64_t tokens, std::int64_t past, std::int64_t window, std::int64_t sinks,
                      bool is_causal);

/// Forward FLOPs of one operator of one layer.
struct OperatorFlop {
  TensorRole role;       ///< the tensor of a product; o for the attention core, ssm_out for a scan
  bool is_core = false;  ///< not a product with a weight
  std::int16_t layer_kind = -1;
  Flop forward;
};

/// Sums of the above for one layer (or the whole model).
struct FlopSums {
  Flop attention_products, attention_core, feed_forward, router, recurrent, head, other;
  Flop total() const {
    return attention_products + attention_core + feed_forward + router + recurrent + head + other;
  }
  FlopSums& operator+=(const FlopSums&);
};

/// One layer of kind `kind`, all sequences.
FlopSums layer_forward_flop(const Architecture&, const Inventory&, std::size_t kind, const TokenBatch&);
/// What stands outside the layers: embedding projections and the head.  `head_tokens`: tokens per
/// sequence for which logits are computed (prefill: 1).
FlopSums outer_forward_flop(const Architecture&, const Inventory&, const TokenBatch&,
                            std::int64_t head_tokens);
/// The whole model.
Traced<Flop> forward_flop(const Architecture&, const Inventory&, const TokenBatch&, std::int64_t head_tokens,
                          Explain* ex = nullptr);
/// Forward, input gradient and weight gradient: three times the forward pass.
Traced<Flop> training_flop(const Architecture&, const Inventory&, const TokenBatch&, Explain* ex = nullptr);

/// The list behind the sums, for reports: one entry per tensor and core of each kind, one layer each.
std::vector<OperatorFlop> forward_operators(const Architecture&, const Inventory&, const TokenBatch&,
                                            std::int64_t head_tokens);

}  // namespace ridge
