#include "cli/run.h"

#include <charconv>
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

/// COLUMNS, which goes before the terminal's own answer; 0 when it says nothing sensible.
int stated_columns() {
  const std::string_view text = variable("COLUMNS");
  int columns = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), columns).ptr;
  return end == text.data() + text.size() && columns >= 40 && columns <= 1000 ? columns : 0;
}

/// Columns of the terminal behind a stream; 80 when there is none.
int columns_of(int descriptor, bool is_terminal) {
  winsize size{};
  return is_terminal && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Terminal process_terminal() {
  Terminal t;
  t.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  t.err_is_terminal = isatty(STDERR_FILENO) == 1;
  const int stated = stated_columns();
  t.width = stated > 0 ? stated : columns_of(STDOUT_FILENO, t.out_is_terminal);
  t.err_width = stated > 0 ? stated : columns_of(STDERR_FILENO, t.err_is_terminal);
  t.unicode = !t.out_is_terminal || locale_is_utf8();
  t.wants_color = variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  return t;
}

}  // namespace ridge
