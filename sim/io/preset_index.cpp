#include "sim/io/preset_index.h"

#include "hardware/io/embedded_presets.h"
#include "sim/io/alias_lines.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <set>

namespace ridge {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t num_kinds = static_cast<std::size_t>(PresetKind::scenario) + 1;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// The name of a path of this kind, or "": "models/gpt2.yaml" -> "gpt2", not from a sub-folder.
std::string_view name_in(std::string_view path, std::string_view folder) {
  if (!path.starts_with(folder) || !path.ends_with(".yaml")) return {};
  path.remove_prefix(folder.size());
  if (!path.starts_with('/')) return {};
  path = path.substr(1, path.size() - 6);
  return path.find('/') == std::string_view::npos ? path : std::string_view{};
}

const EmbeddedFile* embedded(std::string_view path) {
  const auto files = embedded_presets();
  const auto it = std::ranges::lower_bound(files, path, {}, &EmbeddedFile::path);
  return it != files.end() && it->path == path ? &*it : nullptr;
}

/// Up to eight of these names that hold the word, letters' case aside.
std::vector<std::string> names_with(std::string_view word, const std::vector<std::string>& names) {
  constexpr std::size_t names_shown = 8, least_letters = 3;
  std::vector<std::string> found;
  if (word.size() < least_letters) return found;
  for (const std::string& name : names)
    if (lower(name).find(lower(word)) != std::string::npos) found.push_back(name);
  if (found.size() <= names_shown) return found;
  found.resize(names_shown);
  found.emplace_back("...");
  return found;
}

/// What lists the presets of a kind that are too many for a message.
std::string_view list_of(PresetKind kind) {
  if (kind == PresetKind::model) return "; ridge list models names all";
  if (kind == PresetKind::hardware) return "; ridge list hardware names all";
  return {};
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

}  // namespace

std::string_view folder_of(PresetKind kind) {
  static constexpr std::string_view folders[num_kinds] = {
      "models",   "hardware", "devices",   "devices/classes", "links",   "storage",
      "profiles", "software", "precision", "optimizers",      "formats", "scenarios"};
  return folders[static_cast<std::size_t>(kind)];
}

std::string_view noun_of(PresetKind kind) {
  static constexpr std::string_view nouns[num_kinds] = {
      "model",   "hardware", "device",           "device class", "link",           "storage",
      "profile", "software", "precision recipe", "optimizer",    "storage format", "scenario"};
  return nouns[static_cast<std::size_t>(kind)];
}

bool looks_like_path(std::string_view text) {
  return text.find('/') != std::string_view::npos || text.ends_with(".yaml") || text.ends_with(".yml") ||
         text.ends_with(".json") || text == "." || text == "..";
}

struct PresetIndex::Impl {
  struct Listing {
    std::vector<std::string> names;
    std::map<std::string, std::string, std::less<>> aliases;
    bool has_names = false, has_aliases = false;
  };
  struct Parsed {
    Node node;
    Diagnostics diagnostics;
  };
  std::string overlay;
  Listing listings[num_kinds];
  std::map<std::string, Parsed, std::less<>> parsed;  ///< by path

  SourcePtr source(PresetKind kind, std::string_view name, Diagnostics& diagnostics) const {
    const std::string path = fmt::format("{}/{}.yaml", folder_of(kind), name);
    if (!overlay.empty() && is_file(fs::path(overlay) / path))
      return read_source(overlay + '/' + path, diagnostics);
    if (const EmbeddedFile* file = embedded(path))
      return std::make_shared<Source>(Source{"presets/" + path, std::string(file->text)});
    return nullptr;
  }

  bool exists(PresetKind kind, std::string_view name) const {
    const std::string path = fmt::format("{}/{}.yaml", folder_of(kind), name);
    return embedded(path) || (!overlay.empty() && is_file(fs::path(overlay) / path));
  }

  const std::vector<std::string>& names(PresetKind kind) {
    Listing& l = listings[static_cast<std::size_t>(kind)];
    if (l.has_names) return l.names;
    l.has_names = true;
    std::set<std::string, std::less<>> found;
    for (const EmbeddedFile& f : embedded_presets())
      if (const auto name = name_in(f.path, folder_of(kind)); !name.empty()) found.emplace(name);
    std::error_code ignored;
    if (!overlay.empty())
      for (const auto& e : fs::directory_iterator(fs::path(overlay) / folder_of(kind), ignored))
        if (e.path().extension() == ".yaml") found.insert(e.path().stem().string());
    l.names.assign(found.begin(), found.end());
    return l.names;
  }

  const std::map<std::string, std::string, std::less<>>& aliases(PresetKind kind) {
    Listing& l = listings[static_cast<std::size_t>(kind)];
    if (l.has_aliases) return l.aliases;
    l.has_aliases = true;
    Diagnostics ignored;  // a broken file is reported when it is used
    for (const std::string& name : names(kind))
      if (const SourcePtr text = source(kind, name, ignored))
        for (std::string& alias : alias_lines(text->text)) l.aliases.emplace(lower(alias), name);
    return l.aliases;
  }

