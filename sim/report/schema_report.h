#pragma once
/// What `ridge schema` shows: every key of an input with its type, range and default.

#include "base/schema_text.h"
#include "sim/report/report.h"

namespace ridge {

/// Nested keys are indented in text; CSV has them with dots.
Report schema_report(const SchemaInfo&);

}  // namespace ridge
