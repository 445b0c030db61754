#pragma once
/// How figures are spelled in every report.

#include <string>
#include <string_view>

namespace ridge {

/// "12.3 %"; "-" for what is not a number.
std::string percent(double fraction);
/// "12 %".
std::string whole_percent(double fraction);
/// All digits, for CSV; "" for what is not a number.
std::string exact(double value);
/// part / whole, 0 of nothing.
double share(double part, double whole);
/// "optimizer_states" -> "optimizer states".
std::string words(std::string_view name);

}  // namespace ridge
