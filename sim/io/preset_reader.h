#pragma once
/// From preset documents to values: models, clusters, stacks, recipes and formats, with the origin of
/// every number.  What was read without overrides is kept, so that a thousand CSV rows on one machine
/// read it once.
///
///   PresetReader reader(presets);
///   Architecture a = reader.model(node, origins, diagnostics);   // node: {preset: gpt2, layers: 6}
///
/// A part is a map with `preset` (a name, alias or path) and single fields laid over it; without
/// `preset` the map is the whole description.

#include "sim/io/preset_index.h"
#include "sim/scenario.h"

#include <map>
#include <string>

namespace ridge {

/// A value with what reading it said.
template <class T> struct ReadPart {
  T value{};
  Origins origins;
  Diagnostics diagnostics;
};

class PresetReader {
 public:
  /// `presets` must outlive the reader.
  explicit PresetReader(const PresetIndex& presets) : presets_(presets) {}

  Architecture model(const Node& part, Origins*, Diagnostics&);
  Cluster cluster(const Node& part, Origins*, Diagnostics&);
  SoftwareStack software(const Node& part, Origins*, Diagnostics&);
  PrecisionRecipe precision(const Node& part, Origins*, Diagnostics&);
  OptimizerRecipe optimizer(const Node& part, Origins*, Diagnostics&);
  /// Every storage format.
  /// Where `formats` read each value, under "formats.".
  const Origins& format_origins() const { return formats_.origins; }
  const StorageFormats& formats(Diagnostics&);

  const PresetIndex& presets() const { return presets_; }

 private:
  template <class T> using Cache = std::map<std::string, ReadPart<T>, std::less<>>;
  template <class T, class Read> T cached(Cache<T>&, const Node& part, Origins*, Diagnostics&, Read read);
  /// The preset's tree with `extends` resolved; null when there is none or it is broken.
  Node base_document(PresetKind, const Node& part, Diagnostics&) const;
  Node merged(PresetKind, const Node& part, Diagnostics&) const;

  const PresetIndex& presets_;
  Cache<Architecture> models_;
  Cache<Cluster> clusters_;
  Cache<SoftwareStack> stacks_;
  Cache<PrecisionRecipe> precisions_;
  Cache<OptimizerRecipe> optimizers_;
  ReadPart<StorageFormats> formats_;
  bool has_formats_ = false;
};

/// "llama-3-8b" of {preset: llama-3-8b, ...}; "" without one.
std::string preset_name(const Node& part);
/// The same for people: of a path the file's name, of a config.json its folder's.
std::string shown_name(const Node& part);

}  // namespace ridge
