#pragma once
/// The `aliases:` of a preset's text, without parsing the file: a hundred files take well under a
/// millisecond, which is what a name that is no file's name may cost.

#include <string>
#include <string_view>
#include <vector>

namespace ridge {

/// Names of a top-level "aliases: [a, b]" (one line or more) or of the "- a" lines below "aliases:".
std::vector<std::string> alias_lines(std::string_view yaml);

}  // namespace ridge
