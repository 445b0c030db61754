#pragma once
/// Finds presets by name, alias or path, and reads them once.
///
///   PresetIndex presets;                       // those compiled into the program
///   PresetIndex presets("my-presets");         // a folder of the same shape goes first
///   const Node* model = presets.document(PresetKind::model, "llama-3-8b", diagnostics);
///
/// Only what is asked for is parsed: naming a scenario costs the four or five files it needs.  Names
/// are file names without ".yaml"; letter case does not matter, and a publisher's repository name
/// ("meta-llama/Meta-Llama-3-8B") stands for its last part.  Aliases are the `aliases:` of the files,
/// searched as text when no name fits.
/// Not here: what a preset means (read_scenario.h).  Caches: one index per thread.

#include "base/yaml/read_document.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

enum class PresetKind {
  model,
  hardware,
  device,
  device_class,
  link,
  storage,
  profile,
  software,
  precision,
  optimizer,
  format,
  scenario
};

/// Folder below presets/: "models", "devices/classes".
std::string_view folder_of(PresetKind);
/// For sentences: "model", "hardware".
std::string_view noun_of(PresetKind);

class PresetIndex {
 public:
  explicit PresetIndex(std::string overlay_folder = {});
  ~PresetIndex();
  PresetIndex(const PresetIndex&) = delete;
  PresetIndex& operator=(const PresetIndex&) = delete;

  /// What is wrong with the overlay folder: it is none, or holds nothing that belongs in one.
  void check_overlay(Diagnostics&) const;

  /// Sorted names, without aliases.
  const std::vector<std::string>& names(PresetKind) const;
  /// Alias to name.
  const std::map<std::string, std::string, std::less<>>& aliases(PresetKind) const;
  /// The preset's own name for a name or alias; "" when there is none.
  std::string resolve_name(PresetKind, std::string_view name_or_alias) const;

  /// The file's tree, or null when no preset has that name (nothing is reported then) or the file is
  /// broken (reported).  Lives as long as the index.
  const Node* find(PresetKind, std::string_view name_or_alias, Diagnostics&) const;
  /// As find, but an unknown name is an error at `span`, with the nearest name.
  const Node* document(PresetKind, std::string_view name_or_alias, const Span&, Diagnostics&) const;
  /// As document, but also accepts the path of a file; relative paths start at `beside` (the file that
  /// names it) or at the working directory.  A folder stands for its config.json.
  const Node* document_or_file(PresetKind, std::string_view name_or_path, const Span& beside,
                               Diagnostics&) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether text is meant as a path: it has a '/' or ends in .yaml, .yml or .json.
bool looks_like_path(std::string_view);

}  // namespace ridge
