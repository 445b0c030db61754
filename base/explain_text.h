#pragma once
/// An explained number as text, and the check that a whole record is consistent.
///
///   memory.peak = 38.9 GiB (41723944960 B)
///     peak bytes allocated on one device
///     = weights + activations
///     = 14.9 GiB + 23.9 GiB
///     source: definition
///     weights = 14.9 GiB, weight bytes of one device
///       = n * w
///       = 8.03 G elements * (2 B/element)
///       n = 8.03 G elements   model.parameters   presets/models/llama-3-8b.yaml:6, preset
///
/// A node used several times is shown in full once, with a mark "[#1]", and by its mark afterwards.

#include "base/explain.h"

#include <string>
#include <vector>

namespace ridge {

struct ExplainTextOptions {
  int max_depth = 16;        ///< levels of inputs below the number; 0 shows its own formula alone
  bool show_sources = true;  ///< the formula's citation and assumptions
};

/// The number, its formula, the substitution and the tree of its inputs.
std::string explain_text(const Explain&, NodeId, const ExplainTextOptions& = {});

/// A value for people: counts in full with grouping, the rest with three digits and its unit.
std::string value_text(double value, Dim dim);

/// "presets/models/gpt2.yaml:6, preset; citation, 2024-03-18"
std::string origin_text(const Origin&);

/// The node of a key, or of the shortest label that ends in it: "step_seconds" for "time.step_seconds"; 0 when
/// two as short are different numbers.
NodeId find_number(const Explain&, std::string_view key);

/// Every input that a number depends on, each once, in order of first use.
std::vector<NodeId> leaf_inputs(const Explain&, NodeId);

/// "41 inputs: 30 preset, 8 datasheet, 3 assumed" with the most frequent kind first.
std::string inputs_summary(const Explain&, NodeId);

/// Checks a whole record; one sentence per fault, none when
///   - every formula, evaluated over its recorded terms, gives its recorded value (relative 1e-12;
///     exactly where only whole numbers are added, subtracted and multiplied),
///   - every term has a node and is used by its expression, and no symbol occurs twice,
///   - every value is finite and every input has a key and an origin.
std::vector<std::string> audit(const Explain&);

}  // namespace ridge
