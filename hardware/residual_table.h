#pragma once
/// What a law leaves over, as a small table: log(measured / law) on a grid of sizes.
///
///   t = law · exp(R(log x1, .., log xd))      R: multilinear between knots, held beyond the outermost
///
/// Why held, not continued  beyond the last m of 18 944 products the error fell from 11.8 % to 6.1 %.
/// Why not a spline         kernels change at thresholds, and a spline swings there.
/// Not here                 the fit (calibrate/fit/residual_fit.h), which table a kernel has (efficiency.h).

#include "base/schema.h"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace ridge {

struct TableAxis {
  std::string name;               ///< a size ("m"), or one made of sizes ("heads_in_batch")
  std::vector<double> knots;      ///< ascending, positive
  std::vector<double> logs = {};  ///< of the knots, where with_logarithms() put them
};

struct ResidualTable {
  std::vector<TableAxis> axes;  ///< at most `most_table_axes`
  std::vector<double> values;   ///< last axis fastest; empty: R = 0
};

inline constexpr std::size_t most_table_axes = 4;
/// A factor of 148 either way: what lies further off is no kernel of that law.
inline constexpr double most_residual = 5;

/// Cells around a point and their shares, which sum to 1.
struct TableShares {
  std::array<std::size_t, 16> cell{};
  std::array<double, 16> share{};
  std::size_t count = 0;
};

/// Pre  at.size() == axes.size() <= most_table_axes; every axis has a knot.  No allocation.
TableShares table_shares(std::span<const TableAxis>, std::span<const double> at);

/// The table with the logarithms of its knots, which make a look-up cost one logarithm for each axis.
ResidualTable with_logarithms(ResidualTable);

/// R; zero for an empty table.  Pre: at.size() == axes.size()
double residual_at(const ResidualTable&, std::span<const double> at);

/// Whether a point lies between the outermost knots of every axis.  Pre: at.size() == axes.size()
bool is_between(const ResidualTable&, std::span<const double> at);

/// Empty when the table can be used, else what is impossible about it.
std::string table_problem(const ResidualTable&);

void read_value(const Node&, ResidualTable&, ReadContext&, Range = {});
Node write_value(const ResidualTable&);
std::string type_text(const ResidualTable*);

}  // namespace ridge
