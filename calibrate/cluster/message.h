#pragma once
/// What ranks say to each other: objects of JSON.  A peer may be of another version, broken or cut off, so nothing here
/// throws and nothing trusts a field's type.

#include "calibrate/fit/robust.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ridge {

/// Counts up whenever tasks, answers or greetings change.
inline constexpr int cluster_protocol = 2;

/// Null when the text is no object of JSON, or nested deeper than any message is.
nlohmann::json message_of(const std::string& text);

/// As text; bytes that are no UTF-8 are replaced.
std::string text_of(const nlohmann::json&);

/// A field of an object; empty, or the other value, when it is not there or of another type.
std::string text_in(const nlohmann::json& object, const char* key);
int number_in(const nlohmann::json& object, const char* key, int otherwise);
bool flag_in(const nlohmann::json& object, const char* key);

/// [median, low, high, samples, spread]
nlohmann::json summary_json(const SampleSummary&);

/// The summaries of an answer {"done": [summary, ...]}; empty unless there are `count` with times above zero.
std::optional<std::vector<SampleSummary>> summaries_in(const nlohmann::json& answer, std::size_t count);

}  // namespace ridge
