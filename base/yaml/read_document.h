#pragma once
/// The one wrapper around yaml-cpp, and the readers of the other input texts.  All give a `Node`
/// tree with locations, and collect every problem instead of stopping at the first.
///
/// YAML accepted here is a strict subset: no duplicate keys, no merge keys (`<<`), no tags, booleans
/// only `true`/`false`, one document, anchors expanded up to `max_nodes`.  JSON is read by the same
/// function (it is a subset of YAML); this is how config.json files get line numbers.

#include "base/document.h"

#include <cstddef>
#include <string>

namespace ridge {

inline constexpr std::size_t max_nodes = 200'000;
inline constexpr std::size_t max_input_bytes = 16u << 20;
inline constexpr std::size_t max_override_bytes = 64u << 10;

/// Parses YAML or JSON text, UTF-8 only.  On error the node is what could be read (often null).
Node read_yaml(const SourcePtr& source, Diagnostics&);

/// Parses CSV: one map node per row, whose keys are the header's cells as they stand, dots included
/// ("parallel.tensor"; see nest_dotted_keys), empty cells absent.  Quotes as in RFC 4180; they only
/// delimit, so that a quoted number is a number.  Rows with a wrong number of cells are reported and
/// skipped.
std::vector<Node> read_csv(const SourcePtr& source, Diagnostics&);

/// Applies "key.sub=value" from the command line.  A value that starts with [ { " or ' is parsed as
/// YAML; an empty value, `null` and `~` unset the key; anything else is one scalar.  When a scalar is
/// in the way ("model: gpt2", "model.layers=12"), the dotted key is kept beside it; an entry that
/// already has the whole dotted key (a CSV row) is replaced.
bool apply_override(Node& root, std::string_view assignment, Diagnostics&);

/// YAML text of a tree that read_yaml reads back unchanged, except that a scalar which cannot stand
/// plain comes back as quoted.
std::string write_yaml(const Node&);

/// Whole file as a source ("-": standard input); reports a missing, unreadable or oversized file.
SourcePtr read_source(const std::string& path, Diagnostics&);

}  // namespace ridge
