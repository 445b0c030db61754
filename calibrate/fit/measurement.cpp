#include "calibrate/fit/measurement.h"

#include "base/quantity_text.h"
#include "base/stable_hash.h"

namespace ridge {

std::string sizes_text(const Measurement& m) {
  std::string out;
  for (const auto& [name, value] : m.sizes) {
    if (!out.empty()) out += ' ';
    out += name;
    out += '=';
    out += format_number(value);
  }
  return out;
}

bool is_chosen_for_hold_out(const Measurement& m, double fraction) {
  const std::uint64_t h = stable_hash(m.family + '|' + m.variant + '|' + sizes_text(m));
  return static_cast<double>(h >> 11) * 0x1p-53 < fraction;
}

}  // namespace ridge
