#include "sim/report/compare_report.h"

#include "base/quantity_text.h"
#include "sim/report/figure_text.h"
#include "sim/report/json_value.h"
#include "sim/report/plan_report.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

/// Collects figures by key in order of first appearance; every column gets its place.
class Figures {
 public:
  explicit Figures(std::size_t columns) : columns_(columns) {}

  void add(std::size_t column, std::string key, std::string label, double value, Dim dim,
           bool is_fraction = false) {
    auto it = std::find_if(all_.begin(), all_.end(), [&](const ComparedFigure& f) { return f.key == key; });
    if (it == all_.end()) {
      all_.push_back(
          {std::move(key), std::move(label), dim, is_fraction, std::vector<std::optional<double>>(columns_)});
      it = all_.end() - 1;
    }
    it->values[column] = value;
  }
  std::vector<ComparedFigure> take() { return std::move(all_); }

 private:
  std::size_t columns_;
  std::vector<ComparedFigure> all_;
};

void add_totals(Figures& f, std::size_t i, const Estimate& e) {
  for (const auto& [name, amount] : e.time.totals)
    f.add(i, fmt::format("time.{}", name), words(headline_name(name)), amount.value.value(), Seconds::dim);
  const Throughput& t = e.throughput;
  if (t.tokens_per_second.value.value() > 0) {
    f.add(i, "throughput.tokens_per_second", "tokens per second", t.tokens_per_second.value.value(),
          TokensPerSecond::dim);
    f.add(i, "throughput.tokens_per_second_per_device", "per device",
          t.tokens_per_second_per_device.value.value(), TokensPerSecond::dim);
  }
  if (t.model_flops_utilization.value > 0)
    f.add(i, "throughput.model_flops_utilization", "MFU", t.model_flops_utilization.value, {}, true);
  if (e.memory.stages.empty()) return;
  f.add(i, "memory.peak_allocated_bytes", "allocated", e.memory.peak_allocated.value.value(), Bytes::dim);
  f.add(i, "memory.peak_reserved_bytes", "reserved", e.memory.peak_reserved.value.value(), Bytes::dim);
  f.add(i, "memory.capacity_bytes", "capacity", e.memory.capacity.value.value(), Bytes::dim);
}

void add_parts(Figures& f, std::size_t i, const Estimate& e) {
  for (const auto& [name, amount] : e.time.parts)
    if (amount.value.value() > 0)
      f.add(i, fmt::format("time.parts.{}", name), "time: " + words(name), amount.value.value(),
            Seconds::dim);
  if (e.memory.stages.empty()) return;
  for (const auto& [name, amount] :
       e.memory.stages[std::min(e.memory.worst, e.memory.stages.size() - 1)].parts)
    if (amount.value.value() > 0)
      f.add(i, fmt::format("memory.parts.{}", name), "memory: " + words(name), amount.value.value(),
            Bytes::dim);
}

std::string figure_text(const ComparedFigure& f, double value) {
  return f.is_fraction ? fmt::format("{:.1f} %", 100 * value) : format_quantity(value, f.dim);
}

/// Whether less of it is better.
bool is_cost(const ComparedFigure& f) { return f.dim == Seconds::dim || f.dim == Bytes::dim; }

Cell difference(const ComparedFigure& f, std::optional<double> from, std::optional<double> to) {
  if (!from || !to || *from == *to || *from == 0) return {};
  const double change = *to / *from - 1;
  Cell c{fmt::format("{:+.1f} %", 100 * change), Tone::plain, format_number(change)};
  if (f.key != "memory.capacity_bytes" && std::abs(change) >= 0.0005)
    c.tone = (change < 0) == is_cost(f) ? Tone::good : Tone::warning;
  return c;
}

/// Times of what does not fit are those of a larger memory, so they stand in parentheses.
Cell figure_cell(const ComparedFigure& f, double value, bool fits) {
  const std::string text = figure_text(f, value);
  const bool is_hypothetical = !fits && f.dim != Bytes::dim;
  return {is_hypothetical ? '(' + text + ')' : text, is_hypothetical ? Tone::dim : Tone::plain,
          format_number(value)};
}

Table figure_table(const std::vector<ComparedEstimate>& columns, const std::vector<ComparedFigure>& figures) {
  Table t;
  t.columns = {{"", Align::left, true}};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    t.columns.push_back({columns[i].title});
    if (i > 0) t.columns.push_back({"", Align::right, false, 0, true});
  }
  for (const ComparedFigure& f : figures) {
    std::vector<Cell> row{{f.label}};
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto& value = f.values[i];
      row.push_back(value ? figure_cell(f, *value, columns[i].estimate->fits) : Cell{});
      if (i > 0) row.push_back(difference(f, f.values[0], value));
    }
    t.rows.push_back(std::move(row));
  }
  return t;
}

