#pragma once
/// What every command works with, and what they share: reading a scenario, printing a report.

#include "cli/arguments.h"
#include "cli/run.h"
#include "sim/estimate.h"
#include "sim/io/read_scenario.h"
#include "sim/prepare.h"
#include "sim/report/report.h"

#include <iosfwd>
#include <optional>
#include <string>

namespace ridge {

struct Session {
  const Arguments& arguments;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;
  PresetIndex presets;
  PresetReader reader{presets};

  Session(const Arguments& a, std::istream& i, std::ostream& o, std::ostream& e, const Terminal& t)
      : arguments(a), in(i), out(o), err(e), terminal(t), presets(a.presets) {}
};

/// Prints lines to err, folded to its width.
void say(Session&, const std::string& lines);
/// Says what is unknown, the nearest name that is not, and what helps.
void say_unknown(Session&, const std::string& problem, const std::string& name,
                 const std::vector<std::string>& known, const std::string& help);
/// A remark on err about an option that changes nothing here.
void remark_idle(Session&, std::string_view option, std::string_view why);

/// Prints problems to err; true when there are errors, that is, when the command ends with status 2.
bool report_problems(Session&, const Diagnostics&);

/// The document of a scenario argument (preset, path, or "-" for the input stream), in its one shape.
Node read_argument(Session&, const std::string& name, Diagnostics&);

/// A part {preset: name} laid over by the "part.key" overrides of --set, for `model` and `hardware`.
std::optional<Node> part_argument(Session&, const std::string& part, const std::string& name);

/// How text is drawn: the width, colours and characters of the terminal, or those asked for.
TextStyle text_style(const Session&);

/// " --set a=1 --set b=2" as given, values with blanks in quotes; "" for none.
std::string given_settings(const Session&);

/// Prints in the format asked for, and says what --set changed; JSON is the caller's.
void print_report(Session&, Report);

/// An estimate with its record.  The record points into `prepared`, so this does not move.
struct Evaluated {
  explicit Evaluated(Scenario s)
      : prepared(prepare(std::move(s))),
        record(&prepared.scenario.origins),
        estimate(evaluate(prepared, &record)) {}
  Evaluated(const Evaluated&) = delete;
  Evaluated& operator=(const Evaluated&) = delete;
  Prepared prepared;
  Explain record;
  Estimate estimate;
};

int list_command(Session&);
int model_command(Session&);
int hardware_command(Session&);
int plan_command(Session&);
int flags_command(Session&);  ///< train, infer
int compare_command(Session&);
int validate_command(Session&);
int explain_command(Session&);
int schema_command(Session&);
int completion_command(Session&);
/// The hidden command of the completion scripts.
int complete_words(const std::vector<std::string>& words, std::ostream& out);

/// Reports, explains or saves one scenario; the end of plan, train and infer.
int answer(Session&, Scenario, const Node& document, const std::string& why);

}  // namespace ridge
