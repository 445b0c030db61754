#pragma once
/// FLOP counts as publications define them, for comparison with their tables.  They differ from
/// each other and from flops.h (model/) in what they leave out; every function says what.
///
/// Symbols  B sequences, s tokens a sequence, L layers, h hidden_size, H heads, Q head_dim, N parameters,
///          V vocab_size, T context.

#include "base/explain.h"

#include <cstdint>

namespace ridge {

/// Sizes of a GPT as the Megatron papers count them (f = 4 h, no biases, norms or positions).
struct GptShape {
  std::int64_t layers, hidden_size, vocab_size, sequence_length, sequences;
};

inline constexpr Formula two_n_formula{"flops.published.two_n", "forward FLOPs of one token", "2*N",
                                       "Kaplan et al. 2020, arXiv:2001.08361, section 2.1",
                                       "N without looked-up embeddings; attention core left out"};
/// 2 N a token.
Traced<FlopPerToken> two_n_flop(Traced<std::int64_t> parameters, Explain* ex = nullptr);

inline constexpr Formula six_n_formula{"flops.published.six_n", "training FLOPs of one token", "6*N",
                                       "Kaplan et al. 2020, arXiv:2001.08361, section 2.1",
                                       "forward 2 N, backward 4 N; attention core left out"};
/// 6 N a token.
Traced<FlopPerToken> six_n_flop(Traced<std::int64_t> parameters, Explain* ex = nullptr);

inline constexpr Formula palm_formula{
    "flops.published.palm", "training FLOPs of one token", "6*N + 12*L*H*Q*T",
    "Chowdhery et al. 2022, arXiv:2204.02311, appendix B", "full attention square; no recomputation"};
Traced<FlopPerToken> palm_flop(Traced<std::int64_t> parameters, Traced<std::int64_t> layers,
                               Traced<std::int64_t> heads, Traced<std::int64_t> head_dim,
                               Traced<std::int64_t> context, Explain* ex = nullptr);

inline constexpr Formula torchtitan_formula{"flops.published.torchtitan", "training FLOPs of one token",
                                            "6*(N - N_emb) + 6*L*H*Q*T",
                                            "pytorch/torchtitan@b5bcd76 torchtitan/models/utils.py",
                                            "causal attention halved; N_emb the token embedding"};
Traced<FlopPerToken> torchtitan_flop(Traced<std::int64_t> parameters, Traced<std::int64_t> embedding,
                                     Traced<std::int64_t> layers, Traced<std::int64_t> heads,
                                     Traced<std::int64_t> head_dim, Traced<std::int64_t> context,
                                     Explain* ex = nullptr);

inline constexpr Formula megatron_recompute_formula{
    "flops.published.megatron_full_recompute", "FLOPs of one training step",
    "96*B*s*L*h^2*(1 + s/(6*h) + V/(16*L*h))", "Narayanan et al. 2021, arXiv:2104.04473, section 5.1",
    "GPT with f = 4 h; every layer computed twice forward"};
Traced<Flop> megatron_recompute_flop(const GptShape&, Explain* ex = nullptr);

inline constexpr Formula megatron_formula{
    "flops.published.megatron_model", "model FLOPs of one training step",
    "72*B*s*L*h^2*(1 + s/(6*h) + V/(12*L*h))", "Korthikanti et al. 2022, arXiv:2205.05198, appendix A",
    "GPT with f = 4 h; no recomputation; full attention square"};
/// Also the model FLOPs of MFU in Korthikanti's Table 5.
Traced<Flop> megatron_model_flop(const GptShape&, Explain* ex = nullptr);

inline constexpr Formula korthikanti_hardware_formula{
    "flops.published.korthikanti_hardware",
    "hardware FLOPs of one training step under selective recomputation",
    "72*B*s*L*h^2*(1 + s/(3*h) + V/(12*L*h))", "Korthikanti et al. 2022, arXiv:2205.05198, appendix A",
    "as printed; recomputing the attention core once would give 2 s/(9 h) instead of s/(3 h)"};
Traced<Flop> korthikanti_hardware_flop(const GptShape&, Explain* ex = nullptr);

}  // namespace ridge
