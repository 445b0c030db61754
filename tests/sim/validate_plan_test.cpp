#include "sim/validate_plan.h"

#include "prepared_scenario.h"
#include "sim/memory.h"

#include <algorithm>

namespace ridge {
namespace {

const char* const good = R"(
model: llama-3-70b
hardware: dgx-h100
devices: 64
software: megatron-core
training: {sequence_length: 4096, micro_batch: 1, global_batch: 128, precision: mixed-bf16, optimizer: adamw, recompute: full}
parallel: {tensor: 4, pipeline: 4}
)";

std::vector<Violation> violations(const std::vector<std::string>& assignments, const char* yaml = good) {
  const Prepared p = testing::prepared(yaml, assignments);
  return validate(p, testing::plan_of(p));
}

bool has(const std::vector<Violation>& found, std::string_view code) {
  return std::ranges::any_of(found, [&](const Violation& v) { return v.code == code; });
}

TEST(ValidatePlan, AGoodPlanHasNone) { EXPECT_TRUE(violations({}).empty()); }

TEST(ValidatePlan, EachRuleHasItsCode) {
  const std::pair<std::string, std::vector<std::string>> rules[] = {
      {"degree", {"parallel.data=1048576", "parallel.tensor=64"}},
      {"devices-by-plan", {"parallel.data=3"}},
      {"heads-by-tensor", {"parallel.tensor=6", "devices=24"}},
      {"kv-heads-by-tensor",
       {"parallel.tensor=4", "model.kv_heads=6", "model.heads=60", "model.head_dim=128"}},
      {"ffn-by-tensor", {"parallel.tensor=4", "model.ffn_hidden_size=28674"}},
      {"layers-by-pipeline", {"parallel.pipeline=4", "model.layers=3"}},
      {"layers-by-pipeline", {"parallel.virtual_stages=40", "parallel.schedule=interleaved-1f1b"}},
      {"virtual-stages-by-schedule", {"parallel.schedule=gpipe", "parallel.virtual_stages=2"}},
      {"stages-by-schedule", {"parallel.schedule=dualpipe", "parallel.pipeline=1"}},
      {"micro-batches-by-schedule", {"parallel.schedule=dualpipe", "training.global_batch=16"}},
      {"micro-batches-by-schedule", {"parallel.virtual_stages=2", "training.global_batch=20"}},
      {"batch-by-data", {"training.global_batch=126"}},
      {"sequence-by-context", {"parallel.sequence=true", "training.sequence_length=4095"}},
      {"sequence-by-context", {"parallel.context=2", "training.sequence_length=4095"}},
      {"experts-absent", {"parallel.expert=2"}},
      {"offload-by-zero", {"parallel.offload=optimizer+parameters"}},
  };
  for (const auto& [code, assignments] : rules) {
    const auto found = violations(assignments);
    EXPECT_TRUE(has(found, code)) << code << ' ' << assignments.front();
    for (const Violation& v : found) EXPECT_TRUE(!v.problem.empty() && !v.remedy.empty()) << v.code;
  }
}

TEST(ValidatePlan, ExpertRules) {
  const std::vector<std::string> moe = {"model=mixtral-8x7b"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), moe.begin(), moe.end());
    return violations(more);
  };
  EXPECT_TRUE(with({"parallel.expert=8"}).empty());
  EXPECT_TRUE(has(with({"parallel.expert=3"}), "experts-by-expert"));
  EXPECT_TRUE(has(with({"parallel.expert=8", "parallel.expert_tensor=3"}), "experts-by-expert"));
  EXPECT_TRUE(has(with({"parallel.expert=8", "parallel.expert_tensor=4"}), "plane-by-expert"));
}

TEST(ValidatePlan, AllAtOnce) {
  const auto found =
      violations({"parallel.tensor=6", "parallel.data=3", "training.global_batch=7", "parallel.expert=2"});
  for (const char* code : {"devices-by-plan", "heads-by-tensor", "batch-by-data", "experts-absent"}) {
    EXPECT_TRUE(has(found, code)) << code;
  }
}

TEST(ValidatePlan, RemediesAreWhatWouldSatisfy) {
  for (const Violation& v : violations({"parallel.tensor=6", "devices=24"})) {
    if (v.code == "heads-by-tensor") {
      EXPECT_NE(v.remedy.find("1, 2, 4, 8, 16"), std::string::npos) << v.remedy;
    }
  }
  for (const Violation& v : violations({"parallel.data=3"})) {
    if (v.code == "devices-by-plan") {
      EXPECT_NE(v.remedy.find("parallel.data to 4"), std::string::npos) << v.remedy;
    }
  }
}

TEST(ValidatePlan, OutOfMemoryIsAddedFromTheEstimateAndNamesWhatIsLarge) {
  auto out_of_memory = [](const std::vector<std::string>& assignments) {
    const Prepared p = testing::prepared(good, assignments);
    std::vector<Violation> found;
    check_capacity(p, memory(p, testing::plan_of(p)), found);
    EXPECT_TRUE(has(found, "out-of-memory"));
    return found.empty() ? std::string() : found.front().remedy;
  };
  const std::string activations = out_of_memory({"training.recompute=none", "training.micro_batch=8"});
  EXPECT_NE(activations.find("training.recompute to full"), std::string::npos) << activations;
  const std::string states = out_of_memory({"parallel.tensor=1", "parallel.pipeline=1"});
  EXPECT_NE(states.find("parallel.zero"), std::string::npos) << states;
}

TEST(ValidatePlan, UnreachableDevicesAreAViolation) {
  EXPECT_TRUE(has(violations({"hardware=h100-sxm-80gb"}), "not-connected"));  // one device, no tiers
}

}  // namespace
}  // namespace ridge
