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

/// Parses YAML or JSON text.  On error the node is what could be read (often null).
Node read_yaml(SourcePtr source, Diagnostics&);

/// Parses CSV with a header of dotted keys: one map node per row, empty cells absent.  Quotes as in
/// RFC 4180.  Rows with a wrong number of cells are reported and skipped.
std::vector<Node> read_csv(SourcePtr source, Diagnostics&);

/// "key.sub=value" from the command line: the value text is parsed as YAML flow.
bool apply_override(Node& root, std::string_view assignment, Diagnostics&);

/// YAML text of a tree that read_yaml reads back unchanged.
std::string write_yaml(const Node&);

/// Whole file as a source; reports a missing, unreadable or oversized file.
SourcePtr read_source(const std::string& path, Diagnostics&);

}  // namespace ridge
