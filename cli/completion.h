#pragma once
/// What could stand at the end of a command line.  The shells' scripts ask for it with the words typed
/// so far ("ridge __complete plan --js"), so that they know no command, option or name themselves.

#include "cli/grammar.h"
#include "sim/io/preset_reader.h"

#include <string>
#include <vector>

namespace ridge {

struct Candidate {
  std::string text, description = {};
};

/// Asks the shell to add the names of files.
inline constexpr std::string_view files_marker = ":files";

/// `words` follow the program's name; the last is the one being typed, maybe empty.
std::vector<Candidate> candidates(Grammar&, PresetReader&, const std::vector<std::string>& words);

}  // namespace ridge
