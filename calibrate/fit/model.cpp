#include "calibrate/fit/model.h"

#include "base/stable_hash.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

struct Split {
  Measurements fitted, held_out;
};

/// Collectives and copies are held out by every second size, which asks for interpolation everywhere.
Split split_by_size(Measurements points) {
  std::ranges::sort(points, {}, [](const Measurement& m) { return m.size("bytes"); });
  std::vector<double> sizes;
  for (const Measurement& m : points)
    if (sizes.empty() || sizes.back() != m.size("bytes")) sizes.push_back(m.size("bytes"));
  Split s;
  for (Measurement& m : points) {
    const auto rank = std::ranges::lower_bound(sizes, m.size("bytes")) - sizes.begin();
    const bool is_last = rank + 1 == static_cast<std::ptrdiff_t>(sizes.size());
    (sizes.size() > 4 && rank % 2 == 1 && !is_last ? s.held_out : s.fitted).push_back(std::move(m));
  }
  return s;
}

Split split(const Measurements& points, double fraction) {
  const bool is_marked = std::ranges::any_of(points, &Measurement::is_held_out);
  Split s;
  for (const Measurement& m : points) {
    const bool held = is_marked ? m.is_held_out : is_chosen_for_hold_out(m, fraction);
    (held ? s.held_out : s.fitted).push_back(m);
  }
  return s;
}

template <class Model> std::vector<Prediction> predictions(const Model& model, const Measurements& points) {
  std::vector<std::pair<std::uint64_t, Prediction>> hashed;
  for (const Measurement& m : points) {
    const Seconds t = predict(model, m);
    const std::string what = sizes_text(m);
    hashed.push_back({stable_hash(what), {what, regime_of(m, t), m.time, t, Bytes{m.size("bytes")}}});
  }
  std::ranges::stable_sort(hashed, {}, [](const auto& h) { return h.first; });
  std::vector<Prediction> out;
  for (auto& [hash, p] : hashed) out.push_back(std::move(p));
  return out;
}

/// A model and what it predicts for the points it never saw.
template <class Model> struct Fitted {
  Model model;
  HeldOut held_out;
};

void keep(PlottedPoints& samples, const std::vector<Prediction>& all, PointRole role) {
  for (const Prediction& p : all)
    samples.push_back({p.size.value(), p.measured.value(), p.predicted.value(), role});
}

template <class Model> Fitted<Model> with_held_out(Model model, const Split& s, const FitOptions& options) {
  const std::vector<Prediction> held_out = predictions(model, s.held_out);
  if (options.keeps_samples) {
    keep(model.samples, predictions(model, s.fitted), PointRole::fitted);
    keep(model.samples, held_out, PointRole::judged);
  }
  model.interval_points = static_cast<std::int64_t>(held_out.size());
  model.hold_out = summarise_errors(held_out);
  HeldOut halves = split_held_out(model.family, held_out);
  model.objections = gate_objections(model);
  halves.is_refused = !model.objections.empty();
  return {std::move(model), std::move(halves)};
}

template <class Model> Model judged(Fitted<Model> f, std::vector<RegimeInterval> intervals, double coverage) {
  f.model.hold_out.coverage = coverage;
  f.model.intervals = std::move(intervals);
  return std::move(f.model);
}

/// Intervals need all models at once, because small ones borrow from their class.
void judge_all(Models& out, std::vector<Fitted<KernelModel>> kernels,
               std::vector<Fitted<CurveModel>> curves) {
  std::vector<HeldOut> all;
  for (const auto& k : kernels) all.push_back(k.held_out);
  for (const auto& c : curves) all.push_back(c.held_out);
  const std::vector<double> coverage = cross_coverage(all);
  auto intervals = conformal_intervals(all_to_calibration(all));
  std::size_t i = 0;
  for (auto& k : kernels) {
    out.kernels.push_back(judged(std::move(k), std::move(intervals[i]), coverage[i]));
    ++i;
  }
  for (auto& c : curves) {
    out.curves.push_back(judged(std::move(c), std::move(intervals[i]), coverage[i]));
    ++i;
  }
}

