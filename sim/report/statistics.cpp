#include "sim/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace ridge {

double quantile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  const double h = static_cast<double>(values.size() - 1) * p;
  const auto low = static_cast<std::size_t>(h);
  if (low + 1 >= values.size()) return values.back();
  return values[low] + (h - static_cast<double>(low)) * (values[low + 1] - values[low]);
}

std::optional<double> kendall_tau(const std::vector<double>& x, const std::vector<double>& y) {
  std::int64_t concordant = 0, discordant = 0, only_x = 0, only_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const int order_x = (x[i] > x[j]) - (x[i] < x[j]);
      const int order_y = (y[i] > y[j]) - (y[i] < y[j]);
      concordant += order_x * order_y > 0;
      discordant += order_x * order_y < 0;
      only_x += order_x != 0 && order_y == 0;
      only_y += order_x == 0 && order_y != 0;
    }
  const auto ordered = static_cast<double>(concordant + discordant);
  const double scale =
      std::sqrt((ordered + static_cast<double>(only_x)) * (ordered + static_cast<double>(only_y)));
  if (scale == 0) return std::nullopt;
  return static_cast<double>(concordant - discordant) / scale;
}

ErrorSummary summarize(const std::vector<Comparison>& rows) {
  ErrorSummary s;
  s.rows = rows.size();
  if (rows.empty()) return s;
  std::vector<double> errors, measured, predicted;
  double with_interval = 0, inside = 0;
  for (const Comparison& r : rows) {
    errors.push_back(std::abs(r.relative_error()));
    measured.push_back(r.measured);
    predicted.push_back(r.predicted);
    s.mean += errors.back();
    s.bias += r.relative_error();
    s.within_10_fraction += errors.back() < 0.10;
    s.within_25_fraction += errors.back() < 0.25;
    if (r.inside_interval) {
      with_interval += 1;
      inside += *r.inside_interval;
    }
  }
  const auto n = static_cast<double>(rows.size());
  s.mean /= n;
  s.bias /= n;
  s.within_10_fraction /= n;
  s.within_25_fraction /= n;
  s.median = quantile(errors, 0.5);
  s.p90 = quantile(errors, 0.9);
  s.max = *std::max_element(errors.begin(), errors.end());
  s.kendall_tau = kendall_tau(measured, predicted);
  if (with_interval > 0) s.interval_coverage = inside / with_interval;
  return s;
}

}  // namespace ridge