std::vector<Cell> verdict_row(const std::vector<ComparedEstimate>& columns) {
  std::vector<Cell> row{{"verdict"}};
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Estimate& e = *columns[i].estimate;
    row.push_back({std::string(verdict_text(verdict_of(e))), e.fits ? Tone::good : Tone::bad});
    if (i > 0) row.push_back({});
  }
  return row;
}

Table key_table(const std::vector<ComparedEstimate>& columns, const std::vector<DifferingKey>& keys) {
  Table t;
  t.columns = {{"key", Align::left, true}};
  for (const auto& c : columns) t.columns.push_back({c.title, Align::left, true});
  for (const DifferingKey& k : keys) {
    std::vector<Cell> row{{k.key}};
    for (const std::string& v : k.values)
      row.push_back({v.empty() ? "-" : v, v.empty() ? Tone::dim : Tone::strong});
    t.rows.push_back(std::move(row));
  }
  return t;
}

}  // namespace

std::vector<ComparedFigure> compared_figures(const std::vector<ComparedEstimate>& columns) {
  Figures figures(columns.size());
  const auto can_run = [&](std::size_t i) { return verdict_of(*columns[i].estimate) != Verdict::cannot_run; };
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (can_run(i)) add_totals(figures, i, *columns[i].estimate);
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (can_run(i)) add_parts(figures, i, *columns[i].estimate);
  return figures.take();
}

std::vector<DifferingKey> differing_keys(const std::vector<ComparedEstimate>& columns) {
  std::vector<DifferingKey> all;
  for (std::size_t i = 0; i < columns.size(); ++i)
    for (const auto& [key, value] : columns[i].values) {
      auto it =
          std::find_if(all.begin(), all.end(), [&k = key](const DifferingKey& d) { return d.key == k; });
      if (it == all.end()) it = all.insert(all.end(), {key, std::vector<std::string>(columns.size())});
      it->values[i] = value;
    }
  std::erase_if(all, [](const DifferingKey& d) {
    return std::all_of(d.values.begin(), d.values.end(),
                       [&](const std::string& v) { return v == d.values[0]; });
  });
  return all;
}

Report compare_report(const std::vector<ComparedEstimate>& columns) {
  Report r;
  const std::vector<DifferingKey> keys = differing_keys(columns);
  if (!keys.empty()) r.section("What differs").add(key_table(columns, keys));
  Section& figures = r.section("Estimates", "differences from " + columns[0].title);
  Table table = figure_table(columns, compared_figures(columns));
  table.rows.insert(table.rows.begin(), verdict_row(columns));
  figures.add(std::move(table));
  Bullets problems;
  for (const ComparedEstimate& c : columns)
    for (const Violation& v : c.estimate->violations)
      problems.items.push_back(
          {fmt::format("{}: {}{}{}", c.title, v.problem, v.remedy.empty() ? "" : ": ", v.remedy), Tone::bad});
  if (std::any_of(columns.begin(), columns.end(),
                  [](const ComparedEstimate& c) { return verdict_of(*c.estimate) == Verdict::does_not_fit; }))
    problems.items.push_back({"figures in parentheses would hold if memory sufficed", Tone::dim});
  if (!problems.items.empty()) figures.add(std::move(problems));
  return r;
}

std::string compare_json(const std::vector<ComparedEstimate>& columns) {
  Json j = {{"scenarios", Json::array()}, {"differences", Json::object()}};
  const std::vector<ComparedFigure> figures = compared_figures(columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    Json one = {{"title", columns[i].title},
                {"fits", columns[i].estimate->fits},
                {"verdict", verdict_text(verdict_of(*columns[i].estimate))},
                {"violations", Json::array()},
                {"metrics", Json::object()}};
    for (const Violation& v : columns[i].estimate->violations) one["violations"].push_back(v.problem);
    for (const ComparedFigure& f : figures)
      if (f.values[i]) one["metrics"][f.key] = json_number(*f.values[i]);
    j["scenarios"].push_back(std::move(one));
  }
  for (const DifferingKey& k : differing_keys(columns)) j["differences"][k.key] = k.values;
  return json_text(j);
}

}  // namespace ridge
