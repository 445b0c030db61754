#include "hardware/library.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr std::array figure_kinds = {Origin::Kind::datasheet, Origin::Kind::measured, Origin::Kind::fitted,
                                     Origin::Kind::assumed};

bool is_kind(const Node& n) {
  return n.is_scalar() &&
         std::ranges::any_of(figure_kinds, [&](Origin::Kind k) { return name(k) == n.text; });
}

Node text_node(const std::string& text, const Span& span) {
  Node n = Node::scalar(text, span);
  n.quoted = true;
  return n;
}

/// The source of one figure, before its name is looked up.
struct Figure {
  const Node *value, *kind, *source, *citation, *date;
};

class Resolver {
 public:
  Resolver(const Node* sources, Diagnostics& d) : sources_(sources), diagnostics_(d) {
    if (sources_ && !sources_->is_map()) {
      diagnostics_.error("bad-sources", "'sources' is a map of name to {citation, date}", sources_->span);
      sources_ = nullptr;
    }
  }

  void walk(Node& n) {
    if (n.is_sequence() && n.items.size() >= 2 && is_kind(n.items[1])) {
      const Node* source = n.items.size() > 2 ? &n.items[2] : nullptr;
      const Node* date = n.items.size() > 3 ? &n.items[3] : nullptr;
      const bool literal = source && (source->quoted || date);
      if (n.items.size() <= 4)
        rewrite(n, {&n.items[0], &n.items[1], literal ? nullptr : source, literal ? source : nullptr, date});
      return;
    }
    if (n.is_map() && n.find("value") && n.find("kind") && is_kind(*n.find("kind"))) {
      if (knows_keys(n))
        rewrite(n, {n.find("value"), n.find("kind"), n.find("source"), n.find("citation"), n.find("date")});
      return;
    }
    for (auto& e : n.entries) walk(e.value);
    for (auto& i : n.items) walk(i);
  }

 private:
  bool knows_keys(const Node& n) {
    const std::vector<std::string> known = {"value", "kind", "source", "citation", "date"};
    ReadContext c{.diagnostics = diagnostics_, .path = {}};
    bool good = true;
    for (const auto& e : n.entries) {
      if (std::ranges::find(known, e.key) != known.end()) continue;
      report_unknown_key(e, "figure", known, c);
      good = false;
    }
    return good;
  }

  void rewrite(Node& n, const Figure& f) {
    std::string citation = f.citation ? f.citation->text : "", date = f.date ? f.date->text : "";
    if (f.source) look_up(*f.source, citation, date);
    if (citation.empty() && !f.source)
      diagnostics_
          .error("unsourced-figure", fmt::format("a {} figure names its source", f.kind->text), n.span)
          .expected = source_names();
    Node out;
    out.kind = Node::Kind::sequence;
    out.span = n.span;
    out.items = {*f.value, *f.kind, text_node(citation, f.source ? f.source->span : n.span)};
    if (!date.empty()) out.items.push_back(text_node(date, n.span));
    n = std::move(out);
  }

  void look_up(const Node& source, std::string& citation, std::string& date) {
    const Node* entry = sources_ && source.is_scalar() ? sources_->find(source.text) : nullptr;
    if (!entry) {
      auto& d = diagnostics_.error("unknown-source",
                                   fmt::format("no source named '{}' in this file's 'sources'", source.text),
                                   source.span);
      d.expected = source_names();
      d.suggestion = nearest(source.text, d.expected);
      return;
    }
    if (const Node* c = entry->find("citation"); c && c->is_scalar()) citation = c->text;
    if (const Node* t = entry->find("date"); t && t->is_scalar()) date = t->text;
    if (citation.empty())
      diagnostics_.error("bad-sources", fmt::format("the source '{}' has no citation", source.text),
                         entry->span);
  }

  std::vector<std::string> source_names() const {
    std::vector<std::string> names;
    if (sources_)
      for (const auto& e : sources_->entries) names.push_back(e.key);
    return names;
  }

  const Node* sources_;
  Diagnostics& diagnostics_;
};

}  // namespace

void resolve_sources(Node& file, Diagnostics& diagnostics) {
  Node sources;
  const auto it = std::ranges::find(file.entries, std::string("sources"), &Node::Entry::key);
  const bool has_sources = it != file.entries.end();
  if (has_sources) {
    sources = std::move(it->value);
    file.entries.erase(it);
  }
  Resolver(has_sources ? &sources : nullptr, diagnostics).walk(file);
}

}  // namespace ridge
