#include "calibrate/fit/merge.h"

#include <algorithm>

namespace ridge {
namespace {

template <class Model> void add_missing(std::vector<Model>& to, const std::vector<Model>& from) {
  for (const Model& m : from) {
    const auto is_same = [&m](const Model& x) { return x.family == m.family && x.variant == m.variant; };
    if (std::ranges::none_of(to, is_same)) to.push_back(m);
  }
}

}  // namespace

Models merged(Models first, const Models& second) {
  add_missing(first.kernels, second.kernels);
  add_missing(first.curves, second.curves);
  add_missing(first.figures, second.figures);
  for (const std::string& skipped : second.skipped)
    if (std::ranges::find(first.skipped, skipped) == first.skipped.end()) first.skipped.push_back(skipped);
  return first;
}

}  // namespace ridge
