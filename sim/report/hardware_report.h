#pragma once
/// What `ridge hardware` shows: every figure with its source, and the ridge points.

#include "hardware/summary.h"
#include "sim/report/report.h"

#include <string>

namespace ridge {

Report hardware_report(const HardwareSummary&);
std::string hardware_json(const HardwareSummary&);

}  // namespace ridge