ResidualTable table_of(const Measurements& points, const KernelModel& model, const FitOptions& options,
                       const std::vector<const ResidualTable*>& related) {
  std::vector<TablePoint> rows;
  for (const Measurement& m : points)
    rows.push_back(
        {table_position(m), std::log(m.time / law_time(model.law, *scheduled_work(m, model.schedule)))});
  constexpr std::size_t most_cells = 1800;  // more take minutes to solve for, and no run has points for them
  std::vector<TableAxis> axes;
  const auto names = table_axes(points.front().family);
  std::size_t cells = most_cells + 1;
  for (std::size_t most = options.most_knots; cells > most_cells && most >= 2; --most) {
    axes.clear(), cells = 1;
    for (std::size_t a = 0; a < rows.front().at.size(); ++a) {
      std::vector<double> values;
      for (const TablePoint& r : rows) values.push_back(r.at[a]);
      axes.push_back({names[a], choose_knots(std::move(values), most)});
      cells *= axes.back().knots.size();
    }
  }
  return fit_residuals(rows, std::move(axes), related);
}

/// Tables of the same library's kernels of that kind that rest on more points.
std::vector<const ResidualTable*> related_tables(const std::vector<Fitted<KernelModel>>& known,
                                                 const Measurements& points) {
  std::vector<const ResidualTable*> out;
  for (const auto& k : known)
    if (k.model.family == points.front().family && k.model.library == points.front().library &&
        k.model.fitted_points > static_cast<std::int64_t>(points.size()))
      out.push_back(&k.model.residual);
  return out;
}

/// The law, and for a kernel of known tiles what a block costs beside its steps: whatever fits best.
void fit_law_to(KernelModel& model, const Measurements& points, FlopPerSecond peak,
                BytesPerSecond bandwidth) {
  BlockSchedule schedule = schedule_of(points.front());
  double best = -1;
  for (double overhead = 0; overhead <= (schedule.is_known() ? 4.0 : 0.0); overhead += 0.5) {
    schedule.overhead = overhead;
    std::vector<LawPoint> rows;
    for (const Measurement& m : points) rows.push_back({*scheduled_work(m, schedule), m.time});
    const LawFit fit = fit_law(rows, peak, bandwidth);
    if (best < 0 || fit.cost < best) best = fit.cost, model.law = fit.law, model.schedule = schedule;
  }
}

Fitted<KernelModel> fit_kernel(const Measurements& points, const MachineLimits& limits,
                               const FitOptions& options, const std::vector<const ResidualTable*>& related) {
  const Measurement& first = points.front();
  KernelModel model{.family = first.family, .variant = first.variant, .library = first.library};
  const bool is_marked = std::ranges::any_of(points, &Measurement::is_held_out);
  const bool is_over_bytes = first.family == "pointwise" && !is_marked;
  const Split s = is_over_bytes ? split_by_size(points) : split(points, options.hold_out_fraction);
  FlopPerSecond peak = limits.peak(first.variant);
  if (!(peak > FlopPerSecond{})) peak = FlopPerSecond{1e30};
  if (!s.fitted.empty()) fit_law_to(model, s.fitted, peak, limits.bandwidth);
  model.bandwidth_reached = 0;
  for (const Measurement& m : s.fitted)
    model.bandwidth_reached =
        std::max(model.bandwidth_reached, work_of(m)->bytes / m.time / limits.bandwidth);
  if (options.has_table && !s.fitted.empty()) model.residual = table_of(s.fitted, model, options, related);
  model.fitted_points = static_cast<std::int64_t>(s.fitted.size());
  model.fitted = summarise_errors(predictions(model, s.fitted));
  return with_held_out(std::move(model), s, options);
}

Fitted<CurveModel> fit_curve_model(const Measurements& points, const FitOptions& options) {
  const Measurement& first = points.front();
  CurveModel model{.family = first.family, .variant = first.variant, .library = first.library};
  const bool is_marked = std::ranges::any_of(points, &Measurement::is_held_out);
  const Split s = is_marked ? split(points, 0) : split_by_size(points);
  model.curve = fit_curve(s.fitted);
  model.fitted_points = static_cast<std::int64_t>(s.fitted.size());
  if (model.curve.sizes.empty()) return {std::move(model), {first.family, {}, {}, false}};
  return with_held_out(std::move(model), s, options);
}

