#pragma once
/// Time against bytes where one straight line will not do: collectives, copies, memory levels.
///
///   t(S)  straight between the measured sizes, constant below the smallest, and beyond the largest at
///         the rate of the last segment.  Never falling: measured times are first made monotone.
///
/// Why  one latency and one bandwidth left 13 % mean error on NCCL's curves (protocols change with
///      size), straight pieces between sizes a factor of two apart 2.8 % (median, leave one out).
/// Source  isotonic regression by pooling adjacent violators: Ayer et al. 1955; Barlow et al. 1972.

#include "calibrate/fit/measurement.h"

#include <span>
#include <vector>

namespace ridge {

struct TimeCurve {
  std::vector<Bytes> sizes;    ///< ascending
  std::vector<Seconds> times;  ///< never falling
};

/// Closest never-falling sequence: pools neighbours that fall into their weighted mean.
std::vector<double> isotonic(std::span<const double> values, std::span<const double> weights = {});

/// Medians of equal sizes, made monotone in log time.
TimeCurve fit_curve(std::span<const Measurement>);

/// Pre  the curve has a point
Seconds curve_time(const TimeCurve&, Bytes size);

using SecondsPerByte = Quantity<Dim{.byte = -1, .second = 1}>;

/// One straight piece: t = latency + slope · S for S in [from, to].
struct LinePiece {
  Bytes from, to;
  Seconds latency;
  SecondsPerByte slope;
};
/// At most `most` pieces that follow the curve, for people and for topology questions: the split that
/// leaves the least squared log error, by dynamic programming.
std::vector<LinePiece> line_pieces(const TimeCurve&, std::size_t most = 4);

}  // namespace ridge
