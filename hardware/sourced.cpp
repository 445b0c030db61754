#include "hardware/sourced.h"

#include <array>
#include <fmt/format.h>

namespace ridge::detail {
namespace {

/// Kinds a figure may have; the other origins say who wrote a plain value.
constexpr std::array figure_kinds = {Origin::Kind::datasheet, Origin::Kind::measured, Origin::Kind::fitted,
                                     Origin::Kind::assumed};

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (Origin::Kind k : figure_kinds) names.emplace_back(name(k));
  return names;
}

bool read_kind(const Node& n, Origin& origin, ReadContext& c) {
  const int i = read_choice(n, kind_names(), c);
  if (i < 0) return false;
  origin.kind = figure_kinds[static_cast<std::size_t>(i)];
  return true;
}

const Node* refuse(const Node& n, const std::string& message, ReadContext& c) {
  auto& d = c.diagnostics.error("bad-figure", fmt::format("'{}' {}", c.path, message), n.span);
  d.expected = {"VALUE", "[VALUE, KIND, SOURCE]", "{value: VALUE, kind: KIND, source: SOURCE}"};
  return nullptr;
}

const Node* read_list(const Node& n, Origin& origin, ReadContext& c) {
  if (n.items.empty() || n.items.size() > 4) return refuse(n, "is a list of no or too many items", c);
  for (std::size_t i = 1; i < n.items.size(); ++i)
    if (!n.items[i].is_scalar()) return refuse(n.items[i], "has a kind, source or date that is not text", c);
  if (n.items.size() > 1 && !read_kind(n.items[1], origin, c)) return nullptr;
  if (n.items.size() > 2) origin.citation = n.items[2].text;
  if (n.items.size() > 3) origin.date = n.items[3].text;
  return &n.items[0];
}

const Node* read_map(const Node& n, Origin& origin, ReadContext& c) {
  const std::vector<std::string> known = {"value", "kind", "citation", "date"};
  for (const auto& e : n.entries) {
    if (e.key == "value") continue;
    if (e.key != "kind" && e.key != "citation" && e.key != "date") {
      report_unknown_key(e, "figure", known, c);
    } else if (!e.value.is_scalar()) {
      return refuse(e.value, "has a kind, source or date that is not text", c);
    } else if (e.key == "kind") {
      if (!read_kind(e.value, origin, c)) return nullptr;
    } else {
      (e.key == "date" ? origin.date : origin.citation) = e.value.text;
    }
  }
  const Node* value = n.find("value");
  return value ? value : refuse(n, "has no value", c);
}

}  // namespace

const Node* read_sourced(const Node& n, Origin& origin, ReadContext& c) {
  origin = {Origin::Kind::assumed, n.span.where(), "given by the user", {}};
  if (n.is_scalar()) return &n;
  if (n.is_sequence()) return read_list(n, origin, c);
  if (n.is_map()) return read_map(n, origin, c);
  return refuse(n, "is empty", c);
}

Node write_sourced(Node value, Origin::Kind kind, const std::string& citation, const std::string& date) {
  Node n;
  n.kind = Node::Kind::sequence;
  n.items = {std::move(value), Node::scalar(std::string(name(kind))), Node::scalar(citation)};
  n.items[2].quoted = true;
  if (!date.empty()) {
    n.items.push_back(Node::scalar(date));
    n.items[3].quoted = true;
  }
  return n;
}

}  // namespace ridge::detail
