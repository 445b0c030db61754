#include "calibrate/fit/error_summary.h"

#include "calibrate/fit/robust.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

double log_error(const Prediction& p) { return std::abs(std::log(p.measured / p.predicted)); }

const RegimeInterval* interval_of(std::span<const RegimeInterval> all, const std::string& regime) {
  const auto it = std::ranges::find(all, regime, &RegimeInterval::regime);
  return it == all.end() ? nullptr : &*it;
}

}  // namespace

ErrorSummary summarise_errors(std::span<const Prediction> predictions) {
  ErrorSummary s;
  std::vector<double> signed_errors, errors;
  std::vector<WorstPoint> all;
  for (const Prediction& p : predictions) {
    const double e = p.predicted / p.measured - 1;
    signed_errors.push_back(e);
    errors.push_back(std::abs(e));
    all.push_back({p.what, e});
    s.mean += std::abs(e);
  }
  if (errors.empty()) return s;
  s.points = static_cast<std::int64_t>(errors.size());
  s.mean /= static_cast<double>(errors.size());
  s.median = median(errors);
  s.p90 = quantile(errors, 0.9);
  s.max = quantile(errors, 1);
  s.bias = median(signed_errors);
  std::ranges::stable_sort(all, std::greater{}, [](const WorstPoint& w) { return std::abs(w.error); });
  all.resize(std::min<std::size_t>(all.size(), 5));
  s.worst = std::move(all);
  return s;
}

double interval_coverage(std::span<const Prediction> predictions, std::span<const RegimeInterval> intervals) {
  if (predictions.empty()) return 0;
  double inside = 0;
  for (const Prediction& p : predictions) {
    const RegimeInterval* i = interval_of(intervals, p.regime);
    if (i && log_error(p) <= std::log1p(i->fraction)) ++inside;
  }
  return inside / static_cast<double>(predictions.size());
}

}  // namespace ridge
