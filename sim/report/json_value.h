#pragma once
/// Shared by the writers of machine output; includes the JSON library, so only source files include it.

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace ridge {

using Json = nlohmann::ordered_json;

/// Whole numbers without a decimal point, others as the shortest text that reads back, the rest null.
inline Json json_number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == std::floor(value) && std::abs(value) < 9e15) return static_cast<std::int64_t>(value);
  return value;
}

/// Indented text with a final line end; bytes that are not UTF-8 are replaced.
inline std::string json_text(const Json& j) {
  return j.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace ridge
