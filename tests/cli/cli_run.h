#pragma once
/// Calls the command as a user does, and keeps what it said.

#include "cli/run.h"

#include <sstream>
#include <string>
#include <vector>

namespace ridge::test {

/// Messages are wrapped to the terminal: the same text on one line, single blanks.
inline std::string unwrapped(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c != '\n' && c != ' ') out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  return out;
}

struct Said {
  int status = 0;
  std::string out, err;
};

inline Said ridge(const std::vector<std::string>& arguments, const std::string& input = {},
                  const Terminal& terminal = {}) {
  std::istringstream in(input);
  std::ostringstream out, err;
  Said said;
  said.status = run(arguments, in, out, err, terminal);
  said.out = out.str();
  said.err = err.str();
  return said;
}

/// "a b  c" -> {"a", "b", "c"}.
inline std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

}  // namespace ridge::test
