#pragma once
/// The record behind a number for programs: value, unit, formula, origin and terms, level by level.

#include "base/explain.h"

#include <string>

namespace ridge {

/// `depth` levels of terms below the number; deeper terms keep their value and key.
std::string explain_json(const Explain&, NodeId, int depth);

/// Every labelled number: key, value, text, result.
std::string explain_keys_json(const Explain&);

}  // namespace ridge
