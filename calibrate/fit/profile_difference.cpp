#include "calibrate/fit/profile_difference.h"

#include "calibrate/fit/robust.h"
#include "calibrate/fit/variant.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

constexpr std::size_t most_points = 4096;

/// A measurement of a family at a position of its table: the inverse of table_position().
Measurement at_position(const KernelModel& m, std::span<const double> at) {
  Measurement x{.family = m.family, .variant = m.variant};
  const VariantWidths w = variant_widths(m.variant);
  const int named = variant_head_dim(m.variant);
  const double head_dim = named > 0 ? named : 128;
  if (m.family == "gemm") {
    x.sizes = {{"m", at[0]},
               {"n", at[1]},
               {"k", at[2]},
               {"activation_bytes", w.activation},
               {"weight_bytes", w.weight},
               {"output_bytes", w.output}};
  } else if (m.family == "attention_decode") {
    x.sizes = {{"batch", 1},
               {"kv_heads", at[0]},
               {"heads", at[0] * at[2]},
               {"key_tokens", at[1]},
               {"head_dim", head_dim}};
  } else if (m.family == "attention_latent") {
    x.sizes = {{"batch", 1}, {"heads", at[0]}, {"key_tokens", at[1]}, {"head_dim", 576}, {"latent_dim", 512}};
  } else if (m.family.starts_with("attention")) {
    x.sizes = {{"batch", 1},
               {"heads", at[0]},
               {"kv_heads", at[0] / at[3]},
               {"query_tokens", at[1]},
               {"key_tokens", at[1] * at[2]},
               {"head_dim", head_dim}};
  } else {
    x.sizes = {{"bytes", at[0]}};
    if (at.size() > 1) x.sizes["rows"] = at[0] / at[1];
  }
  if (m.family.starts_with("attention"))
    x.sizes["activation_bytes"] = w.activation, x.sizes["cache_bytes"] = w.cache;
  return x;
}

std::vector<double> differences(const KernelModel& left, const KernelModel& right) {
  std::vector<double> out;
  const auto& axes = left.residual.axes;
  std::size_t cells = axes.empty() ? 0 : 1;
  for (const TableAxis& a : axes) cells *= a.knots.size();
  const std::size_t step = std::max<std::size_t>(1, cells / most_points);
  for (std::size_t cell = 0; cell < cells; cell += step) {
    std::vector<double> at(axes.size());
    std::size_t rest = cell;
    for (std::size_t a = axes.size(); a-- > 0;) {
      at[a] = axes[a].knots[rest % axes[a].knots.size()];
      rest /= axes[a].knots.size();
    }
    const Measurement x = at_position(left, at);
    const double ratio = predict(right, x) / predict(left, x);
    if (std::isfinite(ratio)) out.push_back(ratio - 1);
  }
  return out;
}

std::vector<double> differences(const CurveModel& left, const CurveModel& right) {
  std::vector<double> out;
  for (const Bytes s : left.curve.sizes)
    out.push_back(curve_time(right.curve, s) / curve_time(left.curve, s) - 1);
  return out;
}

std::vector<ParameterChange> parameters(const KernelModel& l, const KernelModel& r) {
  return {{"t0", l.law.fixed_time.value(), r.law.fixed_time.value()},
          {"eP", l.law.flop_fraction, r.law.flop_fraction},
          {"eB", l.law.bandwidth_fraction, r.law.bandwidth_fraction},
          {"q", l.law.exponent, r.law.exponent},
          {"c", l.law.per_unit.value(), r.law.per_unit.value()}};
}
std::vector<ParameterChange> parameters(const CurveModel&, const CurveModel&) { return {}; }

template <class Model>
void compare(const std::vector<Model>& left, const std::vector<Model>& right,
             std::vector<ModelDifference>& out) {
  const auto same = [](const Model& a) {
    return [&a](const Model& b) { return a.family == b.family && a.variant == b.variant; };
  };
  for (const Model& l : left) {
    ModelDifference d{.family = l.family, .variant = l.variant};
    const auto r = std::ranges::find_if(right, same(l));
    d.in_right = r != right.end();
    if (d.in_right) {
      d.parameters = parameters(l, *r);
      const std::vector<double> signed_ones = differences(l, *r);
      std::vector<double> sizes = signed_ones;
      for (double& v : sizes) v = std::abs(v);
      d.points = static_cast<std::int64_t>(sizes.size());
      d.median = median(sizes), d.p90 = quantile(sizes, 0.9), d.bias = median(signed_ones);
    }
    out.push_back(std::move(d));
  }
  for (const Model& r : right)
    if (std::ranges::none_of(left, same(r)))
      out.push_back({.family = r.family, .variant = r.variant, .in_left = false});
}

}  // namespace

std::vector<ModelDifference> model_differences(const Models& left, const Models& right) {
  std::vector<ModelDifference> out;
  compare(left.kernels, right.kernels, out);
  compare(left.curves, right.curves, out);
  return out;
}

double typical_difference(const std::vector<ModelDifference>& all) {
  std::vector<double> medians;
  for (const ModelDifference& d : all)
    if (d.points > 0) medians.push_back(d.median);
  return median(medians);
}

}  // namespace ridge
