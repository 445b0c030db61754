#pragma once
/// Activations that training keeps from the forward to the backward pass, from the `keep` terms of the
/// software stack's passes.
///
///   TokenLoad load = token_load(training, plan);
///   LayerActivations a = layer_activations(prepared, kind, plan, load);
///
/// kept        none       all passes' keep terms
///             selective  those not marked selective
///             full       the layer's input alone, model width
/// recomputed  what one layer's recomputation brings back while its backward pass runs
/// gradients   gradients alive in one layer's backward pass: of the widest tensors it goes through,
///             2 f + f gated (f + f plain) or queries, keys, values and attention output (and two score
///             matrices where the core keeps them), beside the gradient of the layer's input
/// Autocast    (recipe.cast_per_use) the residual stream stays in the weights' width, and every product
///             that reads a normed input saves a cast copy of its own (PyTorch torch.amp); compiled
///             graphs (stack.casts_again) keep the residual stream alone and cast again
/// Adapters    (stack.adapter_input) each low-rank adapter keeps its input in a format of its own, the
///             frozen product beside it none (PEFT: fp32 adapters on a bf16 model)
/// Checks      Korthikanti et al. 2022 (arXiv 2205.05198): with stack megatron-lm s b h (10 + 24/t +
///             5 a s/(h t)), with sequence parallelism s b h (34 + 5 a s/h)/t, selective 34 s b h/t,
///             full 2 s b h: tests/conformance/korthikanti-2022.yaml

#include "base/explain.h"
#include "sim/prepare.h"

namespace ridge {

/// Tokens a device works on at once.
struct TokenLoad {
  Traced<Tokens> tokens;    ///< b s / c
  Traced<double> attended;  ///< keys seen by a query: s
  Recompute recompute = Recompute::none;
};
TokenLoad token_load(const Training&, const ParallelPlan&, Explain* ex = nullptr);

/// Bytes of one layer, one micro-batch, one device.
struct LayerActivations {
  Traced<Bytes> kept, recomputed, gradients;
};
LayerActivations layer_activations(const Prepared&, std::size_t kind, const ParallelPlan&, const TokenLoad&,
                                   Explain* ex = nullptr);

/// Kept by the embedding's passes.
Traced<Bytes> embedding_activations(const Prepared&, const ParallelPlan&, const TokenLoad&,
                                    Explain* ex = nullptr);
/// Final norm, logits and loss while the loss is computed, prediction modules included.
Traced<Bytes> loss_activations(const Prepared&, const ParallelPlan&, const TokenLoad&, Explain* ex = nullptr);
/// What a micro-batch whose loss is known keeps of it until its backward pass: logits, and
/// log-probabilities in fp32.
Traced<Bytes> waiting_loss(const Prepared&, const ParallelPlan&, const TokenLoad&, Explain* ex = nullptr);

}  // namespace ridge
