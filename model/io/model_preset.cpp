#include "model/io/model_preset.h"

#include "model/huggingface.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace ridge {

namespace fs = std::filesystem;

namespace {

constexpr int max_extends = 4;

bool is_path(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

std::vector<fs::path> preset_files(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Node take(Node& map, std::string_view key) {
  for (std::size_t i = 0; i < map.entries.size(); ++i)
    if (map.entries[i].key == key) {
      Node value = std::move(map.entries[i].value);
      map.entries.erase(map.entries.begin() + static_cast<std::ptrdiff_t>(i));
      return value;
    }
  return {};
}

/// The file of a preset's name or alias; "" when there is none, with all names in `known`.
std::string preset_file(std::string_view name, const std::string& folder, std::vector<std::string>& known) {
  const fs::path direct = fs::path(folder) / fmt::format("{}.yaml", name);
  std::error_code ignored;
  if (name.find('/') == std::string_view::npos && fs::exists(direct, ignored)) return direct.string();
  for (ModelListing& listing : list_models(folder)) {
    for (std::string& alias : listing.aliases) {
      if (alias == name) return (fs::path(folder) / (listing.name + ".yaml")).string();
      known.push_back(std::move(alias));
    }
    known.push_back(std::move(listing.name));
  }
  return {};
}

Node read_file(const std::string& path, const std::string& folder, int depth, Diagnostics&);

Node read_named(std::string_view given, const std::string& folder, int depth, Span span,
                Diagnostics& diagnostics) {
  if (is_path(given)) return read_file(std::string(given), folder, depth, diagnostics);
  std::vector<std::string> known;
  const std::string path = preset_file(given, folder, known);
  if (!path.empty()) return read_file(path, folder, depth, diagnostics);
  Diagnostic& d =
      diagnostics.error("unknown-model", fmt::format("there is no model '{}'", printable(given)), span);
  d.suggestion = nearest(given, known);
  return {};
}

Node read_file(const std::string& path, const std::string& folder, int depth, Diagnostics& diagnostics) {
  const SourcePtr source = read_source(path, diagnostics);
  if (!source) return {};
  Node model = read_yaml(source, diagnostics);
  if (is_huggingface_config(model)) return huggingface_model(model, diagnostics);
  if (!model.is_map()) {
    if (!diagnostics.has_errors())
      diagnostics.error("not-a-map", "a model file is a map of keys such as layers and hidden_size",
                        model.span);
    return {};
  }
  take(model, "aliases");
  take(model, "source");
  const Node parent = take(model, "extends");
  if (!model.find("name"))
    set(model, "name", Node::scalar(fs::path(path).stem().string(), model.span), model.span);
  if (parent.is_null()) return model;
  if (!parent.is_scalar() || depth >= max_extends) {
    diagnostics.error("bad-extends", fmt::format("'extends' names one preset, at most {} deep", max_extends),
                      parent.span);
    return {};
  }
  Node under = read_named(parent.text, folder, depth + 1, parent.span, diagnostics);
  if (!under.is_map()) return {};
  merge(under, model);
  return under;
}

}  // namespace

std::vector<ModelListing> list_models(const std::string& folder) {
  std::vector<ModelListing> list;
  for (const fs::path& file : preset_files(folder)) {
    Diagnostics unread;
    const SourcePtr source = read_source(file.string(), unread);
    if (!source) continue;
    Node model = read_yaml(source, unread);
    ModelListing entry{file.stem().string(), {}, {}};
    if (model.is_map()) {
      entry.source = take(model, "source").text;
      for (const Node& alias : take(model, "aliases").items) entry.aliases.push_back(alias.text);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

Node read_model(std::string_view name_or_path, const std::string& folder, Diagnostics& diagnostics) {
  return read_named(name_or_path, folder, 0, {}, diagnostics);
}

StorageFormats read_storage_formats(const std::string& folder, Diagnostics& diagnostics) {
  StorageFormats formats;
  for (const fs::path& file : preset_files(folder)) {
    const SourcePtr source = read_source(file.string(), diagnostics);
    if (!source) continue;
    const Node node = read_yaml(source, diagnostics);
    ReadContext context{diagnostics};
    read_storage_formats(node, formats, context);
  }
  if (formats.formats.empty() && !diagnostics.has_errors())
    diagnostics.error("no-formats", fmt::format("no storage formats in '{}'", folder));
  return formats;
}

}  // namespace ridge
