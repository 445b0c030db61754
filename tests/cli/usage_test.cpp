// Usage, exit status, and which stream says what.
#include "cli/grammar.h"
#include "tests/cli/cli_run.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using test::ridge;
using test::Said;
using testing::HasSubstr;
using testing::Not;

TEST(Usage, StatusSaysWhatHappened) {
  EXPECT_EQ(ridge({"plan", "llama-3-70b-64-h100"}).status, 0);
  EXPECT_EQ(ridge({"plan", "llama-3-70b-too-big"}).status, 1);
  EXPECT_EQ(ridge({"plan", "no-such-scenario"}).status, 2);
  EXPECT_EQ(ridge({"plan"}).status, 2);
  EXPECT_EQ(ridge({}).status, 2);
  EXPECT_EQ(ridge({"--help"}).status, 0);
}

TEST(Usage, ProblemsGoToErrAndResultsToOut) {
  const Said good = ridge({"plan", "gpt2-first-steps", "--json"});
  EXPECT_EQ(good.err, "");
  EXPECT_TRUE(good.out.starts_with("{"));
  const std::vector<std::vector<std::string>> bad = {{"plan", "nothing"},
                                                     {"plan", "gpt2-first-steps", "--set", "x=1", "--json"},
                                                     {"frobnicate"},
                                                     {"plan", "a", "b"},
                                                     {"explain", "no.such.key", "gpt2-first-steps"},
                                                     {"list", "gadgets"},
                                                     {"schema", "x"},
                                                     {"validate", "/no/such.csv"},
                                                     {"model", "no-model"},
                                                     {"hardware", "no-machine"},
                                                     {"completion", "fish"},
                                                     {"compare", "gpt2-first-steps"},
                                                     {"train", "gpt2"}};
  for (const auto& arguments : bad) {
    const Said said = ridge(arguments);
    EXPECT_EQ(said.status, 2) << arguments[0];
    EXPECT_EQ(said.out, "") << arguments[0];
    EXPECT_NE(said.err, "") << arguments[0];
  }
}

TEST(Usage, SuggestsTheNearestName) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"paln"}, "plan"},
      {{"plan", "gpt2-first-step"}, "gpt2-first-steps"},
      {{"plan", "gpt2-first-steps", "--jsn"}, "--json"},
      {{"train", "gpt2", "--micro-batches", "2"}, "--micro-batch"},
      {{"model", "lama-3-8b"}, "llama-3-8b"},
      {{"hardware", "dgx-h1000"}, "dgx-h100"},
      {{"plan", "gpt2-first-steps", "--set", "training.micro_bach=1"}, "micro_batch"},
      {{"plan", "gpt2-first-steps", "--set", "training.precision=amp-bf61"}, "amp-bf16"},
      {{"plan", "gpt2-first-steps", "--set", "software=transformer-eager"}, "transformers-eager"},
      {{"explain", "memory.parts.wieghts", "gpt2-first-steps"}, "memory.parts.weights"},
      {{"list", "modles"}, "models"},
      {{"schema", "trainin"}, "training"},
  };
  for (const auto& [arguments, name] : cases)
    EXPECT_THAT(ridge(arguments).err, HasSubstr("did you mean '" + name + "'?")) << arguments[0];
}

TEST(Usage, UnknownPresetsPointToTheirList) {
  EXPECT_THAT(ridge({"hardware", "nope"}).err, HasSubstr("ridge list hardware"));
  EXPECT_THAT(ridge({"model", "nope"}).err, HasSubstr("ridge list models"));
  EXPECT_THAT(ridge({"hardware", "h200-"}).err, HasSubstr("expected one of: "));
  EXPECT_THAT(ridge({"train", "gpt2", "--on", "nope"}).err, HasSubstr("ridge list hardware"));
}

TEST(Usage, OptionsWithoutEffectAreRemarked) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"plan", "gpt2-first-steps", "--depth", "2"}, "--depth has no effect without --explain"},
      {{"plan", "gpt2-first-steps", "--explain", "time.step_seconds", "--markdown"},
       "--markdown has no effect"},
      {{"explain", "gpt2-first-steps", "--depth", "2"}, "--depth has no effect without a key"},
      {{"infer", "gpt2", "--on", "h100", "--phase", "prefill", "--prompt", "64", "--output", "9"},
       "output_tokens has no effect in phase prefill"},
      {{"train", "gpt2", "--on", "h100", "--lora-rank", "9"}, "lora_rank has no effect with method full"},
      {{"list", "models", "--names", "--json"}, "no effect with --names"},
  };
  for (const auto& [arguments, remark] : cases) {
    const Said said = ridge(arguments);
    EXPECT_EQ(said.status, 0) << said.err;
    EXPECT_THAT(said.err, HasSubstr(remark));
  }
  EXPECT_EQ(ridge({"infer", "gpt2", "--on", "h100", "--prompt", "64", "--output", "9"}).err, "");
}

