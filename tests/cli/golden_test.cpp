// Every output in tests/golden is what the command of tests/golden/commands.txt prints now.  A changed
// prediction therefore shows in review; tools/refresh accepts it.
#include "sim/io/preset_index.h"
#include "tests/cli/cli_run.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>

namespace ridge {
namespace {

namespace fs = std::filesystem;
const fs::path root = fs::path(RIDGE_SOURCE_DIR);

std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::map<std::string, std::string> golden_commands() {
  std::ifstream in(root / "tests/golden/commands.txt");
  std::map<std::string, std::string> commands;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t blank = line.find(' ');
    commands[line.substr(0, blank)] = line.substr(blank + 1);
  }
  return commands;
}

/// The first line that is not the same, both ways.
std::string first_difference(const std::string& golden, const std::string& now) {
  std::istringstream a(golden), b(now);
  for (int number = 1;; ++number) {
    std::string x, y;
    const bool has_x = static_cast<bool>(std::getline(a, x)), has_y = static_cast<bool>(std::getline(b, y));
    if (!has_x && !has_y) return "the last line's end";
    if (x != y || has_x != has_y) return "line " + std::to_string(number) + "\n  was " + x + "\n  is  " + y;
  }
}

void expect_same(const std::string& file, const std::string& now) {
  const std::string golden = file_text(root / "tests/golden" / file);
  EXPECT_TRUE(golden == now)
      << file << " changed at " << first_difference(golden, now)
      << "\ntools/refresh rewrites the golden files; read the difference before committing it";
}

TEST(Golden, OutputsAreUnchanged) {
  for (const auto& [file, arguments] : golden_commands()) {
    const test::Said said = test::ridge(test::words(arguments));
    EXPECT_LE(said.status, 1) << arguments << '\n' << said.err;
    EXPECT_EQ(said.err, "") << arguments;
    expect_same(file, said.out);
  }
}

TEST(Golden, EveryPresetScenarioHasTextAndJson) {
  const auto commands = golden_commands();
  const PresetIndex presets;
  for (const std::string& name : presets.names(PresetKind::scenario)) {
    EXPECT_TRUE(commands.contains(name + ".txt")) << name;
    EXPECT_TRUE(commands.contains(name + ".json")) << name;
  }
}

TEST(Golden, ScoreboardIsUnchanged) {
  std::vector<std::string> arguments;
  for (const auto& e : fs::directory_iterator(root / "tests/measurements"))
    if (e.path().extension() == ".csv") arguments.push_back(e.path().string());
  std::sort(arguments.begin(), arguments.end());
  arguments.insert(arguments.begin(), "validate");
  arguments.push_back("--markdown");
  expect_same("validation-summary.md", test::ridge(arguments).out);
  arguments.insert(arguments.end(), {"--by", "metric"});
  expect_same("validation-digest.md", test::ridge(arguments).out);
}

}  // namespace
}  // namespace ridge
