// The direction of dependencies: base <- model, hardware <- sim <- cli, gui, and who may touch the world.

#include "tests/repository/source_tree.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ridge::repository {
namespace {

using Names = std::set<std::string>;

// Folder -> the project's folders whose headers it may include, besides its own.
const std::map<std::string, Names> may_include = {
    {"base", {}},
    {"base/yaml", {"base"}},
    {"model", {"base"}},
    {"model/io", {"base", "base/yaml", "model"}},
    {"hardware", {"base"}},
    {"hardware/io", {"base", "base/yaml", "hardware"}},
    {"sim", {"base", "model", "hardware"}},
    {"sim/report", {"base", "model", "hardware", "sim"}},
    {"sim/io", {"base", "base/yaml", "model", "model/io", "hardware", "hardware/io", "sim"}},
    {"cli",
     {"base", "base/yaml", "model", "model/io", "hardware", "hardware/io", "sim", "sim/io", "sim/report"}},
    {"calibrate/fit", {"base", "hardware"}},
    {"calibrate/io", {"base", "base/yaml", "hardware", "calibrate/fit"}},
    {"calibrate/measure", {"base", "base/yaml", "hardware", "calibrate/fit", "calibrate/io"}},
    {"calibrate/cpu", {"base", "hardware", "calibrate/fit", "calibrate/measure"}},
    {"calibrate/cuda", {"base", "hardware", "calibrate/fit", "calibrate/measure"}},
    {"calibrate/mpi", {}},
    {"calibrate/cluster",
     {"base", "base/yaml", "hardware", "calibrate/fit", "calibrate/io", "calibrate/measure",
      "calibrate/mpi"}},
    {"calibrate/cli",
     {"base", "base/yaml", "hardware", "hardware/io", "calibrate/fit", "calibrate/io", "calibrate/measure",
      "calibrate/cluster", "calibrate/cpu", "calibrate/cuda"}},
};

// Folders whose code is a function of its arguments: no files, streams, threads, clock or environment.
const Names pure_folders = {"base", "model", "hardware", "sim", "sim/report", "calibrate/fit"};

// What they may use of the standard library ...
const Names pure_standard_headers = {"algorithm",
                                     "array",
                                     "bit",
                                     "bitset",
                                     "cassert",
                                     "cctype",
                                     "cerrno",
                                     "cfloat",
                                     "charconv",
                                     "cmath",
                                     "compare",
                                     "concepts",
                                     "cstddef",
                                     "cstdint",
                                     "cstdlib",
                                     "cstring",
                                     "deque",
                                     "exception",
                                     "functional",
                                     "initializer_list",
                                     "iterator",
                                     "limits",
                                     "list",
                                     "map",
                                     "memory",
                                     "memory_resource",
                                     "new",
                                     "numbers",
                                     "numeric",
                                     "optional",
                                     "queue",
                                     "ranges",
                                     "ratio",
                                     "set",
                                     "source_location",
                                     "span",
                                     "stack",
                                     "stdexcept",
                                     "string",
                                     "string_view",
                                     "system_error",
                                     "tuple",
                                     "type_traits",
                                     "typeinfo",
                                     "unordered_map",
                                     "unordered_set",
                                     "utility",
                                     "variant",
                                     "vector",
                                     "version"};

// ... and of other libraries, by the first part of the header's path.
const std::map<std::string, Names> pure_libraries = {
    {"base", {"fmt", "tl"}},
    {"model", {"fmt", "tl"}},
    {"hardware", {"fmt", "tl"}},
    {"sim", {"fmt", "tl"}},
    {"sim/report", {"fmt", "tl", "nlohmann"}},
    {"calibrate/fit", {"fmt", "tl", "Eigen"}},
};

// Functions that read the environment, the clock or the locale, or print, whatever their header.
const std::vector<std::string> impure_calls = {"getenv(",   "setlocale(", "std::stod", "std::stof",
                                               "strtod(",   "atof(",      "printf(",   "std::time(",
                                               "std::rand", "std::locale"};

std::vector<SourceFile> module_files() {
  return source_files({"base", "model", "hardware", "sim", "cli", "calibrate"});
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool is_allowed_in_pure(const std::string& header, const Names& libraries) {
  const std::size_t slash = header.find('/');
  if (slash != std::string::npos) return libraries.contains(header.substr(0, slash));
  return pure_standard_headers.contains(header);
}

TEST(Layers, FoldersAreKnown) {
  for (const SourceFile& file : module_files())
    EXPECT_TRUE(may_include.contains(file.folder)) << file.path << ": give its folder a place in may_include";
}

TEST(Layers, IncludesGoDownwards) {
  for (const SourceFile& file : module_files()) {
    const auto allowed = may_include.find(file.folder);
    if (allowed == may_include.end()) continue;
    for (const Include& include : file.includes) {
      const std::string folder = folder_of(include.target);
      if (include.is_system || folder == file.folder) continue;
      EXPECT_TRUE(allowed->second.contains(folder))
          << file.path << ":" << include.line << ": " << file.folder << " may not know " << include.target;
    }
  }
}

TEST(Layers, PureFoldersIncludeNothingImpure) {
  for (const SourceFile& file : module_files()) {
    if (!pure_folders.contains(file.folder)) continue;
    for (const Include& include : file.includes)
      EXPECT_TRUE(!include.is_system || is_allowed_in_pure(include.target, pure_libraries.at(file.folder)))
          << file.path << ":" << include.line << ": <" << include.target << "> in a pure folder";
  }
}

TEST(Layers, PureFoldersCallNothingImpure) {
  for (const SourceFile& file : module_files()) {
    if (!pure_folders.contains(file.folder)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string code = file.lines[i].substr(0, file.lines[i].find("//"));
      for (const std::string& call : impure_calls)
        EXPECT_EQ(code.find(call), std::string::npos) << file.path << ":" << i + 1 << ": " << call;
    }
  }
}

TEST(Layers, OnlyTheWrapperKnowsYamlCpp) {
  for (const SourceFile& file : all_source_files())
    for (const Include& include : file.includes)
      EXPECT_TRUE(!include.target.starts_with("yaml-cpp/") || file.folder == "base/yaml")
          << file.path << ":" << include.line;
}

}  // namespace
}  // namespace ridge::repository
