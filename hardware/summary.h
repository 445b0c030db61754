#pragma once
/// What `ridge hardware HW` shows, as data: every figure with its source, and the ridge points.

#include "hardware/roofline.h"

namespace ridge {

/// One figure of the system, in the order a reader wants it.
struct SummaryRow {
  std::string section;  ///< "compute", "memory", "links", "node", "achievable"
  std::string key;      ///< dotted: "hardware.device.hbm.bandwidth"
  std::string label;    ///< "HBM3 bandwidth"
  double value = 0;     ///< base units of `dim`
  Dim dim;
  Origin origin;  ///< kind, file:line when origins were recorded, citation, date
};

struct HardwareSummary {
  std::string name;
  std::vector<SummaryRow> rows;
  std::vector<Ridge> ridges;
};

/// `origins` (may be null) supplies file and line.
HardwareSummary summarize(const Cluster&, const Origins* origins = nullptr);

}  // namespace ridge
