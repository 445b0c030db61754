// Text output keeps to the width of the terminal, and to 80 columns where there is none.
#include "cli/grammar.h"
#include "cli/names.h"
#include "sim/report/text_layout.h"
#include "tests/cli/cli_run.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using test::ridge;
using Command = std::vector<std::string>;

std::vector<std::string> names(const char* kind) {
  const PresetIndex presets;
  PresetReader reader(presets);
  return listed_names(reader, kind);
}

std::vector<Command> commands_over_presets() {
  std::vector<Command> all{{"list"}, {"model", "deepseek-v3", "--tensors"}, {"--help"}};
  for (const std::string& kind : listed_kinds()) all.push_back({"list", kind});
  for (const std::string& name : schema_names()) all.push_back({"schema", name});
  for (const std::string& name : names("models")) all.push_back({"model", name});
  for (const std::string& name : names("hardware")) all.push_back({"hardware", name});
  Command everything{"compare"};
  for (const std::string& name : names("scenarios")) {
    all.insert(all.end(), {{"plan", name}, {"explain", name}, {"compare", name, "llama-3-70b-64-h100"}});
    for (const char* key : {"step_seconds", "peak_allocated_bytes"})
      all.push_back({"explain", key, name, "--depth", "40"});
    everything.push_back(name);
  }
  all.push_back(everything);
  Grammar g;
  for (const std::string& name : g.command_names()) all.push_back({"help", name});
  Command validate{"validate"};
  for (const auto& e : std::filesystem::directory_iterator(RIDGE_SOURCE_DIR "/tests/measurements"))
    if (e.path().extension() == ".csv") validate.push_back(e.path().string());
  for (const Command& more : {Command{}, Command{"--rows"}, Command{"--by", "metric"}}) {
    all.push_back(validate);
    all.back().insert(all.back().end(), more.begin(), more.end());
  }
  return all;
}

std::string without_escapes(std::string text) {
  for (std::size_t at; (at = text.find("\x1b[")) != std::string::npos;)
    text.erase(at, text.find('m', at) - at + 1);
  return text;
}

int widest_line(const std::string& text) {
  std::istringstream in(text);
  int widest = 0;
  for (std::string line; std::getline(in, line);) widest = std::max(widest, text_width(line));
  return widest;
}

std::string shown(const Command& command) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(command.size(), 6); ++i) text += command[i] + ' ';
  return text;
}

TEST(Width, EveryCommandKeepsTo80ColumnsWithAndWithoutColour) {
  Terminal coloured;
  coloured.out_is_terminal = true;
  for (const Command& command : commands_over_presets()) {
    const std::string plain = ridge(command).out;
    EXPECT_LE(widest_line(plain), 80) << shown(command);
    EXPECT_EQ(without_escapes(ridge(command, {}, coloured).out), plain) << shown(command);
  }
}

TEST(Width, OtherTerminalsAreFilledAndNotExceeded) {
  for (const int width : {50, 60, 100, 132, 240}) {
    Terminal t;
    t.width = width;
    for (const Command& command :
         {Command{"list", "models"}, Command{"hardware", "dgx-h100"},
          Command{"compare", "llama-3-70b-64-h100", "deepseek-v3-1024-h100"}, Command{"schema", "hardware"},
          Command{"plan", "llama-3-70b-64-h100"}, Command{"help", "train"}}) {
      EXPECT_LE(widest_line(ridge(command, {}, t).out), width) << shown(command);
    }
  }
  Terminal wide;
  wide.width = 240;
  EXPECT_GT(widest_line(ridge({"list", "models"}, {}, wide).out), 120);
  EXPECT_EQ(ridge({"list", "models"}, {}, wide).out.find("left out"), std::string::npos);
}

}  // namespace
}  // namespace ridge
