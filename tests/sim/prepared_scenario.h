#pragma once
/// A scenario written in a test, read and prepared as the program does.

#include "base/yaml/read_document.h"
#include "sim/io/read_scenario.h"
#include "sim/prepare.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace ridge::testing {

inline const PresetIndex& presets() {
  static const PresetIndex index;
  return index;
}

/// Reads a document; problems fail the test.
inline Prepared prepared(Node document, const std::vector<std::string>& assignments = {}) {
  Diagnostics problems;
  normalise(document);
  override_document(document, assignments, problems);
  Scenario s = read_scenario(document, presets(), problems);
  EXPECT_FALSE(problems.has_errors()) << render(problems);
  return prepare(std::move(s));
}

inline Node document(const std::string& yaml) {
  Diagnostics problems;
  Node n = read_yaml(std::make_shared<Source>(Source{"test.yaml", yaml}), problems);
  EXPECT_FALSE(problems.has_errors()) << render(problems);
  return n;
}

inline Prepared prepared(const std::string& yaml, const std::vector<std::string>& assignments = {}) {
  return prepared(document(yaml), assignments);
}

inline ParallelPlan plan_of(const Prepared& p) { return resolved(p.scenario.parallel, p.scenario.devices); }

}  // namespace ridge::testing
