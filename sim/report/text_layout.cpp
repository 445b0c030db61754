#include "sim/report/text_layout.h"

#include "base/diagnostic.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

namespace ridge {
namespace {

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

struct CodeRange {
  std::uint32_t first, last;
};

constexpr CodeRange combining[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A},
                                   {0x064B, 0x065F}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064},
                                   {0x20D0, 0x20F0}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}};
constexpr CodeRange wide[] = {{0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},  {0x2E80, 0x303E},
                              {0x3041, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},
                              {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                              {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <std::size_t N> bool holds(const CodeRange (&ranges)[N], std::uint32_t code) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [code](const CodeRange& r) { return code >= r.first && code <= r.last; });
}

/// Bytes of the character at the start of a text, and its columns.
struct Character {
  std::size_t bytes = 1;
  int columns = 1;
};

Character character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {};
  std::uint32_t code = lead & (lead >= 0xF0 ? 0x07u : lead >= 0xE0 ? 0x0Fu : 0x1Fu);
  std::size_t n = 1;
  for (; n < text.size() && n < 4 && !starts_character(text[n]); ++n)
    code = code << 6 | (static_cast<unsigned char>(text[n]) & 0x3Fu);
  return {n, holds(combining, code) ? 0 : holds(wide, code) ? 2 : 1};
}

/// Bytes that take at most `width` columns; at least one character.
std::size_t bytes_within(std::string_view text, int width) {
  std::size_t end = 0;
  for (int used = 0; end < text.size();) {
    const Character c = character(text.substr(end));
    used += c.columns;
    if (used > width && end > 0) break;
    end += c.bytes;
  }
  return end;
}

/// Where a word too long for `width` is broken.
std::size_t break_within(std::string_view word, int width) {
  const std::size_t most = bytes_within(word, width);
  const std::size_t sign = word.substr(0, most).find_last_of("/.,-_=+:|");
  return sign == std::string_view::npos || sign + 1 < most / 2 ? most : sign + 1;
}

/// Adds a word to the last line, or begins another.
void add_word(std::vector<std::string>& lines, std::string_view word, bool is_first, int width) {
  const int gap = is_first ? 0 : 1;
  if (!is_first && text_width(lines.back()) + gap + text_width(word) > width) {
    lines.emplace_back();
  } else if (!is_first) {
    lines.back() += ' ';
  }
  while (text_width(lines.back()) + text_width(word) > width && !word.empty()) {
    const std::size_t end = break_within(word, std::max(1, width - text_width(lines.back())));
    lines.back() += word.substr(0, end);
    word.remove_prefix(end);
    if (!word.empty()) lines.emplace_back();
  }
  lines.back() += word;
}

/// A word, or an option of a command line with its value.
std::size_t word_end(std::string_view text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const bool has_value =
      text.starts_with("--") && end + 1 < text.size() && text[end + 1] != '-' && text[end + 1] != ' ';
  return has_value ? std::min(text.find(' ', end + 1), text.size()) : end;
}

void wrap_line(std::string_view text, int width, std::vector<std::string>& lines) {
  const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
  lines.emplace_back(std::min(blanks, static_cast<std::size_t>(std::max(0, width - 1))), ' ');
  text.remove_prefix(blanks);
  for (bool is_first = true; !text.empty(); is_first = false) {
    const std::size_t end = word_end(text);
    add_word(lines, text.substr(0, end), is_first, width);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

int text_width(std::string_view utf8) {
  int columns = 0;
  for (std::size_t i = 0; i < utf8.size();) {
    const Character c = character(utf8.substr(i));
    columns += c.columns;
    i += c.bytes;
  }
  return columns;
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
  const int keep = width - text_width(ellipsis);
  return std::string(text.substr(0, keep > 0 ? bytes_within(text, keep) : 0)).append(ellipsis);
}

std::string safe(std::string_view text) {
  const bool is_clean = std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F || byte == 0xC2 || byte == 0xE2 || byte == 0xEF;
  });
  return is_clean ? std::string(text) : printable(text, std::string_view::npos);
}

std::vector<std::string> wrap(std::string_view text, int width) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    wrap_line(safe(text.substr(at, end - at)), std::max(1, width), lines);
    at = end + 1;
  }
  return lines;
}

std::string fold(std::string_view text, int width) {
  constexpr int hang = 4;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (text_width(line) <= width) {
      out.append(line.substr(0, line.find_last_not_of(' ') + 1)).push_back('\n');
      continue;
    }
    const int own = static_cast<int>(std::min(line.find_first_not_of(' '), line.size()));
    const int indent = std::min(own, width / 2);
    bool is_first = true;
    for (const std::string& part : wrap(line.substr(static_cast<std::size_t>(own)), width - indent - hang)) {
      out += pad_right("", is_first ? indent : indent + hang) + part;
      out.erase(out.find_last_not_of(' ') + 1);
      out += '\n';
      is_first = false;
    }
  }
  return out;
}

std::string ascii_text(std::string_view utf8) {
  static constexpr std::pair<std::string_view, char> likenesses[] = {
      {"\u00B7", '-'}, {"\u00D7", 'x'}, {"\u2013", '-'}, {"\u2192", '>'}, {"\u00B5", 'u'}};
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    std::size_t end = i + 1;
    while (end < utf8.size() && !starts_character(utf8[end])) ++end;
    const std::string_view one = utf8.substr(i, end - i);
    std::string shown =
        one.size() == 1 ? std::string(one) : std::string(static_cast<std::size_t>(text_width(one)), '?');
    for (const auto& [sign, likeness] : likenesses)
      if (sign == one) shown = likeness;
    out += shown;
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
