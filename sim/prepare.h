#pragma once
/// Everything an evaluation needs that does not depend on the plan.

#include "model/adapters.h"
#include "sim/program.h"
#include "sim/scenario.h"

#include <vector>

namespace ridge {

struct Prepared {
  Scenario scenario;
  Inventory inventory;
  std::vector<LayerProgram> programs;  ///< by layer kind
  LayerProgram embedding, output;
  WeightBytes weights;      ///< inference: in the scenario's storage format
  AdapterTargets adapters;  ///< training of low-rank adapters: what gets one
};

/// Pre  the scenario was read without errors.
Prepared prepare(Scenario);

/// The plan with what was left open filled in:
///   data           devices / (tensor pipeline context), when 0
///   expert_tensor  when 0: tensor if expert = 1 (engines cut experts like other weights), else 1
///   schedule       1f1b with virtual_stages > 1 is interleaved-1f1b
ParallelPlan resolved(const ParallelPlan&, std::int64_t devices);

}  // namespace ridge
