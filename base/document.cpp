#include "base/document.h"

#include <algorithm>
#include <charconv>

namespace ridge {
namespace {

std::pair<std::string_view, std::string_view> split(std::string_view dotted) {
  auto dot = dotted.find('.');
  if (dot == std::string_view::npos) return {dotted, {}};
  return {dotted.substr(0, dot), dotted.substr(dot + 1)};
}

Node* item_at(Node& n, std::string_view index) {
  std::size_t i = 0;
  auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), i);
  if (error != std::errc{} || end != index.data() + index.size() || i >= n.items.size()) return nullptr;
  return &n.items[i];
}

Node* child(Node& n, std::string_view step) { return n.is_sequence() ? item_at(n, step) : n.find(step); }

void turn_into_map(Node& n, const Span& span) { n = Node::map(span); }

}  // namespace

const Node* Node::find(std::string_view key) const { return const_cast<Node*>(this)->find(key); }

Node* Node::find(std::string_view key) {
  if (!is_map()) return nullptr;
  for (auto& e : entries)
    if (e.key == key) return &e.value;
  return nullptr;
}

const Node* Node::at(std::string_view dotted) const {
  Node* n = const_cast<Node*>(this);
  while (n && !dotted.empty()) {
    if (Node* whole = n->find(dotted)) return whole;
    auto [step, rest] = split(dotted);
    n = child(*n, step);
    if (rest.empty() && step.size() != dotted.size()) return nullptr;  // "parallel."
    dotted = rest;
  }
  return n;
}

Node Node::scalar(std::string text, Span span) {
  Node n;
  n.kind = Kind::scalar;
  n.text = std::move(text);
  n.span = std::move(span);
  return n;
}

Node Node::map(Span span) {
  Node n;
  n.kind = Kind::map;
  n.span = std::move(span);
  return n;
}

void set(Node& root, std::string_view dotted, Node value, const Span& key_span) {
  Node* n = &root;
  for (;;) {
    auto [step, rest] = split(dotted);
    Node* next = child(*n, step);
    if (!next) {
      if (!n->is_map()) turn_into_map(*n, key_span);
      n->entries.push_back({std::string(step), key_span, Node::map(key_span)});
      next = &n->entries.back().value;
    }
    n = next;
    if (rest.empty()) break;
    dotted = rest;
    if (!n->is_map() && !n->is_sequence()) turn_into_map(*n, key_span);
  }
  *n = std::move(value);
}

void merge(Node& under, const Node& over) {
  if (!under.is_map() || !over.is_map()) {
    under = over;
    return;
  }
  for (auto& e : over.entries) {
    auto it =
        std::find_if(under.entries.begin(), under.entries.end(), [&](auto& u) { return u.key == e.key; });
    if (it == under.entries.end()) {
      under.entries.push_back(e);
      continue;
    }
    it->key_span = e.key_span;
    merge(it->value, e.value);
  }
}

void nest_dotted_keys(Node& root, std::string_view own_key) {
  if (!root.is_map()) return;
  std::vector<Node::Entry> flat;
  std::vector<Node::Entry> plain;
  for (auto& e : root.entries) (e.key.find('.') == std::string::npos ? plain : flat).push_back(std::move(e));
  root.entries = std::move(plain);
  for (auto& e : flat) {
    auto step = split(e.key).first;
    if (Node* head = root.find(step); head && head->is_scalar()) {
      Node own = std::move(*head);
      *head = Node::map(own.span);
      Span span = own.span;
      head->entries.push_back({std::string(own_key), span, std::move(own)});
    }
    set(root, e.key, std::move(e.value), e.key_span);
  }
}

}  // namespace ridge
