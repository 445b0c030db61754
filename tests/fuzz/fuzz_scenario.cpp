// A scenario YAML over the presets compiled in: any text is refused with a reason, or gives a scenario
// whose estimate is finite, recorded or not, with parts that sum to its headline.
#include "base/explain_text.h"
#include "base/yaml/read_document.h"
#include "sim/estimate.h"
#include "sim/io/preset_index.h"
#include "sim/io/read_scenario.h"
#include "sim/io/scenario_document.h"
#include "sim/prepare.h"
#include "tests/fuzz/fuzz.h"

#include <cmath>

namespace {

using namespace ridge;

void check_estimate(const Estimate& e) {
  double sum = 0;
  for (const auto& part : e.time.parts) {
    FUZZ_CHECK(std::isfinite(part.amount.value.value()));
    sum += part.amount.value.value();
  }
  if (!e.time.totals.empty()) {
    const double headline = e.time.totals.front().amount.value.value();
    FUZZ_CHECK(std::isfinite(headline) && headline >= 0);
    FUZZ_CHECK(std::abs(sum - headline) <= 1e-9 * headline);
  }
  FUZZ_CHECK(std::isfinite(e.memory.peak_allocated.value.value()));
  FUZZ_CHECK(std::isfinite(e.throughput.model_flops_utilization.value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const PresetIndex presets;
  Diagnostics diagnostics;
  Node n = read_yaml(fuzz::source(data, size), diagnostics);
  normalise(n);
  Scenario scenario = read_scenario(n, presets, diagnostics);
  fuzz::check(diagnostics);
  if (diagnostics.has_errors()) return 0;
  ++fuzz::accepted;
  const Prepared p = prepare(std::move(scenario));
  const Estimate plain = evaluate(p);
  check_estimate(plain);
  Explain record(&p.scenario.origins);
  check_estimate(evaluate(p, &record));
  for (const std::string& problem : audit(record)) {
    std::fprintf(stderr, "%s\n", problem.c_str());
    FUZZ_CHECK(!"the record re-evaluates");
  }
  return 0;
}
