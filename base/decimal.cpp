#include "base/decimal.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace ridge {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::size_t count_digits(std::string_view s) {
  return static_cast<std::size_t>(std::find_if_not(s.begin(), s.end(), is_digit) - s.begin());
}

std::string_view take(std::string_view& s, std::size_t n) {
  auto head = s.substr(0, n);
  s.remove_prefix(n);
  return head;
}

const char* misspelt(std::string_view s) {
  auto starts = [&](std::string_view word) {
    return s.size() >= word.size() &&
           std::equal(word.begin(), word.end(), s.begin(), [](char a, char b) { return a == (b | 0x20); });
  };
  if (starts("nan") || starts(".nan")) return "is not a number; nan is never accepted";
  if (starts("inf") || starts(".inf")) return "is not finite; leave the key out when there is no limit";
  return "is not a number";
}

/// "e+12" at the start of `s`; leaves `s` alone when there is none.
int take_exponent(std::string_view& s) {
  if (s.size() < 2 || (s[0] != 'e' && s[0] != 'E')) return 0;
  const bool has_sign = s[1] == '+' || s[1] == '-';
  const std::size_t digits = count_digits(s.substr(has_sign ? 2 : 1));
  if (digits == 0) return 0;
  const bool negative = s[1] == '-';
  take(s, has_sign ? 2 : 1);
  auto text = take(s, digits);
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  constexpr int limit = 100'000'000;
  int value = 0;
  for (char c : text) value = value > limit ? limit : value * 10 + (c - '0');
  return negative ? -value : value;
}

}  // namespace

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

tl::expected<Decimal, std::string> parse_decimal(std::string_view text, std::string_view& rest) {
  Decimal d;
  rest = text;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) d.negative = take(rest, 1) == "-";
  const auto whole = take(rest, count_digits(rest));
  std::string_view fraction;
  if (!rest.empty() && rest[0] == '.' && (!whole.empty() || (rest.size() > 1 && is_digit(rest[1])))) {
    take(rest, 1);
    fraction = take(rest, count_digits(rest));
  }
  if (whole.empty() && fraction.empty()) return tl::unexpected<std::string>(misspelt(rest));
  if (whole == "0" && !rest.empty() && (rest[0] == 'x' || rest[0] == 'X' || rest[0] == 'o'))
    return tl::unexpected<std::string>("is not a decimal number");
  if (whole.size() > 1 && whole[0] == '0')
    return tl::unexpected<std::string>("has a leading zero, which YAML 1.1 reads as octal; leave it out");
  if (rest.size() > 1 && (rest[0] == '_' || rest[0] == ',' || rest[0] == '\'') && is_digit(rest[1]))
    return tl::unexpected<std::string>(
        "has '" + std::string(rest.substr(0, 1)) +
        "' between its digits; write the digits alone or a prefix such as 'k'");
  constexpr std::size_t longest = 10'000;
  if (whole.size() + fraction.size() > longest) return tl::unexpected<std::string>("has too many digits");
  d.exponent = take_exponent(rest) - static_cast<int>(fraction.size());
  d.digits.append(whole).append(fraction);
  d.digits.erase(0, std::min(d.digits.find_first_not_of('0'), d.digits.size()));
  while (!d.digits.empty() && d.digits.back() == '0') {
    d.digits.pop_back();
    ++d.exponent;
  }
  if (d.is_zero()) d.exponent = 0;
  return d;
}

double to_double(const Decimal& d) {
  if (d.is_zero()) return d.negative ? -0.0 : 0.0;
  const std::string text = (d.negative ? "-" : "") + d.digits + 'e' + std::to_string(d.exponent);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  (void)end;
  if (error == std::errc::result_out_of_range) {
    const bool large = d.exponent + static_cast<int>(d.digits.size()) > 0;
    return large ? (d.negative ? -1 : 1) * std::numeric_limits<double>::infinity() : 0.0;
  }
  return value;
}

tl::expected<std::int64_t, std::string> to_integer(const Decimal& d, int exponent2) {
  const auto not_whole = tl::unexpected<std::string>("is not a whole number");
  const auto too_large = tl::unexpected<std::string>("is beyond the largest count, 2^63 - 1");
  if (d.is_zero()) return 0;
  if (static_cast<int>(d.digits.size()) + d.exponent > 19) return too_large;
  int exponent10 = d.exponent;
  if (d.digits.size() > 19) return not_whole;  // its last digit is not 0, and lies behind the point
  std::uint64_t m = 0;
  std::from_chars(d.digits.data(), d.digits.data() + d.digits.size(), m);
  for (; exponent10 < 0; ++exponent10) {
    if (m % 5 != 0) return not_whole;
    m /= 5;
    if (exponent2 > 0) --exponent2;
    else if (m % 2 == 0) m /= 2;
    else return not_whole;
  }
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  for (; exponent10 > 0; --exponent10) {
    if (m > largest / 10) return too_large;
    m *= 10;
  }
  for (; exponent2 > 0; --exponent2) {
    if (m > largest / 2) return too_large;
    m *= 2;
  }
  if (m > largest) return too_large;
  const auto value = static_cast<std::int64_t>(m);
  return d.negative ? -value : value;
}

}  // namespace ridge
