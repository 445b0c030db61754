#include "sim/io/preset_reader.h"

#include "hardware/library.h"
#include "model/huggingface.h"
#include "sim/io/default_origins.h"
#include "sim/io/stack_origins.h"

#include <algorithm>
#include <filesystem>

namespace ridge {
namespace {

constexpr int max_extends = 8;

void remove_keys(Node& n, std::initializer_list<std::string_view> keys) {
  std::erase_if(n.entries, [&](const Node::Entry& e) {
    return std::find(keys.begin(), keys.end(), e.key) != keys.end();
  });
}

Node without_preset(const Node& part) {
  Node rest = part;
  remove_keys(rest, {"preset"});
  return rest;
}

/// Reports a part that cannot be read because the scenario's value is no name and no map.
bool is_part(const Node& part, PresetKind kind, Diagnostics& diagnostics) {
  if (part.is_map()) return true;
  diagnostics.error("wrong-type", std::string(noun_of(kind)) + " must be a name, a path or a map of fields",
                    part.span);
  return false;
}

PresetKind kind_of_folder(std::string_view folder) {
  if (folder == "devices") return PresetKind::device;
  if (folder == "classes") return PresetKind::device_class;
  if (folder == "links") return PresetKind::link;
  if (folder == "storage") return PresetKind::storage;
  if (folder == "profiles") return PresetKind::profile;
  return PresetKind::hardware;
}

Library hardware_library(const PresetIndex& presets) {
  Library library;
  library.find = [&presets](std::string_view folder, std::string_view name,
                            Diagnostics& d) -> std::optional<Node> {
    if (folder == "profiles" && looks_like_path(name)) {
      const Node* file = presets.document_or_file(PresetKind::profile, name, {}, d);
      return file ? std::optional<Node>(*file) : std::nullopt;
    }
    const Node* n = presets.find(kind_of_folder(folder), name, d);
    if (!n && folder == "hardware") n = presets.find(PresetKind::device, name, d);
    return n ? std::optional<Node>(*n) : std::nullopt;
  };
  library.names = [&presets](std::string_view folder) { return presets.names(kind_of_folder(folder)); };
  return library;
}

template <class T>
T read_part(const Node& document, std::string_view path, Origins& origins, Diagnostics& diagnostics) {
  ReadContext c{diagnostics, &origins, std::string(path), Origin::Kind::scenario};
  T value = document.is_map() ? read<T>(document, c) : T{};
  record_defaults<T>(std::string(path), origins);
  return value;
}

}  // namespace

std::string preset_name(const Node& part) {
  const Node* name = part.find("preset");
  return name && name->is_scalar() ? name->text : std::string{};
}

std::string shown_name(const Node& part) {
  const std::string name = preset_name(part);
  if (!looks_like_path(name)) return name;
  const std::filesystem::path path(name);
  const std::string stem = path.stem().string();
  return stem == "config" && path.has_parent_path() ? path.parent_path().filename().string() : stem;
}

template <class T, class Read>
T PresetReader::cached(Cache<T>& cache, const Node& part, Origins* origins, Diagnostics& diagnostics,
                       Read read) {
  const bool is_plain = part.is_map() && part.entries.size() == 1 && !preset_name(part).empty();
  ReadPart<T> fresh;
  ReadPart<T>* result = &fresh;
  bool is_read = false;
  if (is_plain) {
    auto [it, is_new] = cache.try_emplace(preset_name(part));
    result = &it->second;
    is_read = !is_new && !result->diagnostics.has_errors();
  }
  if (!is_read) {
    *result = {};
    result->value = read(result->origins, result->diagnostics);
  }
  diagnostics.append(result->diagnostics);
  if (origins) origins->insert(result->origins.begin(), result->origins.end());
  return result->value;
}

Node PresetReader::base_document(PresetKind kind, const Node& part, Diagnostics& diagnostics) const {
  const Node* name = part.find("preset");
  if (!name) return Node::map(part.span);
  if (!name->is_scalar()) {
    diagnostics.error("wrong-type", "'preset' must be a name or a path", name->span);
    return {};
  }
  const Node* found = presets_.document_or_file(kind, name->text, name->span, diagnostics);
  if (!found) return {};
  Node document = *found;
  for (int depth = 0; const Node* base = document.find("extends"); ++depth) {
    const Node reference = *base;
    if (!reference.is_scalar() || depth == max_extends) {
      diagnostics.error("bad-extends", "'extends' must name one preset and may not run in circles",
                        reference.span);
      return {};
    }
    const Node* below = presets_.document_or_file(kind, reference.text, reference.span, diagnostics);
    if (!below) return {};
    remove_keys(document, {"extends"});
    Node lower = *below;
    remove_keys(lower, {"aliases"});
    merge(lower, document);
    document = std::move(lower);
  }
  return document;
}

Node PresetReader::merged(PresetKind kind, const Node& part, Diagnostics& diagnostics) const {
  Node document = base_document(kind, part, diagnostics);
  if (document.is_map()) merge(document, without_preset(part));
  return document;
}

Architecture PresetReader::model(const Node& part, Origins* origins, Diagnostics& diagnostics) {
  if (!is_part(part, PresetKind::model, diagnostics)) return {};
  return cached(models_, part, origins, diagnostics, [&](Origins& o, Diagnostics& d) -> Architecture {
    Node document = base_document(PresetKind::model, part, d);
    if (!document.is_map()) return {};
    if (is_huggingface_config(document)) document = huggingface_model(document, d);
    if (d.has_errors()) return {};
    merge(document, without_preset(part));
    remove_keys(document, {"aliases", "source"});
    ReadContext c{d, &o, "model", Origin::Kind::scenario};
    Architecture a = resolve(document, c);
    if (a.name.empty()) a.name = shown_name(part);
    record_defaults<Architecture>("model", o);
    return a;
  });
}

Cluster PresetReader::cluster(const Node& part, Origins* origins, Diagnostics& diagnostics) {
  if (!is_part(part, PresetKind::hardware, diagnostics)) return {};
  return cached(clusters_, part, origins, diagnostics, [&](Origins& o, Diagnostics& d) -> Cluster {
    Node document = Node::map(part.span);
    if (const Node* name = part.find("preset"); name && name->is_scalar()) {
      const bool is_device = presets_.resolve_name(PresetKind::hardware, name->text).empty() &&
                             !presets_.resolve_name(PresetKind::device, name->text).empty();
      const Node* found = presets_.document_or_file(is_device ? PresetKind::device : PresetKind::hardware,
                                                    name->text, name->span, d);
      if (!found) return {};
      document = *found;
    }
    ReadContext c{d, &o, "hardware", Origin::Kind::scenario};
    Cluster cluster = read_cluster(document, hardware_library(presets_), c, without_preset(part));
    if (cluster.name.empty()) cluster.name = shown_name(part);
    record_defaults<Cluster>("hardware", o);
    for (const Tier& t : cluster.tiers.inner_to_outer) record_defaults<Tier>("hardware.tiers." + t.name, o);
    return cluster;
  });
}

SoftwareStack PresetReader::software(const Node& part, Origins* origins, Diagnostics& diagnostics) {
  if (!is_part(part, PresetKind::software, diagnostics)) return {};
  return cached(stacks_, part, origins, diagnostics, [&](Origins& o, Diagnostics& d) {
    const Node document = merged(PresetKind::software, part, d);
    SoftwareStack stack = read_part<SoftwareStack>(document, "software", o, d);
    apply_stack_origins(stack, document, o, d);
    return stack;
  });
}

PrecisionRecipe PresetReader::precision(const Node& part, Origins* origins, Diagnostics& diagnostics) {
  if (!is_part(part, PresetKind::precision, diagnostics)) return {};
  return cached(precisions_, part, origins, diagnostics, [&](Origins& o, Diagnostics& d) {
    return read_part<PrecisionRecipe>(merged(PresetKind::precision, part, d), "precision", o, d);
  });
}

OptimizerRecipe PresetReader::optimizer(const Node& part, Origins* origins, Diagnostics& diagnostics) {
  if (!is_part(part, PresetKind::optimizer, diagnostics)) return {};
  return cached(optimizers_, part, origins, diagnostics, [&](Origins& o, Diagnostics& d) {
    return read_part<OptimizerRecipe>(merged(PresetKind::optimizer, part, d), "optimizer", o, d);
  });
}

const StorageFormats& PresetReader::formats(Diagnostics& diagnostics) {
  if (!has_formats_) {
    has_formats_ = true;
    for (const std::string& file : presets_.names(PresetKind::format)) {
      const Node* document = presets_.find(PresetKind::format, file, formats_.diagnostics);
      if (!document) continue;
      ReadContext c{formats_.diagnostics, &formats_.origins, "formats", Origin::Kind::preset};
      read_storage_formats(*document, formats_.value, c);
    }
  }
  diagnostics.append(formats_.diagnostics);
  return formats_.value;
}

}  // namespace ridge
