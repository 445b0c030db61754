#pragma once
/// Fits the table of what a law leaves over (hardware/residual_table.h).
///
/// Fit   least squares on the values at the knots with a roughness penalty, so that scattered points
///       and full grids are the same case; soft-L1 weights, twice renewed:
///         sum w_i (r_i - R(x_i))^2 + s (sum (second differences)^2 + 0.1 sum (first differences)^2)
///       s is chosen among {0.003 .. 3} by five-fold cross-validation.  First differences make R flat
///       where nothing was measured.
/// Related tables  kernels of the same library for another type or head size switch at the same sizes.  A denser table
///       R' of theirs can carry a sparser one:  R = w R' + C,  C fitted as above to r - w R', with R' and w among
///       {0, 0.5, 1} chosen by the same cross-validation (0: none helps).
/// Source  penalised splines: Eilers and Marx 1996, Statistical Science 11(2), with degree one.

#include "hardware/residual_table.h"

#include <span>
#include <vector>

namespace ridge {

/// Positive sizes, one for each axis.
struct TablePoint {
  std::vector<double> at;
  double residual = 0;
};

/// Knots for the values that occur: all of them when there are at most `most` (two or more), else factors of two (or
/// four, sixteen ...) through their range.  Values that are no positive numbers are left out.
std::vector<double> choose_knots(std::vector<double> values, std::size_t most);

ResidualTable fit_residuals(std::span<const TablePoint>, std::vector<TableAxis> axes,
                            std::span<const ResidualTable* const> related = {});

}  // namespace ridge
