#pragma once
/// How far predictions lie from measurements.
///
///   relative error   predicted / measured - 1
///   coverage         share of the points whose measurement lies inside the interval of their regime
///
/// Not here  how wide an interval has to be (conformal.h).

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
  Bytes size;  ///< of points of a curve
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

/// Share of the predictions whose measurement lies inside the interval of its regime.
double interval_coverage(std::span<const Prediction>, std::span<const RegimeInterval>);

}  // namespace ridge
