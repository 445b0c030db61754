#pragma once
/// Premises of a scenario that can be computed but deserve doubt: positions a model was never trained on,
/// a stack used for what it was not made for, a number format the device has no units for.

#include "sim/prepare.h"

#include <string>
#include <vector>

namespace ridge {

/// One sentence each; none for an ordinary scenario.
std::vector<std::string> doubtful_premises(const Prepared&);

/// Tokens of the longest sequence that is asked for, prompt and output together, and the keys that say so.
struct LongestSequence {
  std::int64_t tokens = 0;
  std::string_view keys;
};
LongestSequence longest_sequence(const Scenario&);

}  // namespace ridge
