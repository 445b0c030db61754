// Every example of the help and of the README does what it says: each is run by a shell.
#include "cli/grammar.h"
#include "cli/help_text.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sstream>

#ifdef RIDGE_EXECUTABLE

namespace ridge {
namespace {

namespace fs = std::filesystem;

std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Commands of a text, continued lines joined and remarks behind three blanks cut off.
std::vector<std::string> commands_in(std::string_view text) {
  std::vector<std::string> out;
  std::istringstream lines{std::string(text)};
  bool is_continued = false;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string::npos) continue;
    line.erase(0, begin);
    line.erase(std::min(line.find("   "), line.size()));
    const bool continues = line.ends_with('\\');
    if (continues) line.pop_back();
    if (is_continued) out.back() += line;
    else out.push_back(line);
    is_continued = continues;
  }
  return out;
}

/// A folder with the files that examples name.
fs::path folder_of_examples() {
  const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
  const fs::path folder = fs::path(testing::TempDir()) / ("ridge-examples-" + test);
  fs::remove_all(folder);
  fs::create_directories(folder / "path/to");
  fs::create_directories(folder / ".zfunc");
  const fs::path root(RIDGE_SOURCE_DIR);
  for (const char* name : {"run.yaml", "before.yaml", "after.yaml"})
    fs::copy(root / "presets/scenarios/llama-3-70b-64-h100.yaml", folder / name);
  std::ofstream(folder / "my-cluster.yaml") << "device: h100-sxm-80gb\nnode: {devices: 1}\n";
  for (const char* name : {"config.json", "path/to/config.json"})
    std::ofstream(folder / name) << R"({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2,
      "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 100, "max_position_embeddings": 64})";
  std::ofstream(folder / "measurements.csv")
      << "id,model,hardware,devices,training.sequence_length,training.global_batch,measured.step_seconds\n"
         "first,gpt2,hgx-h200,1,1024,8,0.1\n";
  return folder;
}

/// Runs a command line in the folder; its exit status, and what it said on standard error.
std::pair<int, std::string> run_in(const fs::path& folder, const std::string& command) {
  const fs::path script = folder / "example.sh", err = folder / "example.err";
  std::ofstream(script) << "set -o pipefail\nexport HOME=" << folder
                        << "\nPATH=" << fs::path(RIDGE_EXECUTABLE).parent_path() << ":$PATH\ncd " << folder
                        << "\njq() { cat > /dev/null; }\nsbatch() { :; }\n"
                        << command << '\n';
  const int status = std::system(("bash " + script.string() + " > /dev/null 2> " + err.string()).c_str());
  return {WEXITSTATUS(status), file_text(err)};
}

void expect_done(const fs::path& folder, const std::string& command) {
  const auto [status, err] = run_in(folder, command);
  EXPECT_EQ(status, 0) << command << '\n' << err;
}

TEST(Examples, OfTheHelpRun) {
  const fs::path folder = folder_of_examples();
  const bool has_calibrate = run_in(folder, "ridge calibrate --help").first == 0;
  Grammar g;
  std::vector<std::string> names = g.command_names();
  names.emplace_back("ridge");
  for (const std::string& name : names) {
    if (name == "calibrate") continue;  // measures
    for (const std::string& command : commands_in(help_text(name).examples)) expect_done(folder, command);
  }
  EXPECT_EQ(run_in(folder, "ridge calibrate --help").first, has_calibrate ? 0 : 2);
}

TEST(Examples, OfTheReadmeRun) {
  const fs::path folder = folder_of_examples();
  std::istringstream readme(file_text(fs::path(RIDGE_SOURCE_DIR) / "README.md"));
  std::size_t seen = 0;
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with("./run ")) continue;
    ++seen;
    expect_done(folder, "ridge " + line.substr(6));
  }
  EXPECT_GE(seen, 5u);
}

}  // namespace
}  // namespace ridge

#endif
