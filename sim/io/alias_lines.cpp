#include "sim/io/alias_lines.h"

#include <algorithm>

namespace ridge {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\"'";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

void keep(std::string_view name, std::vector<std::string>& out) {
  if (name = trimmed(name); !name.empty()) out.emplace_back(name);
}

std::vector<std::string> flow_items(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    keep(list.substr(0, end), out);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

std::vector<std::string> block_items(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    if (!line.starts_with("- ")) break;
    keep(line.substr(2, line.find(" #") - 2), out);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

std::vector<std::string> alias_lines(std::string_view yaml) {
  constexpr std::string_view key = "aliases:";
  std::size_t at = yaml.starts_with(key) ? 0 : yaml.find("\naliases:");
  if (at == std::string_view::npos) return {};
  at += (yaml[at] == '\n') + key.size();
  const std::string_view rest = yaml.substr(at);
  const std::size_t line_end = rest.find('\n');
  const std::size_t open = rest.find('[');
  if (open == std::string_view::npos || open > line_end)
    return line_end == std::string_view::npos ? std::vector<std::string>{}
                                              : block_items(rest.substr(line_end + 1));
  return flow_items(rest.substr(open + 1, rest.find(']', open) - open - 1));
}

}  // namespace ridge
