#pragma once
/// Peak device memory of a plan, by what it is spent on, stage by stage.
///
///   MemoryEstimate m = memory(prepared, plan);
///   m.peak_allocated.value                      // of the stage that holds most
///   m.stages[m.worst].parts                     // sum to it: weights, optimizer_states, activations...
///
/// Training  a step's memory is the largest of five moments; the parts are those of that moment:
///   loss            k micro-batches' activations, logits and loss
///   backward        the same activations, one layer's recomputation and gradients
///   backward_end    all gradients, one layer's activations, k - 1 micro-batches
///   scatter         ZeRO 2 and 3: gradients of embedding and head leave, in both formats
///   update          gradients, their second copy, the optimizer's temporaries, no activations
///   Gradients exist at the first two when the stack keeps them through the step or earlier
///   micro-batches left them (m > k).
/// Inference weights in their storage format, the cache of all sequences at its longest, one pass's
///           activations and logits.
/// Rounding  each part, what is reserved and host memory are whole bytes: the nearest, since a rank's share
///           of a tensor or the average of a format's layers need not be whole; sums are of whole parts
/// Reserved  allocated (1 + fragmentation), or what an engine's pool claims at start (memory_pool.h).
/// Parts     weights, gathered_weights, cast_weights, adapters, master_weights, optimizer_states,
///           gradients, gradient_buckets, unscattered_gradients, placeholder_gradients, activations,
///           embedding_activations, layer_workspace, logits_and_loss, update_workspace; kv_cache, logits;
///           workspace.  Those that are 0 at the peak are left out.
/// Assumes   tensors lie as the stack describes; allocations round up to nothing
/// Cost      2 microseconds for a 70B model over three dimensions, nothing recorded

#include "sim/estimate.h"
#include "sim/prepare.h"

namespace ridge {

/// Pre: the plan is resolved (data, expert_tensor >= 1).
MemoryEstimate memory(const Prepared&, const ParallelPlan&, Explain* ex = nullptr);

/// Micro-batches of a step: global_batch / (micro_batch data), at least 1.
std::int64_t micro_batches_per_step(const Training&, const ParallelPlan&);

namespace detail {
MemoryEstimate training_memory(const Prepared&, const Training&, const ParallelPlan&, Explain*);
MemoryEstimate inference_memory(const Prepared&, const Inference&, const ParallelPlan&, Explain*);
/// Bytes as they are counted and shown: the nearest whole number.
Traced<Bytes> whole_bytes(Traced<Bytes>, Explain* ex);
/// Adds a part that is not 0, in whole bytes.
void add_part(StageMemory&, std::string_view name, Traced<Bytes>, Explain* ex);
/// Sums the parts, adds fragmentation or pool.
void finish_stage(StageMemory&, const Prepared&, std::int64_t zero, Explain*);
/// Chooses the worst stage; capacity, outside, labels.
void finish_estimate(MemoryEstimate&, const Prepared&, Explain*);
}  // namespace detail

}  // namespace ridge
