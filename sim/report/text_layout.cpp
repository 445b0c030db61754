#include "sim/report/text_layout.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ridge {
namespace {

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

int text_width(std::string_view utf8) {
  return static_cast<int>(std::count_if(utf8.begin(), utf8.end(), starts_character));
}

std::string pad_left(std::string_view text, int width) {
  const int blanks = std::max(0, width - text_width(text));
  return std::string(static_cast<std::size_t>(blanks), ' ').append(text);
}

std::string pad_right(std::string_view text, int width) {
  const int blanks = std::max(0, width - text_width(text));
  return std::string(text).append(static_cast<std::size_t>(blanks), ' ');
}

std::string fit(std::string_view text, int width, bool unicode) {
  if (text_width(text) <= width) return std::string(text);
  const std::string_view ellipsis = unicode ? "\u2026" : "...";
  const int keep = std::max(0, width - text_width(ellipsis));
  std::size_t end = 0;
  for (int seen = 0; end < text.size(); ++end)
    if (starts_character(text[end]) && seen++ == keep) break;
  return std::string(text.substr(0, end)).append(ellipsis);
}

std::vector<std::string> wrap(std::string_view text, int width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && text_width(line) + 1 + text_width(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty() || lines.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string ascii_text(std::string_view utf8) {
  static constexpr std::pair<std::string_view, char> likenesses[] = {
      {"\u00B7", '-'}, {"\u00D7", 'x'}, {"\u2013", '-'}, {"\u2192", '>'}, {"\u00B5", 'u'}};
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    std::size_t end = i + 1;
    while (end < utf8.size() && !starts_character(utf8[end])) ++end;
    const std::string_view one = utf8.substr(i, end - i);
    char c = one.size() == 1 ? one[0] : '?';
    for (const auto& [sign, likeness] : likenesses)
      if (sign == one) c = likeness;
    out += c;
    i = end;
  }
  return out;
}

std::string bar(double fraction, int width, bool unicode) {
  static constexpr std::string_view eighths[] = {"",       "\u258F", "\u258E", "\u258D",
                                                 "\u258C", "\u258B", "\u258A", "\u2589"};
  const double share = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0.0;
  std::string out;
  if (!unicode) {
    const int full = static_cast<int>(std::lround(share * width));
    return pad_right(out.append(static_cast<std::size_t>(full), '#'), width);
  }
  const int parts = static_cast<int>(std::lround(share * width * 8));
  for (int i = 0; i < parts / 8; ++i) out += "\u2588";
  out += eighths[parts % 8];
  if (parts == 0 && share > 0) out = "\u258F";
  return pad_right(out, width);
}

}  // namespace ridge
