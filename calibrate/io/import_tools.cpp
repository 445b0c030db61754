#include "calibrate/io/import_tools.h"

#include "calibrate/io/tool_text.h"

namespace ridge {
namespace {

using namespace tool_text;
using nlohmann::json;

bool is_nccl_text(std::string_view text) {
  return text.find("out-of-place") != std::string_view::npos && text.find("algbw") != std::string_view::npos;
}

}  // namespace

bool is_tool_output(std::string_view text) {
  if (is_nccl_text(text) || text.find("nvbandwidth") != std::string_view::npos) return true;
  return text.starts_with('{') && text.find("\"out_of_place\"") != std::string_view::npos;
}

MeasuredRun import_tool_output(const SourcePtr& source, Diagnostics& diagnostics, int ranks) {
  const auto begin = source->text.find_first_not_of(" \t\r\n");
  const bool is_json = begin != std::string::npos && source->text[begin] == '{';
  MeasuredRun out;
  if (!is_json) {
    out = is_nccl_text(source->text) ? nccl_text(source, diagnostics, ranks) : bandwidth_text(source);
  } else {
    const json j = json::parse(source->text, nullptr, false);
    if (j.is_discarded() || !j.is_object()) {
      diagnostics.error("bad-json", "this is no complete JSON object", Span{source, 1, 1, 1});
      return out;
    }
    const bool is_bandwidth = j.contains("nvbandwidth") && j["nvbandwidth"].is_object();
    out = is_bandwidth ? bandwidth_json(j) : nccl_json(j, source, diagnostics, ranks);
  }
  if (out.points.empty())
    diagnostics.error("no-measurements", "no row of this output can be used", Span{source, 1, 1, 1});
  else if (out.points.front().family.empty())
    diagnostics
        .error("unknown-collective", "the output does not say which collective it timed",
               Span{source, 1, 1, 1})
        .suggestion = "name the file after it, for example all_reduce.txt";
  return out;
}

}  // namespace ridge
