#pragma once
/// A Hugging Face config.json as a model map, so that it can be overridden and resolved like a preset.
///
///   Node model = huggingface_model(config, diagnostics);   // layers, hidden_size, heads, ...
///   Architecture a = resolve(model, context);
///
/// Field names differ by model type (n_layer, num_layers, num_hidden_layers; d_model, n_embd, ...):
/// every type accepts all spellings in use, and a field that the file omits gets the default that the
/// type's configuration class has (gpt2: n_embd 768), told in one warning for sizes and one note for
/// choices.  Where no default can be trusted (the pattern of a hybrid, the widths of its experts) the file
/// is refused.  A field stated as null has no default.  Values keep their place in the file, so that later
/// messages point there.  A nested `text_config` is used when there is one; vision and audio parts are
/// left out with a note.
///
/// Errors  missing or unknown model_type (with the nearest known one and what the file lacks), missing
///         fields without a default, values of the wrong type, structures that are not described.
/// Source  huggingface/transformers configuration classes; facts only.

#include "model/architecture.h"

#include <string>
#include <vector>

namespace ridge {

Node huggingface_model(const Node& config, Diagnostics&);

/// huggingface_model and resolve in one step.
Architecture import_huggingface(const Node& config, Diagnostics&);

/// True when a map looks like a config.json rather than a model YAML: it has `model_type` or
/// `architectures`.
bool is_huggingface_config(const Node&);

std::vector<std::string> huggingface_types();

}  // namespace ridge
