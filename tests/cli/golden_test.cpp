// Every output in tests/golden is what the command of tests/golden/commands.txt prints now.  A changed
// prediction therefore shows in review; tools/refresh accepts it.
#include "sim/io/preset_index.h"
#include "tests/cli/cli_run.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
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

std::size_t number_length(std::string_view s) {
  double value = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  return error == std::errc{} ? static_cast<std::size_t>(end - s.data()) : 0;
}

/// Equal texts, where fractions count as the same up to 12 significant digits: the last ones belong to the
/// compiler.  Whole numbers are exact.
bool is_same(std::string_view a, std::string_view b) {
  while (a != b) {
    if (a.empty() || b.empty()) return false;
    const bool is_number = std::isdigit(static_cast<unsigned char>(a[0])) != 0;
    const std::size_t x = is_number ? number_length(a) : 1, y = is_number ? number_length(b) : 1;
    const std::string_view p = a.substr(0, x), q = b.substr(0, y);
    if (p != q) {
      const std::string both = std::string(p) + std::string(q);
      if (!is_number || y == 0 || both.find_first_of(".e") == std::string::npos) return false;
      const double u = std::stod(std::string(p)), v = std::stod(std::string(q));
      if (std::abs(u - v) > 1e-12 * std::abs(u)) return false;
    }
    a.remove_prefix(x);
    b.remove_prefix(y);
  }
  return true;
}

/// The first line that is not the same, both ways.
std::string first_difference(const std::string& golden, const std::string& now) {
  std::istringstream a(golden), b(now);
  for (int number = 1;; ++number) {
    std::string x, y;
    const bool has_x = static_cast<bool>(std::getline(a, x)), has_y = static_cast<bool>(std::getline(b, y));
    if (!has_x && !has_y) return "the last line's end";
    if (!is_same(x, y) || has_x != has_y)
      return "line " + std::to_string(number) + "\n  was " + x + "\n  is  " + y;
  }
}

void expect_same(const std::string& file, const std::string& now) {
  const std::string golden = file_text(root / "tests/golden" / file);
  EXPECT_TRUE(is_same(golden, now))
      << file << " changed at " << first_difference(golden, now)
      << "\ntools/refresh rewrites the golden files; read the difference before committing it";
}

TEST(Golden, FractionsAreTheSameToTwelveDigits) {
  EXPECT_TRUE(is_same("t 0.12345678901234567, n 5", "t 0.12345678901234561, n 5"));
  EXPECT_TRUE(is_same("1.0000000000001e-05", "1.0000000000002e-05"));
  EXPECT_FALSE(is_same("t 0.12345678901", "t 0.12345678902"));
  EXPECT_FALSE(is_same("671026419200123", "671026419200124"));  // a count
  EXPECT_FALSE(is_same("1.5 s", "1.5 ms"));
  EXPECT_FALSE(is_same("1.5", "1.5\n"));
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
