#include "calibrate/fit/residual_fit.h"

#include <Eigen/SparseCholesky>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace ridge {
namespace {

using Weights = std::vector<std::pair<std::size_t, double>>;  // index into values, share

std::size_t table_size(const std::vector<TableAxis>& axes) {
  std::size_t n = 1;
  for (const TableAxis& a : axes) n *= a.knots.size();
  return n;
}

Weights weights_at(const std::vector<TableAxis>& axes, std::span<const double> at) {
  const TableShares s = table_shares(axes, at);
  Weights out;
  for (std::size_t c = 0; c < s.count; ++c)
    if (s.share[c] > 0) out.emplace_back(s.cell[c], s.share[c]);
  return out;
}

using Triplets = std::vector<Eigen::Triplet<double>>;
using Sparse = Eigen::SparseMatrix<double>;

void add_square(Triplets& out, const Weights& row, double weight) {
  for (const auto& [i, a] : row)
    for (const auto& [j, b] : row) out.emplace_back(static_cast<int>(i), static_cast<int>(j), weight * a * b);
}

/// Squared first and second differences along every axis, in steps of one octave.
Triplets roughness(const std::vector<TableAxis>& axes) {
  Triplets out;
  const std::size_t n = table_size(axes);
  std::size_t stride = n;
  for (const TableAxis& axis : axes) {
    const std::vector<double>& k = axis.knots;
    stride /= k.size();
    for (std::size_t cell = 0; cell < n; ++cell) {
      const std::size_t i = cell / stride % k.size();
      if (i + 1 >= k.size()) continue;
      const double right = std::log2(k[i + 1] / k[i]);
      add_square(out, {{cell, -1 / right}, {cell + stride, 1 / right}}, 0.1 * right);
      if (i == 0) continue;
      const double left = std::log2(k[i] / k[i - 1]), width = (left + right) / 2;
      add_square(out, {{cell - stride, 1 / left}, {cell, -1 / left - 1 / right}, {cell + stride, 1 / right}},
                 1 / width);
    }
  }
  return out;
}

struct Row {
  Weights weights;
  double residual, loss_weight;
};

std::vector<double> solve(std::span<const Row> rows, const Triplets& penalty, double strength,
                          std::size_t n) {
  Triplets entries;
  Eigen::VectorXd right = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(n));
  for (const Row& row : rows) {
    add_square(entries, row.weights, row.loss_weight);
    for (const auto& [i, w] : row.weights)
      right[static_cast<Eigen::Index>(i)] += row.loss_weight * w * row.residual;
  }
  for (const auto& t : penalty) entries.emplace_back(t.row(), t.col(), strength * t.value());
  for (std::size_t i = 0; i < n; ++i) entries.emplace_back(static_cast<int>(i), static_cast<int>(i), 1e-6);
  Sparse normal(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(n));
  normal.setFromTriplets(entries.begin(), entries.end());
  const Eigen::VectorXd x = Eigen::SimplicialLDLT<Sparse>(normal).solve(right);
  return {x.data(), x.data() + x.size()};
}

double value_at(const Weights& weights, const std::vector<double>& values) {
  double sum = 0;
  for (const auto& [i, w] : weights) sum += w * values[i];
  return sum;
}

/// Renews the weights of the loss: a point far off pulls less.
std::vector<double> solve_robustly(std::vector<Row> rows, const Triplets& penalty, double strength,
                                   std::size_t n) {
  constexpr double scale = 0.1;
  std::vector<double> values;
  for (int round = 0; round < 3; ++round) {
    values = solve(rows, penalty, strength, n);
    for (Row& row : rows) {
      const double z = (row.residual - value_at(row.weights, values)) / scale;
      row.loss_weight = 1 / std::sqrt(1 + z * z);
    }
  }
  return values;
}

/// Mean absolute error on the folds left out.
double cross_validated_error(const std::vector<Row>& rows, const Triplets& penalty, double strength,
                             std::size_t n) {
  constexpr std::size_t folds = 5;
  double sum = 0;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    std::vector<Row> kept;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (i % folds != fold) kept.push_back(rows[i]);
    const std::vector<double> values = solve_robustly(std::move(kept), penalty, strength, n);
    for (std::size_t i = fold; i < rows.size(); i += folds)
      sum += std::abs(rows[i].residual - value_at(rows[i].weights, values));
  }
  return sum;
}

}  // namespace

