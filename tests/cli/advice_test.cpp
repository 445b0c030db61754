// Advice is a promise: the settings it names, given as --set, must give exactly the figures it names.
#include "sim/io/preset_index.h"
#include "tests/cli/cli_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

namespace ridge {
namespace {

using nlohmann::json;
using test::ridge;
using test::Said;
using Command = std::vector<std::string>;

Command with(Command command, std::initializer_list<std::string> more) {
  command.insert(command.end(), more);
  return command;
}

double headline(const json& plan) {
  for (const char* key :
       {"step_seconds", "prefill_seconds", "decode_step_seconds", "request_seconds", "seconds"})
    if (plan["time"].contains(key)) return plan["time"][key];
  return 0;
}

json advice_of(const Command& command) { return json::parse(ridge(with(command, {"--json"})).out)["advice"]; }

std::set<std::string> kinds_of(const json& advice) {
  std::set<std::string> kinds;
  for (const json& a : advice) kinds.insert(a["kind"].get<std::string>());
  return kinds;
}

bool proposes(const json& advice, const std::string& setting) {
  for (const json& a : advice)
    for (const json& set : a["set"])
      if (set == setting) return true;
  return false;
}

/// Takes every advice of the command; how many there were.
std::size_t take_all(const Command& command) {
  const json all = advice_of(command);
  for (const json& advice : all) {
    SCOPED_TRACE(advice.dump());
    Command again = with(command, {"--json", "--no-advice"});
    EXPECT_FALSE(advice["set"].empty());
    for (const json& set : advice["set"]) again = with(again, {"--set", set.get<std::string>()});
    const Said said = ridge(again);
    EXPECT_EQ(said.status, 0) << said.err;
    if (said.status != 0) continue;
    const json after = json::parse(said.out);
    EXPECT_EQ(after["memory"]["peak_allocated_bytes"], advice["peak_allocated_bytes"]);
    EXPECT_EQ(headline(after), advice["seconds"].get<double>());
    EXPECT_EQ(after["tokens_per_second"], advice["tokens_per_second"]);
    EXPECT_EQ(after["devices"], advice["devices"]);
  }
  return all.size();
}

TEST(Advice, OfEveryPresetScenarioHoldsWhenTaken) {
  const PresetIndex presets;
  std::size_t taken = 0;
  for (const std::string& name : presets.names(PresetKind::scenario)) {
    SCOPED_TRACE(name);
    taken += take_all({"plan", name});
  }
  EXPECT_GT(taken, 20u);
}

TEST(Advice, HoldsWhereDevicesAndBatchFollowFromThePlan) {
  const Command commands[] = {
      {"infer", "llama-3-8b", "--on", "dgx-h100"},
      {"infer", "llama-3-70b", "--on", "dgx-h100", "--tp", "4", "--batch", "16"},
      {"infer", "deepseek-v3", "--on", "hgx-h200", "--tp", "8"},
      {"train", "llama-3-8b", "--on", "hgx-h200", "-n", "8", "--zero", "1"},
      {"train", "llama-3-8b", "--on", "dgx-h100", "--tp", "2", "--pp", "2"},
      {"train", "mixtral-8x7b", "--on", "dgx-h100", "-n", "64", "--tp", "8", "--pp", "2", "--sp"},
      {"train", "gpt2", "--on", "hgx-h200", "-n", "1"},
      {"train", "llama-3-8b", "--on", "dgx-h100", "-n", "8", "--dp", "8"},
  };
  for (const Command& command : commands) {
    SCOPED_TRACE(testing::PrintToString(command));
    EXPECT_GT(take_all(command), 0u);
  }
}

TEST(Advice, WhatIsTooBigForInferenceGetsRemedies) {
  const Command command{"infer", "llama-3-70b", "--on", "dgx-h100"};
  const Said said = ridge(command);
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.out, testing::HasSubstr("What would make it fit"));
  EXPECT_GT(take_all(command), 1u);
  EXPECT_THAT(kinds_of(advice_of(command)), testing::IsSupersetOf({"numerics", "devices"}));
  const Command crowded{"infer", "llama-3-8b", "--on", "dgx-h100", "-n",
                        "1",     "--batch",    "256",  "--prompt", "4000"};
  EXPECT_THAT(kinds_of(advice_of(crowded)), testing::Contains("load"));
  EXPECT_GT(take_all(crowded), 0u);
}

TEST(Advice, FindsTheBigLevers) {
  EXPECT_TRUE(proposes(advice_of({"plan", "deepseek-v3-1024-h100"}), "parallel.expert=8"));
  const json decode = advice_of({"plan", "llama-3-70b-decode"});
  EXPECT_TRUE(proposes(decode, "inference.batch=128"));
  EXPECT_THAT(kinds_of(decode), testing::IsSupersetOf({"load", "numerics", "machine"}));
  EXPECT_TRUE(proposes(advice_of({"plan", "llama-3-70b-64-h100"}), "training.precision=fp8"));
}

TEST(Advice, MendsPlansThatCannotRun) {
  for (const char* broken : {"parallel.tensor=3", "parallel.pipeline=3", "parallel.data=5"}) {
    SCOPED_TRACE(broken);
    const Command command{"plan", "llama-3-70b-64-h100", "--set", broken};
    EXPECT_EQ(ridge(command).status, 1);
    EXPECT_GT(take_all(command), 0u);
  }
}

TEST(Advice, CanBePastedFromTheText) {
  std::istringstream out(ridge({"plan", "deepseek-v3-1024-h100", "--width", "200"}).out);
  std::vector<std::string> pasted{"plan", "deepseek-v3-1024-h100"};
  for (std::string line; std::getline(out, line);) {
    const std::vector<std::string> words = test::words(line);
    if (words.empty() || words[0] != "--set") continue;
    pasted.insert(pasted.end(), words.begin(), words.end());
    break;
  }
  ASSERT_GT(pasted.size(), 2u);
  EXPECT_EQ(ridge(pasted).status, 0);
}

}  // namespace
}  // namespace ridge
