#include "calibrate/fit/model_chart.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr int seen_colour = 4, judged_colour = 1, law_colour = 0;

double widest(const std::vector<RegimeInterval>& intervals) {
  double f = 0;
  for (const RegimeInterval& i : intervals) f = std::max(f, i.fraction);
  return f;
}

std::string note_of(const std::string& library, std::int64_t fitted, const ErrorSummary& e) {
  return fmt::format(
      "{}; {} points fitted; held out and judged: {} points, median error {:.1f} %, 90th "
      "percentile {:.1f} %, {:.0f} % inside the interval",
      library.empty() ? "library unknown" : library, fitted, e.points, 100 * e.median, 100 * e.p90,
      100 * e.coverage);
}

/// Points fitted in one colour, held-out ones in another; `y` says what of a point is shown.
template <class X, class Y>
void add_points(Chart& chart, const PlottedPoints& samples, X x, Y y, bool has_legend) {
  ChartSeries seen{.name = has_legend ? "fitted, or set the interval" : "", .colour = seen_colour};
  ChartSeries judged{.name = has_legend ? "held out: no fit saw it" : "", .colour = judged_colour};
  for (const PlottedPoint& s : samples) {
    ChartSeries& to = s.role == PointRole::judged ? judged : seen;
    to.x.push_back(x(s)), to.y.push_back(y(s));
  }
  chart.series.push_back(std::move(seen));
  chart.series.push_back(std::move(judged));
}

ChartSeries band(std::vector<double> x, double f, const char* name) {
  ChartSeries s{.name = name, .mark = ChartMark::band, .x = std::move(x), .colour = law_colour};
  s.y.assign(s.x.size(), 100 * (1 / (1 + f) - 1));
  s.high.assign(s.x.size(), 100 * f);
  return s;
}

template <class X>
Chart error_panel(const PlottedPoints& samples, const std::vector<RegimeInterval>& intervals, X x,
                  std::vector<double> ends, const ChartAxis& axis) {
  Chart c{.x = axis, .y = {"measured / predicted - 1", "%", false}};
  c.series.push_back(band(std::move(ends), widest(intervals), "90 % interval (widest regime)"));
  add_points(
      c, samples, x, [](const PlottedPoint& s) { return 100 * (s.measured / s.predicted - 1); }, false);
  return c;
}

}  // namespace

std::vector<Chart> model_chart(const KernelModel& m) {
  if (m.samples.empty()) return {};
  const auto predicted = [](const PlottedPoint& s) { return s.predicted; };
  const auto [least, most] = std::ranges::minmax(m.samples, {}, predicted);
  const std::vector<double> ends{least.predicted, most.predicted};
  Chart c{.title = m.family + ' ' + m.variant,
          .note = note_of(m.library, m.fitted_points, m.hold_out),
          .x = {"predicted time", "s"},
          .y = {"measured time", "s"}};
  c.series.push_back(
      {.name = "prediction", .mark = ChartMark::line, .x = ends, .y = ends, .colour = law_colour});
  add_points(
      c, m.samples, predicted, [](const PlottedPoint& s) { return s.measured; }, true);
  Chart errors = error_panel(m.samples, m.intervals, predicted, ends, c.x);
  return {std::move(c), std::move(errors)};
}

std::vector<Chart> model_chart(const CurveModel& m) {
  if (m.curve.sizes.empty()) return {};
  const auto size = [](const PlottedPoint& s) { return s.size; };
  Chart c{.title = m.family + ' ' + m.variant,
          .note = note_of(m.library, m.fitted_points, m.hold_out),
          .x = {"size", "B"},
          .y = {"time", "s"}};
  ChartSeries line{.name = "fitted curve", .mark = ChartMark::line, .colour = law_colour};
  for (std::size_t i = 0; i < m.curve.sizes.size(); ++i)
    line.x.push_back(m.curve.sizes[i].value()), line.y.push_back(m.curve.times[i].value());
  const std::vector<double> ends{line.x.front(), line.x.back()};
  c.series.push_back(std::move(line));
  if (m.samples.empty()) return {std::move(c)};
  add_points(
      c, m.samples, size, [](const PlottedPoint& s) { return s.measured; }, true);
  Chart errors = error_panel(m.samples, m.intervals, size, ends, c.x);
  return {std::move(c), std::move(errors)};
}

}  // namespace ridge
