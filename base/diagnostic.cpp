#include "base/diagnostic.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr std::size_t max_columns = 160;

/// Length of the valid UTF-8 sequence at the start of `s`, or 0.
std::size_t sequence_length(std::string_view s, std::uint32_t& code) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned lead = byte(0);
  const std::size_t n = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (n == 0 || n > s.size()) return 0;
  code = n == 1 ? lead : lead & (0x7Fu >> n);
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return 0;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  return overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : n;
}

bool is_hidden(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
}

/// One input character as shown, the bytes it came from, and the columns it takes.
struct Cell {
  std::string shown;
  std::size_t bytes;
  std::size_t columns;
};

Cell next_cell(std::string_view s) {
  std::uint32_t code = 0;
  const std::size_t n = sequence_length(s, code);
  if (n == 0) return {fmt::format("\\x{:02x}", static_cast<unsigned char>(s[0])), 1, 4};
  if (code == '\t') return {" ", 1, 1};
  if (!is_hidden(code)) return {std::string(s.substr(0, n)), n, 1};
  std::string shown = code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{{{:x}}}", code);
  const std::size_t columns = shown.size();
  return {std::move(shown), n, columns};
}

/// The 1-based line of a text, without its end; at most `limit` bytes before and after `column`.
std::string_view line_of(std::string_view text, int line) {
  std::size_t begin = 0;
  for (int i = 1; i < line; ++i) {
    begin = text.find('\n', begin);
    if (begin == std::string_view::npos) return {};
    ++begin;
  }
  if (begin > text.size()) return {};
  std::string_view rest = text.substr(begin);
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

/// The characters of a line around one of its bytes.
struct Part {
  std::vector<Cell> cells;
  std::size_t caret = 0;  ///< index of the cell that holds the byte; one past the end when behind the line
  bool cut_front = false, cut_back = false;
};

Part part_around(std::string_view line, std::size_t target) {
  constexpr std::size_t window = 4 * max_columns;  // bytes; a character has four at most
  Part p;
  std::size_t at = target > window ? std::min(target, line.size()) - std::min(window, line.size()) : 0;
  while (at > 0 && at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0u) == 0x80u) --at;
  p.cut_front = at > 0;
  while (at < line.size() && at < target + window) {
    p.cells.push_back(next_cell(line.substr(at)));
    at += p.cells.back().bytes;
    if (at <= target) p.caret = p.cells.size();
  }
  p.cut_back = at < line.size();
  return p;
}

struct Quote {
  std::string line, marks;
};

/// The line as shown, cut to `most` columns around the caret, and the caret line under it.
Quote quote_line(std::string_view line, int column, int length, std::size_t most) {
  const Part p = part_around(line, column > 0 ? static_cast<std::size_t>(column - 1) : 0);
  std::size_t from = p.caret, to = p.caret, columns = 0;
  auto grow_left = [&](std::size_t limit) {
    while (from > 0 && columns + p.cells[from - 1].columns <= limit) columns += p.cells[--from].columns;
  };
  grow_left(most / 2);
  while (to < p.cells.size() && columns + p.cells[to].columns <= most) columns += p.cells[to++].columns;
  grow_left(most);
  Quote q;
  std::size_t before = 0, under = 0;
  auto left = static_cast<std::size_t>(std::max(1, length));  // bytes still to underline
  for (std::size_t i = from; i < to; ++i) {
    const Cell& c = p.cells[i];
    q.line += c.shown;
    if (i < p.caret) before += c.columns;
    else if (left > 0) {
      under += c.columns;
      left -= std::min(left, c.bytes);
    }
  }
  if (from > 0 || p.cut_front) {
    q.line.insert(0, "...");
    before += 3;
  }
  if (to < p.cells.size() || p.cut_back) q.line += "...";
  if (column > 0)
    q.marks = std::string(before, ' ') + '^' + std::string(std::max<std::size_t>(under, 1) - 1, '~');
  return q;
}

struct Paint {
  std::string_view bold, severity, caret, off;
};

Paint paint(Severity s, bool colour) {
  if (!colour) return {};
  const std::string_view severity = s == Severity::error     ? "\x1b[1;31m"
                                    : s == Severity::warning ? "\x1b[1;35m"
                                                             : "\x1b[1;36m";
  return {"\x1b[1m", severity, "\x1b[1;32m", "\x1b[0m"};
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

/// A text broken at blanks to `width` columns, further lines hung below the first; one line when width is 0.
std::string broken(const std::string& text, int width) {
  constexpr std::string_view hang = "    ";
  if (width <= 0) return text + '\n';
  std::string out;
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', text.find_first_not_of(' ', at)), text.size());
    std::string_view word = std::string_view(text).substr(at, end - at);  // with the blanks before it
    at = end;
    if (used > 0 && used + columns_of(word) > static_cast<std::size_t>(width)) {
      word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
      out += '\n';
      out += hang;
      used = hang.size();
    }
    out += word;
    used += columns_of(word);
  }
  return out + '\n';
}

