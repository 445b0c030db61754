#include "cli/run.h"

#include <cstdlib>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace ridge {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : std::string_view{};
}

/// The first variable that is set decides, as for the C library.
bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const std::string_view value = variable(name); !value.empty())
      return value.find("UTF-8") != std::string_view::npos || value.find("utf8") != std::string_view::npos ||
             value.find("utf-8") != std::string_view::npos;
  return false;
}

}  // namespace

Terminal process_terminal() {
  Terminal t;
  t.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  t.err_is_terminal = isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (t.out_is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    t.width = size.ws_col;
  t.unicode = !t.out_is_terminal || locale_is_utf8();
  t.wants_color = variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  return t;
}

}  // namespace ridge
