#include "base/quantity_text.h"
#include "sim/report/validation.h"

#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

Cell percent_cell(double fraction, bool is_signed = false) {
  Cell c;
  c.text = is_signed ? fmt::format("{:+.1f} %", 100 * fraction) : fmt::format("{:.1f} %", 100 * fraction);
  c.exact = format_number(fraction);
  return c;
}

Cell error_cell(double fraction, bool is_signed = false) {
  Cell c = percent_cell(fraction, is_signed);
  const double size = std::abs(fraction);
  c.tone = size <= 0.1 ? Tone::good : size <= 0.25 ? Tone::plain : size <= 0.5 ? Tone::warning : Tone::bad;
  return c;
}

Cell metric_cell(double value, std::string_view metric) {
  std::string text = short_count(value);
  if (metric.ends_with("seconds") || metric.starts_with("time_")) text = format(Seconds{value});
  else if (metric.ends_with("bytes")) text = format(Bytes{value});
  else if (metric == "parameters") text = format_count(std::llround(value));
  else if (metric == "model_flops_utilization") text = fmt::format("{:.1f} %", 100 * value);
  return {text, Tone::plain, format_number(value)};
}

Table row_table(const std::vector<ValidationRow>& rows) {
  Table t;
  t.name = "rows";
  t.columns = {{"id", Align::left, true},
               {"group", Align::left},
               {"metric", Align::left},
               {"measured"},
               {"predicted"},
               {"error"},
               {"inside"},
               {"reason", Align::left}};
  for (const ValidationRow& r : rows) {
    std::vector<Cell> cells{
        {r.id}, {r.group, Tone::dim}, {r.metric, Tone::dim}, metric_cell(r.measured, r.metric)};
    if (r.error.empty()) {
      cells.push_back(metric_cell(r.predicted, r.metric));
      cells.push_back(error_cell(r.relative_error(), true));
      cells.push_back({!r.inside_interval ? "" : *r.inside_interval ? "yes" : "no"});
      cells.push_back({r.fits ? "" : "predicted not to fit", Tone::warning});
    } else {
      cells.insert(cells.end(), {{""}, {""}, {""}, {r.error, Tone::warning}});
    }
    t.rows.push_back(std::move(cells));
  }
  return t;
}

Table group_table(const std::vector<GroupSummary>& groups) {
  Table t;
  t.name = "summary";
  t.columns = {{"group", Align::left, true},
               {"metric", Align::left},
               {"rows"},
               {"failed"},
               {"mean"},
               {"median"},
               {"p90"},
               {"max"},
               {"bias"},
               {"tau"},
               {"inside"}};
  for (const GroupSummary& g : groups) {
    std::vector<Cell> cells{{g.group},
                            {g.metric, Tone::dim},
                            {std::to_string(g.errors.rows)},
                            {std::to_string(g.failed), g.failed ? Tone::warning : Tone::dim}};
    if (g.errors.rows == 0) cells.resize(t.columns.size());
    else {
      for (const double e : {g.errors.mean, g.errors.median, g.errors.p90, g.errors.max})
        cells.push_back(error_cell(e));
      cells.push_back(percent_cell(g.errors.bias, true));
      const auto& tau = g.errors.kendall_tau;
      cells.push_back(tau ? Cell{fmt::format("{:.2f}", *tau), Tone::plain, format_number(*tau)} : Cell{});
      const auto& inside = g.errors.interval_coverage;
      cells.push_back(inside
                          ? Cell{fmt::format("{:.0f} %", 100 * *inside), Tone::plain, format_number(*inside)}
                          : Cell{});
    }
    t.rows.push_back(std::move(cells));
  }
  return t;
}

}  // namespace

Report validation_report(const std::vector<ValidationRow>& rows, const std::vector<GroupSummary>& groups,
                         bool with_rows) {
  Report r;
  if (with_rows) r.section("Rows").add(row_table(rows));
  else
    r.section("Relative error of predictions", fmt::format("{} results", rows.size()))
        .add(group_table(groups));
  if (with_rows) r.section("Relative error by group").add(group_table(groups));
  return r;
}

}  // namespace ridge
