#pragma once
/// Text of quantities: the only place where prefixes exist.  YAML files, command-line flags and GUI
/// fields all go through these functions.
///
///   parse_quantity<Bytes>("80 GiB")          85 899 345 920 B
///   parse_quantity<BytesPerSecond>("400 Gbps")  5e10 B/s      (b = bit, B = byte)
///   parse_count("2k")                        2000             (k M G T decimal; Ki Mi Gi binary)
///   format(Bytes{8.5e10})                    "79.2 GiB"
///
/// Decimal prefixes (k M G T P E) and binary ones (Ki Mi Gi Ti Pi Ei) are different values.  A bare
/// number is refused where a unit is needed, with the units that would do.  Accepted spellings per
/// dimension are listed by `units_of`.
/// Law    parse_quantity(format_exact(q)) == q for every finite q.
/// Errors a sentence for people, without location; the caller owns the location.

#include "base/quantity.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace ridge {

/// Parses a number with a unit of dimension `dim` into base units.  `nan`, `inf`, hexadecimal,
/// octal-looking ("0100") and out-of-range numbers are refused.
tl::expected<double, std::string> parse_quantity(std::string_view text, Dim dim);

template <class Q> tl::expected<Q, std::string> parse_quantity(std::string_view text) {
  auto value = parse_quantity(text, Q::dim);
  if (!value) return tl::unexpected(value.error());
  return Q{*value};
}

/// Parses an integer count with an optional prefix ("2k" = 2000, "4Ki" = 4096, "1.5M" when whole).
tl::expected<std::int64_t, std::string> parse_count(std::string_view text);
/// Parses a plain finite decimal number; "12 %" is 0.12.
tl::expected<double, std::string> parse_number(std::string_view text);

/// Three significant digits with the customary prefix: "79.2 GiB", "3.35 TB/s", "1.14 s", "12.3 us".
std::string format_quantity(double value, Dim dim);
template <Dim D> std::string format(Quantity<D> q) { return format_quantity(q.value(), D); }
/// Shortest text that parses back to exactly the same value, in base units ("85899345920 B").
std::string format_exact(double value, Dim dim);
/// 8030261248 -> "8 030 261 248" (thin grouping for people), 8.03e9 -> "8.03 G" for short_count.
std::string format_count(std::int64_t n);
std::string short_count(double n);
/// Shortest round-trip text of a number through std::to_chars, never the locale.
std::string format_number(double value);

/// "B, KiB, MiB, ..., kB, MB, ..." for messages and help.
std::string units_of(Dim dim);

}  // namespace ridge
