#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace ridge::fuzz {
namespace {

constexpr std::string_view tokens[] = {": ",
                                       "- ",
                                       "? ",
                                       "[",
                                       "]",
                                       "{",
                                       "}",
                                       ", ",
                                       "\n",
                                       "\n  ",
                                       "\n- ",
                                       "&a ",
                                       "*a",
                                       "<<: *a",
                                       "!!int ",
                                       "!x ",
                                       "|",
                                       ">-",
                                       "#",
                                       "\"",
                                       "'",
                                       "---\n",
                                       "...\n",
                                       "%YAML 1.1\n",
                                       "~",
                                       "null",
                                       "true",
                                       "false",
                                       "yes",
                                       "on",
                                       ".nan",
                                       ".inf",
                                       "-.inf",
                                       "0",
                                       "-1",
                                       "1",
                                       "0100",
                                       "0x1F",
                                       "1_000",
                                       "1e400",
                                       "1e-400",
                                       "1e308",
                                       "5e-324",
                                       "9223372036854775807",
                                       "9223372036854775808",
                                       "-9223372036854775808",
                                       "18446744073709551616",
                                       "1.5",
                                       "2k",
                                       "4Ki",
                                       "GiB",
                                       "GB",
                                       "Gbps",
                                       "TFLOP/s",
                                       "us",
                                       "%",
                                       "B/element",
                                       "\\u0000",
                                       "\\ud83d",
                                       "\\x",
                                       "\\",
                                       "\t",
                                       "\r\n",
                                       "\r",
                                       std::string_view("\0", 1),
                                       "\xEF\xBB\xBF",
                                       "\xFF",
                                       "\xC3\xA9",
                                       "\xE2\x80\xA8",
                                       "\x1B[31m",
                                       "(",
                                       ")",
                                       "...",
                                       "sum(...)",
                                       "max(",
                                       "^",
                                       "/0",
                                       "*",
                                       "+",
                                       "select(",
                                       ",,,",
                                       "\"\"",
                                       "=",
                                       ".",
                                       ".."};
constexpr std::string_view numbers[] = {"0",
                                        "-1",
                                        "1",
                                        "2",
                                        "3",
                                        "7",
                                        "64",
                                        "1000000007",
                                        "2147483648",
                                        "4294967296",
                                        "9007199254740993",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "1e18",
                                        "1e400",
                                        "-0",
                                        "0.1",
                                        "1e-300",
                                        "nan",
                                        "inf",
                                        "007",
                                        ""};

using Random = std::mt19937_64;

std::size_t below(Random& r, std::size_t n) { return n == 0 ? 0 : r() % n; }
/// Mostly short lengths.
std::size_t short_length(Random& r, std::size_t most) {
  return std::min(most, std::size_t{1} << below(r, 10));
}

/// Start and length of a random run of characters of a kind, behind a random place.
template <class Is> std::pair<std::size_t, std::size_t> run(const std::string& s, Random& r, Is is) {
  const auto from = s.begin() + static_cast<std::ptrdiff_t>(below(r, s.size() + 1));
  const auto begin = std::find_if(from, s.end(), is);
  const auto end = std::find_if_not(begin, s.end(), is);
  return {static_cast<std::size_t>(begin - s.begin()), static_cast<std::size_t>(end - begin)};
}
bool is_number(char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == '.'; }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::pair<std::size_t, std::size_t> line(const std::string& s, Random& r) {
  const std::size_t at = below(r, s.size() + 1);
  const std::size_t before = at == 0 ? std::string::npos : s.rfind('\n', at - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  const std::size_t end = s.find('\n', at);
  return {begin, (end == std::string::npos ? s.size() : end + 1) - begin};
}

void change_bytes(std::string& s, Random& r) {
  if (s.empty()) return;
  char& c = s[below(r, s.size())];
  switch (r() % 3) {
    case 0: c = static_cast<char>(c ^ (1 << r() % 8)); break;
    case 1: c = static_cast<char>(r()); break;
    default: c = "\n\t :-[]{},\"'#&*!|>%@`0aA"[r() % 24];
  }
}

void change_word(std::string& s, Random& r) {
  auto [at, n] = run(s, r, is_word);
  if (n == 0) return;
  const std::size_t i = at + below(r, n);
  switch (r() % 5) {
    case 0: s.erase(i, 1); break;
    case 1: s.insert(i, 1, s[i]); break;
    case 2:
      if (n > 1) std::swap(s[at + (i - at) % (n - 1)], s[at + (i - at) % (n - 1) + 1]);
      break;
    case 3: s[i] = static_cast<char>('a' + r() % 26); break;
    default: s.erase(at, n);
  }
}

void swap_words(std::string& s, Random& r) {
  auto a = run(s, r, is_word), b = run(s, r, is_word);
  if (a.first > b.first) std::swap(a, b);
  if (a.first + a.second > b.first) return;
  const std::string first = s.substr(a.first, a.second), second = s.substr(b.first, b.second);
  s.replace(b.first, b.second, first);
  s.replace(a.first, a.second, second);
}

void change_lines(std::string& s, Random& r) {
  const auto [at, n] = line(s, r);
  const std::string text = s.substr(at, n);
  switch (r() % 4) {
    case 0: s.insert(at, text); break;
    case 1: s.erase(at, n); break;
    case 2: s.insert(at, below(r, 8), ' '); break;
    default: s.erase(at, n); s.insert(line(s, r).first, text);
  }
}

void repeat_piece(std::string& s, Random& r, std::size_t max_size) {
  const std::size_t at = below(r, s.size()), n = std::min(short_length(r, 64), s.size() - at);
  const std::string piece = s.substr(at, n);
  std::string copies;
  for (std::size_t i = short_length(r, 1000); i > 0 && copies.size() < max_size; --i) copies += piece;
  s.insert(at, copies);
}

void change_once(std::string& s, const std::string& other, std::size_t max_size, Random& r) {
  switch (r() % 12) {
    case 0:
    case 1: return change_bytes(s, r);
    case 2:
    case 3: return void(s.insert(below(r, s.size() + 1), tokens[r() % std::size(tokens)]));
    case 4:
      if (auto [at, n] = run(s, r, is_number); n > 0) s.replace(at, n, numbers[r() % std::size(numbers)]);
      return;
    case 5: return change_word(s, r);
    case 6: return swap_words(s, r);
    case 7: return change_lines(s, r);
    case 8: return s.resize(below(r, s.size() + 1));
    case 9:
      if (!s.empty()) s.erase(below(r, s.size()), short_length(r, 256));
      return;
    case 10:
      if (!other.empty()) {
        const std::size_t from = below(r, other.size());
        s.insert(below(r, s.size() + 1), other.substr(from, short_length(r, other.size())));
      }
      return;
    default:
      if (!s.empty() && r() % 4 == 0) repeat_piece(s, r, max_size);
  }
}

}  // namespace

std::string mutate(std::string input, const std::string& other, std::size_t max_size,
                   std::mt19937_64& random) {
  const std::size_t changes = 1 + below(random, std::size_t{1} << below(random, 4));
  for (std::size_t i = 0; i < changes; ++i) change_once(input, other, max_size, random);
  if (input.size() > max_size) input.resize(max_size);
  return input;
}

}  // namespace ridge::fuzz
