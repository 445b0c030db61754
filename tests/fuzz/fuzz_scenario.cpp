// A scenario YAML over the presets compiled in: any text is refused with a reason or gives a scenario.
#include "base/yaml/read_document.h"
#include "sim/io/preset_index.h"
#include "sim/io/read_scenario.h"
#include "sim/io/scenario_document.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ridge::PresetIndex presets;
  ridge::Diagnostics diagnostics;
  ridge::Node n = ridge::read_yaml(ridge::fuzz::source(data, size), diagnostics);
  ridge::normalise(n);
  const auto scenario = ridge::read_scenario(n, presets, diagnostics);
  ridge::fuzz::check(diagnostics);
  ridge::fuzz::accepted += !diagnostics.has_errors();
  return 0;
}
