#include "calibrate/fit/curve_fit.h"

#include "calibrate/fit/robust.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ridge {
namespace {

struct Line {
  double latency = 0, slope = 0, cost = 0;
};

/// Least squares with rows divided by t, latency and slope not negative; cost in log time.
Line fit_line(const TimeCurve& c, std::size_t first, std::size_t last) {
  double w1 = 0, ws = 0, wss = 0, wt = 0, wst = 0;
  for (std::size_t i = first; i <= last; ++i) {
    const double s = c.sizes[i].value(), t = c.times[i].value(), w = 1 / (t * t);
    w1 += w, ws += w * s, wss += w * s * s, wt += w * t, wst += w * s * t;
  }
  Line line;
  const double determinant = w1 * wss - ws * ws;
  if (determinant > 1e-12 * w1 * wss) {
    line.latency = (wt * wss - ws * wst) / determinant;
    line.slope = (w1 * wst - ws * wt) / determinant;
  }
  if (determinant <= 1e-12 * w1 * wss || line.slope < 0) line = {wt / w1, 0, 0};
  else if (line.latency < 0) line = {0, wst / wss, 0};
  for (std::size_t i = first; i <= last; ++i) {
    const double e = std::log((line.latency + line.slope * c.sizes[i].value()) / c.times[i].value());
    line.cost += e * e;
  }
  return line;
}

}  // namespace

std::vector<double> isotonic(std::span<const double> values, std::span<const double> weights) {
  struct Pool {
    double mean, weight;
    std::size_t count;
  };
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < values.size(); ++i) {
    pools.push_back({values[i], weights.empty() ? 1 : weights[i], 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean > pools.back().mean) {
      const Pool top = pools.back();
      pools.pop_back();
      Pool& under = pools.back();
      under.mean = (under.mean * under.weight + top.mean * top.weight) / (under.weight + top.weight);
      under.weight += top.weight;
      under.count += top.count;
    }
  }
  std::vector<double> out;
  for (const Pool& p : pools) out.insert(out.end(), p.count, p.mean);
  return out;
}

TimeCurve fit_curve(std::span<const Measurement> points) {
  std::map<double, std::vector<double>> by_size;
  for (const Measurement& m : points) by_size[m.size("bytes")].push_back(m.time.value());
  TimeCurve curve;
  std::vector<double> logs;
  for (const auto& [size, times] : by_size) {
    curve.sizes.emplace_back(size);
    logs.push_back(std::log(median(times)));
  }
  for (const double l : isotonic(logs)) curve.times.emplace_back(std::exp(l));
  return curve;
}

std::vector<LinePiece> line_pieces(const TimeCurve& c, std::size_t most) {
  const std::size_t n = c.sizes.size();
  if (n < 2) return {};
  constexpr double infinite = std::numeric_limits<double>::infinity();
  // cost[p][i]: of the first i points in p pieces; a piece holds two points or more.
  std::vector<std::vector<double>> cost(most + 1, std::vector<double>(n + 1, infinite));
  std::vector<std::vector<std::size_t>> start(most + 1, std::vector<std::size_t>(n + 1, 0));
  cost[0][0] = 0;
  for (std::size_t p = 1; p <= most; ++p)
    for (std::size_t i = 2; i <= n; ++i)
      for (std::size_t j = 0; j + 2 <= i; ++j) {
        if (cost[p - 1][j] == infinite) continue;
        const double total = cost[p - 1][j] + fit_line(c, j, i - 1).cost;
        if (total < cost[p][i]) cost[p][i] = total, start[p][i] = j;
      }
  // Another piece has to halve the cost, or it describes noise.
  std::size_t pieces = 1;
  for (std::size_t p = 2; p <= most; ++p)
    if (cost[p][n] < 0.5 * cost[pieces][n] && cost[pieces][n] > 1e-4 * static_cast<double>(n)) pieces = p;
  std::vector<LinePiece> out;
  for (std::size_t end = n, p = pieces; p > 0; --p) {
    const std::size_t first = start[p][end];
    const Line line = fit_line(c, first, end - 1);
    out.push_back({c.sizes[first], c.sizes[end - 1], Seconds{line.latency}, SecondsPerByte{line.slope}});
    end = first;
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace ridge
