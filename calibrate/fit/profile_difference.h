#pragma once
/// How far two fits of the same kernels lie apart: in their parameters, and in what they predict.
///
/// Predictions  on the sizes of the left model's table (every knot of each axis, at most 4 096 points), where
///              both hold; a kernel without a table on a ladder of sizes of its family is left to its parameters.

#include "calibrate/fit/model.h"

namespace ridge {

struct ParameterChange {
  std::string name;  ///< "t0", "eP", "eB", "q", "c"
  double left = 0, right = 0;
};

struct ModelDifference {
  std::string family, variant;
  bool in_left = true, in_right = true;
  std::vector<ParameterChange> parameters;
  std::int64_t points = 0;
  double median = 0, p90 = 0, bias = 0;  ///< of right / left - 1
};

std::vector<ModelDifference> model_differences(const Models& left, const Models& right);

/// Median over the kernels and curves of both of their median differences.
double typical_difference(const std::vector<ModelDifference>&);

}  // namespace ridge
