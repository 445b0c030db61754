#pragma once
/// Charts as SVG text: one or two panels above each other that share the x axis, a legend, decades as ticks.

#include "base/chart.h"

#include <span>

namespace ridge {

/// Panels from top to bottom; widths and fonts suit a printed column and a page.
std::string chart_svg(std::span<const Chart> panels);

}  // namespace ridge
