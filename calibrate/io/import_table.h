#pragma once
/// Other people's measurements as ours.  Two shapes of CSV are known by their headers:
///
///   kernel tables    kind, op, gpu, dtype, m, n, k, ..., latency_us, library
///   operator rows    operator.kind, operator.m, ..., measured.seconds (the scenario files of
///                    `ridge validate`)
///
/// Rows of kinds that no family describes (grouped products, dispatch) are counted, not guessed.

#include "base/diagnostic.h"
#include "calibrate/fit/measurement.h"

#include <map>
#include <string>

namespace ridge {

struct ImportedTable {
  Measurements points;
  std::map<std::string, std::int64_t> left_out;  ///< "moe_layer: no family" -> rows
};

ImportedTable import_table(const SourcePtr&, Diagnostics&);

/// Preset of a device as such tables name it: "H200-SXM-141GB" -> "h200-sxm-141gb"; the text in lower
/// case when it is not known.
std::string device_preset_name(std::string_view gpu);

}  // namespace ridge
