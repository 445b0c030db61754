#include "base/yaml/read_document.h"

#include "base/yaml/tree_builder.h"

#include <fmt/format.h>
#include <sstream>
#include <yaml-cpp/yaml.h>

namespace ridge {
namespace {

/// What the parser's message usually means.
std::string_view advice(std::string_view message) {
  struct Row {
    std::string_view part, text;
  };
  constexpr Row rows[] = {
      {"illegal map value", "check the indentation, and quote a text that holds ': '"},
      {"end of sequence flow not found", "a '[' is not closed before this"},
      {"end of map flow not found", "a '{' is not closed before this"},
      {"end of map not found", "this line does not fit the map above: check its indentation and its ':'"},
      {"end of sequence not found",
       "this line does not fit the list above: check its indentation and its '-'"},
      {"illegal EOF in scalar", "a quote is never closed"},
      {"anchor is not defined", "'*' starts an alias; quote a text that begins with it"},
  };
  for (auto& r : rows)
    if (message.find(r.part) != std::string_view::npos) return r.text;
  return {};
}

bool is_indented_by_tab(const SourcePtr& source, std::size_t position) {
  const std::string& text = source->text;
  const auto line_end = text.rfind('\n', position);
  const std::size_t begin = line_end == std::string::npos ? 0 : line_end + 1;
  const auto indent = text.substr(begin, text.find_first_not_of(" \t", begin) - begin);
  return indent.find('\t') != std::string::npos;
}

void report_syntax(const YAML::Exception& e, const SourcePtr& source, Diagnostics& diagnostics) {
  Span span{source, 0, 0, 1};
  std::string message = "not valid YAML: " + printable(e.msg, 200);
  if (!e.mark.is_null()) {
    span.line = e.mark.line + 1;
    span.column = e.mark.column + 1;
    if (!starts_like_json(source->text) && is_indented_by_tab(source, static_cast<std::size_t>(e.mark.pos)))
      message = "a tab indents this line; YAML needs spaces";
  }
  if (const auto hint = advice(message); !hint.empty()) message += fmt::format(" ({})", hint);
  diagnostics.error("yaml-syntax", std::move(message), span);
}

}  // namespace

bool is_readable_text(const SourcePtr& source, Diagnostics& diagnostics) {
  if (source->text.size() > max_input_bytes) {
    diagnostics.error("too-large", fmt::format("the text has more than {} bytes", max_input_bytes),
                      {source, 0, 0, 1});
    return false;
  }
  const std::size_t bad = first_bad_byte(source->text);
  if (bad == std::string::npos) return true;
  const bool nul = source->text[bad] == '\0';
  diagnostics.error("bad-encoding", nul ? "the text holds a NUL byte" : "the text is not valid UTF-8",
                    span_at(source, bad, 1));
  return false;
}

Node parse_yaml(const std::string& text, const SourcePtr& source, Diagnostics& diagnostics) {
  TreeBuilder builder(text, source, diagnostics);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (!builder.is_stopped()) {
      builder.expect_no_more();
      parser.HandleNextDocument(builder);
    }
  } catch (const TreeBuilder::Stop&) {
  } catch (const YAML::Exception& e) {
    report_syntax(e, source, diagnostics);
  } catch (const std::exception& e) {
    diagnostics.error("yaml-syntax", std::string("not readable as YAML: ") + printable(e.what()),
                      {source, 0, 0, 1});
  }
  return builder.take_root();
}

Node read_yaml(const SourcePtr& source, Diagnostics& diagnostics) {
  if (!source || !is_readable_text(source, diagnostics) || !is_complete_json(source, diagnostics)) return {};
  return parse_yaml(without_surrogates(source->text), source, diagnostics);
}

}  // namespace ridge
