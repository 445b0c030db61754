#include "calibrate/fit/law.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

using Parameters = std::array<double, num_law_parameters>;  // logarithms

constexpr double loss_scale = 0.1;
constexpr Parameters lowest{-18.4, -4.6, -4.6, 0, -27.6};            // 10 ns, 1 %, 1 %, 1, 1 ps
constexpr Parameters highest{-4.6, 0, 0, 2.772588722239781, -11.5};  // 10 ms, 1, 1, 16, 10 us

KernelLaw law_at(const Parameters& p, const LawFit& f) {
  KernelLaw law = f.law;
  law.fixed_time = Seconds{std::exp(p[0])};
  if (f.is_free[1]) law.flop_fraction = std::exp(p[1]);
  if (f.is_free[2]) law.bandwidth_fraction = std::exp(p[2]);
  if (f.is_free[3]) law.exponent = std::exp(p[3]);
  if (f.is_free[4]) law.per_unit = Seconds{std::exp(p[4])};
  return law;
}

Eigen::VectorXd residuals(std::span<const LawPoint> points, const KernelLaw& law) {
  Eigen::VectorXd r(static_cast<Eigen::Index>(points.size()));
  for (std::size_t i = 0; i < points.size(); ++i)
    r[static_cast<Eigen::Index>(i)] = std::log(points[i].time / law_time(law, points[i].work));
  return r;
}

double soft_l1(const Eigen::VectorXd& r) {
  const auto z = r.array().square() / (loss_scale * loss_scale);
  return (2 * ((1 + z).sqrt() - 1)).mean();
}

/// d residual / d log parameter, by central differences: five columns are cheap.
Eigen::MatrixXd jacobian(std::span<const LawPoint> points, const Parameters& at, const LawFit& f,
                         const std::vector<std::size_t>& free) {
  constexpr double step = 1e-5;
  Eigen::MatrixXd j(static_cast<Eigen::Index>(points.size()), static_cast<Eigen::Index>(free.size()));
  for (std::size_t c = 0; c < free.size(); ++c) {
    Parameters up = at, down = at;
    up[free[c]] += step;
    down[free[c]] -= step;
    j.col(static_cast<Eigen::Index>(c)) =
        (residuals(points, law_at(up, f)) - residuals(points, law_at(down, f))) / (2 * step);
  }
  return j;
}

struct Descent {
  Parameters at;
  double cost;
  bool is_converged;
};

Descent descend(std::span<const LawPoint> points, Parameters at, const LawFit& f,
                const std::vector<std::size_t>& free) {
  double damping = 1e-2;
  Eigen::VectorXd r = residuals(points, law_at(at, f));
  double cost = soft_l1(r);
  for (int iteration = 0; iteration < 200; ++iteration) {
    const Eigen::MatrixXd j = jacobian(points, at, f, free);
    const Eigen::VectorXd w = (1 + r.array().square() / (loss_scale * loss_scale)).rsqrt();
    const Eigen::MatrixXd h = j.transpose() * w.asDiagonal() * j;
    const Eigen::VectorXd g = j.transpose() * (w.asDiagonal() * r);
    Eigen::MatrixXd damped = h;
    damped.diagonal() += damping * h.diagonal() + Eigen::VectorXd::Constant(h.rows(), 1e-9);
    const Eigen::VectorXd step = damped.ldlt().solve(-g);
    Parameters next = at;
    for (std::size_t c = 0; c < free.size(); ++c) {
      const double moved = at[free[c]] + std::clamp(step[static_cast<Eigen::Index>(c)], -1.0, 1.0);
      next[free[c]] = std::clamp(moved, lowest[free[c]], highest[free[c]]);
    }
    const Eigen::VectorXd tried = residuals(points, law_at(next, f));
    const double tried_cost = soft_l1(tried);
    if (!(tried_cost < cost)) {
      if ((damping *= 4) > 1e8) return {at, cost, true};
      continue;
    }
    const bool is_settled = cost - tried_cost < 1e-10 * (1 + cost);
    at = next, r = tried, cost = tried_cost, damping = std::max(damping / 3, 1e-12);
    if (is_settled) return {at, cost, true};
  }
  return {at, cost, false};
}

std::array<bool, num_law_parameters> tellable(std::span<const LawPoint> points) {
  bool has_flops = false, has_bytes = false, has_units = false;
  for (const LawPoint& p : points) {
    has_flops |= p.work.flops > Flop{};
    has_bytes |= p.work.bytes > Bytes{};
    has_units |= p.work.units > 0;
  }
  // Of one query per sequence the FLOPs are a rounding error beside the bytes.
  const bool is_decode = has_units;
  return {true, has_flops && !is_decode, has_bytes, has_flops && has_bytes && !is_decode, has_units};
}

}  // namespace

Seconds law_time(const KernelLaw& law, const Work& work) {
  const Seconds compute = work.flops / (law.flop_fraction * law.peak);
  const Seconds memory = work.bytes / (law.bandwidth_fraction * law.bandwidth);
  const Seconds longer = max(compute, memory), shorter = min(compute, memory);
  const double q = law.exponent;
  const Seconds joined =
      shorter > Seconds{} ? longer * std::pow(1 + std::pow(shorter / longer, q), 1 / q) : longer;
  return law.fixed_time + law.per_unit * work.units + joined;
}

LawFit fit_law(std::span<const LawPoint> points, FlopPerSecond peak, BytesPerSecond bandwidth) {
  LawFit fit;
  fit.law.peak = peak;
  fit.law.bandwidth = bandwidth;
  if (points.size() < 3) return fit;
  fit.is_free = tellable(points);
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < num_law_parameters; ++i)
    if (fit.is_free[i]) free.push_back(i);
  const Seconds shortest = std::ranges::min_element(points, {}, &LawPoint::time)->time;
  std::optional<Descent> best;
  for (const double q : {1.3, 3.0, 8.0}) {
    Parameters start{std::log(shortest.value() * 0.7), std::log(0.7), std::log(0.8), std::log(q),
                     std::log(3e-9)};
    for (std::size_t i = 0; i < start.size(); ++i) start[i] = std::clamp(start[i], lowest[i], highest[i]);
    const Descent d = descend(points, start, fit, free);
    if (!best || d.cost < best->cost) best = d;
  }
  fit.law = law_at(best->at, fit);
  fit.cost = best->cost;
  fit.is_converged = best->is_converged;
  return fit;
}

}  // namespace ridge
