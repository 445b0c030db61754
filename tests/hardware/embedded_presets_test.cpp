#include "hardware/io/embedded_presets.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

namespace ridge {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> preset_files() {
  std::vector<std::string> paths;
  const fs::path root = fs::path(RIDGE_SOURCE_DIR) / "presets";
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.path().extension() == ".yaml")
      paths.push_back(fs::relative(entry.path(), root).generic_string());
  std::ranges::sort(paths);
  return paths;
}

TEST(EmbeddedPresets, AreTheFilesOfTheFolder) {
  std::vector<std::string> embedded;
  for (const EmbeddedFile& file : embedded_presets()) embedded.emplace_back(file.path);
  EXPECT_EQ(embedded, preset_files());
}

TEST(EmbeddedPresets, HoldEveryByte) {
  for (const EmbeddedFile& file : embedded_presets()) {
    std::ifstream in(fs::path(RIDGE_SOURCE_DIR) / "presets" / file.path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(text, file.text) << file.path;
  }
}

}  // namespace
}  // namespace ridge
