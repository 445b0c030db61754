#include "cli/session.h"

#include "sim/report/text_layout.h"

#include <fmt/format.h>
#include <istream>
#include <iterator>
#include <ostream>

namespace ridge {
namespace {

bool in_color(const Session& s, bool is_terminal) {
  switch (s.arguments.color) {
    case ColorMode::always: return true;
    case ColorMode::never: return false;
    case ColorMode::automatic: return is_terminal && s.terminal.wants_color;
  }
  return false;
}

int error_width(const Session& s) { return s.arguments.width.value_or(s.terminal.err_width); }

Node from_input(Session& s, Diagnostics& diagnostics) {
  auto source = std::make_shared<Source>();
  source->name = "<stdin>";
  source->text.assign(std::istreambuf_iterator<char>(s.in), {});
  Node document = read_yaml(source, diagnostics);
  normalise(document);
  return document;
}

}  // namespace

TextStyle text_style(const Session& s) {
  TextStyle style;
  style.width = s.arguments.width.value_or(s.terminal.width);
  style.colour = in_color(s, s.terminal.out_is_terminal);
  style.unicode = s.terminal.unicode && !s.arguments.ascii;
  return style;
}

void say(Session& s, const std::string& lines) { s.err << fold(lines, error_width(s)); }

void say_unknown(Session& s, const std::string& problem, const std::string& name,
                 const std::vector<std::string>& known, const std::string& help) {
  std::string lines = fmt::format("ridge: {} is called '{}'\n", problem, printable(name));
  if (const std::string near = nearest(name, known); !near.empty())
    lines += fmt::format("  did you mean '{}'?\n", near);
  say(s, lines + "  " + help + '\n');
}

void remark_idle(Session& s, std::string_view option, std::string_view why) {
  say(s, fmt::format("ridge: {} has no effect {}\n", option, why));
}

bool report_problems(Session& s, const Diagnostics& diagnostics) {
  if (!diagnostics.empty()) {
    s.err << render(diagnostics, in_color(s, s.terminal.err_is_terminal), error_width(s));
  }
  return diagnostics.has_errors();
}

Node read_argument(Session& s, const std::string& name, Diagnostics& diagnostics) {
  return name == "-" ? from_input(s, diagnostics) : scenario_document(name, s.presets, diagnostics);
}

std::optional<Node> part_argument(Session& s, const std::string& part, const std::string& name) {
  Diagnostics diagnostics;
  Node document = Node::map();
  const auto source = std::make_shared<Source>(Source{part, name});
  set(document, part, Node::scalar(name, {source, 1, 1, static_cast<int>(name.size())}), {});
  override_document(document, s.arguments.set, diagnostics);
  for (const Node::Entry& e : document.entries)
    if (e.key != part) {
      ReadContext c{diagnostics};
      report_unknown_key(e, "this command", {part}, c);
    }
  if (report_problems(s, diagnostics)) return std::nullopt;
  return *document.find(part);
}

std::string given_settings(const Session& s) {
  std::string text;
  for (const std::string& setting : s.arguments.set)
    text += " --set " + (setting.find(' ') == std::string::npos ? setting : '\'' + setting + '\'');
  return text;
}

void print_report(Session& s, Report report) {
  if (!s.arguments.set.empty() && s.arguments.format != OutputFormat::csv)
    report.sections.insert(report.sections.begin(),
                           {"", "", {Paragraph{"changed by" + given_settings(s), Tone::warning}}});
  switch (s.arguments.format) {
    case OutputFormat::text: s.out << render_text(report, text_style(s)); break;
    case OutputFormat::csv: s.out << render_csv(report); break;
    case OutputFormat::markdown: s.out << render_markdown(report); break;
    case OutputFormat::json: break;
  }
}

}  // namespace ridge
