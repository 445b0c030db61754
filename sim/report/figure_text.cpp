#include "sim/report/figure_text.h"

#include "base/quantity_text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace ridge {

std::string percent(double fraction) {
  if (!std::isfinite(fraction)) return "-";
  return std::abs(fraction) < 100 ? fmt::format("{:.1f} %", 100 * fraction)
                                  : fmt::format("{:.2g} %", 100 * fraction);
}

std::string whole_percent(double fraction) {
  if (!std::isfinite(fraction)) return "-";
  return std::abs(fraction) < 100 ? fmt::format("{:.0f} %", 100 * fraction)
                                  : fmt::format("{:.2g} %", 100 * fraction);
}

std::string exact(double value) { return std::isfinite(value) ? format_number(value) : std::string{}; }

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string words(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

}  // namespace ridge
