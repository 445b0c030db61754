#pragma once
/// One workload on one system under one plan: the complete input of an estimate.
///
/// A `Scenario` is what a file says, with every preset name resolved; sim/io/read_scenario.h makes
/// one from YAML, a CSV row or flags.  `prepare()` derives what depends on the architecture and the
/// stack alone, so that many plans can be evaluated on it at 10^5 a second and more.

#include "base/diagnostic.h"
#include "base/explain.h"
#include "hardware/cluster.h"
#include "model/architecture.h"
#include "model/inventory.h"
#include "model/kv_cache.h"
#include "model/storage_format.h"
#include "sim/plan.h"
#include "sim/recipe.h"
#include "sim/stack.h"
#include "sim/workload.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace ridge {

struct Scenario {
  std::string name;
  std::string model_name, hardware_name, software_name;
  Architecture model;
  Cluster hardware;
  SoftwareStack software;
  std::int64_t devices = 1;
  /// What is asked: exactly one of training, inference, operator.
  std::variant<std::monostate, Training, Inference, OperatorCase> workload;
  PrecisionRecipe precision;  ///< training: the recipe named by training.precision
  OptimizerRecipe optimizer;
  StorageFormats formats;       ///< packings that weight_format uses
  StorageFormat weight_format;  ///< inference: the format named by inference.weights
  CacheFormat cache_format;     ///< inference: the format named by inference.kv_cache
  ParallelPlan parallel;
  Measured measured;
  Origins origins;  ///< where every value was written

  const Training* training() const { return std::get_if<Training>(&workload); }
  const Inference* inference() const { return std::get_if<Inference>(&workload); }
  const OperatorCase* operator_case() const { return std::get_if<OperatorCase>(&workload); }
};

}  // namespace ridge
