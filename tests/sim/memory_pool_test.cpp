// What serving engines claim of a device, and what goes in.
#include "prepared_scenario.h"
#include "sim/estimate.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

Prepared serving(const std::string& software, int batch, const std::vector<std::string>& set = {}) {
  return testing::prepared(fmt::format("model: llama-3-8b\nhardware: h100-sxm\ndevices: 1\nsoftware: {}\n"
                                       "inference: {{phase: decode, batch: {}, prompt_tokens: 8191}}\n",
                                       software, batch),
                           set);
}

bool is_out_of_pool(const Estimate& e) {
  return std::ranges::any_of(e.violations, [](const Violation& v) { return v.code == "out-of-pool"; });
}

double part(const MemoryEstimate& m, std::string_view name) {
  for (const auto& p : m.stages.front().parts)
    if (p.name == name) return p.amount.value.value();
  return 0;
}

// With C usable, o context, a allocated, w weights, k cache (all of the estimate) and the engine's share f:
//   vLLM          f C - (a + o)            SGLang        f (C - o) - (w + k)
//   LMDeploy      f (C - o - w) - k        TensorRT-LLM  f (C - o - (a - k)) - k
TEST(MemoryPool, LeavesWhatTheEnginesRuleSays) {
  for (const std::string name : {"vllm", "sglang", "lmdeploy", "tensorrt-llm"}) {
    const Prepared p = serving(name, 16);
    const Estimate e = evaluate(p);
    const MemoryEstimate& m = e.memory;
    const double f = p.scenario.software.allocator.pool_fraction, C = m.capacity.value.value(),
                 o = m.outside.value.value(), a = m.peak_allocated.value.value(), w = part(m, "weights"),
                 k = part(m, "kv_cache");
    const double expected = name == "vllm"       ? f * C - (a + o)
                            : name == "sglang"   ? f * (C - o) - (w + k)
                            : name == "lmdeploy" ? f * (C - o - w) - k
                                                 : f * (C - o - (a - k)) - k;
    EXPECT_NEAR(m.stages.front().pool_slack.value.value(), expected, 1) << name;
    EXPECT_NEAR(m.headroom.value.value(), std::min(expected, C - a - o), 1) << name;
    EXPECT_NEAR(m.peak_reserved.value.value(), a + expected, 1) << name;
    EXPECT_TRUE(e.fits) << name;
  }
}

// Llama 3 8B keeps 2 x 32 x 8 x 128 x 2 B = 128 KiB a token: 8192 of them are 1 GiB.  0.9 of an H100's
// 79.2 GiB, less 1 GiB of context, 0.5 of workspaces and 15 of weights, leave room for 54 such sequences.
TEST(MemoryPool, BindsBeforeTheDeviceDoes) {
  EXPECT_TRUE(evaluate(serving("vllm", 52)).fits);
  const Estimate full = evaluate(serving("vllm", 60));
  EXPECT_TRUE(is_out_of_pool(full));
  EXPECT_FALSE(full.fits);
  EXPECT_LT(full.memory.peak_allocated.value + full.memory.outside.value, full.memory.capacity.value);
  EXPECT_NE(full.violations.front().problem.find("gpu_memory_utilization"), std::string::npos);
  EXPECT_TRUE(evaluate(serving("vllm", 60, {"software.allocator.pool_fraction=0.99"})).fits);
  EXPECT_TRUE(evaluate(serving("ideal", 60)).fits);
}

TEST(MemoryPool, IsNotAskedInTraining) {
  const Prepared p = testing::prepared(
      "model: gpt2\nhardware: h100-sxm\nsoftware: transformers-eager\n"
      "training: {sequence_length: 128, global_batch: 1}\n",
      {"software.allocator.pool_fraction=0.001"});
  EXPECT_TRUE(evaluate(p).fits);
}

}  // namespace
}  // namespace ridge
