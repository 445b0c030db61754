#pragma once
/// Words that commands understand, where help and completion need them too.

#include "sim/io/preset_reader.h"

#include <string>
#include <vector>

namespace ridge {

/// What `ridge list` lists: "models", "hardware", ...
std::vector<std::string> listed_kinds();
/// Names and aliases of a listed kind; none for an unknown kind.
std::vector<std::string> listed_names(PresetReader&, const std::string& kind);
/// What `ridge schema` documents: "scenario", "training", ...
std::vector<std::string> schema_names();

}  // namespace ridge
