// What is done to a text before yaml-cpp sees it.
#include "base/yaml/tree_builder.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace ridge {
namespace {

/// Value of "\uXXXX" at `at`, or 0 when there is none.
unsigned escape_at(const std::string& s, std::size_t at) {
  if (at + 6 > s.size() || s[at] != '\\' || s[at + 1] != 'u') return 0;
  unsigned value = 0;
  auto [end, error] = std::from_chars(s.data() + at + 2, s.data() + at + 6, value, 16);
  return error == std::errc{} && end == s.data() + at + 6 ? value : 0;
}

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

std::string without_surrogates(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (text[first] != '{' && text[first] != '[') ||
      text.find("\\u") == std::string::npos)
    return text;
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
