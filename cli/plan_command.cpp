#include "base/explain_text.h"
#include "cli/session.h"
#include "sim/io/advise.h"
#include "sim/labels.h"
#include "sim/report/explain_json.h"
#include "sim/report/plan_json.h"
#include "sim/report/plan_report.h"
#include "sim/report/text_layout.h"

#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <ostream>

namespace ridge {
namespace {

bool save(Session& s, const Node& document) {
  std::ofstream file(s.arguments.save, std::ios::binary);
  file << write_yaml(document);
  file.close();
  if (!file) say(s, fmt::format("ridge: cannot write '{}'\n", printable(s.arguments.save, 200)));
  return static_cast<bool>(file);
}

/// Keys of everything that can be explained, results before inputs.
Report key_report(const Explain& record, const std::string& why) {
  Table t;
  t.columns = {{"key", Align::left, true}, {"value"}, {"is", Align::left, true}};
  for (const auto& [key, node] : record.labels()) {
    const Explain::Record& r = record.record(node);
    t.rows.push_back({{key},
                      {value_text(r.value, r.dim), Tone::strong, format_number(r.value)},
                      {r.formula ? std::string(r.formula->result) : origin_text(r.origin), Tone::dim}});
  }
  Report report;
  report.section("Numbers that can be explained").add(std::move(t));
  if (!record.labels().empty()) report.section("").add(Paragraph{"Open one with: " + why, Tone::dim});
  return report;
}

std::vector<std::string> known_keys(const Explain& record) {
  std::vector<std::string> keys;
  for (const auto& [label, node] : record.labels()) keys.push_back(label);
  for (NodeId id = 1; id <= record.size(); ++id)
    if (!record.record(id).formula) keys.push_back(record.record(id).key);
  return keys;
}

/// "advice.2.seconds": which advice, and what of it.
std::optional<std::size_t> advice_of(const std::string& key) {
  constexpr std::string_view prefix = "advice.";
  std::size_t n = 0;
  if (!key.starts_with(prefix)) return std::nullopt;
  const char* end = key.data() + key.size();
  const auto [at, error] = std::from_chars(key.data() + prefix.size(), end, n);
  if (error != std::errc{} || at == end || *at != '.') return std::nullopt;
  return n;
}

/// Opens a number in a record; status 2 for an unknown key.
int open_number(Session& s, const Explain& record, const std::string& key) {
  const NodeId node = find_number(record, key);
  if (!node) {
    say_unknown(s, "nothing", key, known_keys(record),
                "without a key, ridge explain SCENARIO lists them all");
    return 2;
  }
  constexpr int usual_depth = 3;
  const int depth = s.arguments.depth.value_or(usual_depth);
  if (s.arguments.format == OutputFormat::json) s.out << explain_json(record, node, depth);
  else s.out << fold(explain_text(record, node, {depth, true}), text_style(s).width);
  return 0;
}

/// Tries the advice again and opens a number of what came of it.
int open_advice(Session& s, const Evaluated& now, const Node& document, std::size_t n,
                const std::string& key) {
  const std::vector<Advice> all = advise(document, s.reader, now.prepared, now.estimate);
  if (n >= all.size()) {
    say(s, fmt::format("ridge: there is no advice {}; ridge plan lists {}, from 0\n", n, all.size()));
    return 2;
  }
  Node changed = document;
  Diagnostics diagnostics;
  override_document(changed, all[n].settings, diagnostics);
  Scenario scenario = read_scenario(changed, s.reader, diagnostics);
  if (report_problems(s, diagnostics)) return 2;
  Evaluated then(std::move(scenario));
  label_change(now.estimate, then.estimate, "advice." + std::to_string(n), then.record);
  return open_number(s, then.record, key);
}

/// Prints the explanation of a key, or the keys; status 2 for an unknown one.
int explain_number(Session& s, const Evaluated& e, const Node& document, const std::string& key,
                   const std::string& why) {
  if (key.empty()) {
    if (s.arguments.depth) remark_idle(s, "--depth", "without a key");
    if (s.arguments.format == OutputFormat::json) s.out << explain_keys_json(e.record);
    else print_report(s, key_report(e.record, why));
    return 0;
  }
  if (const auto n = advice_of(key)) return open_advice(s, e, document, *n, key);
  return open_number(s, e.record, key);
}

/// A scenario argument with its --set, and the document it was read from.
struct Asked {
  Node document;
  Scenario scenario;
};
std::optional<Asked> read_asked(Session& s, const std::string& name) {
  Asked asked;
  Diagnostics diagnostics;
  asked.document = read_argument(s, name, diagnostics);
  if (report_problems(s, diagnostics)) return std::nullopt;
  Diagnostics more;
  override_document(asked.document, s.arguments.set, more);
  asked.scenario = read_scenario(asked.document, s.reader, more);
  if (report_problems(s, more)) return std::nullopt;
  return asked;
}

/// The command that opens a number of this scenario.
std::string why_of(const Session& s, const std::string& name) {
  return "ridge explain KEY " + name + given_settings(s);
}

}  // namespace

int answer(Session& s, Scenario scenario, const Node& document, const std::string& why) {
  if (!s.arguments.save.empty() && !save(s, document)) return 2;
  const Evaluated e(std::move(scenario));
  const int status = e.estimate.fits ? 0 : 1;
  if (s.arguments.explain_key.empty() && s.arguments.depth)
    remark_idle(s, "--depth", "without --explain KEY");
  if (!s.arguments.explain_key.empty()) {
    if (s.arguments.format == OutputFormat::csv) remark_idle(s, "--csv", "with --explain");
    if (s.arguments.format == OutputFormat::markdown) remark_idle(s, "--markdown", "with --explain");
    const int found = explain_number(s, e, document, s.arguments.explain_key, why);
    return found ? found : status;
  }
  std::vector<Advice> advice;
  if (!s.arguments.no_advice) advice = advise(document, s.reader, e.prepared, e.estimate);
  const PlanJsonInput data{e.prepared.scenario, e.estimate, advice, s.arguments.set};
  if (s.arguments.format == OutputFormat::json) s.out << plan_json(data);
  else if (s.arguments.format == OutputFormat::csv) s.out << plan_csv(data);
  else print_report(s, plan_report({e.prepared.scenario, e.estimate, &e.record, advice, why}));
  return status;
}

int plan_command(Session& s) {
  const std::string& name = s.arguments.positional[0];
  std::optional<Asked> asked = read_asked(s, name);
  if (!asked) return 2;
  return answer(s, std::move(asked->scenario), asked->document, why_of(s, name));
}

int explain_command(Session& s) {
  const bool has_key = s.arguments.positional.size() > 1;
  const std::string& name = s.arguments.positional.back();
  std::optional<Asked> asked = read_asked(s, name);
  if (!asked) return 2;
  const Evaluated e(std::move(asked->scenario));
  return explain_number(s, e, asked->document, has_key ? s.arguments.positional[0] : "", why_of(s, name));
}

}  // namespace ridge
