// What is done to a text before yaml-cpp sees it.
#include "base/yaml/tree_builder.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <string_view>
#include <vector>

namespace ridge {
namespace {

/// Value of "\uXXXX" at `at`, or 0 when there is none.
unsigned escape_at(const std::string& s, std::size_t at) {
  if (at + 6 > s.size() || s[at] != '\\' || s[at + 1] != 'u') return 0;
  unsigned value = 0;
  auto [end, error] = std::from_chars(s.data() + at + 2, s.data() + at + 6, value, 16);
  return error == std::errc{} && end == s.data() + at + 6 ? value : 0;
}

/// Follows brackets and quotes of a text that starts like JSON; YAML's comments and single quotes count.
class BracketScan {
 public:
  explicit BracketScan(const std::string& text) : text_(text) {
    for (std::size_t i = 0; i < text_.size(); ++i) i = step(i);
  }
  /// Positions of the brackets that are open at the end, and of the quote; npos when none is.
  std::vector<std::size_t> open;
  std::size_t quote = std::string::npos;

 private:
  std::size_t step(std::size_t i) {
    const char c = text_[i];
    const char before = i == 0 ? ' ' : text_[i - 1];
    const bool starts_word = std::string_view(" \t\r\n[{,:").find(before) != std::string_view::npos;
    if ((c == '"' || c == '\'') && starts_word) return end_of_quote(i);
    if (c == '#' && starts_word) return std::min(text_.find('\n', i), text_.size());
    if (c == '{' || c == '[') open.push_back(i);
    if ((c == '}' || c == ']') && !open.empty()) open.pop_back();
    return i;
  }

  std::size_t end_of_quote(std::size_t start) {
    for (std::size_t i = start + 1; i < text_.size(); ++i) {
      const bool is_escape = text_[start] == '"' ? text_[i] == '\\' : text_.substr(i, 2) == "''";
      if (is_escape) ++i;
      else if (text_[i] == text_[start]) return i;
    }
    quote = start;
    return text_.size();
  }

  const std::string& text_;
};

}  // namespace

std::size_t first_bad_byte(const std::string& text) {
  auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto tail = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned a = byte(i), b = byte(i + 1);
    std::size_t n = 0;
    if (a != 0 && a < 0x80) n = 1;
    else if (a >= 0xC2 && a < 0xE0 && tail(i + 1)) n = 2;
    else if (a >= 0xE0 && a < 0xF0 && tail(i + 1) && tail(i + 2) && !(a == 0xE0 && b < 0xA0) &&
             !(a == 0xED && b >= 0xA0))
      n = 3;
    else if (a >= 0xF0 && a < 0xF5 && tail(i + 1) && tail(i + 2) && tail(i + 3) && !(a == 0xF0 && b < 0x90) &&
             !(a == 0xF4 && b >= 0x90))
      n = 4;
    if (n == 0) return i;
    i += n;
  }
  return std::string::npos;
}

bool starts_like_json(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && (text[first] == '{' || text[first] == '[');
}

bool is_complete_json(const SourcePtr& source, Diagnostics& diagnostics) {
  const std::string& text = source->text;
  if (!starts_like_json(text)) return true;
  const BracketScan scan(text);
  const bool in_quote = scan.quote != std::string::npos;
  if (scan.open.empty() && !in_quote) return true;
  const Span from = span_at(source, in_quote ? scan.quote : scan.open.back(), 1);
  const auto last = text.find_last_not_of(" \t\r\n");
  diagnostics.error("ends-early",
                    fmt::format("the file ends early: {} of line {}, column {} is never closed",
                                in_quote ? "the quote" : fmt::format("'{}'", text[scan.open.back()]),
                                from.line, from.column),
                    span_at(source, last, 1));
  return false;
}

std::string without_surrogates(const std::string& text) {
  if (!starts_like_json(text) || text.find("\\u") == std::string::npos) return text;
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const unsigned high = escape_at(text, i), low = high ? escape_at(text, i + 6) : 0;
    if (high >= 0xD800 && high < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
      out += fmt::format("\\U{:08X}", 0x10000u + ((high - 0xD800) << 10) + (low - 0xDC00));
      i += 12;
      continue;
    }
    const std::size_t n = text[i] == '\\' && i + 1 < text.size() ? 2 : 1;  // "\\u" is no escape
    out.append(text, i, n);
    i += n;
  }
  return out;
}

Span span_at(const SourcePtr& source, std::size_t position, int length) {
  const std::string& text = source->text;
  position = std::min(position, text.size());
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(position);
  const auto line = 1 + std::count(text.begin(), end, '\n');
  const auto before = text.rfind('\n', position == 0 ? 0 : position - 1);
  const std::size_t start = position == 0 || before == std::string::npos ? 0 : before + 1;
  return {source, static_cast<int>(line), static_cast<int>(position - start) + 1, length};
}

}  // namespace ridge
