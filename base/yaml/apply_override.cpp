#include "base/yaml/read_document.h"
#include "base/yaml/tree_builder.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

std::string_view trim(std::string_view s) {
  const auto first = s.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t\r\n") - first + 1);
}

/// Lists, maps and quoted texts are YAML; anything else is one scalar as it stands.
Node value_node(std::string_view text, std::size_t position, const SourcePtr& source,
                Diagnostics& diagnostics) {
  if (text.empty() || text == "null" || text == "~") {
    Node n;
    n.span = span_at(source, position, 1);
    return n;
  }
  if (std::string_view("[{\"'").find(text[0]) != std::string_view::npos)
    return parse_yaml(std::string(position, ' ') + std::string(text), source, diagnostics);
  return Node::scalar(
      std::string(text),
      span_at(source, position, static_cast<int>(std::min<std::size_t>(text.size(), 10'000))));
}

Node::Entry* entry_of(Node& map, std::string_view key) {
  for (auto& e : map.entries)
    if (e.key == key) return &e;
  return nullptr;
}

/// Sets the key where a reader will look for it: an existing entry with the whole dotted key, else
/// nested maps; below a scalar ("model: gpt2") the dotted key is kept beside it.
void place(Node& root, std::string_view key, Node value, const Span& key_span) {
  Node* map = &root;
  for (;;) {
    if (auto* e = entry_of(*map, key)) {
      e->value = std::move(value);
      e->key_span = key_span;
      return;
    }
    const auto dot = key.find('.');
    auto* head = dot == std::string_view::npos ? nullptr : entry_of(*map, key.substr(0, dot));
    if (head && head->value.is_map()) {
      map = &head->value;
      key.remove_prefix(dot + 1);
    } else if (head && head->value.is_scalar()) {
      map->entries.push_back({std::string(key), key_span, std::move(value)});
      return;
    } else {
      return set(*map, key, std::move(value), key_span);
    }
  }
}

}  // namespace

bool apply_override(Node& root, std::string_view assignment, Diagnostics& diagnostics) {
  auto source = std::make_shared<const Source>(Source{"--set", std::string(assignment)});
  auto fail = [&](std::string message) {
    diagnostics.error(
        "bad-override", std::move(message),
        {source, 1, 1, static_cast<int>(std::clamp<std::size_t>(assignment.size(), 1, 10'000))});
    return false;
  };
  if (assignment.size() > max_override_bytes) return fail("the assignment is too long");
  if (!is_readable_text(source, diagnostics)) return false;
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos) return fail("an assignment 'key=value' is needed");
  const auto key = trim(assignment.substr(0, equals));
  if (key.empty() || key.front() == '.' || key.back() == '.' || key.find("..") != std::string_view::npos)
    return fail("the key before '=' is incomplete");
  if (std::count(key.begin(), key.end(), '.') >= static_cast<std::ptrdiff_t>(max_depth))
    return fail("the key is nested too deeply");
  const auto value = trim(assignment.substr(equals + 1));
  const std::size_t position =
      value.empty() ? equals + 1 : static_cast<std::size_t>(value.data() - assignment.data());
  const std::size_t before = diagnostics.items().size();
  Node node = value_node(value, position, source, diagnostics);
  if (diagnostics.items().size() != before) return false;
  if (!root.is_map()) root = Node::map(root.span);
  place(root, key, std::move(node),
        span_at(source, static_cast<std::size_t>(key.data() - assignment.data()),
                static_cast<int>(key.size())));
  return true;
}

}  // namespace ridge
