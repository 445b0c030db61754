#include "sim/report/report.h"

namespace ridge {

std::vector<std::string> explainable_keys(const Report& report) {
  std::vector<std::string> keys;
  auto keep = [&keys](const auto& items) {
    for (const auto& item : items)
      if (!item.key.empty()) keys.push_back(item.key);
  };
  for (const Section& s : report.sections)
    for (const Block& b : s.blocks) {
      if (const auto* facts = std::get_if<Facts>(&b)) keep(facts->items);
      if (const auto* bars = std::get_if<Bars>(&b)) keep(bars->items);
    }
  return keys;
}

}  // namespace ridge
