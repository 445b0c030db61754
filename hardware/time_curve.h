#pragma once
/// Time against bytes where one straight line will not do: collectives, copies, memory levels.
///
///   t(S)  straight between the measured sizes, constant below the smallest, and beyond the largest at
///         the rate of the last segment that rises (two sizes whose times were joined to keep the curve from
///         falling say nothing about the rate); of a curve that never rises, in proportion to the size.
///         Never falling.
///
/// Why  one latency and one bandwidth left 13 % mean error on NCCL's curves (protocols change with
///      size), straight pieces between sizes a factor of two apart 2.8 % (median, leave one out).
/// Not here  the fit, which first makes measured times monotone (calibrate/fit/curve_fit.h).

#include "base/explain.h"
#include "base/quantity.h"

#include <string>
#include <vector>

namespace ridge {

struct TimeCurve {
  std::vector<Bytes> sizes;    ///< ascending
  std::vector<Seconds> times;  ///< never falling
};

/// The segment of a curve that holds a size: t = left_time + (right_time - left_time) · share.  Beyond the largest
/// size it starts there and goes on as the last rising one does.
struct CurveSegment {
  Bytes left, right;
  Seconds left_time, right_time;
};
/// Pre  the curve has a point.  Below the first size, and for one point alone, both ends are that point.
CurveSegment curve_segment(const TimeCurve&, Bytes size);

inline constexpr Formula curve_formula{"hardware.curve.time", "time on a measured curve",
                                       "ta + (tb - ta) * (S - a) / (b - a)",
                                       "straight between measured sizes; see hardware/time_curve.h"};

/// Pre  the curve has a point
Seconds curve_time(const TimeCurve&, Bytes size);

/// Empty when the curve can be used, else what is impossible about it.
std::string curve_problem(const TimeCurve&);

}  // namespace ridge
