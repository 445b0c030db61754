#include "base/explain_text.h"

#include "base/diagnostic.h"
#include "base/expression.h"
#include "base/quantity_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <ranges>

namespace ridge {
namespace {

constexpr double largest_exact = 9007199254740992.0;  // 2^53

bool is_whole(double v) { return std::abs(v) <= largest_exact && v == std::floor(v); }

/// A value inside a substitution: negative numbers and units with a slash in parentheses.
std::string factor_text(double value, Dim dim) {
  std::string s = value_text(value, dim);
  return value < 0 || s.find('/') != std::string::npos ? '(' + s + ')' : s;
}

std::vector<Binding> bindings(const Explain& ex, NodeId id) {
  std::vector<Binding> out;
  for (auto& e : ex.edges(id)) out.push_back({e.symbol, ex.record(e.node).value});
  return out;
}

class Writer {
 public:
  Writer(const Explain& ex, const ExplainTextOptions& options)
      : ex_(ex), options_(options), uses_(ex.size() + 1), mark_(ex.size() + 1), shown_(ex.size() + 1) {}

  std::string run(NodeId root) {
    count_uses(root);
    const auto& r = ex_.record(root);
    const std::string name = r.key.empty() && r.formula ? std::string(r.formula->id) : r.key;
    std::string head = fmt::format("{} = {}", printable(name, 200), value_text(r.value, r.dim));
    if (r.dim != Dim{}) head += fmt::format(" ({})", format_exact(r.value, r.dim));
    line(0, head + mark(root));
    if (!r.formula) line(1, origin_text(r.origin));
    else {
      line(1, std::string(r.formula->result));
      body(root, 1, 0);
    }
    return std::move(out_);
  }

 private:
  void line(int indent, const std::string& text) {
    if (text.empty()) return;
    out_.append(2 * static_cast<std::size_t>(indent), ' ');
    (out_ += text) += '\n';
  }

  void count_uses(NodeId root) {
    std::vector<NodeId> open{root};
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      if (uses_[id]++ > 0) continue;
      for (auto& e : ex_.edges(id))
        if (e.node != 0) open.push_back(e.node);
    }
  }

  /// " [#3]" for a formula's node that appears more than once.
  std::string mark(NodeId id) {
    if (uses_[id] < 2 || !ex_.record(id).formula) return {};
    if (mark_[id] == 0) mark_[id] = ++marks_;
    return fmt::format(" [#{}]", mark_[id]);
  }

  /// Formula, substitution, citation and terms of a node.
  void body(NodeId id, int indent, int depth) {
    const auto& r = ex_.record(id);
    shown_[id] = true;
    const auto terms = bindings(ex_, id);
    const auto edges = ex_.edges(id);
    line(indent, fmt::format("= {}", r.formula->expression));
    line(indent, "= " + substitute(r.formula->expression, terms, [&](std::size_t i) {
                   return factor_text(terms[i].value, ex_.record(edges[i].node).dim);
                 }));
    if (options_.show_sources) {
      line(indent, fmt::format("source: {}", r.formula->source));
      if (!r.formula->assumes.empty()) line(indent, fmt::format("assumes: {}", r.formula->assumes));
    }
    for (auto& e : edges) term(e, indent, depth + 1);
  }

  void term(const Explain::Edge& e, int indent, int depth) {
    const auto& r = ex_.record(e.node);
    const std::string head = fmt::format("{} = {}", e.symbol, value_text(r.value, r.dim));
    if (e.node == 0) return line(indent, fmt::format("{} (not recorded)", e.symbol));
    if (!r.formula) {
      const std::string origin = shown_[e.node] ? std::string() : origin_text(r.origin);
      shown_[e.node] = true;
      return line(indent, fmt::format("{}   {}{}{}", head, printable(r.key, 200), origin.empty() ? "" : "   ",
                                      origin));
    }
    if (shown_[e.node]) return line(indent, fmt::format("{}, see{}", head, mark(e.node)));
    const bool deeper = depth <= options_.max_depth;
    const std::string tag = deeper ? mark(e.node) : std::string();
    line(indent, fmt::format("{}, {}{}{}", head, r.formula->result, tag, deeper ? "" : " ..."));
    if (deeper) body(e.node, indent + 1, depth);
  }

