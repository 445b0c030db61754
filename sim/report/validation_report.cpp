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

Cell inside_cell(const ValidationRow& r) {
  return {!r.inside_interval ? "" : *r.inside_interval ? "yes" : "no"};
}

Table row_table(const std::vector<ValidationRow>& rows) {
  Table t;
  t.name = "rows";
  t.columns = {{"id"}, {"group"}, {"metric"}, {"measured"}, {"predicted"}, {"error"}, {"inside"}, {"reason"}};
  for (const ValidationRow& r : rows) {
    std::vector<Cell> cells{{r.id}, {r.group}, {r.metric}, metric_cell(r.measured, r.metric)};
    if (r.error.empty()) {
      cells.push_back(metric_cell(r.predicted, r.metric));
      cells.push_back(error_cell(r.relative_error(), true));
      cells.push_back(inside_cell(r));
      cells.push_back({r.fits ? "" : "predicted not to fit"});
    } else {
      cells.insert(cells.end(), {{""}, {""}, {""}, {r.error}});
    }
    t.rows.push_back(std::move(cells));
  }
  return t;
}

Table predicted_table(const std::vector<ValidationRow>& rows) {
  Table t;
  t.name = "predicted";
  t.columns = {{"id", Align::left, true},
               {"group", Align::left, true, 2},
               {"metric", Align::left, true},
               {"measured"},
               {"predicted"},
               {"error"},
               {"inside", Align::right, false, 3},
               {"fits", Align::right, false, 1}};
  for (const ValidationRow& r : rows)
    if (r.error.empty())
      t.rows.push_back({{r.id},
                        {r.group, Tone::dim},
                        {r.metric, Tone::dim},
                        metric_cell(r.measured, r.metric),
                        metric_cell(r.predicted, r.metric),
                        error_cell(r.relative_error(), true),
                        inside_cell(r),
                        {r.fits ? "yes" : "no", r.fits ? Tone::plain : Tone::warning}});
  return t;
}

Table refused_table(const std::vector<ValidationRow>& rows) {
  Table t;
  t.name = "refused";
  t.columns = {{"id", Align::left, true}, {"metric", Align::left, true}, {"reason", Align::left, true}};
  for (const ValidationRow& r : rows)
    if (!r.error.empty()) t.rows.push_back({{r.id}, {r.metric, Tone::dim}, {r.error, Tone::warning}});
  return t;
}

/// Statistics of one group under the columns of both tables.
void add_statistics(const ErrorSummary& e, bool by_metric, std::vector<Cell>& cells) {
  for (const double error : {e.mean, e.median, e.p90, e.max}) cells.push_back(error_cell(error));
  cells.push_back(percent_cell(e.bias, true));
  if (by_metric) {
    cells.push_back(percent_cell(e.within_10_fraction));
    cells.push_back(percent_cell(e.within_25_fraction));
  }
  cells.push_back(
      e.kendall_tau ? Cell{fmt::format("{:.2f}", *e.kendall_tau), Tone::plain, format_number(*e.kendall_tau)}
                    : Cell{});
  cells.push_back(e.interval_coverage ? percent_cell(*e.interval_coverage) : Cell{});
}

Table group_table(const std::vector<GroupSummary>& groups, bool by_metric) {
  Table t;
  t.name = "summary";
  if (!by_metric) t.columns.push_back({"group", Align::left, true});
  t.columns.insert(t.columns.end(), {{"metric", Align::left, true},
                                     {"rows"},
                                     {"failed"},
                                     {"mean", Align::right, false, 3},
                                     {"median"},
                                     {"p90", Align::right, false, 1},
                                     {"max", Align::right, false, 4},
                                     {"bias"}});
  if (by_metric) t.columns.insert(t.columns.end(), {{"below 10 %"}, {"below 25 %"}});
  t.columns.insert(t.columns.end(), {{"tau", Align::right, false, 2}, {"inside", Align::right, false, 5}});
  for (const GroupSummary& g : groups) {
    std::vector<Cell> cells;
    if (!by_metric) cells.push_back({g.group});
    cells.push_back({g.metric, by_metric ? Tone::plain : Tone::dim});
    cells.push_back({std::to_string(g.errors.rows)});
    cells.push_back({std::to_string(g.failed), g.failed ? Tone::warning : Tone::dim});
    if (g.errors.rows > 0) add_statistics(g.errors, by_metric, cells);
    cells.resize(t.columns.size());
    t.rows.push_back(std::move(cells));
  }
  return t;
}

}  // namespace

Table measured_table(const Measured& measured, const Estimate& e) {
  Table t{{{"metric", Align::left, true}, {"measured"}, {"predicted"}, {"error"}}, {}, "measured"};
  for (const auto& [metric, value] : measured_values(measured)) {
    const std::optional<Prediction> p = predicted_value(e, metric);
    if (!p || !std::isfinite(p->value) || !(value > 0)) continue;
    t.rows.push_back({{std::string(metric)},
                      metric_cell(value, metric),
                      metric_cell(p->value, metric),
                      error_cell(p->value / value - 1, true)});
  }
  return t;
}

Report summary_report(const std::vector<GroupSummary>& groups, bool by_metric) {
  std::size_t results = 0;
  for (const GroupSummary& g : groups) results += g.errors.rows + g.failed;
  Report r;
  r.section("Relative error of predictions", fmt::format("{} results", results))
      .add(group_table(groups, by_metric));
  return r;
}

Report rows_report(const std::vector<ValidationRow>& rows) {
  Report r;
  Table predicted = predicted_table(rows), refused = refused_table(rows);
  if (!predicted.rows.empty())
    r.section("Predictions", fmt::format("{} results", predicted.rows.size())).add(std::move(predicted));
  if (!refused.rows.empty())
    r.section("No prediction", fmt::format("{} results", refused.rows.size())).add(std::move(refused));
  return r;
}

Report rows_table_report(const std::vector<ValidationRow>& rows) {
  Report r;
  r.section("").add(row_table(rows));
  return r;
}

}  // namespace ridge
