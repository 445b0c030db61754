#pragma once
/// The project's own source files as text, for tests about the tree itself.

#include <string>
#include <vector>

namespace ridge::repository {

struct Include {
  std::string target;  ///< as written, without quotes or brackets
  bool is_system = false;
  int line = 0;
};

struct SourceFile {
  std::string path;    ///< from the repository's root, with slashes
  std::string folder;  ///< of `path`
  std::vector<std::string> lines;
  std::vector<Include> includes;
};

/// Every .h and .cpp below the given top-level folders, sorted by path.
std::vector<SourceFile> source_files(const std::vector<std::string>& top_folders);

/// All folders that hold C++ of this project.
std::vector<SourceFile> all_source_files();

}  // namespace ridge::repository
