#include "hardware/numbers.h"

namespace ridge {
namespace {

constexpr std::size_t numbers_in_line = 24;

void read_line(const Node& n, Numbers& out, ReadContext& c, Range r) {
  if (!n.is_scalar()) {
    c.diagnostics.error("bad-numbers", "numbers stand on a line, separated by commas", n.span);
    return;
  }
  std::string_view rest = n.text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    const auto value = parse_number(one);
    if (!value || !(*value >= r.low && *value <= r.high)) {
      c.diagnostics.error("bad-numbers", "'" + printable(one) + "' is not a number in range", n.span);
      return;
    }
    out.values.push_back(*value);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
}

Node line_of(std::vector<double>::const_iterator from, std::vector<double>::const_iterator to) {
  std::string text;
  for (; from != to; ++from) {
    if (!text.empty()) text += ", ";
    text += format_number(*from);
  }
  Node n = Node::scalar(text);
  n.quoted = true;
  return n;
}

}  // namespace

void read_value(const Node& n, Numbers& out, ReadContext& c, Range r) {
  out.values.clear();
  if (n.is_null()) return;
  if (!n.is_sequence()) return read_line(n, out, c, r);
  for (const Node& line : n.items) read_line(line, out, c, r);
}

Node write_value(const Numbers& numbers) {
  const auto& v = numbers.values;
  if (v.empty()) return {};
  if (v.size() <= numbers_in_line) return line_of(v.begin(), v.end());
  Node list;
  list.kind = Node::Kind::sequence;
  for (std::size_t i = 0; i < v.size(); i += numbers_in_line) {
    const auto from = v.begin() + static_cast<std::ptrdiff_t>(i);
    list.items.push_back(
        line_of(from, from + static_cast<std::ptrdiff_t>(std::min(numbers_in_line, v.size() - i))));
  }
  return list;
}

std::string type_text(const Numbers*) { return "numbers, separated by commas"; }

}  // namespace ridge
