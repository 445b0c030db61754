#pragma once
/// How a number came to be.  Code that computes a value also records, through a nullable pointer,
/// the formula, its terms and where the inputs were written; a null pointer records nothing and
/// costs a branch.
///
///   Traced<Bytes> layer = note(ex, formula, Bytes{...}, {{"s", s}, {"b", b}, {"h", h}});
///
/// The expression of a `Formula` is executable: evaluating it over the recorded terms gives the
/// recorded value (tests/sim/explain_test.cpp does so for every preset scenario), so documentation,
/// screen and code cannot drift apart.
///
/// Not here: rendering (explain_text.h), parsing and evaluating expressions (expression.h).

#include "base/quantity.h"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

/// A formula the tool can claim.  Define one `inline constexpr Formula` beside the one function that
/// computes it.
struct Formula {
  std::string_view id;          ///< stable dotted name: "memory.activations.layer"
  std::string_view result;      ///< what it gives, in words: "activation bytes kept by one layer"
  std::string_view expression;  ///< over its terms' symbols; "sum(...)", "max(...)" take all terms
  std::string_view source;      ///< paper, file or "definition"
  std::string_view assumes = {};
};

/// Where an input comes from.
struct Origin {
  enum class Kind {
    scenario,
    preset,
    command_line,
    default_value,
    datasheet,
    measured,
    fitted,
    assumed,
    documented,
    definition
  };
  Kind kind = Kind::definition;
  std::string where;     ///< "presets/models/llama-3-70b.yaml:6"; "" when not written anywhere
  std::string citation;  ///< for figures with a source
  std::string date;
};
std::string_view name(Origin::Kind);
inline constexpr std::size_t num_origin_kinds = static_cast<std::size_t>(Origin::Kind::definition) + 1;

/// Dotted key of every input value that was read, and where it was written.
using Origins = std::map<std::string, Origin, std::less<>>;

using NodeId = std::uint32_t;  ///< 0 = not recorded

/// A value and the record of how it was made.
template <class Q> struct Traced {
  Q value{};
  NodeId node = 0;
};

/// One term of a formula, under the symbol the expression uses.
struct Term {
  std::string_view symbol;
  double value;
  Dim dim;
  NodeId node;
  template <Dim D>
  constexpr Term(std::string_view s, Traced<Quantity<D>> t)
      : symbol(s), value(t.value.value()), dim(D), node(t.node) {}
  constexpr Term(std::string_view s, Traced<double> t) : symbol(s), value(t.value), dim{}, node(t.node) {}
  constexpr Term(std::string_view s, Traced<std::int64_t> t)
      : symbol(s), value(static_cast<double>(t.value)), dim{}, node(t.node) {}
};

/// The record of one evaluation: an append-only arena of nodes.
class Explain {
 public:
  struct Edge {
    std::string_view symbol;
    NodeId node;
  };
  struct Record {
    const Formula* formula = nullptr;  ///< null for inputs
    std::string key;                   ///< inputs: dotted key; results: report key, if labelled
    double value = 0;
    Dim dim;
    std::uint32_t first_edge = 0, edge_count = 0;
    Origin origin;  ///< inputs only
  };

  explicit Explain(const Origins* origins = nullptr) : origins_(origins) { records_.emplace_back(); }

  /// Records an input once per key; its origin is looked up in the origins given at construction,
  /// else `fallback` is kept.
  NodeId input(std::string_view key, double value, Dim dim, const Origin& fallback = {});
  NodeId note(const Formula&, double value, Dim dim, std::span<const Term> terms);
  /// From here on, an input of this key and value is the computed node: a degree that follows from others.
  void define(std::string_view key, NodeId node);
  /// Gives a node the key under which reports show it ("memory.peak_allocated_bytes").
  void label(std::string_view key, NodeId node);

  /// Where the value of `key` was written; `fallback` when the origins given at construction lack it.
  Origin origin_of(std::string_view key, Origin fallback = {}) const;
  NodeId find(std::string_view key) const;  ///< label or input key; 0 when unknown
  const Record& record(NodeId id) const { return records_[id]; }
  std::span<const Edge> edges(NodeId id) const;
  std::size_t size() const { return records_.size() - 1; }
  const std::map<std::string, NodeId, std::less<>>& labels() const { return labels_; }

 private:
  const Origins* origins_;
  std::vector<Record> records_;
  std::vector<Edge> edges_;
  std::map<std::string, NodeId, std::less<>> labels_, inputs_;
};

template <Dim D>
inline Traced<Quantity<D>> note(Explain* ex, const Formula& f, Quantity<D> value,
                                std::initializer_list<Term> terms) {
  if (!ex) return {value, 0};
  return {value, ex->note(f, value.value(), D, {terms.begin(), terms.size()})};
}
inline Traced<double> note(Explain* ex, const Formula& f, double value, std::initializer_list<Term> terms) {
  if (!ex) return {value, 0};
  return {value, ex->note(f, value, Dim{}, {terms.begin(), terms.size()})};
}
inline Traced<std::int64_t> note(Explain* ex, const Formula& f, std::int64_t value,
                                 std::initializer_list<Term> terms) {
  if (!ex) return {value, 0};
  return {value, ex->note(f, static_cast<double>(value), Dim{}, {terms.begin(), terms.size()})};
}

/// An input read from a file, preset or flag.  `key` is its dotted key ("model.hidden_size").
template <Dim D> inline Traced<Quantity<D>> input(Explain* ex, std::string_view key, Quantity<D> value) {
  return {value, ex ? ex->input(key, value.value(), D) : 0};
}
inline Traced<double> input(Explain* ex, std::string_view key, double value) {
  return {value, ex ? ex->input(key, value, Dim{}) : 0};
}
inline Traced<std::int64_t> input(Explain* ex, std::string_view key, std::int64_t value) {
  return {value, ex ? ex->input(key, static_cast<double>(value), Dim{}) : 0};
}

/// A number of the method itself (a "2" that deserves a name), with its source.
inline Traced<double> constant(Explain* ex, std::string_view name, double value, std::string_view citation) {
  if (!ex) return {value, 0};
  return {value,
          ex->input(name, value, Dim{}, Origin{Origin::Kind::definition, {}, std::string(citation), {}})};
}
template <Dim D>
inline Traced<Quantity<D>> constant(Explain* ex, std::string_view name, Quantity<D> value,
                                    std::string_view citation) {
  if (!ex) return {value, 0};
  return {value,
          ex->input(name, value.value(), D, Origin{Origin::Kind::definition, {}, std::string(citation), {}})};
}

}  // namespace ridge
