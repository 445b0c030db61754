#pragma once
/// How far predictions lie from measurements, and how wide an interval has to be.
///
///   relative error   predicted / measured - 1
///   interval         of t: [t / (1 + f), t · (1 + f)], f from split conformal prediction: with n
///                    residuals |log(measured / predicted)| that no fit saw, f = exp(r) - 1 for r the
///                    ceil((n + 1) · 0.9)-th smallest.  Covers a new point of the same regime with
///                    probability at least 0.9, whatever the errors' distribution.
/// Source  Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, "Distribution-free predictive inference for
///         regression", JASA 113.
/// Composition  errors of one family are alike in every layer of a model: they do not shrink by sqrt(layers).

#include "base/quantity.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ridge {

struct Prediction {
  std::string what;    ///< "m=128 n=4096 k=4096"
  std::string regime;  ///< "m <= 64"
  Seconds measured, predicted;
};

struct WorstPoint {
  std::string what;
  double error = 0;  ///< relative, signed
};

struct ErrorSummary {
  std::int64_t points = 0;
  double mean = 0, median = 0, p90 = 0, max = 0;  ///< of |relative error|
  double bias = 0;                                ///< median of the signed relative error
  double coverage = 0;            ///< share of the points inside their interval; 0 without intervals
  std::vector<WorstPoint> worst;  ///< at most five
};

struct RegimeInterval {
  std::string regime;
  std::string pool;         ///< whose residuals, where the regime's own were too few; else empty
  std::int64_t points = 0;  ///< residuals it rests on
  double fraction = 0;      ///< f above
};

ErrorSummary summarise_errors(std::span<const Prediction>);

/// One interval for each regime that occurs.  With fewer than nine points 90 % cannot be told: the
/// largest residual is taken.
std::vector<RegimeInterval> conformal_intervals(std::span<const Prediction>, double confidence = 0.9);

/// Share of the predictions whose measurement lies inside the interval of its regime.
double interval_coverage(std::span<const Prediction>, std::span<const RegimeInterval>);

/// Intervals from every second prediction, their coverage counted on the others, so that the coverage
/// says something; then the intervals from all.  Order decides, so shuffle or sort by a hash before.
struct CheckedIntervals {
  std::vector<RegimeInterval> intervals;
  double coverage = 0;
};
CheckedIntervals checked_intervals(std::span<const Prediction>);

}  // namespace ridge
