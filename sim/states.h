#pragma once
/// Model states a device holds: weights, gradients, master weights and optimizer moments, under tensor,
/// pipeline and expert parallelism, ZeRO 0 to 3, offload and low-rank adapters.
///
///   HeldElements held = held_elements(prepared, stage, plan);
///   state_bytes(held, BytesPerElement{8}, state_shards(plan, 1));    // moments: sharded from ZeRO-1 on
///
/// Elements  a layer's dense part is r + x / t + y / min(t, K), its experts E / (e et) + R / e
///           r, R replicated, x divided by tensor degree t, y keys and values of K heads, E experts'
///           matrices, e and et expert and expert-tensor degrees                     [inventory.h]
/// Bytes     width (dense / n + experts / n_e), n = data context ranks with the same dense weights,
///           n_e = data context tensor / (e et) with the same experts; both 1 below the ZeRO stage that
///           shards the state (Rajbhandari et al. 2020: 1 optimizer, 2 gradients, 3 weights)
/// Check     mixed-16, 7.5e9 parameters, n = 64: ZeRO 0 to 3 hold 120, 31.4, 16.6, 1.9 GB
/// Not here  which of them exist at which moment of a step (memory.h)

#include "base/explain.h"
#include "sim/partition.h"
#include "sim/prepare.h"
#include "sim/recipe.h"

namespace ridge {

/// Parameters one device of a stage holds before ZeRO cuts them.
struct HeldElements {
  Traced<Elements> dense, experts;
  Traced<Elements> layer;        ///< largest single layer, experts included
  Traced<Elements> layer_dense;  ///< largest dense part of a layer
  Traced<Elements> ends;         ///< embedding, final norm, head; part of dense
  Traced<Elements> head;         ///< the output projection alone; part of ends
  Traced<Elements> adapters;     ///< trained low-rank matrices, 0 without
};

/// `is_table_sharded`: whether tensor parallelism divides the token table's rows for the look-up.
HeldElements held_elements(const Prepared&, const StageLayers&, const ParallelPlan&, Explain* ex = nullptr,
                           bool is_table_sharded = true);

/// Ranks a state is spread over.
struct StateShards {
  Traced<double> dense{1}, experts{1};
};
/// Ranks that hold the same dense weights, and the same experts.
StateShards all_replicas(const ParallelPlan&, Explain* ex = nullptr);
/// Shards of a state that ZeRO cuts from `stage` on (1 optimizer, 2 gradients, 3 weights).
StateShards state_shards(const ParallelPlan&, std::int64_t stage, Explain* ex = nullptr);

/// width (dense / n + experts / n_e).
Traced<Bytes> state_bytes(Traced<Elements> dense, Traced<Elements> experts, Traced<BytesPerElement> width,
                          const StateShards&, Explain* ex = nullptr);

/// Bytes of a frozen weight in double-quantised NF4: (4 + 8/64 + 32/(64 256)) / 8.
Traced<BytesPerElement> quantised_width(Explain* ex = nullptr);

/// Bytes of all optimizer states per parameter, master weights apart: the optimizer's own figure, or
/// its moment-sized states at half of the recipe's two moments each (Adam 2, Lion 1, SGD 0).
Traced<BytesPerElement> optimizer_width(const PrecisionRecipe&, const OptimizerRecipe&,
                                        Explain* ex = nullptr);

/// True when the recipe's weights are the optimizer's full-precision copy and products read a narrower
/// gathered one (FSDP mixed precision): ZeRO cuts them from stage 1 on.
constexpr bool weights_are_master(const PrecisionRecipe& r) {
  return !r.cast_per_use && r.gathered < r.weights && r.master.value() == 0;
}

/// Bytes per parameter of an unsharded step: weights, gradients, master, optimizer states, and the
/// second gradient copy of the update (mixed-bf16 18, mixed-16 16, mixed-224444 20).
BytesPerElement bytes_per_parameter(const PrecisionRecipe&, const OptimizerRecipe&);

}  // namespace ridge
