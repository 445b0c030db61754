#include "hardware/residual_table.h"

#include "hardware/numbers.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>

namespace ridge {

TableShares table_shares(std::span<const TableAxis> axes, std::span<const double> at) {
  TableShares s;
  s.share[0] = 1;
  s.count = 1;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const std::vector<double>& knots = axes[a].knots;
    const double x = std::clamp(at[a], knots.front(), knots.back());
    std::size_t i = static_cast<std::size_t>(std::ranges::upper_bound(knots, x) - knots.begin());
    i = std::clamp<std::size_t>(i, 1, std::max<std::size_t>(knots.size() - 1, 1)) - 1;
    const std::vector<double>& logs = axes[a].logs;
    double up = 0;
    if (knots.size() > 1)
      up = logs.empty() ? std::log(x / knots[i]) / std::log(knots[i + 1] / knots[i])
                        : (x <= knots.front()  ? 0
                           : x >= knots.back() ? 1
                                               : (std::log(x) - logs[i]) / (logs[i + 1] - logs[i]));
    const std::size_t before = s.count;
    for (std::size_t c = 0; c < before; ++c) {
      s.cell[c] = s.cell[c] * knots.size() + i;
      if (up <= 0) continue;
      s.cell[s.count] = s.cell[c] + 1;
      s.share[s.count++] = s.share[c] * up;
      s.share[c] *= 1 - up;
    }
  }
  return s;
}

ResidualTable with_logarithms(ResidualTable table) {
  for (TableAxis& a : table.axes) {
    a.logs.clear();
    for (const double k : a.knots) a.logs.push_back(std::log(k));
  }
  return table;
}

double residual_at(const ResidualTable& table, std::span<const double> at) {
  if (table.values.empty()) return 0;
  const TableShares s = table_shares(table.axes, at);
  double sum = 0;
  for (std::size_t c = 0; c < s.count; ++c) sum += s.share[c] * table.values[s.cell[c]];
  return sum;
}

bool is_between(const ResidualTable& table, std::span<const double> at) {
  for (std::size_t i = 0; i < table.axes.size(); ++i) {
    const std::vector<double>& k = table.axes[i].knots;
    if (at[i] < k.front() || at[i] > k.back()) return false;
  }
  return true;
}

std::string table_problem(const ResidualTable& table) {
  if (table.axes.empty() && table.values.empty()) return {};
  if (table.axes.empty() || table.axes.size() > most_table_axes)
    return fmt::format("a table of {} axes; 1 to {} are known", table.axes.size(), most_table_axes);
  std::size_t cells = 1;
  for (const TableAxis& a : table.axes) {
    cells *= a.knots.size();
    if (a.knots.empty() || !(a.knots.front() > 0) ||
        std::ranges::adjacent_find(a.knots, std::greater_equal{}) != a.knots.end())
      return fmt::format("the knots of '{}' do not ascend", a.name);
  }
  if (cells != table.values.size())
    return fmt::format("a table of {} cells has {} values", cells, table.values.size());
  return {};
}

namespace {

/// A mirror with `Numbers`, so that knots and values are lines, not lists.
struct AxisText {
  std::string name;
  Numbers knots;
};
struct TableText {
  std::vector<AxisText> axes;
  Numbers values;
};

}  // namespace

template <> struct SchemaOf<AxisText> {
  static const Schema<AxisText>& get() {
    static const Schema<AxisText> s{
        "axis",
        "One axis of a residual table",
        {field("name", &AxisText::name, "size that varies along it").required(),
         field("knots", &AxisText::knots, "sizes, ascending").range(1e-9, 1e18).required()}};
    return s;
  }
};
template <> struct SchemaOf<TableText> {
  static const Schema<TableText>& get() {
    static const Schema<TableText> s{
        "residual",
        "log(measured / law) on a grid, last axis fastest",
        {field("axes", &TableText::axes, "axes of the grid"),
         field("values", &TableText::values, "logarithms, at most a factor of 148 either way")
             .range(-most_residual, most_residual)}};
    return s;
  }
};

void read_value(const Node& n, ResidualTable& table, ReadContext& c, Range) {
  table = {};
  if (n.is_null()) return;
  TableText text;
  const std::size_t before = c.diagnostics.items().size();
  read_value(n, text, c);
  for (AxisText& a : text.axes) table.axes.push_back({std::move(a.name), std::move(a.knots.values)});
  table.values = std::move(text.values.values);
  if (c.diagnostics.items().size() != before) return;
  if (const std::string problem = table_problem(table); !problem.empty()) {
    c.diagnostics.error("impossible-table", problem, n.span);
    table = {};
  }
}

Node write_value(const ResidualTable& table) {
  if (table.values.empty()) return {};
  TableText text;
  for (const TableAxis& a : table.axes) text.axes.push_back({a.name, {a.knots}});
  text.values.values = table.values;
  return write_value(text);
}

std::string type_text(const ResidualTable*) { return "residual table"; }

}  // namespace ridge
