#pragma once
/// Unit expressions: "GiB", "TFLOP/s", "pJ/bit", "k tokens/s", "USD/h".  A detail of quantity_text.
///
///   unit    = factor { ("/" | "*") factor }
///   factor  = [prefix] atom [ "^" integer ]        an atom is B, b, bit, FLOP, s, min, h, day, W, ...

#include "base/quantity.h"

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace ridge {

/// A unit as a multiple of the base units of `dim`: 10^exponent10 · numerator / denominator.
struct Unit {
  Dim dim;
  int exponent10 = 0;
  double numerator = 1, denominator = 1;
};

/// The error is a predicate: "has the unknown unit 'Gib'; ...".
tl::expected<Unit, std::string> parse_unit(std::string_view text);

/// "B/s" for Dim{.byte = 1, .second = -1}; "" for a plain number.
std::string base_unit(Dim);

/// Customary spellings, the most likely first.
std::vector<std::string> example_units(Dim);

}  // namespace ridge
