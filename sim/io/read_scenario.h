#pragma once
/// Reads a scenario: every name resolved, every value with its origin, every problem reported at once.
///
///   PresetIndex presets;
///   Diagnostics problems;
///   Scenario s = read_scenario(scenario_document("run.yaml", presets, problems), presets, problems);
///   if (problems.has_errors()) std::cerr << render(problems);
///
/// Top-level keys: name, model, hardware, devices, software, one of training | inference | operator,
/// parallel, measured, and the carried columns id, source, group, kind, hf_repo, notes.
///
/// Errors     unknown and missing keys, values out of range, unknown names, no or two workloads.
///            What is well written but cannot run (64 heads over 6 devices, too little memory) is a
///            violation of the estimate, not an error here.
/// Defaults   software by workload and kind of device (presets/software/defaults); devices the product of the
///            parallel degrees; training.global_batch micro_batch x data x pipeline.  Each is recorded
///            with the origin `default_value`.

#include "sim/io/preset_reader.h"
#include "sim/io/scenario_document.h"

namespace ridge {

struct ReadOptions {
  bool needs_workload = true;  ///< false: a row may ask for parameters or bytes of a model alone
  bool origins = true;         ///< false: leaves Scenario::origins empty, for speed
};

Scenario read_scenario(const Node& document, PresetReader&, Diagnostics&, ReadOptions = {});
Scenario read_scenario(const Node& document, const PresetIndex&, Diagnostics&, ReadOptions = {});

/// The keys a scenario may have, with their documentation, for `ridge schema` and forms.
std::vector<FieldInfo> scenario_fields();

}  // namespace ridge
