#pragma once
/// A table for programs: one object per row under the column titles.

#include "sim/report/report.h"

#include <string>

namespace ridge {

/// Blanks in titles become underscores.  Cells of columns on the right are numbers where they hold one
/// and null where they are empty, lists are lists of texts, others are texts.
std::string table_json(const Table&);

}  // namespace ridge
