#include "tests/repository/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace ridge::repository {
namespace {

namespace fs = std::filesystem;

// `#include <x>` or `#include "x"`, else an empty target.
Include include_of(const std::string& line, int number) {
  if (!line.starts_with("#include ")) return {};
  const std::size_t begin = line.find_first_of("<\"");
  if (begin == std::string::npos) return {};
  const bool is_system = line[begin] == '<';
  const std::size_t end = line.find(is_system ? '>' : '"', begin + 1);
  return {line.substr(begin + 1, end - begin - 1), is_system, number};
}

SourceFile read(const fs::path& path, const fs::path& root) {
  const fs::path relative = fs::relative(path, root);
  SourceFile file{relative.generic_string(), relative.parent_path().generic_string(), {}, {}};
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    file.lines.push_back(line);
    Include include = include_of(line, static_cast<int>(file.lines.size()));
    if (!include.target.empty()) file.includes.push_back(std::move(include));
  }
  return file;
}

}  // namespace

std::vector<SourceFile> source_files(const std::vector<std::string>& top_folders) {
  const fs::path root = RIDGE_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string& folder : top_folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const fs::path extension = entry.path().extension();
      if (extension == ".h" || extension == ".cpp") files.push_back(read(entry.path(), root));
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

std::vector<SourceFile> all_source_files() {
  return source_files({"base", "model", "hardware", "sim", "cli", "calibrate", "gui", "benchmarks", "tests"});
}

}  // namespace ridge::repository
