#pragma once
/// The tree that every text input becomes before a schema reads it: YAML files, config.json, a CSV
/// row, command-line flags.  A value type, without any parser; readers live in base/yaml.
/// Every node knows where it was written, also after trees were merged, so that a message or an
/// explanation can name the file and line of each single value.

#include "base/diagnostic.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ridge {

struct Node {
  enum class Kind { null, scalar, map, sequence };
  struct Entry;
  Kind kind = Kind::null;
  std::string text;     ///< scalar: its characters
  bool quoted = false;  ///< scalar written in quotes: never a number, bool or null
  Span span;
  std::string called;          ///< its name in its own file, where that is not the key: "num_attention_heads"
  std::vector<Entry> entries;  ///< map: in file order, keys unique (the reader refuses duplicates)
  std::vector<Node> items;     ///< sequence

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_map() const { return kind == Kind::map; }
  bool is_sequence() const { return kind == Kind::sequence; }
  /// Direct child of a map, or null.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  /// Descends by a dotted key: at("parallel.tensor"), at("levels.0.bandwidth"); null when any step
  /// is missing.  An entry whose own key holds the dots ("model.layers: 12") is found as well.
  const Node* at(std::string_view dotted) const;

  static Node scalar(std::string text, Span span = {});
  static Node map(Span span = {});
};

struct Node::Entry {
  std::string key;
  Span key_span;
  Node value;
};

/// Sets a dotted key, creating maps on the way and replacing what is there.  A scalar in the way is
/// replaced by a map.
void set(Node& root, std::string_view dotted, Node value, const Span& key_span);

/// Lays `over` onto `under`: maps merge key by key, everything else is replaced; nodes keep their
/// own spans.
void merge(Node& under, const Node& over);

/// Turns entries with dotted keys ("parallel.tensor: 8", as CSV rows have) into nested maps.  A
/// scalar in the way moves under `own_key`:
///   {model: llama-3-8b, model.layers: 12}  becomes  {model: {preset: llama-3-8b, layers: 12}}
void nest_dotted_keys(Node& root, std::string_view own_key = "preset");

}  // namespace ridge
