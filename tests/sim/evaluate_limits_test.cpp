/// Bounds and limits of an estimate, and what its notes tell.

#include "tests/sim/evaluate_support.h"

#include <algorithm>

namespace ridge::test {
namespace {

TEST(Evaluate, TheIdealStackIsABound) {
  // No engine prefills or decodes faster than the roofline with nothing but the products' operands moved.
  for (const std::string& phase : {std::string("prefill"), std::string("decode")}) {
    auto step = [&](const std::string& software) {
      const Estimate e = evaluate(prepared(decode_8b, {"inference.phase=" + phase, "software=" + software}));
      return e.time.totals.front().amount.value.value();
    };
    for (const char* engine :
         {"vllm", "tensorrt-llm", "gpt-fast", "kernels", "fastertransformer", "sglang", "pytorch-llama"})
      EXPECT_LT(step("ideal"), step(engine)) << engine << ' ' << phase;
  }
}

TEST(Evaluate, AStatedCapacityIsTheCapacity) {
  const Estimate e = evaluate(prepared(train_70b, {"hardware.device.hbm.capacity=160 GiB"}));
  EXPECT_EQ(e.memory.capacity.value.value(), 160.0 * 1024 * 1024 * 1024);
}

TEST(Evaluate, AdaptersUseLessOfThePeakThanTheyExecute) {
  // 4 N + 6 N_lora of 6 N: frozen weights have no weight gradients, so model FLOP never exceed executed ones.
  const Estimate e = evaluate(prepared(train_8b, {"training.method=lora", "training.recompute=none"}));
  EXPECT_LE(e.throughput.model_flops_utilization.value, 1.02 * e.throughput.hardware_flops_utilization.value);
}

TEST(Evaluate, ReductionsInsideANodeAreNotTheNetwork) {
  const Estimate e = evaluate(prepared(train_8b));
  for (const Limit& l : e.limits) EXPECT_NE(l.resource, Resource::network);
}

// One sequence on three replicas: two are idle, so the FLOP executed are those of one.
TEST(Utilization, LeavesIdleReplicasOut) {
  const auto executed = [](const char* devices) {
    const Estimate e =
        evaluate(prepared(decode_8b, {"inference.batch=1", std::string("devices=") + devices}));
    return e.throughput.hardware_flops_utilization.value / e.throughput.model_flops_utilization.value;
  };
  EXPECT_NEAR(executed("3"), executed("1"), 1e-9);
}

// 32 layers over 4 stages of 3 chunks; 2 chunks are equal.
TEST(Notes, TellOfChunksThatDiffer) {
  const auto about_chunks = [](const char* chunks) {
    const Estimate e = evaluate(prepared(R"(
model: llama-3-8b
hardware: dgx-h100
devices: 16
training: {sequence_length: 4096, global_batch: 64}
parallel: {tensor: 4, pipeline: 4, schedule: interleaved-1f1b}
)",
                                         {std::string("parallel.virtual_stages=") + chunks}));
    return std::ranges::any_of(
        e.notes, [](const std::string& n) { return n.find("equal chunks") != std::string::npos; });
  };
  EXPECT_TRUE(about_chunks("3"));
  EXPECT_FALSE(about_chunks("2"));
}

/// ZeRO-3 gathers each of 32 layers and the root on its own, forward and backward, and scatters as often: a
/// network slower by 1 ms costs 99 ms a step, of which 30 % (1 - software.overlap.gather) cannot hide.
TEST(Sharding, PaysTheLatencyOfEveryUnit) {
  const std::string sharded = R"(
model: llama-3-8b
hardware: hgx-h200
devices: 16
software: transformers-eager
training: {sequence_length: 4096, micro_batch: 1, global_batch: 16, precision: fsdp-bf16}
parallel: {zero: 3}
)";
  const auto with_latency = [&](const std::string& latency) {
    std::vector<std::string> sets;
    for (const char* protocol : {"ll", "ll128", "simple"})
      sets.push_back(std::string("hardware.tiers.network.link.collective.ring.") + protocol + "=" + latency);
    return total(evaluate(prepared(sharded, sets)), "step_seconds");
  };
  EXPECT_GE(with_latency("1020 us") - with_latency("20 us"), 0.3 * 0.099 - 1e-12);
}

/// Overrides with the default's own value, of a part that the scenario leaves out, change nothing.
TEST(Overrides, OfAnUnstatedPartStartFromItsDefault) {
  const std::string training = R"(
model: llama-3-8b
hardware: hgx-h200
devices: 4
training: {sequence_length: 4096}
parallel: {tensor: 4}
)";
  const Prepared plain = prepared(training);
  const Estimate before = evaluate(plain);
  const SoftwareStack& stack = plain.scenario.software;
  const std::string host =
      "software.launch.host_per_step=" + std::to_string(stack.launch.host_per_step.value() * 1e6) + " us";
  for (const std::string& set : {host, std::string("training.precision.moments=8 B/element")}) {
    const Estimate after = evaluate(prepared(training, {set}));
    EXPECT_EQ(after.memory.peak_allocated.value, before.memory.peak_allocated.value) << set;
    EXPECT_NEAR(total(after, "step_seconds"), total(before, "step_seconds"), 1e-9) << set;
  }
}

/// What-ifs on a calibrated machine: its profile stays, and the resource that grew shortens the step.
TEST(Overrides, OfACalibratedMachineAreHeard) {
  const std::string training = R"(
model: llama-3-8b
hardware: hgx-h200-calibrated
devices: 4
training: {sequence_length: 4096}
parallel: {tensor: 4}
)";
  const double before = total(evaluate(prepared(training)), "step_seconds");
  for (const char* set :
       {"hardware.device.peaks.bf16=2000 TFLOP/s", "hardware.device.hbm.bandwidth=9600 GB/s",
        "hardware.tiers.nvlink.link.bandwidth=1800 GB/s"})
    EXPECT_LT(total(evaluate(prepared(training, {set})), "step_seconds"), before) << set;
}

}  // namespace
}  // namespace ridge::test