std::vector<double> choose_knots(std::vector<double> values, std::size_t most) {
  constexpr double alike = 1 + 1e-9;
  most = std::max<std::size_t>(most, 2);
  std::erase_if(values, [](double v) { return !(v > 0) || !std::isfinite(v); });
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values, [](double a, double b) { return b <= a * alike; }).begin(),
               values.end());
  if (values.size() <= most) return values;
  const double low = values.front(), high = values.back();
  const double octaves = std::log2(high / low);
  double step = 1;
  while (octaves / step + 1 > static_cast<double>(most)) step *= 2;
  const auto steps = static_cast<std::size_t>(std::ceil(octaves / step));
  std::vector<double> knots;
  for (std::size_t i = 0; i < steps; ++i) knots.push_back(low * std::exp2(step * static_cast<double>(i)));
  // The last stands on the largest value, not far beyond it.
  if (high / knots.back() < 1.2 && knots.size() > 1) knots.back() = high;
  else knots.push_back(high);
  return knots;
}

namespace {

struct Candidate {
  ResidualTable table;
  double error = 0;
};

Candidate fit_alone(std::span<const TablePoint> points, const std::vector<TableAxis>& axes) {
  Candidate c{{axes, {}}, 0};
  const std::size_t n = table_size(axes);
  std::vector<Row> rows;
  for (const TablePoint& p : points) rows.push_back({weights_at(axes, p.at), p.residual, 1.0});
  const Triplets penalty = roughness(axes);
  double best = 0;
  for (const double strength : {3.0, 0.6, 0.1, 0.02, 0.003}) {
    const double error = cross_validated_error(rows, penalty, strength, n);
    if (best == 0 || error < c.error) best = strength, c.error = error;
  }
  c.table.values = solve_robustly(rows, penalty, best, n);
  return c;
}

/// Every knot of either, so that the sum of both tables is the table of the sums.
std::vector<TableAxis> joined_axes(const std::vector<TableAxis>& a, const std::vector<TableAxis>& b) {
  std::vector<TableAxis> out;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::vector<double> knots;
    std::ranges::set_union(a[i].knots, b[i].knots, std::back_inserter(knots));
    out.push_back({a[i].name, std::move(knots)});
  }
  return out;
}

/// own + weight · related
ResidualTable sum_of(const ResidualTable& own, const ResidualTable& related, double weight) {
  ResidualTable out{joined_axes(own.axes, related.axes), {}};
  const std::size_t n = table_size(out.axes);
  std::vector<double> at(out.axes.size());
  for (std::size_t cell = 0; cell < n; ++cell) {
    std::size_t rest = cell;
    for (std::size_t a = out.axes.size(); a-- > 0;) {
      const std::vector<double>& knots = out.axes[a].knots;
      at[a] = knots[rest % knots.size()];
      rest /= knots.size();
    }
    out.values.push_back(residual_at(own, at) + weight * residual_at(related, at));
  }
  return out;
}

}  // namespace

ResidualTable fit_residuals(std::span<const TablePoint> points, std::vector<TableAxis> axes,
                            std::span<const ResidualTable* const> related) {
  if (points.size() < 5 || table_size(axes) == 0) return {};
  Candidate best = fit_alone(points, axes);
  for (const ResidualTable* r : related)
    for (const double weight : {0.5, 1.0}) {
      if (r->axes.size() != axes.size() || r->values.empty()) continue;
      std::vector<TablePoint> left(points.begin(), points.end());
      for (TablePoint& p : left) p.residual -= weight * residual_at(*r, p.at);
      const Candidate c = fit_alone(left, axes);
      if (c.error < best.error) best = {sum_of(c.table, *r, weight), c.error};
    }
  for (double& v : best.table.values) v = std::clamp(v, -most_residual, most_residual);
  return best.table;
}

}  // namespace ridge
