#include "calibrate/cluster/message.h"

#include <cmath>

namespace ridge {
namespace {

using nlohmann::json;

/// JSON's values are copied and destroyed level by level: a million open brackets would exhaust the stack.
bool is_too_deep(const std::string& text) {
  constexpr int most = 16;
  int depth = 0;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quoted && c == '\\') ++i;
    else if (c == '"') is_quoted = !is_quoted;
    else if (!is_quoted && (c == '[' || c == '{') && ++depth > most) return true;
    else if (!is_quoted && (c == ']' || c == '}')) --depth;
  }
  return false;
}

std::optional<SampleSummary> summary_of(const json& j) {
  if (!j.is_array() || j.size() != 5) return std::nullopt;
  for (const json& x : j)
    if (!x.is_number() || !std::isfinite(x.get<double>())) return std::nullopt;
  const SampleSummary s{Seconds{j[0].get<double>()}, Seconds{j[1].get<double>()}, Seconds{j[2].get<double>()},
                        static_cast<std::int64_t>(std::min(std::abs(j[3].get<double>()), 1e9)),
                        j[4].get<double>()};
  if (!(s.median > Seconds{}) || !(s.low > Seconds{}) || s.high < s.low) return std::nullopt;
  return s;
}

}  // namespace

json message_of(const std::string& text) {
  if (is_too_deep(text)) return nullptr;
  json j = json::parse(text, nullptr, false);
  return j.is_object() ? j : json(nullptr);
}

std::string text_of(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string text_in(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

int number_in(const json& object, const char* key, int otherwise) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return otherwise;
  const auto n = it->get<std::int64_t>();
  return n >= -2147483647 && n <= 2147483647 ? static_cast<int>(n) : otherwise;
}

bool flag_in(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

json summary_json(const SampleSummary& s) {
  return {s.median.value(), s.low.value(), s.high.value(), s.samples, s.spread};
}

std::optional<std::vector<SampleSummary>> summaries_in(const json& answer, std::size_t count) {
  const auto done = answer.find("done");
  if (done == answer.end() || !done->is_array() || done->size() != count) return std::nullopt;
  std::vector<SampleSummary> out;
  for (const json& j : *done) {
    const auto s = summary_of(j);
    if (!s) return std::nullopt;
    out.push_back(*s);
  }
  return out;
}

}  // namespace ridge
