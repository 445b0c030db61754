#include "cli/session.h"
#include "sim/report/validation.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <ostream>
#include <utility>

namespace ridge {
namespace {

/// The reason a row was refused; there is one.
const Diagnostic& first_error(const Diagnostics& diagnostics) {
  return *std::find_if(diagnostics.items().begin(), diagnostics.items().end(),
                       [](const Diagnostic& d) { return d.severity == Severity::error; });
}

/// A model that cannot be as stated is an answer; all else that is wrong with a row is the file's mistake.
bool is_unreadable(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.items().begin(), diagnostics.items().end(), [](const Diagnostic& d) {
    return d.severity == Severity::error && d.code != "invalid-model";
  });
}

std::string group_of(const RowLabels& labels, const std::string& file) {
  if (!labels.group.empty()) return labels.group;
  const std::string name = file.substr(file.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

/// Parameters as `kind` says they were counted.
double counted_parameters(const Architecture& a, const Inventory& inventory, const std::string& kind) {
  if (kind.find("non-embedding") != std::string::npos)
    return static_cast<double>(inventory.non_embedding_parameters);
  double total = static_cast<double>(inventory.parameters);
  const bool twice = kind.find("lm_head although tied") != std::string::npos;
  if (twice && a.tied_embeddings)
    total += static_cast<double>(a.vocab_size) * static_cast<double>(a.hidden_size);
  return total;
}

/// Evaluates the rows of one file.
class Rows {
 public:
  Rows(Session& s, std::vector<ValidationRow>& out) : s_(s), out_(out) {}

  bool file(const std::string& path) {
    Diagnostics diagnostics;
    const SourcePtr source = read_source(path, diagnostics);
    if (report_problems(s_, diagnostics)) return false;
    const std::vector<Node> rows = read_csv(source, diagnostics);
    if (rows.empty() && report_problems(s_, diagnostics)) return false;
    for (const Diagnostic& d : diagnostics.items()) {  // rows that could not even be cut into cells
      out_.push_back({d.span.where(), group_of({}, path), "", 0, 0, {}, d.message, true});
      ++read_;
      note_unread(d);
    }
    read_ += rows.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (s_.terminal.err_is_terminal && i % 50 == 0)
        s_.err << "\r" << path << "  " << i << " of " << rows.size() << "\x1b[K" << std::flush;
      row(rows[i], path);
    }
    if (s_.terminal.err_is_terminal) s_.err << "\r\x1b[K" << std::flush;
    return !report_problems(s_, std::exchange(header_, {}));
  }

  /// Says how many rows could not be read, and why; true when there were any.
  bool report_unread() {
    if (unread_ == 0) return false;
    report_problems(s_, reasons_);
    say(s_, fmt::format("ridge: {} of {} rows could not be read; --rows lists each with its reason\n",
                        unread_, read_));
    return true;
  }

 private:
  void row(Node document, const std::string& path) {
    Diagnostics diagnostics;
    const RowLabels labels = row_labels(document);
    override_document(document, s_.arguments.set, diagnostics);
    Scenario scenario =
        read_scenario(document, s_.reader, diagnostics, {.needs_workload = false, .origins = false});
    note_unknown_keys(diagnostics);
    const std::string id = labels.id.empty() ? path + ':' + std::to_string(document.span.line) : labels.id;
    const ValidationRow head{id, group_of(labels, path), "", 0, 0, {}, "", true};
    const auto measured = measured_values(scenario.measured);
    if (measured.empty() && !diagnostics.has_errors())
      diagnostics.error("no-measurement", "the row has no measured value", document.span);
    if (diagnostics.has_errors()) {
      ValidationRow refused = head;
      refused.error = first_error(diagnostics).message;
      refuse(refused, measured);
      if (is_unreadable(diagnostics)) note_unread(first_error(diagnostics));
    } else if (std::holds_alternative<std::monostate>(scenario.workload)) {
      model_alone(scenario, labels, head, measured);
    } else {
      estimate(std::move(scenario), head, measured);
    }
  }

  /// A column no scenario has is the file's mistake, told once, not that of every row.
  void note_unknown_keys(const Diagnostics& diagnostics) {
    for (const Diagnostic& d : diagnostics.items()) {
      const auto is_same = [&](const Diagnostic& known) { return known.message == d.message; };
      if (d.code != "unknown-key" || std::any_of(header_.items().begin(), header_.items().end(), is_same))
        continue;
      header_.add(d);
    }
  }

  /// Counts the row, and keeps its reason where few others are known.
  void note_unread(const Diagnostic& reason) {
    constexpr std::size_t most_reasons = 5;
    ++unread_;
    const std::vector<Diagnostic>& known = reasons_.items();
    const auto is_same = [&](const Diagnostic& k) { return k.message == reason.message; };
    if (known.size() < most_reasons && std::none_of(known.begin(), known.end(), is_same))
      reasons_.add(reason);
  }

  using Measurements = std::vector<std::pair<std::string_view, double>>;

  /// One result for each measured value, or one when even those are unknown.
  void refuse(ValidationRow row, const Measurements& measured) {
    if (measured.empty()) out_.push_back(row);
    for (const auto& [metric, value] : measured) {
      row.metric = metric;
      row.measured = value;
      out_.push_back(row);
    }
  }

  void add(ValidationRow row, std::string_view metric, double measured, const std::optional<Prediction>& p) {
    row.metric = metric;
    row.measured = measured;
    if (!p || !std::isfinite(p->value)) row.error = "this workload has no " + row.metric;
    else row.predicted = p->value;
    if (p && p->low && p->high) row.inside_interval = measured >= *p->low && measured <= *p->high;
    out_.push_back(std::move(row));
  }

  void model_alone(const Scenario& s, const RowLabels& labels, const ValidationRow& head,
                   const Measurements& measured) {
    const Inventory inv = inventory(s.model);
    for (const auto& [metric, value] : measured) {
      std::optional<Prediction> p;
      if (metric == "parameters") p = Prediction{counted_parameters(s.model, inv, labels.kind), {}, {}};
      add(head, metric, value, p);
    }
  }

  void estimate(Scenario scenario, ValidationRow head, const Measurements& measured) {
    const Prepared prepared = prepare(std::move(scenario));
    const Estimate e = evaluate(prepared);
    head.fits = e.fits;
    const auto blocking = std::find_if(e.violations.begin(), e.violations.end(),
                                       [](const Violation& v) { return !v.code.starts_with("out-of-"); });
    for (const auto& [metric, value] : measured) {
      std::optional<Prediction> p = predicted_value(e, metric);
      if (metric == "bytes" && prepared.weights.total > 0)
        p = Prediction{static_cast<double>(prepared.weights.total), {}, {}};
      add(head, metric, value, p);
      if ((!p || !(p->value > 0)) && blocking != e.violations.end()) out_.back().error = blocking->problem;
    }
  }

  Session& s_;
  std::vector<ValidationRow>& out_;
  Diagnostics header_, reasons_;
  std::size_t read_ = 0, unread_ = 0;
};

bool is_refused(const ValidationRow& row) { return !row.error.empty(); }

}  // namespace

int validate_command(Session& s) {
  std::vector<ValidationRow> rows;
  Rows reader(s, rows);
  bool is_readable = true;
  for (const std::string& path : s.arguments.positional) is_readable = reader.file(path) && is_readable;
  if (!is_readable) return 2;
  const bool has_unread = reader.report_unread();
  const bool has_none = std::all_of(rows.begin(), rows.end(), is_refused);
  const int status = has_unread || has_none ? 2 : 0;
  if (has_none) {
    say(s, fmt::format("ridge: no row of {} has a prediction\n", rows.size()));
    if (s.arguments.format != OutputFormat::json && !s.arguments.rows) return status;
  }
  const bool by_metric = s.arguments.by == "metric";
  const std::vector<GroupSummary> groups = summarize_groups(rows, by_metric);
  if (s.arguments.format == OutputFormat::json) s.out << validation_json(rows, groups);
  else if (s.arguments.rows && s.arguments.format == OutputFormat::csv)
    print_report(s, rows_table_report(rows));
  else if (s.arguments.rows) print_report(s, rows_report(rows));
  else print_report(s, summary_report(groups, by_metric));
  return status;
}

}  // namespace ridge
