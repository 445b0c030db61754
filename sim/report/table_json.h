#pragma once
/// A table for programs: one object per row under the column titles.

#include "sim/report/report.h"

#include <string>

namespace ridge {

/// Blanks in titles become underscores; cells that hold a number are numbers.
std::string table_json(const Table&);

}  // namespace ridge
