#include "cli/session.h"
#include "sim/report/compare_report.h"

#include <deque>
#include <fmt/format.h>
#include <ostream>

namespace ridge {
namespace {

/// One column to come: what to read and what to change in it.
struct Subject {
  std::string title, name;
  std::vector<std::string> assignments;
};

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

/// "+tensor=4 +zero=1" for parallel.tensor=4 and parallel.zero=1: what a column's title has room for.
std::string short_title(const std::vector<std::string>& assignments) {
  std::string title;
  for (const std::string& a : assignments) {
    const std::size_t dot = a.substr(0, a.find('=')).rfind('.');
    title += (title.empty() ? "+" : " +") + a.substr(dot == std::string::npos ? 0 : dot + 1);
  }
  return title;
}

/// "NAME,key=value,..." or "+key=value,...".
Subject subject_of(const std::string& argument, const std::string& first) {
  Subject s;
  const bool is_change = argument.starts_with('+');
  std::vector<std::string> parts = split_at_commas(is_change ? argument.substr(1) : argument);
  s.name = first;
  if (!is_change) {
    s.name = parts.front();
    parts.erase(parts.begin());
  }
  s.assignments = std::move(parts);
  s.title = s.assignments.empty() ? s.name.substr(s.name.rfind('/') + 1) : short_title(s.assignments);
  return s;
}

/// The subjects of the command line; nothing after reporting why there are too few.
std::vector<Subject> subjects(Session& s) {
  std::vector<Subject> out;
  for (const std::string& argument : s.arguments.positional)
    out.push_back(subject_of(argument, out.empty() ? std::string{} : out.front().name));
  for (const std::string& vary : s.arguments.vary) {
    const std::size_t equals = vary.find('=');
    if (equals == std::string::npos) continue;
    for (const std::string& value : split_at_commas(vary.substr(equals + 1))) {
      if (out.empty()) break;
      const std::string assignment = vary.substr(0, equals + 1) + value;
      out.push_back({short_title({assignment}), out.front().name, {assignment}});
    }
  }
  return out;
}

void flatten(const Node& n, const std::string& path, std::vector<std::pair<std::string, std::string>>& out) {
  const auto below = [&](const std::string& key) { return path.empty() ? key : path + '.' + key; };
  if (n.is_scalar())
    out.emplace_back(path.ends_with(".preset") ? path.substr(0, path.size() - 7) : path, n.text);
  for (const Node::Entry& e : n.entries) flatten(e.value, below(e.key), out);
  for (std::size_t i = 0; i < n.items.size(); ++i) flatten(n.items[i], below(std::to_string(i)), out);
}

std::optional<Scenario> read_subject(Session& s, const Subject& subject, ComparedEstimate& column) {
  Diagnostics diagnostics;
  Node document = read_argument(s, subject.name, diagnostics);
  if (report_problems(s, diagnostics)) return std::nullopt;
  Diagnostics more;
  override_document(document, s.arguments.set, more);
  override_document(document, subject.assignments, more);
  Scenario scenario = read_scenario(document, s.reader, more);
  if (report_problems(s, more)) return std::nullopt;
  flatten(document, "", column.values);
  column.title = subject.title;
  return scenario;
}

}  // namespace

int compare_command(Session& s) {
  for (const std::string& vary : s.arguments.vary)
    if (vary.find('=') == std::string::npos) {
      say(s, "ridge: --vary wants KEY=VALUE,VALUE...\n");
      return 2;
    }
  const std::vector<Subject> all = subjects(s);
  if (all.size() < 2 || all.front().name.empty()) {
    say(s,
        "ridge: compare wants two scenarios, or one and its changes\n"
        "  such as: ridge compare llama-3-70b-64-h100 +parallel.tensor=4\n");
    return 2;
  }
  std::deque<Prepared> prepared;
  std::deque<Estimate> estimates;
  std::vector<ComparedEstimate> columns(all.size());
  bool is_complete = true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::optional<Scenario> scenario = read_subject(s, all[i], columns[i]);
    is_complete = is_complete && scenario;
    if (!scenario) continue;
    prepared.push_back(prepare(std::move(*scenario)));
    estimates.push_back(evaluate(prepared.back()));
    columns[i].scenario = &prepared.back().scenario;
    columns[i].estimate = &estimates.back();
  }
  if (!is_complete) return 2;
  if (s.arguments.format == OutputFormat::json) s.out << compare_json(columns);
  else print_report(s, compare_report(columns));
  for (const Estimate& e : estimates)
    if (!e.fits) return 1;
  return 0;
}

}  // namespace ridge
