#pragma once
/// From measurements over bytes to a curve (hardware/time_curve.h) that never falls.
///
/// Source  isotonic regression by pooling adjacent violators: Ayer et al. 1955; Barlow et al. 1972.

#include "calibrate/fit/measurement.h"
#include "hardware/time_curve.h"

#include <span>
#include <vector>

namespace ridge {

/// Closest never-falling sequence: pools neighbours that fall into their weighted mean.
std::vector<double> isotonic(std::span<const double> values, std::span<const double> weights = {});

/// Medians of equal sizes, made monotone in log time.
TimeCurve fit_curve(std::span<const Measurement>);

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
