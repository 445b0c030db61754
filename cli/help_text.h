#pragma once
/// What each command is for, and examples that work as written.

#include <string_view>

namespace ridge {

struct HelpText {
  std::string_view command, about, examples, details = {};
};
/// Of a command, or of the program under "ridge".
const HelpText& help_text(std::string_view command);

}  // namespace ridge