  const Node* parse(const SourcePtr& text, Diagnostics& diagnostics) {
    auto [it, is_new] = parsed.try_emplace(text->name);
    if (is_new) it->second.node = read_yaml(text, it->second.diagnostics);
    diagnostics.append(it->second.diagnostics);
    return it->second.diagnostics.has_errors() ? nullptr : &it->second.node;
  }
};

void PresetIndex::check_overlay(Diagnostics& diagnostics) const {
  if (impl_->overlay.empty()) return;
  const fs::path root(impl_->overlay);
  std::error_code ignored;
  const Span span{std::make_shared<Source>(Source{"--presets", impl_->overlay}), 1, 1,
                  static_cast<int>(impl_->overlay.size())};
  if (!fs::is_directory(root, ignored)) {
    diagnostics.error("no-folder", fmt::format("'{}' is no folder", printable(impl_->overlay, 200)), span);
    return;
  }
  std::vector<std::string> folders;
  for (std::size_t k = 0; k < num_kinds; ++k) {
    folders.emplace_back(folder_of(static_cast<PresetKind>(k)));
    if (fs::is_directory(root / folders.back(), ignored)) return;
  }
  diagnostics
      .error("no-presets", fmt::format("'{}' has no folder of presets", printable(impl_->overlay, 200)), span)
      .expected = std::move(folders);
}

PresetIndex::PresetIndex(std::string overlay_folder) : impl_(std::make_unique<Impl>()) {
  impl_->overlay = std::move(overlay_folder);
}
PresetIndex::~PresetIndex() = default;

const std::vector<std::string>& PresetIndex::names(PresetKind kind) const { return impl_->names(kind); }

const std::map<std::string, std::string, std::less<>>& PresetIndex::aliases(PresetKind kind) const {
  return impl_->aliases(kind);
}

std::string PresetIndex::resolve_name(PresetKind kind, std::string_view name) const {
  if (name.empty() || name.find("..") != std::string_view::npos) return {};
  if (impl_->exists(kind, name)) return std::string(name);
  const std::string small = lower(name.substr(name.rfind('/') + 1));
  if (small.empty()) return {};
  if (impl_->exists(kind, small)) return small;
  const auto& known = impl_->aliases(kind);
  const auto it = known.find(small);
  return it == known.end() ? std::string{} : it->second;
}

const Node* PresetIndex::find(PresetKind kind, std::string_view name_or_alias,
                              Diagnostics& diagnostics) const {
  const std::string name = resolve_name(kind, name_or_alias);
  if (name.empty()) return nullptr;
  const SourcePtr text = impl_->source(kind, name, diagnostics);
  return text ? impl_->parse(text, diagnostics) : nullptr;
}

const Node* PresetIndex::document(PresetKind kind, std::string_view name, const Span& span,
                                  Diagnostics& diagnostics) const {
  if (!resolve_name(kind, name).empty()) return find(kind, name, diagnostics);
  Diagnostic& d = diagnostics.error(
      fmt::format("unknown-{}",
                  kind == PresetKind::precision ? "precision" : fmt::format("{}", noun_of(kind))),
      fmt::format("no {} is called '{}'{}", noun_of(kind), printable(name), list_of(kind)), span);
  std::replace(d.code.begin(), d.code.end(), ' ', '-');
  std::vector<std::string> candidates;
  const auto add_names = [&](PresetKind k) {
    candidates.insert(candidates.end(), names(k).begin(), names(k).end());
    for (const auto& [alias, target] : aliases(k)) candidates.push_back(alias);
  };
  add_names(kind);
  if (kind == PresetKind::hardware) add_names(PresetKind::device);  // a device is a machine of one
  d.suggestion = nearest(name, candidates);
  d.expected = names(kind).size() <= 24 ? names(kind) : names_with(name, candidates);
  return nullptr;
}

const Node* PresetIndex::document_or_file(PresetKind kind, std::string_view name, const Span& beside,
                                          Diagnostics& diagnostics) const {
  if (!looks_like_path(name)) return document(kind, name, beside, diagnostics);
  fs::path path(name);
  if (path.is_relative() && beside.source) {
    const fs::path local = fs::path(beside.source->name).parent_path() / path;
    std::error_code ignored;
    if (fs::exists(local, ignored)) path = local;
  }
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) path /= "config.json";
  if (!is_file(path) && !resolve_name(kind, name).empty()) return find(kind, name, diagnostics);
  Diagnostics problems;
  const SourcePtr text = read_source(path.string(), problems);
  if (text) {
    const Node* parsed = impl_->parse(text, diagnostics);
    if (parsed && !parsed->is_map() && !diagnostics.has_errors()) {
      diagnostics.error("not-a-map",
                        fmt::format("a {} file is a map of keys; '{}' is empty or a list", noun_of(kind),
                                    printable(name, 200)),
                        Span{text, 1, 1, 1});
    }
    return parsed;
  }
  Diagnostic& d = diagnostics.error(
      "unreadable-file", fmt::format("{} '{}' cannot be read", noun_of(kind), printable(name, 200)), beside);
  if (!problems.items().empty()) d.message = problems.items().front().message;
  d.suggestion = nearest(name, names(kind));
  return nullptr;
}

}  // namespace ridge
