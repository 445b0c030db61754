// The rounded texts of quantities for people; exact text and parsing are in quantity_text.cpp.
#include "base/quantity_text.h"
#include "base/unit.h"

#include <cmath>
#include <fmt/format.h>
#include <span>

namespace ridge {
namespace {

struct Step {
  double scale;
  std::string_view prefix;
};
constexpr Step plain_steps[] = {{1, ""}};
constexpr Step large_steps[] = {{1, ""},     {1e3, "k"},  {1e6, "M"},  {1e9, "G"}, {1e12, "T"},
                                {1e15, "P"}, {1e18, "E"}, {1e21, "Z"}, {1e24, "Y"}};
constexpr Step spaced_steps[] = {{1, ""},      {1e3, "k "},  {1e6, "M "}, {1e9, "G "},
                                 {1e12, "T "}, {1e15, "P "}, {1e18, "E "}};
constexpr Step binary_steps[] = {{1, ""},
                                 {1024.0, "Ki"},
                                 {1048576.0, "Mi"},
                                 {1073741824.0, "Gi"},
                                 {1099511627776.0, "Ti"},
                                 {1125899906842624.0, "Pi"},
                                 {1152921504606846976.0, "Ei"}};
constexpr Step small_steps[] = {{1e-12, "p"}, {1e-9, "n"}, {1e-6, "u"}, {1e-3, "m"}, {1, ""}};
constexpr Step joule_steps[] = {{1e-12, "p"}, {1e-9, "n"}, {1e-6, "u"}, {1e-3, "m"}, {1, ""},
                                {1e3, "k"},   {1e6, "M"},  {1e9, "G"},  {1e12, "T"}};

struct Style {
  Dim dim;
  std::span<const Step> steps;
  std::string_view unit;
  double scale = 1;
};
constexpr Style styles[] = {
    {Bytes::dim, binary_steps, "B"},
    {BytesPerToken::dim, binary_steps, "B/token"},
    {BytesPerSecond::dim, large_steps, "B/s"},
    {Flop::dim, large_steps, "FLOP"},
    {FlopPerSecond::dim, large_steps, "FLOP/s"},
    {FlopPerToken::dim, large_steps, "FLOP/token"},
    {FlopPerByte::dim, plain_steps, "FLOP/B"},
    {BytesPerElement::dim, plain_steps, "B/element"},
    {Elements::dim, spaced_steps, "elements"},
    {Tokens::dim, spaced_steps, "tokens"},
    {TokensPerSecond::dim, spaced_steps, "tokens/s"},
    {Usd::dim, spaced_steps, "USD"},
    {UsdPerSecond::dim, spaced_steps, "USD/h", 3600},
    {Hertz::dim, large_steps, "Hz"},
    {Watts::dim, joule_steps, "W"},
    {Joules::dim, joule_steps, "J"},
};

std::string trimmed_zeros(std::string s) {
  if (s.find('.') == std::string::npos) return s;
  while (s.back() == '0') s.pop_back();
  if (s.back() == '.') s.pop_back();
  return s;
}

/// |value| rounded to three significant digits; whole numbers below 10^4 keep all digits.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return value;
  const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
  if (exponent >= 2) return exponent < 4 ? std::round(value) : value;
  const double scale = std::pow(10.0, 2 - exponent);
  return std::round(value * scale) / scale;
}

std::string three_digits(double value) {
  const double r = rounded(value);
  const double magnitude = std::abs(r);
  if (magnitude == 0) return "0";
  if (!std::isfinite(r) || magnitude >= 1e4 || magnitude < 1e-3) return fmt::format("{:.3g}", r);
  const int decimals = magnitude >= 100    ? 0
                       : magnitude >= 10   ? 1
                       : magnitude >= 1    ? 2
                       : magnitude >= 0.1  ? 3
                       : magnitude >= 0.01 ? 4
                                           : 5;
  return trimmed_zeros(fmt::format("{:.{}f}", r, decimals));
}

std::string with_step(double value, std::span<const Step> steps, std::string_view unit) {
  const Step* best = &steps.front();
  for (auto& s : steps)
    if (rounded(std::abs(value) / s.scale) >= 1) best = &s;
  if (value == 0)
    for (auto& s : steps)
      if (s.scale == 1) best = &s;
  return fmt::format("{} {}{}", three_digits(value / best->scale), best->prefix, unit);
}

std::string duration(double t) {
  const double a = std::abs(t);
  if (a < 120 || !std::isfinite(t)) return with_step(t, small_steps, "s");
  if (a < 7200) return three_digits(t / 60) + " min";
  if (a < 48 * 3600.0) return three_digits(t / 3600) + " h";
  return three_digits(t / 86400) + " days";
}

}  // namespace

std::string format_quantity(double value, Dim dim) {
  if (dim == Dim{}) return three_digits(value);
  if (dim == Seconds::dim) return duration(value);
  for (auto& s : styles)
    if (s.dim == dim) return with_step(value * s.scale, s.steps, s.unit);
  return fmt::format("{} {}", three_digits(value), base_unit(dim));
}

std::string short_count(double n) {
  std::string s = with_step(n, large_steps, "");
  while (!s.empty() && s.back() == ' ') s.pop_back();
  return s;
}

}  // namespace ridge
