#include "base/quantity_text.h"

#include "base/decimal.h"
#include "base/diagnostic.h"
#include "base/unit.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

using Error = tl::unexpected<std::string>;

std::string quote(std::string_view text) { return '\'' + printable(text) + '\''; }

std::string no_unit(std::string_view text, Dim dim) {
  const auto examples = example_units(dim);
  std::string hint;
  for (std::size_t i = 0; i < examples.size() && i < 2; ++i)
    hint += fmt::format("{}'{} {}'", i ? " or " : "", printable(text, 30), examples[i]);
  return fmt::format("{} has no unit; write {}", quote(text), hint);
}

Error wrong_unit(std::string_view text, std::string_view unit, Dim expected) {
  return Error(fmt::format("{} has the unit '{}' where one of these is needed: {}", quote(text),
                           printable(unit), units_of(expected)));
}

tl::expected<Decimal, std::string> leading_number(std::string_view text, std::string_view& rest) {
  auto d = parse_decimal(text, rest);
  if (!d) return Error(quote(text) + ' ' + d.error());
  return d;
}

}  // namespace

tl::expected<double, std::string> parse_quantity(std::string_view text, Dim dim) {
  if (dim == Dim{}) return parse_number(text);
  text = trimmed(text);
  if (text.empty()) return Error("a value with a unit is needed: " + units_of(dim));
  std::string_view rest;
  auto number = leading_number(text, rest);
  if (!number) return Error(number.error());
  rest = trimmed(rest);
  if (rest.empty()) return Error(no_unit(text, dim));
  auto unit = parse_unit(rest);
  if (!unit) return Error(quote(text) + ' ' + unit.error());
  if (unit->dim != dim) return wrong_unit(text, rest, dim);
  number->exponent += unit->exponent10;
  const double value = to_double(*number) * unit->numerator / unit->denominator;
  if (!std::isfinite(value)) return Error(quote(text) + " is too large");
  if (value == 0 && !number->is_zero()) return Error(quote(text) + " is too small to tell from 0");
  return value;
}

tl::expected<double, std::string> parse_number(std::string_view text) {
  text = trimmed(text);
  std::string_view rest;
  auto number = leading_number(text, rest);
  if (!number) return Error(number.error());
  rest = trimmed(rest);
  if (rest == "%") number->exponent -= 2;
  else if (!rest.empty())
    return Error(
        fmt::format("{} is not a plain number: '{}' does not belong here", quote(text), printable(rest, 30)));
  const double value = to_double(*number);
  if (!std::isfinite(value)) return Error(quote(text) + " is too large");
  if (value == 0 && !number->is_zero()) return Error(quote(text) + " is too small to tell from 0");
  return value;
}

tl::expected<std::int64_t, std::string> parse_count(std::string_view text) {
  text = trimmed(text);
  std::string_view rest;
  auto number = leading_number(text, rest);
  if (!number) return Error(number.error());
  rest = trimmed(rest);
  int exponent2 = 0;
  if (!rest.empty()) {
    const bool binary = rest.size() == 2 && rest[1] == 'i';
    const auto order = binary || rest.size() == 1
                           ? std::string_view("kMGTPE").find(rest[0] == 'K' && binary ? 'k' : rest[0])
                           : std::string_view::npos;
    if (rest == "K" || rest == "ki")
      return Error(quote(text) + " is ambiguous; write 'k' for 1000 or 'Ki' for 1024");
    if (rest == "B") return Error(quote(text) + " is not a count; write 'G' for a billion");
    if (order == std::string_view::npos)
      return Error(
          fmt::format("{} is not a count: '{}' is not one of the prefixes k M G T P E Ki Mi Gi Ti Pi Ei",
                      quote(text), printable(rest, 30)));
    if (binary) exponent2 = 10 * (static_cast<int>(order) + 1);
    else number->exponent += 3 * (static_cast<int>(order) + 1);
  }
  auto whole = to_integer(*number, exponent2);
  if (!whole) return Error(quote(text) + ' ' + whole.error());
  return *whole;
}

std::string format_number(double value) {
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  (void)error;  // 32 characters hold every double
  return {buffer, end};
}

std::string format_exact(double value, Dim dim) {
  std::string unit = base_unit(dim);
  return unit.empty() ? format_number(value) : format_number(value) + ' ' + unit;
}

std::string format_count(std::int64_t n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > (n < 0 ? 1 : 0); i -= 3)
    digits.insert(static_cast<std::size_t>(i), " ");
  return digits;
}

}  // namespace ridge
