#pragma once
/// Inside of training memory: sizes that all stages share, sizes of one stage, and the parts of a stage
/// at one moment of a step (memory.h says which moments there are).

#include "sim/activations.h"
#include "sim/memory.h"
#include "sim/stated.h"
#include "sim/states.h"

#include <algorithm>
#include <array>

namespace ridge::detail {

enum class Moment { loss, backward, backward_end, scatter, update };

/// What all stages share: activations per layer kind and the shards of each state.
struct StepSizes {
  const Prepared& p;
  const Training& training;
  const ParallelPlan& plan;
  Explain* ex;
  const PrecisionRecipe& recipe = p.scenario.precision;
  const SoftwareStack& stack = p.scenario.software;
  TokenLoad load = token_load(training, plan, ex);
  std::int64_t micro_batches = micro_batches_per_step(training, plan);
  std::int64_t stages = std::max<std::int64_t>(plan.pipeline, 1);
  std::array<LayerActivations, max_layer_kinds> layers{};
  Traced<Bytes> embedding{}, loss{}, waiting{};
  StateShards weight_shards{}, gradient_shards{}, optimizer_shards{};

  StepSizes(const Prepared&, const Training&, const ParallelPlan&, Explain*);
  bool has_replicas() const { return plan.has_replicas(); }
  bool scatters() const { return plan.zero >= 2 && has_replicas() && training.method == Method::full; }
  bool offloads_optimizer() const { return plan.offload != Offload::none; }
  bool offloads_weights() const { return plan.offload == Offload::optimizer_parameters; }
  bool offloads_gradients() const { return offloads_optimizer() && plan.zero >= 2; }
  Traced<BytesPerElement> width(std::string_view key, BytesPerElement w) const { return stated(ex, key, w); }
  Traced<BytesPerElement> gathered_width() const {
    return recipe.cast_per_use ? width("precision.weights", recipe.weights)
                               : width("precision.gathered", recipe.gathered);
  }
};

/// Sizes of one stage.
struct StageSizes {
  HeldElements held;
  Traced<Elements> trained, trained_experts;
  Traced<double> in_flight;
  Traced<Bytes> kept;        ///< one micro-batch, all layers
  Traced<Bytes> layer_kept;  ///< the largest layer
  Traced<Bytes> recomputed, gradients;
};

StageSizes stage_sizes(const StepSizes&, const StageLayers&);

/// What a device of the stage holds at that moment; `reuse` lends its storage.
StageMemory stage_memory(const StepSizes&, const StageLayers&, const StageSizes&, Moment,
                         StageMemory reuse = {});

}  // namespace ridge::detail