constexpr double largest_size = 1e18, smallest_position = 1e-6;
constexpr Seconds shortest{1e-12}, longest{1e9};

bool is_sane(const Measurement& m) {
  return m.time >= shortest && m.time <= longest && std::ranges::all_of(m.sizes, [](const auto& s) {
           return s.second >= 0 && s.second <= largest_size;
         });
}

bool has_position(const Measurement& m) {
  return std::ranges::all_of(table_position(m),
                             [](double x) { return x >= smallest_position && x <= largest_size; });
}

/// A curve needs two sizes to say anything about others.
void add_curve(Fitted<CurveModel> curve, std::vector<Fitted<CurveModel>>& to, Models& out) {
  const CurveModel& m = curve.model;
  if (m.curve.sizes.size() >= 2) to.push_back(std::move(curve));
  else out.skipped.push_back(fmt::format("{} {}: its points are of one size alone", m.family, m.variant));
}

/// Passes over rows and passes over plain bytes are no one model.
bool lies_with(const Measurements& group, const Measurement& m) {
  return group.empty() || table_position(group.front()).size() == table_position(m).size();
}

}  // namespace

Seconds predict(const KernelModel& model, const Measurement& m) {
  const auto work = scheduled_work(m, model.schedule);
  if (!work) return {};
  const std::vector<double> at = table_position(m);
  const Seconds law = law_time(model.law, *work);
  // A pass of unknown rows in a table of rows: the law knows no more.
  return at.size() == model.residual.axes.size() ? law * std::exp(residual_at(model.residual, at)) : law;
}

Seconds predict(const CurveModel& model, const Measurement& m) {
  return curve_time(model.curve, Bytes{m.size("bytes")});
}

const KernelModel* Models::kernel(std::string_view family, std::string_view variant) const {
  for (const KernelModel& k : kernels)
    if (k.family == family && k.variant == variant) return &k;
  return nullptr;
}

const CurveModel* Models::curve(std::string_view family, std::string_view variant) const {
  for (const CurveModel& c : curves)
    if (c.family == family && c.variant == variant) return &c;
  return nullptr;
}

Models fit_models(const Measurements& measurements, const MachineLimits& limits, const FitOptions& options) {
  std::map<std::pair<std::string, std::string>, Measurements> groups;
  std::map<std::pair<std::string, std::string>, int> unusable, slow;
  for (const Measurement& m : measurements) {
    const auto key = std::pair(m.family, m.variant);
    if (!is_sane(m) || (work_of(m) && !(has_position(m) && lies_with(groups[key], m)))) ++unusable[key];
    else if (m.is_throttled) ++slow[key];
    else groups[key].push_back(m);
  }
  Models out;
  const auto say = [&](const auto& counts, std::string_view why) {
    for (const auto& [key, n] : counts)
      out.skipped.push_back(fmt::format("{} {}: {} points {}", key.first, key.second, n, why));
  };
  say(unusable, "without a usable size or time");
  say(slow, "taken at a lowered clock");
  std::vector<Fitted<KernelModel>> kernels;
  std::vector<Fitted<CurveModel>> curves;
  for (const auto& [key, points] : groups) {
    if (points.front().sizes.empty() || points.front().family == "sustained")
      for (const Measurement& m : points)
        out.figures.push_back({m.family, m.kernel.empty() ? m.variant : m.variant + " " + m.kernel, m.time});
    else if (points.size() < 3 && class_of(points.front().family) == "copies")
      for (const Measurement& m : points)
        out.figures.push_back({m.family, fmt::format("{}, {:.0f} B", m.variant, m.size("bytes")), m.time});
    else if (points.size() < 3)
      out.skipped.push_back(
          fmt::format("{} {}: {} points are too few", key.first, key.second, points.size()));
    else if (work_of(points.front()))
      kernels.push_back(fit_kernel(points, limits, options, related_tables(kernels, points)));
    else add_curve(fit_curve_model(points, options), curves, out);
  }
  judge_all(out, std::move(kernels), std::move(curves));
  return out;
}

}  // namespace ridge
