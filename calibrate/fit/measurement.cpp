#include "calibrate/fit/measurement.h"

#include "base/quantity_text.h"

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

std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) {
    h ^= static_cast<unsigned char>(c);
    h *= 0x100000001b3u;
  }
  // FNV leaves short texts alike in the high bits, which the choice below reads.
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdu;
  h ^= h >> 33;
  return h;
}

bool is_chosen_for_hold_out(const Measurement& m, double fraction) {
  const std::uint64_t h = stable_hash(m.family + '|' + m.variant + '|' + sizes_text(m));
  return static_cast<double>(h >> 11) * 0x1p-53 < fraction;
}

}  // namespace ridge
