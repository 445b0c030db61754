#pragma once
/// A chart as data: what its axes mean, its lines, bands and points.  One description serves the SVG files of
/// the command line (chart_svg.h) and whatever a window draws.
///
///   Chart c{.title = "gemm bf16", .x = {"predicted", "s", true}, .y = {"measured", "s", true}};
///   c.series.push_back({.name = "held out", .mark = ChartMark::points, .x = ..., .y = ...});
///
/// Values that a logarithmic axis cannot show (zero, negative, not finite) are left out when drawn.

#include <string>
#include <vector>

namespace ridge {

struct ChartAxis {
  std::string label, unit;  ///< "message", "B"; unit "" for ratios, "%" for percent
  bool is_logarithmic = true;
};

enum class ChartMark { line, points, band };

struct ChartSeries {
  std::string name;
  ChartMark mark = ChartMark::points;
  std::vector<double> x, y;
  std::vector<double> high = {};  ///< band only: upper edge; y is the lower
  int colour = 0;                 ///< index into the palette: series of one meaning share it
};

struct Chart {
  std::string title, note;
  ChartAxis x, y;
  std::vector<ChartSeries> series;  ///< drawn in this order
};

}  // namespace ridge
