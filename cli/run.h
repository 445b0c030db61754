#pragma once
/// The `ridge` command as a function of its arguments and streams, so that tests call what users call.
///
///   run({"plan", "llama-3-70b-64-h100", "--json"}, std::cin, std::cout, std::cerr)
///
/// Exit status
///   0  done, and feasible where that was the question
///   1  evaluated, but infeasible or a limit missed
///   2  bad usage or input; the reasons are on `err`
///   3  internal fault
/// Results go to `out` and nothing else does.

#include <iosfwd>
#include <string>
#include <vector>

namespace ridge {

/// What the streams are connected to.
struct Terminal {
  bool out_is_terminal = false, err_is_terminal = false;
  int width = 80, err_width = 80;
  bool unicode = true;      ///< the locale can show block characters
  bool wants_color = true;  ///< false: NO_COLOR is set
};

/// The process's own terminal: width, locale, NO_COLOR.
Terminal process_terminal();

int run(const std::vector<std::string>& arguments, std::istream& in, std::ostream& out, std::ostream& err,
        const Terminal& terminal = {});

}  // namespace ridge
