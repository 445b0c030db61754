#include "base/yaml/tree_builder.h"

#include "base/yaml/read_document.h"

#include <algorithm>
#include <fmt/format.h>
#include <yaml-cpp/mark.h>

namespace ridge {

Span TreeBuilder::span(const YAML::Mark& mark, std::size_t length) const {
  if (mark.is_null()) return {source_, 0, 0, 1};
  return {source_, mark.line + 1, mark.column + 1,
          static_cast<int>(std::clamp<std::size_t>(length, 1, 10'000))};
}

std::size_t TreeBuilder::quoted_length(const YAML::Mark& mark) const {
  const std::size_t byte_order_mark = text_.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  const auto begin = static_cast<std::size_t>(std::max(mark.pos, 0)) + byte_order_mark;
  const char quote = begin < text_.size() ? text_[begin] : '\0';
  if (quote != '"' && quote != '\'') return 1;
  for (std::size_t i = begin + 1; i < text_.size(); ++i) {
    const bool is_doubled = quote == '\'' && text_.compare(i, 2, "''") == 0;
    if (is_doubled || (quote == '"' && text_[i] == '\\')) ++i;
    else if (text_[i] == quote) return std::min(i + 1, text_.find('\n', begin)) - begin;
  }
  return std::string::npos;
}

void TreeBuilder::stop(std::string code, std::string message, Span where) {
  diagnostics_.error(std::move(code), std::move(message), std::move(where));
  is_stopped_ = true;
  throw Stop{};
}

void TreeBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (is_complete_)
    stop("several-documents", "a second YAML document starts here; only one is read", span(mark));
}

void TreeBuilder::refuse_tag(const std::string& tag, const Span& where) {
  if (tag.empty() || tag == "?" || tag == "!") return;
  diagnostics_.error(
      "yaml-tag", fmt::format("the tag '{}' is not accepted; write the value alone", printable(tag)), where);
}

void TreeBuilder::count(std::size_t nodes, const Span& where) {
  count_ += nodes;
  if (count_ > max_nodes)
    stop("too-large", fmt::format("more than {} values after expanding anchors", max_nodes), where);
}

void TreeBuilder::refuse_key(const char* why, const Span& where) {
  diagnostics_.error("bad-key", why, where);
  open_.back().has_key = true;
  open_.back().drop = true;
}

const Node::Entry* TreeBuilder::find_entry(Open& map, const std::string& key) {
  constexpr std::size_t few = 24;
  auto& entries = map.node.entries;
  if (entries.size() < few) {
    auto it = std::find_if(entries.begin(), entries.end(), [&](auto& e) { return e.key == key; });
    return it == entries.end() ? nullptr : &*it;
  }
  for (std::size_t i = map.seen.size(); i < entries.size(); ++i) map.seen.emplace(entries[i].key, i);
  auto it = map.seen.find(key);
  return it == map.seen.end() ? nullptr : &entries[it->second];
}

void TreeBuilder::take_key(std::string text, bool quoted, Span where) {
  if (text == "<<" && !quoted)
    return refuse_key("merge keys ('<<') are not accepted; write the keys out", where);
  if (text.empty()) return refuse_key("an empty key is not accepted", where);
  Open& map = open_.back();
  if (auto* first = find_entry(map, text)) {
    diagnostics_.error(
        "duplicate-key",
        fmt::format("duplicate key '{}', first given at {}", printable(text), first->key_span.where()),
        where);
    map.drop = true;
  }
  map.key = std::move(text);
  map.key_span = std::move(where);
  map.has_key = true;
}

void TreeBuilder::put(Node node, YAML::anchor_t anchor, std::size_t nodes) {
  if (anchor != 0) {
    count(nodes, node.span);
    anchors_[anchor] = {node, nodes};
  }
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = open_.back();
  if (parent.node.is_sequence()) {
    parent.node.items.push_back(std::move(node));
    return;
  }
  if (!parent.drop)
    parent.node.entries.push_back({std::move(parent.key), std::move(parent.key_span), std::move(node)});
  parent.has_key = parent.drop = false;
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  Node n;
  n.span = span(mark);
  count(1, n.span);
  if (key_expected()) return refuse_key("a key may not be empty or null", n.span);
  put(std::move(n), anchor, 1);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const Span where = span(mark);
  if (key_expected()) return refuse_key("an alias is not accepted as a key", where);
  auto it = anchors_.find(anchor);
  if (it == anchors_.end()) stop("bad-alias", "the alias refers to the value it stands in", where);
  count(it->second.count, where);
  put(it->second.node, 0, it->second.count);
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  const bool quoted = tag == "!";
  const std::size_t length = quoted ? quoted_length(mark) : value.size();
  if (length == std::string::npos) stop("yaml-syntax", "the quote opened here is never closed", span(mark));
  Span where = span(mark, length);
  const std::size_t weight = 1 + value.size() / 1024;  // so that repeating a long text counts as well
  count(weight, where);
  refuse_tag(tag, where);
  if (key_expected()) return take_key(value, quoted, std::move(where));
  Node n = Node::scalar(value, std::move(where));
  n.quoted = quoted;
  put(std::move(n), anchor, weight);
}

void TreeBuilder::open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor) {
  const Span where = span(mark);
  refuse_tag(tag, where);
  if (key_expected()) stop("bad-key", "a map or list is not accepted as a key", where);
  if (open_.size() >= max_depth)
    stop("too-deep", fmt::format("nested more than {} levels deep", max_depth), where);
  const std::size_t before = count_;
  count(1, where);
  Open o;
  o.node.kind = kind;
  o.node.span = where;
  o.anchor = anchor;
  o.first_count = before;
  open_.push_back(std::move(o));
}

void TreeBuilder::close() {
  Open done = std::move(open_.back());
  open_.pop_back();
  put(std::move(done.node), done.anchor, count_ - done.first_count);
}

void TreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
  open(Node::Kind::sequence, mark, tag, anchor);
}

void TreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
  open(Node::Kind::map, mark, tag, anchor);
}

}  // namespace ridge
