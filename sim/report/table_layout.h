#pragma once
/// How a table is set in a given width: what is left out, how wide the rest is, and what goes below.
///
/// In this order until it fits: titles are broken, columns with a drop_order are left out, columns that
/// can wrap become narrower, and the columns left over go into further blocks that repeat the first.

#include "sim/report/report.h"

#include <cstddef>
#include <vector>

namespace ridge {

struct TableLayout {
  struct Place {
    std::size_t column;
    int width;
  };
  using Block = std::vector<Place>;
  std::vector<Block> blocks;
  std::vector<std::size_t> left_out;  ///< columns not shown
};

/// Blanks between columns.
inline constexpr int table_gap = 2;

/// `width` columns for the table without its margin.
TableLayout table_layout(const Table&, int width);

}  // namespace ridge
