#pragma once
/// Reads presets and documents for the tests of this folder.

#include "base/yaml/read_document.h"
#include "hardware/io/preset_directory.h"

#include <memory>
#include <string>

namespace ridge {

struct Loaded {
  Cluster cluster;
  Diagnostics diagnostics;
  Origins origins;
};

inline Library test_library() { return preset_library(std::string(RIDGE_SOURCE_DIR) + "/presets"); }

inline Loaded load_document(const Node& document, const Node& overrides = {}) {
  Loaded l;
  ReadContext c{.diagnostics = l.diagnostics, .origins = &l.origins, .path = "hardware"};
  l.cluster = read_cluster(document, test_library(), c, overrides);
  return l;
}

/// YAML text as the file "my.yaml", with `overrides` as the scenario's.
inline Loaded load_text(const std::string& yaml, const std::string& overrides = "") {
  Diagnostics d;
  const Node document = read_yaml(std::make_shared<Source>(Source{"my.yaml", yaml}), d);
  const Node over =
      overrides.empty() ? Node{} : read_yaml(std::make_shared<Source>(Source{"--set", overrides}), d);
  Loaded l = load_document(document, over);
  d.append(std::move(l.diagnostics));
  l.diagnostics = std::move(d);
  return l;
}

inline Loaded load_preset(const std::string& kind, const std::string& name) {
  Diagnostics d;
  const auto document = test_library().find(kind, name, d);
  if (!document) d.error("missing", "no preset " + kind + "/" + name);
  if (d.has_errors()) return {{}, std::move(d), {}};
  return load_document(*document);
}

}  // namespace ridge
