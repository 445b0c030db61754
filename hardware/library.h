#pragma once
/// From a hardware file to a `Cluster`: references by name are looked up, `extends:` is merged, each
/// figure gets its source, and what cannot be true is reported.  Pure: files come from a callback.
///
///   Library library = ...;                                   // hardware/io/preset_directory.h
///   ReadContext c{diagnostics, &origins, "hardware", Origin::Kind::preset};
///   Cluster s = read_cluster(document, library, c, overrides);
///
/// References   device: NAME            devices/NAME.yaml     (also of node.host.cpu_device)
///              extends: NAME           same folder, or classes/NAME.yaml for a device
///              link:, host_link: NAME  links/NAME.yaml
///              storage: NAME           storage/NAME.yaml
///              profile: NAME or PATH   profiles/NAME.yaml; laid over the rest (profile.h)
/// A reference may be a map with `extends:` and changes.  Cycles and unknown names are errors.
/// A document that describes a device (it has `peaks`, no `device`) reads as a system of one.

#include "hardware/cluster.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

/// Where named documents come from.
struct Library {
  /// Kinds: "hardware", "devices", "classes", "links", "storage", "profiles".  Empty when there is none; problems
  /// inside the file go to the diagnostics.
  std::function<std::optional<Node>(std::string_view kind, std::string_view name, Diagnostics&)> find;
  /// All names of a kind, for suggestions.
  std::function<std::vector<std::string>(std::string_view kind)> names;
};

/// Rewrites every [value, kind, source] and {value, kind, source} of one file to
/// [value, kind, citation, date], using the file's `sources:`, which is removed.
void resolve_sources(Node& file, Diagnostics&);

/// One document without references: names replaced by what they name, `extends` merged.
Node expand_cluster(Node document, const Library&, Diagnostics&);

/// Reads an expanded document.  Records origins below c.path ("hardware").
Cluster read_expanded_cluster(const Node& expanded, ReadContext&);

/// All of it: expands, lays `overrides` (the scenario's `hardware.*` keys) on top, reads, checks.
Cluster read_cluster(Node document, const Library&, ReadContext&, const Node& overrides = {});

/// Impossible figures are errors, doubtful ones warnings, each at the line it was written.
void check_cluster(const Cluster&, const Node& expanded, Diagnostics&);

}  // namespace ridge
