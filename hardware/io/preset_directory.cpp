#include "hardware/io/preset_directory.h"

#include "base/yaml/read_document.h"
#include "hardware/io/embedded_presets.h"

#include <algorithm>
#include <filesystem>

namespace ridge {
namespace {

namespace fs = std::filesystem;

std::string folder(std::string_view kind) {
  return kind == "classes" ? "devices/classes" : std::string(kind);
}

/// Names are file names: letters, digits, dots and dashes, so that none leaves the folder.
bool is_file_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.find_first_of("/\\") == std::string_view::npos;
}

}  // namespace

std::string preset_path(std::string_view kind, std::string_view name) {
  return folder(kind) + '/' + std::string(name) + ".yaml";
}

Library preset_library(std::string root) {
  auto find = [root](std::string_view kind, std::string_view name, Diagnostics& d) -> std::optional<Node> {
    const bool is_own_file = kind == "profiles" && name.find('/') != std::string_view::npos;
    if (!is_own_file && !is_file_name(name)) return std::nullopt;
    std::string path = root + '/' + preset_path(kind, name);
    std::error_code ignored;
    if (is_own_file) path = name;
    if (kind == "hardware" && !fs::exists(path, ignored)) path = root + '/' + preset_path("devices", name);
    if (!fs::exists(path, ignored)) return std::nullopt;
    const SourcePtr source = read_source(path, d);
    if (!source) return std::nullopt;
    return read_yaml(source, d);
  };
  auto names = [root](std::string_view kind) {
    std::vector<std::string> out;
    std::error_code ignored;
    fs::directory_iterator entry(root + '/' + folder(kind), ignored);
    for (; !ignored && entry != fs::directory_iterator(); entry.increment(ignored))
      if (entry->path().extension() == ".yaml") out.push_back(entry->path().stem().string());
    std::ranges::sort(out);
    return out;
  };
  return {find, names};
}

Library embedded_library(std::string overlay) {
  const Library over = overlay.empty() ? Library{} : preset_library(std::move(overlay));
  const auto text_of = [](std::string_view kind, std::string_view name) -> const EmbeddedFile* {
    const std::string path = preset_path(kind, name);
    const auto files = embedded_presets();
    const auto it = std::ranges::lower_bound(files, std::string_view(path), {}, &EmbeddedFile::path);
    return it != files.end() && it->path == path ? &*it : nullptr;
  };
  auto find = [=](std::string_view kind, std::string_view name, Diagnostics& d) -> std::optional<Node> {
    if (over.find)
      if (auto own = over.find(kind, name, d)) return own;
    const EmbeddedFile* file = text_of(kind, name);
    if (!file && kind == "hardware") file = text_of("devices", name);
    if (!file) return std::nullopt;
    return read_yaml(
        std::make_shared<const Source>(Source{"presets/" + std::string(file->path), std::string(file->text)}),
        d);
  };
  auto names = [over](std::string_view kind) {
    std::vector<std::string> out = over.names ? over.names(kind) : std::vector<std::string>{};
    const std::string begin = folder(kind) + '/';
    for (const EmbeddedFile& f : embedded_presets())
      if (f.path.starts_with(begin) && f.path.find('/', begin.size()) == std::string_view::npos)
        out.emplace_back(f.path.substr(begin.size(), f.path.size() - begin.size() - 5));
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  };
  return {find, names};
}

}  // namespace ridge
