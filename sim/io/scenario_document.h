#pragma once
/// A scenario's text on its way to a `Scenario`: found, brought into one shape, overridden.
///
///   Node document = scenario_document("llama-3-70b-64-h100", presets, diagnostics);  // name or path
///   override_document(document, {"parallel.tensor=8", "model.layers=12"}, diagnostics);
///   Scenario s = read_scenario(document, presets, diagnostics);
///
/// The one shape: dotted keys are nested, and a name under model, hardware, software,
/// training.precision or training.optimizer becomes {preset: name}, so that single fields can be laid
/// over it from the file, a CSV row or the command line.

#include "sim/io/preset_index.h"

#include <string>
#include <vector>

namespace ridge {

/// The tree of a scenario preset, of a YAML file, or of one row of a CSV: "runs.csv:ID" with the row's id or
/// line, or "runs.csv" when it has one row alone.  Null on error; "-" is not a file here.
Node scenario_document(const std::string& name_or_path, const PresetIndex&, Diagnostics&);

/// Brings any document (YAML, CSV row, flags) into the one shape; repeating it changes nothing.
void normalise(Node& document);

/// Applies "key=value" assignments in order.  `option` names the flag in messages.
void override_document(Node& document, const std::vector<std::string>& assignments, Diagnostics&);

/// Columns that are carried through unread.
struct RowLabels {
  std::string id, source, group, kind, huggingface_repo, notes;
};
RowLabels row_labels(const Node& document);

}  // namespace ridge
