#pragma once
/// Decimal numbers as people write them, kept exact until a prefix or unit has been applied, so that
/// "3.35 TB/s" is the double nearest to 3 350 000 000 000 and "2^53 + 1" elements stay exact.
/// A detail of quantity_text.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace ridge {

/// sign · digits · 10^exponent
struct Decimal {
  bool negative = false;
  std::string digits;  ///< without leading and trailing zeros; "" is zero
  int exponent = 0;
  bool is_zero() const { return digits.empty(); }
};

std::string_view trimmed(std::string_view);

/// Reads a number at the start of `text`; `rest` is what follows.  Refuses signs alone, nan, inf,
/// hexadecimal, leading zeros, '_' and ',' between digits.  The error is a predicate: "is not a number".
tl::expected<Decimal, std::string> parse_decimal(std::string_view text, std::string_view& rest);

/// Nearest double; infinite or zero beyond the range.
double to_double(const Decimal&);

/// Exactly d · 2^exponent2, or why that is no 64-bit integer.
tl::expected<std::int64_t, std::string> to_integer(const Decimal& d, int exponent2);

}  // namespace ridge
