#pragma once
/// What the tests of model/ share: presets and files of the repository, read without ceremony.

#include "base/expression.h"
#include "base/yaml/read_document.h"
#include "model/inventory.h"
#include "model/io/model_preset.h"

#include <cmath>
#include <gtest/gtest.h>
#include <initializer_list>
#include <string>
#include <utility>

namespace ridge::test {

inline std::string repository(const std::string& path) { return std::string(RIDGE_SOURCE_DIR) + "/" + path; }

inline Node parse(const std::string& text) {
  Diagnostics d;
  Node n = read_yaml(std::make_shared<Source>(Source{"test.yaml", text}), d);
  EXPECT_FALSE(d.has_errors()) << render(d);
  return n;
}

/// A preset with overrides, which must be valid.
inline Architecture model(const std::string& name,
                          std::initializer_list<std::pair<const char*, const char*>> overrides = {}) {
  Diagnostics d;
  Node n = read_model(name, repository("presets/models"), d);
  for (auto& [key, value] : overrides) set(n, key, Node::scalar(value), {});
  ReadContext c{d};
  c.path = "model";
  Architecture a = n.is_map() ? resolve(n, c) : Architecture{};
  EXPECT_FALSE(d.has_errors()) << name << "\n" << render(d);
  return a;
}

/// Problems of a model written as YAML.
inline Diagnostics problems_of(const std::string& yaml) {
  Diagnostics d;
  const Node n = read_yaml(std::make_shared<Source>(Source{"test.yaml", yaml}), d);
  ReadContext c{d};
  c.path = "model";
  if (n.is_map()) resolve(n, c);
  return d;
}

inline std::vector<Node> rows(const std::string& path) {
  Diagnostics d;
  const SourcePtr source = read_source(repository(path), d);
  std::vector<Node> out = source ? read_csv(source, d) : std::vector<Node>{};
  EXPECT_FALSE(d.has_errors()) << render(d);
  EXPECT_FALSE(out.empty()) << path;
  return out;
}

inline std::string cell(const Node& row, std::string_view key) {
  const Node* n = row.find(key);
  return n ? n->text : std::string{};
}

inline std::int64_t number(const Node& row, std::string_view key) { return std::stoll(cell(row, key)); }

inline const StorageFormats& formats() {
  static const StorageFormats f = [] {
    Diagnostics d;
    StorageFormats read = read_storage_formats(repository("presets/formats"), d);
    EXPECT_FALSE(d.has_errors()) << render(d);
    return read;
  }();
  return f;
}

/// Every recorded formula, evaluated over its recorded terms, gives the recorded value.
inline void expect_consistent(const Explain& ex, const std::string& what) {
  for (NodeId id = 1; id <= ex.size(); ++id) {
    const Explain::Record& r = ex.record(id);
    if (!r.formula) continue;
    std::vector<Binding> terms;
    for (const Explain::Edge& e : ex.edges(id)) {
      ASSERT_NE(e.node, 0u) << what << " " << r.formula->id << ": term '" << e.symbol << "' has no record";
      terms.push_back({e.symbol, ex.record(e.node).value});
    }
    const auto value = evaluate(r.formula->expression, terms);
    ASSERT_TRUE(value) << what << " " << r.formula->id << ": " << value.error();
    EXPECT_NEAR(*value, r.value, 1e-12 * std::abs(r.value)) << what << " " << r.formula->id;
  }
}

}  // namespace ridge::test
