#pragma once
/// Memory of a device as bars: its parts, what they add up to, and the capacity; with several pipeline
/// stages, a table of all below the bars of the one that holds most.

#include "sim/estimate.h"
#include "sim/report/report.h"

namespace ridge {

void add_memory_section(const Estimate&, Report&);

}  // namespace ridge
