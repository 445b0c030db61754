#pragma once
/// Predicted against measured, row by row and group by group.
///
///   group         metric               rows  failed   mean  median    p90    max   bias   tau
///   h200/decode   decode_step_seconds     8       0  3.1 %   2.2 %  5.0 %  6.1 %  -1 %  0.98

#include "sim/estimate.h"
#include "sim/report/report.h"
#include "sim/report/statistics.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ridge {

/// One measured metric of one row, or the reason why it has no prediction.
struct ValidationRow {
  std::string id, group, metric;
  double measured = 0, predicted = 0;
  std::optional<bool> inside_interval;
  std::string error;  ///< not empty: no prediction
  bool fits = true;   ///< the plan is predicted to run; it did
  double relative_error() const { return (predicted - measured) / measured; }
};

struct GroupSummary {
  std::string group, metric;
  ErrorSummary errors;
  std::size_t failed = 0;
};

/// What was measured, under the contract's names.
std::vector<std::pair<std::string_view, double>> measured_values(const Measured&);

/// A prediction with its 90 % interval where one exists.
struct Prediction {
  double value = 0;
  std::optional<double> low, high;
};
/// The estimate's figure of that name; nothing when this workload has none.  The interval is that of
/// the headline, scaled to the other times and inverted for rates.
std::optional<Prediction> predicted_value(const Estimate&, std::string_view metric);

/// Rows of one group and metric together, in order of first appearance; `by_metric` takes all groups
/// together.
std::vector<GroupSummary> summarize_groups(const std::vector<ValidationRow>&, bool by_metric = false);

/// Groups with their statistics.
Report summary_report(const std::vector<GroupSummary>&, bool by_metric = false);
/// Every row: predictions, then refusals with their reasons.
Report rows_report(const std::vector<ValidationRow>&);
/// The same as one table, for CSV.
Report rows_table_report(const std::vector<ValidationRow>&);

/// What was measured beside what is predicted; no rows when nothing was.
Table measured_table(const Measured&, const Estimate&);

/// {"rows": [...], "summary": [...]}
std::string validation_json(const std::vector<ValidationRow>&, const std::vector<GroupSummary>&);

}  // namespace ridge
