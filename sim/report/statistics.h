#pragma once
/// How well predictions meet measurements, in the figures `ridge validate` prints.
///
///   e = (predicted - measured) / measured            relative error, signed
///
/// mean, median, p90 and max are of |e|; bias is the mean of e; Kendall's tau-b compares the order of
/// predictions with that of measurements and is what a planner needs most: does the faster plan come
/// out faster?  Coverage is the share of measurements inside the predicted 90 % interval, so 0.9 is
/// right and 1.0 means the intervals are too wide.

#include <cstddef>
#include <optional>
#include <vector>

namespace ridge {

struct Comparison {
  double measured = 0, predicted = 0;
  std::optional<bool> inside_interval;  ///< absent: no interval is predicted for this quantity
  double relative_error() const { return (predicted - measured) / measured; }
};

struct ErrorSummary {
  std::size_t rows = 0;
  double mean = 0, median = 0, p90 = 0, max = 0, bias = 0;
  double within_10_fraction = 0, within_25_fraction = 0;  ///< share of rows with |e| below 10 %, 25 %
  std::optional<double> kendall_tau;        ///< absent: fewer than two distinct values on a side
  std::optional<double> interval_coverage;  ///< absent: no row has an interval
};

/// Pre  every measured value is positive.  All zeros for no rows.
ErrorSummary summarize(const std::vector<Comparison>&);

/// Linear interpolation between order statistics at h = (n - 1) p, so quantile(v, 0.5) is the median.
/// Source  Hyndman, Fan 1996, "Sample Quantiles in Statistical Packages", definition 7.
/// Pre     values not empty, 0 <= p <= 1.
double quantile(std::vector<double> values, double p);

///   tau_b = (C - D) / sqrt((n0 - n1) (n0 - n2))
///
///   C, D  pairs in the same, the opposite order     n0 = n (n - 1) / 2
///   n1    pairs tied in x                           n2  pairs tied in y
/// Source  Kendall 1945, "The treatment of ties in ranking problems", Biometrika 33(3).
std::optional<double> kendall_tau(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace ridge