TEST(Usage, NegativeNumbersAreValues) {
  for (const std::vector<std::string>& depth : {std::vector<std::string>{"--depth", "-1"}, {"--depth=-1"}}) {
    std::vector<std::string> arguments{"explain", "time.step_seconds", "gpt2-first-steps"};
    arguments.insert(arguments.end(), depth.begin(), depth.end());
    const Said said = ridge(arguments);
    EXPECT_EQ(said.status, 2);
    EXPECT_THAT(said.err, HasSubstr("-1 not in range 0 to 64"));
  }
  EXPECT_THAT(ridge({"train", "gpt2", "--on", "h100", "--micro-batch", "-3"}).err,
              HasSubstr("'micro_batch: -3'"));
}

TEST(Usage, ProblemsFitTheirTerminal) {
  const std::string path = testing::TempDir() + "ridge-wide.yaml";
  std::ofstream(path) << "model: gpt2\nhardware: dgx-h100\ntraining: {sequence_length: 128, "
                         "a_long_key_that_is_not_known: 12, another_long_key_that_is_not_known: 13}\n";
  Terminal terminal;
  for (const int width : {60, 80, 120}) {
    terminal.err_width = width;
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"plan", path},
                                                      {"hardware", "nope"},
                                                      {"explain", "no.such.key", "gpt2-first-steps"}}) {
      std::istringstream text(ridge(arguments, {}, terminal).err);
      for (std::string line; std::getline(text, line);)
        if (line.find(path) == std::string::npos) {  // a path is not torn
          EXPECT_LE(line.size(), static_cast<std::size_t>(width)) << line;
        }
    }
  }
}

TEST(Usage, ExplanationsEndTheirLinesWithoutBlanks) {
  for (const char* width : {"60", "80", "132"})
    EXPECT_THAT(
        ridge({"explain", "time.step_seconds", "llama-3-70b-64-h100", "--depth", "30", "--width", width}).out,
        Not(HasSubstr(" \n")));
}

TEST(Usage, ATableIsNoScenario) {
  const std::string path = testing::TempDir() + "ridge-two-rows.csv";
  std::ofstream(path) << "id,model\na,gpt2\nb,gpt2\n";
  const Said said = ridge({"plan", path});
  EXPECT_EQ(said.status, 2);
  EXPECT_THAT(test::unwrapped(said.err), HasSubstr("ridge validate " + path));
}

TEST(Usage, EveryCommandHasHelpWithExamples) {
  Grammar g;
  for (const std::string& name : g.command_names()) {
    const Said said = ridge({"help", name});
    EXPECT_EQ(said.status, 0);
    EXPECT_EQ(said.err, "");
    EXPECT_THAT(said.out, HasSubstr("Examples")) << name;
    EXPECT_THAT(said.out, HasSubstr("ridge " + name)) << name;
    if (name == "calibrate") continue;  // another program answers
    EXPECT_EQ(ridge({name, "--help"}).out, said.out);
  }
}

TEST(Usage, OneOutputFormatAtATime) {
  for (const char* other : {"--csv", "--markdown"}) {
    const Said said = ridge({"plan", "gpt2-first-steps", "--json", other});
    EXPECT_EQ(said.status, 2) << other;
    EXPECT_EQ(said.out, "");
    EXPECT_THAT(said.err, HasSubstr("--json"));
  }
  EXPECT_EQ(ridge({"list", "--csv", "--markdown"}).status, 2);
}

TEST(Usage, OptionsOfOneKeyDoNotSwallowTheScenario) {
  const Said said = ridge({"plan", "--set", "training.micro_batch=4", "gpt2-first-steps", "--json"});
  EXPECT_EQ(said.status, 0) << said.err;
}

TEST(Usage, ColourFollowsOptionThenEnvironmentThenTerminal) {
  const auto is_coloured = [](const std::vector<std::string>& more, const Terminal& t) {
    std::vector<std::string> arguments{"plan", "gpt2-first-steps"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return ridge(arguments, {}, t).out.find('\x1b') != std::string::npos;
  };
  Terminal terminal;
  EXPECT_FALSE(is_coloured({}, terminal));
  EXPECT_TRUE(is_coloured({"--color", "always"}, terminal));
  terminal.out_is_terminal = true;
  EXPECT_TRUE(is_coloured({}, terminal));
  EXPECT_FALSE(is_coloured({"--color=never"}, terminal));
  terminal.wants_color = false;  // NO_COLOR
  EXPECT_FALSE(is_coloured({}, terminal));
  EXPECT_EQ(ridge({"plan", "gpt2-first-steps", "--color", "sometimes"}).status, 2);
}

TEST(Usage, NoLineIsWiderThanTheTerminal) {
  for (const char* width : {"60", "80", "100", "132"}) {
    std::istringstream text(ridge({"plan", "llama-3-70b-64-h100", "--width", width, "--ascii"}).out);
    for (std::string line; std::getline(text, line);) EXPECT_LE(line.size(), std::stoul(width)) << line;
  }
}

TEST(Usage, ListGivesNamesForScripts) {
  const Said said = ridge({"list", "models", "--names"});
  EXPECT_THAT(said.out, HasSubstr("llama-3-8b\n"));
  EXPECT_THAT(said.out, Not(HasSubstr(" ")));
}

}  // namespace
}  // namespace ridge
