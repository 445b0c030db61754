#include "calibrate/fit/robust.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ridge {
namespace {

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> v(values.begin(), values.end());
  std::ranges::sort(v);
  return v;
}

double quantile_of_sorted(const std::vector<double>& v, double p) {
  if (v.empty()) return 0;
  const double rank = p * static_cast<double>(v.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, v.size() - 1);
  return v[below] + (v[above] - v[below]) * (rank - static_cast<double>(below));
}

/// P(Binomial(n, 1/2) = k), through logarithms so that n = 1000 does not overflow.  Not by lgamma, which writes a global
/// that ranks in threads share.
double binomial_half(std::int64_t n, std::int64_t k) {
  double log_ways = 0;
  for (std::int64_t i = 1; i <= std::min(k, n - k); ++i)
    log_ways += std::log(static_cast<double>(n - i + 1) / static_cast<double>(i));
  return std::exp(log_ways - static_cast<double>(n) * std::log(2.0));
}

}  // namespace

double quantile(std::span<const double> values, double p) { return quantile_of_sorted(sorted(values), p); }

double median(std::span<const double> values) { return quantile(values, 0.5); }

MedianInterval median_interval(std::span<const double> samples, double confidence) {
  if (samples.empty()) return {};
  const std::vector<double> v = sorted(samples);
  const auto n = static_cast<std::int64_t>(v.size());
  // Ranks l and n + 1 - l: from the middle outwards until their probability is large enough.
  double covered = 0;
  std::int64_t low = (n + 1) / 2;
  for (;; --low) {
    covered = 0;
    for (std::int64_t k = low; k <= n - low; ++k) covered += binomial_half(n, k);
    if (covered >= confidence || low == 1) break;
  }
  return {v[static_cast<std::size_t>(low - 1)], v[static_cast<std::size_t>(n - low)], covered};
}

SampleSummary summarise_samples(std::span<const double> seconds) {
  const std::vector<double> v = sorted(seconds);
  const MedianInterval interval = median_interval(v);
  const double middle = quantile_of_sorted(v, 0.5);
  const double range = quantile_of_sorted(v, 0.75) - quantile_of_sorted(v, 0.25);
  return {Seconds{middle}, Seconds{interval.low}, Seconds{interval.high}, static_cast<std::int64_t>(v.size()),
          middle > 0 ? range / middle : 0};
}

bool enough_samples(std::span<const double> seconds, const StopRule& rule) {
  const auto n = static_cast<std::int64_t>(seconds.size());
  if (n >= rule.most) return true;
  const double spent = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  if (n >= 3 && spent >= rule.budget.value()) return true;
  if (n < rule.least) return false;
  const MedianInterval interval = median_interval(seconds);
  const double middle = median(seconds), half = (interval.high - interval.low) / 2;
  if (half <= rule.relative * middle) return true;
  return middle < rule.absolute_below.value() && half <= rule.absolute.value();
}

std::vector<bool> throttled(std::span<const double> clocks, double fraction) {
  std::vector<double> known;
  for (const double c : clocks)
    if (c > 0) known.push_back(c);
  const double floor = fraction * median(known);
  std::vector<bool> out;
  for (const double c : clocks) out.push_back(c > 0 && c < floor);
  return out;
}

}  // namespace ridge
