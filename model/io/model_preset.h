#pragma once
/// Model descriptions and storage formats from a folder of files, for programs that use the model module
/// alone.  (`ridge` itself finds presets through sim/io/preset_index.h, which also knows those compiled in.)
///
///   Node model = read_model("llama-3-8b", "presets/models", diagnostics);   // or an alias, or a path
///   merge(model, overrides);
///   Architecture a = resolve(model, context);
///
/// A model file is a map of the keys of Architecture and of
///   extends: llama-3-8b      # another preset, which this one changes
///   aliases: [llama3-8b]     # other names people use
///   source: ...              # where the sizes come from
/// which read_model removes.  A config.json is translated (huggingface.h).

#include "base/yaml/read_document.h"
#include "model/architecture.h"
#include "model/storage_format.h"

#include <string>
#include <string_view>
#include <vector>

namespace ridge {

struct ModelListing {
  std::string name, source;
  std::vector<std::string> aliases;
};

/// All presets of a folder, by name.
std::vector<ModelListing> list_models(const std::string& folder);

/// A preset's name or alias, or a path ending in .yaml, .yml or .json.  Errors name the nearest preset.
/// Null on error.
Node read_model(std::string_view name_or_path, const std::string& folder, Diagnostics&);

/// Every storage format of a folder's files.
StorageFormats read_storage_formats(const std::string& folder, Diagnostics&);

}  // namespace ridge
