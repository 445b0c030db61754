#pragma once
/// Lines, words and fields of what other programs print; shared by the readers of import_tools.h.

#include "calibrate/io/import_tools.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace ridge::tool_text {

std::vector<std::string_view> lines_of(std::string_view text);
std::vector<std::string_view> words_of(std::string_view line);

/// A number, also one written as text; zero when there is none.
double number_of(const nlohmann::json&, const char* key);
std::string text_of(const nlohmann::json&, const char* key);
/// The array under a key; empty when there is something else.
nlohmann::json list_of(const nlohmann::json&, const char* key);

MeasuredRun nccl_text(const SourcePtr&, Diagnostics&, int ranks);
MeasuredRun nccl_json(const nlohmann::json&, const SourcePtr&, Diagnostics&, int ranks);
MeasuredRun bandwidth_text(const SourcePtr&);
MeasuredRun bandwidth_json(const nlohmann::json&);

}  // namespace ridge::tool_text
