#pragma once
/// Physical quantities whose dimension is part of the type.
///
/// A `Quantity<Dim>` is a double that knows which powers of the project's seven base dimensions
/// (byte, flop, second, element, token, usd, joule) it carries, so that dimensionally wrong
/// arithmetic does not compile.  `element` is a dimension on purpose: elements become bytes only
/// through a `BytesPerElement`, which makes a forgotten data-type width a compile error.
///
///   Seconds t = 2.0_TFLOP / 989.4_TFLOPps;       // literals: base/literals.h
///   Bytes   b = Elements{8e9} * bytes_per_element; // text:     base/quantity_text.h
///
/// Conventions  FLOP is a count and FLOP/s a rate; a rate of links is for one direction.  Products
///              in which everything cancels are plain doubles.
/// Not here     Prefixes and text (quantity_text.h), counts of things (std::int64_t).
/// Why ours     Boost.Units costs 0.6-1.0 s a translation unit and answers a mistake with 1.8 kB of
///              template names; this header costs 0.04 s and answers with two `Dim{...}`.

#include <cmath>
#include <compare>

namespace ridge {

/// Exponents of the base dimensions.
struct Dim {
  int byte = 0, flop = 0, second = 0, element = 0, token = 0, usd = 0, joule = 0;
  friend constexpr bool operator==(const Dim&, const Dim&) = default;
};

constexpr Dim operator+(Dim a, Dim b) {
  return {a.byte + b.byte,   a.flop + b.flop, a.second + b.second, a.element + b.element,
          a.token + b.token, a.usd + b.usd,   a.joule + b.joule};
}
constexpr Dim operator-(Dim a, Dim b) {
  return {a.byte - b.byte,   a.flop - b.flop, a.second - b.second, a.element - b.element,
          a.token - b.token, a.usd - b.usd,   a.joule - b.joule};
}

template <Dim D> class Quantity {
 public:
  static constexpr Dim dim = D;
  constexpr Quantity() = default;
  explicit constexpr Quantity(double value) : value_(value) {}
  /// The number in base units (bytes, FLOP, seconds, ...).
  constexpr double value() const { return value_; }

  constexpr Quantity& operator+=(Quantity o) {
    value_ += o.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity o) {
    value_ -= o.value_;
    return *this;
  }
  constexpr Quantity& operator*=(double f) {
    value_ *= f;
    return *this;
  }
  constexpr Quantity& operator/=(double f) {
    value_ /= f;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.value_ + b.value_}; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.value_ - b.value_}; }
  friend constexpr Quantity operator-(Quantity a) { return Quantity{-a.value_}; }
  friend constexpr Quantity operator*(Quantity a, double f) { return Quantity{a.value_ * f}; }
  friend constexpr Quantity operator*(double f, Quantity a) { return Quantity{a.value_ * f}; }
  friend constexpr Quantity operator/(Quantity a, double f) { return Quantity{a.value_ / f}; }
  friend constexpr auto operator<=>(Quantity, Quantity) = default;

 private:
  double value_ = 0;
};

template <Dim A, Dim B> constexpr auto operator*(Quantity<A> a, Quantity<B> b) {
  if constexpr (A + B == Dim{}) return a.value() * b.value();
  else return Quantity<A + B>{a.value() * b.value()};
}
template <Dim A, Dim B> constexpr auto operator/(Quantity<A> a, Quantity<B> b) {
  if constexpr (A == B) return a.value() / b.value();
  else return Quantity<A - B>{a.value() / b.value()};
}
template <Dim D> constexpr auto operator/(double f, Quantity<D> q) {
  return Quantity<Dim{} - D>{f / q.value()};
}

using Bytes = Quantity<Dim{.byte = 1}>;
using Flop = Quantity<Dim{.flop = 1}>;
using Seconds = Quantity<Dim{.second = 1}>;
using Elements = Quantity<Dim{.element = 1}>;
using Tokens = Quantity<Dim{.token = 1}>;
using Usd = Quantity<Dim{.usd = 1}>;
using Joules = Quantity<Dim{.joule = 1}>;
using BytesPerElement = Quantity<Dim{.byte = 1, .element = -1}>;
using BytesPerToken = Quantity<Dim{.byte = 1, .token = -1}>;
using BytesPerSecond = Quantity<Dim{.byte = 1, .second = -1}>;
using FlopPerSecond = Quantity<Dim{.flop = 1, .second = -1}>;
using FlopPerByte = Quantity<Dim{.byte = -1, .flop = 1}>;
using FlopPerToken = Quantity<Dim{.flop = 1, .token = -1}>;
using TokensPerSecond = Quantity<Dim{.second = -1, .token = 1}>;
using Hertz = Quantity<Dim{.second = -1}>;
using Watts = Quantity<Dim{.second = -1, .joule = 1}>;
using UsdPerSecond = Quantity<Dim{.second = -1, .usd = 1}>;

template <Dim D> constexpr Quantity<D> max(Quantity<D> a, Quantity<D> b) { return a < b ? b : a; }
template <Dim D> constexpr Quantity<D> min(Quantity<D> a, Quantity<D> b) { return b < a ? b : a; }

/// True when a and b differ by at most `relative` of the larger magnitude.
template <Dim D> bool nearly_equal(Quantity<D> a, Quantity<D> b, double relative = 1e-12) {
  return std::abs(a.value() - b.value()) <= relative * std::fmax(std::abs(a.value()), std::abs(b.value()));
}

}  // namespace ridge
