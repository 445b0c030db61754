#pragma once
/// Inputs that need not be written anywhere: a value the scenario and its presets leave out is recorded
/// as a default, one they state with the place where they do.

#include "base/explain.h"

namespace ridge {

namespace detail {
inline Origin unstated() { return {Origin::Kind::default_value, {}, "not stated", {}}; }
}  // namespace detail

template <Dim D> Traced<Quantity<D>> stated(Explain* ex, std::string_view key, Quantity<D> value) {
  return {value, ex ? ex->input(key, value.value(), D, detail::unstated()) : 0};
}
inline Traced<double> stated(Explain* ex, std::string_view key, double value) {
  return {value, ex ? ex->input(key, value, Dim{}, detail::unstated()) : 0};
}
inline Traced<std::int64_t> stated(Explain* ex, std::string_view key, std::int64_t value) {
  return {value, ex ? ex->input(key, static_cast<double>(value), Dim{}, detail::unstated()) : 0};
}

/// `n` equal layers, stages or copies.
inline Traced<double> counted(Explain* ex, double n, std::string_view what) {
  if (!ex) return {n, 0};
  return {n,
          ex->input(what, n, Dim{}, {Origin::Kind::definition, {}, "layers of a stage under the plan", {}})};
}

}  // namespace ridge
