#include "base/explain_text.h"
#include "cli/session.h"
#include "sim/io/advise.h"
#include "sim/report/explain_json.h"
#include "sim/report/plan_json.h"
#include "sim/report/plan_report.h"
#include "sim/report/text_layout.h"

#include <fstream>
#include <ostream>

namespace ridge {
namespace {

bool save(Session& s, const Node& document) {
  std::ofstream file(s.arguments.save, std::ios::binary);
  file << write_yaml(document);
  file.close();
  if (!file) s.err << "ridge: cannot write '" << printable(s.arguments.save, 200) << "'\n";
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

/// The key itself, or the only label that ends in it: "step_seconds" for "time.step_seconds".
NodeId find_number(const Explain& record, const std::string& key) {
  if (const NodeId node = record.find(key)) return node;
  NodeId found = 0;
  for (const auto& [label, node] : record.labels()) {
    if (!label.ends_with('.' + key)) continue;
    if (found) return 0;
    found = node;
  }
  return found;
}

std::vector<std::string> known_keys(const Explain& record) {
  std::vector<std::string> keys;
  for (const auto& [label, node] : record.labels()) keys.push_back(label);
  for (NodeId id = 1; id <= record.size(); ++id)
    if (!record.record(id).formula) keys.push_back(record.record(id).key);
  return keys;
}

}  // namespace

int explain_number(Session& s, const Evaluated& e, const std::string& key, const std::string& why) {
  if (key.empty()) {
    if (s.arguments.format == OutputFormat::json) s.out << explain_keys_json(e.record);
    else print_report(s, key_report(e.record, why));
    return 0;
  }
  const NodeId node = find_number(e.record, key);
  if (!node) {
    s.err << "ridge: nothing is called '" << printable(key) << "'\n";
    if (const std::string near = nearest(key, known_keys(e.record)); !near.empty())
      s.err << "  did you mean '" << near << "'?\n";
    s.err << "  without a key, ridge explain SCENARIO lists them all\n";
    return 2;
  }
  if (s.arguments.format == OutputFormat::json) s.out << explain_json(e.record, node, s.arguments.depth);
  else s.out << fold(explain_text(e.record, node, {s.arguments.depth, true}), text_style(s).width);
  return 0;
}

int answer(Session& s, Scenario scenario, const Node& document, const std::string& why) {
  if (!s.arguments.save.empty() && !save(s, document)) return 2;
  const Evaluated e(std::move(scenario));
  const int status = e.estimate.fits ? 0 : 1;
  if (!s.arguments.explain_key.empty()) {
    const int found = explain_number(s, e, s.arguments.explain_key, why);
    return found ? found : status;
  }
  std::vector<Advice> advice;
  if (!s.arguments.no_advice) advice = advise(document, s.reader, e.prepared, e.estimate);
  const PlanJsonInput data{e.prepared.scenario, e.estimate, advice, s.arguments.set};
  if (s.arguments.format == OutputFormat::json) s.out << plan_json(data);
  else if (s.arguments.format == OutputFormat::csv) s.out << plan_csv(data);
  else
    print_report(s, plan_report({e.prepared.scenario, e.estimate, &e.record, advice, why, s.arguments.set}));
  return status;
}

int plan_command(Session& s) {
  const std::string& name = s.arguments.positional[0];
  Diagnostics diagnostics;
  Node document = read_argument(s, name, diagnostics);
  if (report_problems(s, diagnostics)) return 2;
  Diagnostics more;
  override_document(document, s.arguments.set, more);
  Scenario scenario = read_scenario(document, s.reader, more);
  if (report_problems(s, more)) return 2;
  std::string why = "ridge explain KEY " + name;
  for (const std::string& assignment : s.arguments.set) why += " --set " + assignment;
  return answer(s, std::move(scenario), document, why);
}

int explain_command(Session& s) {
  const bool has_key = s.arguments.positional.size() > 1;
  const std::string& name = s.arguments.positional.back();
  std::optional<Scenario> scenario = read_scenario_argument(s, name);
  if (!scenario) return 2;
  const Evaluated e(std::move(*scenario));
  return explain_number(s, e, has_key ? s.arguments.positional[0] : "", "ridge explain KEY " + name);
}

}  // namespace ridge
