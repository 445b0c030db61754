#pragma once
/// Estimates side by side, each difference relative to the first.
///
///                    A          B
///   step         12.3 s     10.1 s     -18 %
///   allocated  57.1 GiB   61.0 GiB      +7 %

#include "sim/estimate.h"
#include "sim/report/report.h"

#include <optional>
#include <string>
#include <vector>

namespace ridge {

/// One column: a short title, the estimate, and the scenario's values as dotted keys.
struct ComparedEstimate {
  std::string title;
  const Scenario* scenario = nullptr;
  const Estimate* estimate = nullptr;
  std::vector<std::pair<std::string, std::string>> values;
};

/// Pre  at least one column.
Report compare_report(const std::vector<ComparedEstimate>&);
/// {"scenarios": [{"title", "set", "fits", metrics...}], "differences": {key: [...]}}
std::string compare_json(const std::vector<ComparedEstimate>&);

/// The figures compared, in order; absent where a scenario has none or cannot run.
struct ComparedFigure {
  std::string key, label;
  Dim dim;
  bool is_fraction = false;
  std::vector<std::optional<double>> values;
};
std::vector<ComparedFigure> compared_figures(const std::vector<ComparedEstimate>&);

/// Keys whose values are not the same in every column.
struct DifferingKey {
  std::string key;
  std::vector<std::string> values;  ///< "" where absent
};
std::vector<DifferingKey> differing_keys(const std::vector<ComparedEstimate>&);

}  // namespace ridge
