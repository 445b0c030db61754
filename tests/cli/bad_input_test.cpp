// Whatever a command is given, it ends with a status that is documented, and says why on standard error.
#include "tests/cli/cli_run.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using Command = std::vector<std::string>;

std::vector<std::string> bad_files() {
  const std::pair<const char*, std::string> texts[] = {
      {"empty.yaml", ""},
      {"blank.csv", "\n \n"},
      {"list.yaml", "- a\n- b\n"},
      {"binary.yaml", std::string("\x00\xFF\xFE\x01model: gpt2", 14)},
      {"twice.yaml", "model: gpt2\nmodel: gpt2\n"},
      {"open.yaml", "model: [gpt2\nhardware: {a\n"},
      {"tab.yaml", "model: gpt2\n\thardware: dgx-h100\n"},
      {"units.yaml",
       "model: gpt2\nhardware: {preset: dgx-h100, device: {hbm: {bandwidth: 3 TB}}}\n"
       "training: {sequence_length: 4 GiB, global_batch: 8}\n"},
      {"huge.yaml",
       "model: {preset: gpt2, layers: 99999999999999999999}\nhardware: dgx-h100\n"
       "training: {sequence_length: 1e18, global_batch: 9223372036854775807}\n"
       "parallel: {tensor: -1, data: 1e400}\n"},
      {"nan.yaml", "model: gpt2\nhardware: dgx-h100\ndevices: nan\ntraining: {sequence_length: inf}\n"},
      {"deep.yaml", std::string(5000, '[')},
      {"self.yaml", "model: self.yaml\nhardware: self.yaml\ntraining: {sequence_length: 8}\n"},
      {"names.yaml", "model: gtp2\nhardware: dgx-h1\nsoftware: vlm\ntraining: {sequence_length: 8}\n"},
      {"config.json", "{\"model_type\": \"llama\", \"hidden_size\": 0, \"num_attention_heads\": \"many\"}"},
      {"columns.csv", "id,model,model\na,b,c\n"},
      {"quote.csv", "id,model,measured.parameters\n\"a,gpt2,3\n"},
      {"terminal.yaml",
       "name: \"\\e[31mred\\a\"\nmodel: gpt2\nhardware: dgx-h100\n"
       "training: {sequence_length: 8, global_batch: 8}\n"},
  };
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "ridge-bad";
  std::filesystem::create_directories(folder);
  std::vector<std::string> paths{(folder / "missing.yaml").string(),
                                 folder.string(),
                                 "",
                                 " ",
                                 "/dev/null",
                                 std::string(5000, 'x'),
                                 "\x1b[31m",
                                 "gpt2-first-steps=1",
                                 "../.."};
  for (const auto& [name, text] : texts) {
    std::ofstream(folder / name, std::ios::binary) << text;
    paths.push_back((folder / name).string());
  }
  return paths;
}

TEST(BadInput, EndsWithADocumentedStatusAndAReason) {
  const Command commands[] = {{"plan"},
                              {"model"},
                              {"hardware"},
                              {"validate"},
                              {"explain"},
                              {"explain", "time.step_seconds"},
                              {"compare", "gpt2-first-steps"},
                              {"train", "gpt2", "--on"},
                              {"infer", "gpt2", "--on"},
                              {"train", "--on", "dgx-h100"},
                              {"list"},
                              {"schema"},
                              {"completion"},
                              {"plan", "gpt2-first-steps", "--set"},
                              {"plan", "gpt2-first-steps", "--explain"},
                              {"plan", "gpt2-first-steps", "--presets"},
                              {"compare", "gpt2-first-steps", "--vary"}};
  for (const std::string& file : bad_files())
    for (Command command : commands) {
      command.push_back(file);
      SCOPED_TRACE(testing::PrintToString(command).substr(0, 300));
      const test::Said said = test::ridge(command);
      EXPECT_TRUE(said.status >= 0 && said.status <= 2) << said.status;
      if (said.status == 2) {
        EXPECT_EQ(said.out, "");
        EXPECT_NE(said.err, "");
      }
      EXPECT_EQ((said.out + said.err).find_first_of("\x1b\a"), std::string::npos);
    }
}

}  // namespace
}  // namespace ridge