std::string_view severity_name(Severity s) {
  return s == Severity::error ? "error" : s == Severity::warning ? "warning" : "note";
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Damerau-Levenshtein distance (adjacent transpositions), or limit + 1 when larger.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const char x = lower(a[i - 1]), y = lower(b[j - 1]);
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (x == y ? 0u : 1u)});
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

}  // namespace

std::string Span::where_line() const {
  if (!source) return {};
  const std::string file = printable(source->name, 4096);
  return line > 0 ? fmt::format("{}:{}", file, line) : file;
}

std::string Span::where() const {
  std::string s = where_line();
  if (source && line > 0 && column > 0) s += fmt::format(":{}", column);
  return s;
}

Diagnostic& Diagnostics::error(std::string code, std::string message, Span span) {
  items_.push_back({Severity::error, std::move(code), std::move(message), std::move(span), {}, {}});
  return items_.back();
}

Diagnostic& Diagnostics::warning(std::string code, std::string message, Span span) {
  items_.push_back({Severity::warning, std::move(code), std::move(message), std::move(span), {}, {}});
  return items_.back();
}

void Diagnostics::append(Diagnostics other) {
  for (auto& d : other.items_) items_.push_back(std::move(d));
}

bool Diagnostics::has_errors() const {
  return std::any_of(items_.begin(), items_.end(), [](auto& d) { return d.severity == Severity::error; });
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size() && out.size() < limit) {
    Cell c = next_cell(text.substr(i));
    out += c.shown;
    i += c.bytes;
  }
  if (i < text.size()) out += "...";
  return out;
}

namespace {

/// "file:1:2: error: what is wrong [code]"; colours its first two parts where they stand unbroken.
std::string headline(const Diagnostic& d, bool colour, int width) {
  const std::string place = d.span.where(), where = place.empty() ? "" : place + ": ";
  const std::string severity = std::string(severity_name(d.severity)) + ':';
  std::string text = where + severity + ' ' + printable(d.message, 2000);
  if (!d.code.empty()) text += fmt::format(" [{}]", d.code);
  text = broken(text, width);
  if (!colour || !text.starts_with(where + severity)) return text;
  const Paint p = paint(d.severity, colour);
  text.erase(0, where.size() + severity.size());
  const std::string shown = place.empty() ? "" : fmt::format("{}{}:{} ", p.bold, place, p.off);
  return fmt::format("{}{}{}{}{}", shown, p.severity, severity, p.off, text);
}

std::string quoted(const Diagnostic& d, bool colour, int width) {
  constexpr int gutter = 8, dots = 6;
  const auto line = line_of(d.span.source->text, d.span.line);
  if (line.empty()) return {};
  const int most = width > 0 ? std::max(20, width - gutter - dots) : static_cast<int>(max_columns);
  const Quote q =
      quote_line(line, d.span.column, d.span.length, std::min(max_columns, static_cast<std::size_t>(most)));
  const Paint p = paint(d.severity, colour);
  std::string out = fmt::format("{:>5} | {}\n", d.span.line, q.line);
  if (!q.marks.empty()) out += fmt::format("      | {}{}{}\n", p.caret, q.marks, p.off);
  return out;
}

std::string alternatives(const std::vector<std::string>& expected, int width) {
  constexpr std::size_t shown = 24;
  std::string out = expected.size() == 1 ? "   expected: " : "   expected one of: ";
  for (std::size_t i = 0; i < std::min(shown, expected.size()); ++i)
    out += (i ? ", " : "") + printable(expected[i], 200);
  if (expected.size() > shown) out += fmt::format(", ... ({} more)", expected.size() - shown);
  return broken(out, width);
}

}  // namespace

std::string render(const Diagnostic& d, bool colour, int width) {
  std::string out = headline(d, colour, width);
  if (d.span.source && d.span.line > 0) out += quoted(d, colour, width);
  if (!d.expected.empty()) out += alternatives(d.expected, width);
  if (!d.suggestion.empty())
    out += broken(fmt::format("   did you mean '{}'?", printable(d.suggestion, 200)), width);
  return out;
}

std::string render(const Diagnostics& all, bool colour, int width) {
  std::string out;
  constexpr std::size_t shown = 100;
  for (std::size_t i = 0; i < std::min(shown, all.items().size()); ++i)
    out += render(all.items()[i], colour, width);
  if (all.items().size() > shown) out += fmt::format("... and {} more\n", all.items().size() - shown);
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 100;
  if (word.empty() || word.size() > longest) return {};
  const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  std::size_t best = limit + 1;
  const std::string* found = nullptr;
  for (auto& c : candidates) {
    const std::size_t d = distance(word, c, limit);
    if (d < best) {
      best = d;
      found = &c;
    }
  }
  return found ? *found : std::string{};
}

}  // namespace ridge
