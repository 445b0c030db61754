#include "base/yaml/read_document.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <system_error>

namespace ridge {
namespace {

namespace fs = std::filesystem;

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

/// The file of the same folder whose name is nearest to a missing one.
std::string nearest_file(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  constexpr std::size_t enough = 2000;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && names.size() < enough;
       it.increment(error))
    names.push_back(it->path().filename().string());
  const std::string name = nearest(path.filename().string(), names);
  return name.empty() ? name : (path.has_parent_path() ? (path.parent_path() / name).string() : name);
}

/// Reads at most one byte more than is accepted.
std::string read_all(std::FILE* file) {
  std::string text;
  char buffer[1 << 16];
  while (text.size() <= max_input_bytes) {
    const std::size_t n = std::fread(buffer, 1, sizeof buffer, file);
    if (n == 0) break;
    text.append(buffer, n);
  }
  return text;
}

}  // namespace

SourcePtr read_source(const std::string& path, Diagnostics& diagnostics) {
  const bool standard_input = path == "-";
  const std::string name = standard_input ? "<stdin>" : path;
  auto fail = [&](std::string code, std::string message) -> Diagnostic& {
    return diagnostics.error(std::move(code), std::move(message),
                             {std::make_shared<const Source>(Source{name, {}}), 0, 0, 1});
  };
  std::error_code error;
  if (!standard_input && fs::is_directory(path, error))
    return fail("not-a-file", "this is a folder, not a file"), nullptr;
  std::unique_ptr<std::FILE, CloseFile> owned(standard_input ? nullptr : std::fopen(path.c_str(), "rb"));
  std::FILE* file = standard_input ? stdin : owned.get();
  if (!file) {
    const auto reason = std::error_code(errno, std::generic_category());
    auto& d = fail("no-file", fmt::format("cannot read '{}': {}", printable(path, 300), reason.message()));
    if (reason == std::errc::no_such_file_or_directory) d.suggestion = nearest_file(path);
    return nullptr;
  }
  std::string text = read_all(file);
  if (std::ferror(file)) return fail("no-file", "reading the file failed"), nullptr;
  if (text.size() > max_input_bytes)
    return fail("too-large", fmt::format("the file has more than {} bytes", max_input_bytes)), nullptr;
  return std::make_shared<const Source>(Source{name, std::move(text)});
}

}  // namespace ridge
