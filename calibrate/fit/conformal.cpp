#include "calibrate/fit/conformal.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <set>

namespace ridge {
namespace {

using Residuals = std::vector<double>;

double residual(const Prediction& p) { return std::abs(std::log(p.measured / p.predicted)); }

/// Every pool that some model may fall back to.
struct Pools {
  std::map<std::string, Residuals> of_class;                           // class
  std::map<std::pair<std::string, std::string>, Residuals> of_regime;  // class, regime
};

Pools pools_of(std::span<const HeldOut> all) {
  Pools pools;
  for (const HeldOut& h : all)
    for (const Prediction& p : h.is_refused ? std::vector<Prediction>() : h.calibration) {
      const std::string name(class_of(h.family));
      pools.of_class[name].push_back(residual(p));
      pools.of_regime[{name, p.regime}].push_back(residual(p));
    }
  return pools;
}

RegimeInterval interval_from(std::string regime, std::string pool, Residuals r, double confidence) {
  if (r.size() < static_cast<std::size_t>(std::ceil(confidence / (1 - confidence) - 1e-9)))
    pool += (pool.empty() ? "" : ", ") + std::string("too few: the largest error");
  std::ranges::sort(r);
  const double widest = r[conformal_rank(r.size(), confidence) - 1];
  return {std::move(regime), std::move(pool), static_cast<std::int64_t>(r.size()), std::exp(widest) - 1};
}

/// Empty where nothing of the class was held out.
std::optional<RegimeInterval> interval_of(const HeldOut& model, const std::string& regime, const Pools& pools,
                                          double confidence) {
  Residuals own, all;
  for (const Prediction& p : model.calibration) {
    all.push_back(residual(p));
    if (p.regime == regime) own.push_back(residual(p));
  }
  if (own.size() >= least_pool) return interval_from(regime, {}, std::move(own), confidence);
  if (all.size() >= least_pool) return interval_from(regime, "all regimes", std::move(all), confidence);
  const std::string name(class_of(model.family));
  if (!pools.of_class.contains(name)) return std::nullopt;
  if (const auto it = pools.of_regime.find({name, regime});
      it != pools.of_regime.end() && it->second.size() >= least_pool)
    return interval_from(regime, name + " of the regime", it->second, confidence);
  return interval_from(regime, "all " + name, pools.of_class.at(name), confidence);
}

}  // namespace

HeldOut split_held_out(std::string family, std::vector<Prediction> predictions) {
  HeldOut out{std::move(family), {}, {}};
  std::map<std::string, std::size_t> seen;
  for (Prediction& p : predictions)
    (seen[p.regime]++ % 2 == 0 ? out.calibration : out.judged).push_back(std::move(p));
  return out;
}

std::size_t conformal_rank(std::size_t n, double confidence) {
  // 1e-9: (19 + 1) * 0.9 is 18, not 18.000000000000004.
  const auto rank = static_cast<std::size_t>(std::ceil((static_cast<double>(n) + 1) * confidence - 1e-9));
  return std::clamp<std::size_t>(rank, 1, n);
}

std::vector<std::vector<RegimeInterval>> conformal_intervals(std::span<const HeldOut> models,
                                                             double confidence) {
  const Pools pools = pools_of(models);
  std::vector<std::vector<RegimeInterval>> out;
  for (const HeldOut& m : models) {
    std::set<std::string> regimes;
    for (const auto* half : {&m.calibration, &m.judged})
      for (const Prediction& p : *half) regimes.insert(p.regime);
    out.emplace_back();
    for (const std::string& r : regimes)
      if (auto interval = interval_of(m, r, pools, confidence)) out.back().push_back(std::move(*interval));
  }
  return out;
}

std::vector<HeldOut> all_to_calibration(std::span<const HeldOut> models) {
  std::vector<HeldOut> out(models.begin(), models.end());
  for (HeldOut& h : out) {
    std::ranges::move(h.judged, std::back_inserter(h.calibration));
    h.judged.clear();
  }
  return out;
}

std::vector<double> cross_coverage(std::span<const HeldOut> models, double confidence) {
  std::vector<HeldOut> swapped(models.begin(), models.end());
  for (HeldOut& h : swapped) std::swap(h.calibration, h.judged);
  const auto first = conformal_intervals(models, confidence),
             second = conformal_intervals(swapped, confidence);
  std::vector<double> out;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const auto inside = [](std::span<const Prediction> points, std::span<const RegimeInterval> by) {
      return interval_coverage(points, by) * static_cast<double>(points.size());
    };
    const double all = static_cast<double>(models[i].calibration.size() + models[i].judged.size());
    const double held = inside(models[i].judged, first[i]) + inside(models[i].calibration, second[i]);
    out.push_back(all > 0 ? held / all : 0);
  }
  return out;
}

std::string_view class_of(std::string_view family) {
  if (family == "gemm") return "products";
  if (family.starts_with("attention")) return "attention";
  if (family == "pointwise") return "passes";
  if (family.starts_with("copy") || family == "peer_copy") return "copies";
  if (family.starts_with("memory")) return "memory";
  constexpr std::string_view collectives[] = {"all_reduce", "all_gather", "reduce_scatter", "all_to_all",
                                              "broadcast",  "sendrecv",   "send_receive",   "peer_"};
  for (const std::string_view c : collectives)
    if (family.starts_with(c)) return "collectives";
  return family;
}

}  // namespace ridge
