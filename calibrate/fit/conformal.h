#pragma once
/// Intervals that keep their promise: split conformal prediction over points that no fit saw.
///
///   held-out points   all of them tell the error, for no fit saw them, and set the interval
///   interval of t     [t / (1 + f), t · (1 + f)], f = exp(r) - 1
///   r                 the ceil((n + 1) · 0.9)-th smallest of n residuals |log(measured / t)|
///
///   judging           the held-out points are halved, and each half is judged by the interval that the other half
///                     alone would set: what is promised is checked on points that did not set it
///
/// A new point whose residual comes from the same distribution lies inside with probability between 0.9 and
/// 0.9 + 1 / (n + 1), whatever that distribution is.
/// Pools   n counts the regime's own residuals where there are at least 19; else all of the model's, else
///         those of the same regime over the models of its class (products, attention, passes, collectives,
///         copies), else all of the class.  Below nine residuals 90 % cannot be told: the largest is taken
///         and the pool says so.
/// Source  Vovk, Gammerman, Shafer 2005, "Algorithmic learning in a random world"; Lei et al. 2018, JASA 113; both
///         halves in turn: Vovk 2015, "Cross-conformal predictors", Annals of Mathematics and AI 74.
/// Composition  errors of one family are alike in every layer of a model: they do not shrink by sqrt(layers).

#include "calibrate/fit/error_summary.h"

namespace ridge {

/// Predictions of one model for its held-out points.
struct HeldOut {
  std::string family;
  std::vector<Prediction> calibration, judged;
  bool is_refused = false;  ///< the gates object: its errors tell nothing about other models
};

/// Every second point of each regime goes to `calibration`, beginning with the first; the others to `judged`.  Order
/// decides, so sort by a hash before.
HeldOut split_held_out(std::string family, std::vector<Prediction>);

inline constexpr std::size_t least_pool = 19;

/// Of each model, how many of its held-out points the other half's intervals hold.
std::vector<double> cross_coverage(std::span<const HeldOut>, double confidence = 0.9);

/// The same with every held-out point in `calibration`.
std::vector<HeldOut> all_to_calibration(std::span<const HeldOut>);

/// For each of the models one interval for each regime that occurs among its held-out points.
std::vector<std::vector<RegimeInterval>> conformal_intervals(std::span<const HeldOut>,
                                                             double confidence = 0.9);

/// The rank above: NaN-free and at most n.  Pre: n > 0
std::size_t conformal_rank(std::size_t n, double confidence);

/// Families whose errors are alike: "products", "attention", "passes", "collectives", "copies", "memory".
std::string_view class_of(std::string_view family);

}  // namespace ridge