  const Explain& ex_;
  const ExplainTextOptions& options_;
  std::vector<std::uint32_t> uses_, mark_;
  std::vector<char> shown_;
  std::uint32_t marks_ = 0;
  std::string out_;
};

/// True when the expression only adds, subtracts and multiplies.
bool is_ring(std::string_view expression) {
  for (std::string_view part : {"/", "^", "log", "sqrt", "exp"})
    if (expression.find(part) != std::string_view::npos) return false;
  return true;
}

/// sum(...) and max(...) take their terms by place, so that equal names do no harm.
bool takes_all_terms(std::string_view expression) { return expression.find("...") != std::string_view::npos; }

void audit_formula(const Explain& ex, NodeId id, const std::string& who, std::vector<std::string>& faults) {
  const auto& r = ex.record(id);
  const auto edges = ex.edges(id);
  bool all_whole = true;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (edges[i].node == 0 || edges[i].node >= id) {
      faults.push_back(fmt::format("{}: term '{}' has no node", who, edges[i].symbol));
      return;
    }
    all_whole = all_whole && is_whole(ex.record(edges[i].node).value);
    if (takes_all_terms(r.formula->expression)) continue;
    for (std::size_t j = 0; j < i; ++j)
      if (edges[i].symbol == edges[j].symbol) {
        faults.push_back(fmt::format("{}: the symbol '{}' occurs twice", who, edges[i].symbol));
        return;
      }
  }
  const auto terms = bindings(ex, id);
  const auto value = evaluate(r.formula->expression, terms);
  if (!value) {
    faults.push_back(fmt::format("{}: '{}': {}", who, r.formula->expression, value.error()));
    return;
  }
  const double tolerance = all_whole && is_whole(*value) && is_ring(r.formula->expression)
                               ? 0
                               : 1e-12 * std::max(std::abs(*value), std::abs(r.value));
  if (!(std::abs(*value - r.value) <= tolerance))
    faults.push_back(fmt::format("{}: '{}' gives {}, recorded is {}", who, r.formula->expression,
                                 format_number(*value), format_number(r.value)));
  std::vector<char> used(terms.size());
  substitute(r.formula->expression, terms, [&](std::size_t i) {
    used[i] = true;
    return std::string();
  });
  for (std::size_t i = 0; i < terms.size(); ++i)
    if (!used[i])
      faults.push_back(fmt::format("{}: the expression does not use the term '{}'", who, terms[i].symbol));
}

}  // namespace

std::string value_text(double value, Dim dim) {
  if (dim == Dim{} && is_whole(value)) return format_count(static_cast<std::int64_t>(value));
  return format_quantity(value, dim);
}

std::string origin_text(const Origin& o) {
  std::string s = o.where.empty() ? std::string(name(o.kind))
                                  : fmt::format("{}, {}", printable(o.where, 400), name(o.kind));
  if (!o.citation.empty()) s += "; " + printable(o.citation, 400);
  if (!o.date.empty()) s += ", " + printable(o.date);
  return s;
}

std::string explain_text(const Explain& ex, NodeId id, const ExplainTextOptions& options) {
  if (id == 0 || id > ex.size()) return "not recorded\n";
  return Writer(ex, options).run(id);
}

NodeId find_number(const Explain& ex, std::string_view key) {
  if (const NodeId node = ex.find(key)) return node;
  NodeId found = 0;
  std::ptrdiff_t fewest = 0;
  const std::string ending = '.' + std::string(key);
  for (const auto& [label, node] : ex.labels()) {
    if (!label.ends_with(ending)) continue;
    const std::ptrdiff_t steps = std::count(label.begin(), label.end(), '.');
    if (found != 0 && steps == fewest && node != found) return 0;
    if (found == 0 || steps < fewest) found = node, fewest = steps;
  }
  return found;
}

std::vector<NodeId> leaf_inputs(const Explain& ex, NodeId root) {
  std::vector<NodeId> found, open{root};
  std::vector<char> seen(ex.size() + 1);
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (id == 0 || id > ex.size() || seen[id]) continue;
    seen[id] = true;
    if (!ex.record(id).formula) found.push_back(id);
    const auto edges = ex.edges(id);
    for (const auto& edge : std::views::reverse(edges)) open.push_back(edge.node);
  }
  return found;
}

std::string inputs_summary(const Explain& ex, NodeId root) {
  std::array<std::pair<int, Origin::Kind>, num_origin_kinds> counts{};
  const auto inputs = leaf_inputs(ex, root);
  for (std::size_t k = 0; k < counts.size(); ++k) counts[k].second = static_cast<Origin::Kind>(k);
  for (NodeId id : inputs) ++counts[static_cast<std::size_t>(ex.record(id).origin.kind)].first;
  std::stable_sort(counts.begin(), counts.end(), [](auto& a, auto& b) { return a.first > b.first; });
  std::string out = fmt::format("{} input{}", inputs.size(), inputs.size() == 1 ? "" : "s");
  for (std::size_t k = 0; k < counts.size() && counts[k].first > 0; ++k)
    out += fmt::format("{}{} {}", k == 0 ? ": " : ", ", counts[k].first, name(counts[k].second));
  return out;
}

std::vector<std::string> audit(const Explain& ex) {
  std::vector<std::string> faults;
  for (NodeId id = 1; id <= ex.size(); ++id) {
    const auto& r = ex.record(id);
    std::string who = fmt::format("node {}", id);
    if (r.formula) who += fmt::format(" {}", r.formula->id);
    if (!r.key.empty()) who += fmt::format(" '{}'", r.key);
    if (!std::isfinite(r.value)) faults.push_back(who + ": the value is not finite");
    if (r.formula) {
      audit_formula(ex, id, who, faults);
      continue;
    }
    if (r.key.empty()) faults.push_back(who + ": an input without a key");
    const bool unwritten = r.origin.where.empty() && r.origin.citation.empty();
    if (unwritten && r.origin.kind != Origin::Kind::default_value)
      faults.push_back(who + ": an input without origin");
  }
  return faults;
}

}  // namespace ridge
