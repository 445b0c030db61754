#pragma once
/// Statistics of timing samples that one slow sample cannot move.
///
/// Point estimate  the median; nothing is dropped but samples taken at a lowered clock.
/// Its interval    order statistics: with B ~ Binomial(n, 1/2), the samples of rank l and u (from 1)
///                 enclose the median with probability P(l <= B < u).  No assumption about the
///                 distribution.  Source: Hoefler and Belli 2015, "Scientific benchmarking of parallel
///                 computing systems", SC'15, rule 5 and section 3.1.3.
/// When to stop    at the first of: interval within 1 % (0.2 us below 20 us) after 10 samples, 200
///                 samples, the point's share of time spent.

#include "base/quantity.h"

#include <cstdint>
#include <span>
#include <vector>

namespace ridge {

/// Linear interpolation between order statistics at rank p·(n-1); zero for no values.
/// Pre  0 <= p <= 1
double quantile(std::span<const double> values, double p);
double median(std::span<const double> values);

/// Lowest and highest sample that enclose the median with at least `confidence`, or, when there are
/// too few samples for that, all of them.
struct MedianInterval {
  double low = 0, high = 0;
  double confidence = 0;  ///< reached, at least what was asked unless there are too few samples
};
MedianInterval median_interval(std::span<const double> samples, double confidence = 0.95);

struct SampleSummary {
  Seconds median, low, high;
  std::int64_t samples = 0;
  double spread = 0;  ///< interquartile range / median
};
SampleSummary summarise_samples(std::span<const double> seconds);

struct StopRule {
  std::int64_t least = 10, most = 200;
  double relative = 0.01;
  Seconds absolute{0.2e-6}, absolute_below{20e-6};
  Seconds budget{50e-3};  ///< device time for one point
};
bool enough_samples(std::span<const double> seconds, const StopRule& = {});

/// Marks every clock below `fraction` of the median clock; none when no clock is known.
std::vector<bool> throttled(std::span<const double> clocks, double fraction = 0.9);

}  // namespace ridge
