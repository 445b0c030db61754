#include "cli/run.h"

#include "cli/session.h"
#include "sim/report/text_layout.h"

#include <exception>
#include <ostream>
#include <utility>

namespace ridge {
namespace {

using Command = int (*)(Session&);

/// The program's main hands over before this; a caller of run() has no process to give away.
int calibrate_hint(Session& s) {
  say(s, "ridge: calibration is the program ridge-calibrate; the ridge command hands over to it\n");
  return 2;
}

constexpr std::pair<std::string_view, Command> commands[] = {
    {"list", list_command},        {"model", model_command},       {"hardware", hardware_command},
    {"plan", plan_command},        {"train", flags_command},       {"infer", flags_command},
    {"compare", compare_command},  {"validate", validate_command}, {"explain", explain_command},
    {"calibrate", calibrate_hint}, {"schema", schema_command},     {"completion", completion_command},
};

int run_command(Session& s) {
  for (const auto& [name, command] : commands)
    if (name == s.arguments.command) return command(s);
  return 3;
}

int print_help(const ParsedArguments& parsed, std::ostream& to, const Terminal& t) {
  const bool in_color = t.wants_color && (parsed.status == 0 ? t.out_is_terminal : t.err_is_terminal);
  const int width = parsed.status == 0 ? t.width : t.err_width;
  to << fold(parsed.text, width) << render_text(parsed.help, {width, in_color, t.unicode});
  return parsed.status;
}

}  // namespace

int run(const std::vector<std::string>& arguments, std::istream& in, std::ostream& out, std::ostream& err,
        const Terminal& terminal) {
  try {
    if (!arguments.empty() && arguments[0] == "__complete")
      return complete_words({arguments.begin() + 1, arguments.end()}, out);
    const ParsedArguments parsed = parse_arguments(arguments);
    if (!parsed.arguments) return print_help(parsed, parsed.status == 0 ? out : err, terminal);
    Session session(*parsed.arguments, in, out, err, terminal);
    Diagnostics problems;
    session.presets.check_overlay(problems);
    if (report_problems(session, problems)) return 2;
    const int status = run_command(session);
    out.flush();
    return out ? status : 3;
  } catch (const std::exception& e) {
    err << "ridge: internal fault: " << e.what() << "\nPlease report it with the command that caused it.\n";
    return 3;
  }
}

}  // namespace ridge
