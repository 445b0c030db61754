/// Laws of an estimate: parts sum, the record re-evaluates, more of a resource never costs time.

#include "base/explain_text.h"
#include "tests/sim/evaluate_support.h"

#include <algorithm>
#include <cmath>

namespace ridge::test {
namespace {

class EveryKind : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Evaluate, EveryKind,
                         testing::Values(train_70b, train_8b, decode_8b, request_moe, train_moe));

TEST_P(EveryKind, PartsSumToTheHeadline) {
  const Estimate e = evaluate(prepared(GetParam()));
  double sum = 0;
  for (const auto& p : e.time.parts) sum += p.amount.value.value();
  const double headline = e.time.totals.front().amount.value.value();
  EXPECT_NEAR(sum, headline, 1e-12 * headline);
  EXPECT_GT(headline, 0);
  EXPECT_LT(e.time.low.value, e.time.totals.front().amount.value);
  EXPECT_GT(e.time.high.value, e.time.totals.front().amount.value);
}

TEST_P(EveryKind, MemoryPartsSumToThePeak) {
  const Estimate e = evaluate(prepared(GetParam()));
  ASSERT_LT(e.memory.worst, e.memory.stages.size());
  double sum = 0;
  for (const auto& p : e.memory.stages[e.memory.worst].parts) sum += p.amount.value.value();
  EXPECT_NEAR(sum, e.memory.peak_allocated.value.value(), 1e-12 * sum);
}

TEST_P(EveryKind, TheRecordReEvaluates) {
  const Prepared p = prepared(GetParam());
  Explain ex(&p.scenario.origins);
  const Estimate recorded = evaluate(p, &ex);
  const Estimate plain = evaluate(p);
  EXPECT_EQ(recorded.time.totals.front().amount.value, plain.time.totals.front().amount.value);
  EXPECT_EQ(recorded.memory.peak_allocated.value, plain.memory.peak_allocated.value);
  std::string all;
  std::size_t count = 0;
  for (const std::string& problem : audit(ex)) {
    if (++count <= 20) all += problem + "\n";
  }
  EXPECT_EQ(count, 0u) << all;
}

TEST_P(EveryKind, UtilizationIsAShare) {
  const Estimate e = evaluate(prepared(GetParam()));
  for (double u :
       {e.throughput.model_flops_utilization.value, e.throughput.hardware_flops_utilization.value}) {
    EXPECT_GT(u, 0);
    EXPECT_LE(u, 1);
  }
}

/// Scales every figure of one resource by `factor` and returns the headline.
double headline(Prepared p, double bandwidth, double peak, double link) {
  Cluster& c = p.scenario.hardware;
  c.device.hbm.bandwidth.value *= bandwidth;
  for (auto& entry : c.device.peaks.entries)
    if (entry) entry->value *= peak;
  for (Tier& t : c.tiers.inner_to_outer) t.link.bandwidth.value *= link;
  return evaluate(p).time.totals.front().amount.value.value();
}

TEST_P(EveryKind, MoreOfAResourceNeverCostsTime) {
  const Prepared p = prepared(GetParam());
  const double base = headline(p, 1, 1, 1);
  EXPECT_LE(headline(p, 2, 1, 1), base);
  EXPECT_LE(headline(p, 1, 2, 1), base);
  EXPECT_LE(headline(p, 1, 1, 2), base);
  EXPECT_LT(headline(p, 2, 2, 2), base);
}

TEST(Evaluate, TwiceTheLayersCostTwiceTheLayerTime) {
  // With L layers a decode step is a + b L: the step of 32 lies midway between 16 and 48.
  auto step = [](int layers) {
    return total(evaluate(prepared(decode_8b, {"model.layers=" + std::to_string(layers)})),
                 "decode_step_seconds");
  };
  EXPECT_NEAR(2 * step(32), step(16) + step(48), 1e-9 * step(32));
}

TEST(Evaluate, LongerContextsAndLargerBatchesNeverTakeLess) {
  double last = 0;
  for (int tokens : {128, 1024, 8192, 65536}) {
    const double t =
        total(evaluate(prepared(decode_8b, {"inference.prompt_tokens=" + std::to_string(tokens)})),
              "decode_step_seconds");
    EXPECT_GE(t, last);
    last = t;
  }
  last = 0;
  for (int batch : {1, 2, 8, 64, 256}) {
    const double t = total(evaluate(prepared(decode_8b, {"inference.batch=" + std::to_string(batch)})),
                           "decode_step_seconds");
    EXPECT_GE(t, last);
    last = t;
  }
}

TEST(Evaluate, ARequestIsItsPrefillAndItsSteps) {
  const Estimate e = evaluate(prepared(request_moe));
  // 128 output tokens: the first comes with the prompt, 127 steps follow.
  EXPECT_NEAR(total(e, "request_seconds"),
              total(e, "time_to_first_token") + 127 * total(e, "time_per_output_token"),
              1e-9 * total(e, "request_seconds"));
}

TEST(Evaluate, PromptsRunAtTheClockOfLongLoads) {
  // 8192 tokens through a 70B model are bound by arithmetic: products and attention take 1 / 0.5 as long at
  // half the clock.  One token is bound by memory: little changes.
  const auto both = [](const char* fraction) {
    const Prepared p =
        prepared(request_moe, {std::string("hardware.device.achievable.sustained_fraction=") + fraction,
                               "model=llama-3-70b", "inference.prompt_tokens=8192"});
    const Estimate e = evaluate(p);
    return std::pair{total(e, "time_to_first_token"), total(e, "time_per_output_token")};
  };
  const auto [first, each] = both("1");
  const auto [slow_first, slow_each] = both("0.5");
  EXPECT_GT(slow_first, 1.7 * first);
  EXPECT_LT(slow_first, 2 * first);
  EXPECT_EQ(slow_each, each);
}

TEST(Evaluate, RecomputationAddsOneForwardPass) {
  // Full recomputation repeats the forward work of every layer: hardware FLOP 4/3 of none, head apart.
  const Estimate none = evaluate(prepared(train_70b, {"training.recompute=none"}));
  const Estimate full = evaluate(prepared(train_70b, {"training.recompute=full"}));
  const double ratio = full.throughput.hardware_flops_utilization.value * total(full, "step_seconds") /
                       (none.throughput.hardware_flops_utilization.value * total(none, "step_seconds"));
  EXPECT_GT(ratio, 1.30);
  EXPECT_LT(ratio, 1.34);
  EXPECT_GT(total(full, "step_seconds"), total(none, "step_seconds"));
  EXPECT_LT(full.memory.peak_allocated.value, none.memory.peak_allocated.value);
}

TEST(Evaluate, AnImpossiblePlanIsAResultWithReasons) {
  const Estimate e = evaluate(prepared(train_70b, {"parallel.tensor=7", "devices=112"}));
  EXPECT_FALSE(e.fits);
  ASSERT_FALSE(e.violations.empty());
  for (const Violation& v : e.violations) EXPECT_FALSE(v.remedy.empty()) << v.code;
}

TEST(Evaluate, OperatorsOfTheListSumToTheStep) {
  // One device, one decode step: the operators' times and a gap after each kernel are the step less the
  // host's share.
  const Prepared p = prepared(decode_8b);
  const Estimate e = evaluate(p);
  const Seconds gap = p.scenario.hardware.device.achievable.launch.graph_node.value;
  double listed = 0, parts = 0;
  for (const Operator& o : list_operators(p, p.scenario.parallel))
    listed += o.count * (o.time.value + o.kernels * gap).value();
  for (const auto& part : e.time.parts)
    if (part.name != "host") parts += part.amount.value.value();
  EXPECT_NEAR(listed, parts, 1e-9 * parts);
}

}  // namespace
}  // namespace ridge::test

namespace ridge::test {
namespace {

TEST(Evaluate, ReplicasShareTheBatch) {
  // 256 sequences over 8 replicas of one device each: every replica does what one device does with 32.
  const Estimate shared = evaluate(prepared(decode_8b, {"devices=8", "inference.batch=256"}));
  const Estimate alone = evaluate(prepared(decode_8b, {"inference.batch=32"}));
  EXPECT_NEAR(total(shared, "decode_step_seconds"), total(alone, "decode_step_seconds"), 1e-12);
  EXPECT_NEAR(shared.throughput.tokens_per_second_per_device.value.value(),
              alone.throughput.tokens_per_second_per_device.value.value(), 1e-6);
}

TEST(Evaluate, ExpertsAreReachedSmoothly) {
  // Mixtral, 2 of 8 experts: one token reaches 2 of them, so a step reads a quarter of the experts; more
  // tokens reach more, without a jump.
  double last = 0;
  for (int batch = 1; batch <= 32; ++batch) {
    const double t = total(evaluate(prepared(request_moe, {"inference.batch=" + std::to_string(batch)})),
                           "time_per_output_token");
    EXPECT_GE(t, last) << batch;
    if (batch > 2) { EXPECT_LT(t, 1.35 * last) << batch; }
    last = t;
  }
}

TEST(Evaluate, LatentExpertsExchangeTheirOwnWidth) {
  // Experts that read a quarter of the model width: a quarter of the bytes travels, each product is a
  // quarter, and two projections come with them.
  const Prepared wide = prepared(train_moe), narrow = prepared(train_moe, {"model.moe.latent_size=1792"});
  const auto find = [](const Prepared& p, std::string_view name) {
    for (const Operator& o : list_operators(p, p.scenario.parallel))
      if (o.name == name) return o;
    return Operator{};
  };
  for (const char* name : {"expert.dispatch", "expert.combine"}) {
    EXPECT_GT(find(wide, name).bytes.value(), 0) << name;
    EXPECT_NEAR(find(narrow, name).bytes.value() / find(wide, name).bytes.value(), 0.25, 1e-9) << name;
  }
  for (const char* name : {"moe.gate-up", "moe.expert_down"}) {
    EXPECT_GT(find(wide, name).flops.value(), 0) << name;
    EXPECT_NEAR(find(narrow, name).flops.value() / find(wide, name).flops.value(), 0.25, 1e-9) << name;
  }
  EXPECT_GT(find(narrow, "moe.expert_latent_in").flops.value(), 0);
  EXPECT_EQ(find(narrow, "moe.expert_latent_in").flops.value(),
            find(narrow, "moe.expert_latent_out").flops.value());
  Explain ex(&narrow.scenario.origins);
  EXPECT_LT(evaluate(narrow, &ex).memory.peak_allocated.value, evaluate(wide).memory.peak_allocated.value);
  EXPECT_TRUE(audit(ex).empty());
}

TEST(Evaluate, DualPipeDoesTheWorkOfOneFOneB) {
  const std::vector<std::string> same = {"parallel.pipeline=8", "parallel.tensor=8",
                                         "training.recompute=none"};
  auto with = [&](const char* schedule) {
    std::vector<std::string> overrides = same;
    overrides.push_back(std::string("parallel.schedule=") + schedule);
    return evaluate(prepared(train_70b, overrides));
  };
  const Estimate one = with("1f1b"), dual = with("dualpipe");
  auto executed = [](const Estimate& e) {
    return e.throughput.hardware_flops_utilization.value * total(e, "step_seconds");
  };
  EXPECT_NEAR(executed(dual), executed(one), 0.02 * executed(one));
  EXPECT_LT(total(dual, "step_seconds"), 1.1 * total(one, "step_seconds"));
}

TEST(Evaluate, AnEncoderRunsOncePerRequest) {
  const std::string t5 = R"(
model: t5-11b
hardware: dgx-h100
devices: 1
software: vllm
inference: {phase: request, batch: 16, prompt_tokens: 512, output_tokens: 64}
)";
  const Estimate e = evaluate(prepared(t5));
  EXPECT_LE(e.throughput.model_flops_utilization.value, 1);
  // A decode step reads the decoder alone, 24 layers of 268 M parameters, 12.9 GB, and the keys and values
  // of the encoder, 24 layers x 16 x 512 tokens x 2 x 16384 x 2 B, 12.9 GB: 7.7 ms at 3.35 TB/s.
  EXPECT_GT(total(e, "time_per_output_token"), 0.0077);
  EXPECT_LT(total(e, "time_per_output_token"), 2 * 0.0077);
}

TEST(Evaluate, FrozenWeightsScatterNoGradients) {
  const Estimate full = evaluate(prepared(train_8b, {"software.overlap.gather=0"}));
  const Estimate lora = evaluate(prepared(train_8b, {"software.overlap.gather=0", "training.method=lora"}));
  auto gathering = [](const Estimate& e) {
    for (const auto& part : e.time.parts)
      if (part.name == "weight_gathering") return part.amount.value.value();
    return 0.0;
  };
  // Two bf16 gathers and one fp32 scatter against two gathers: 2 + 2 + 4 against 2 + 2 bytes a parameter.
  EXPECT_NEAR(gathering(lora) / gathering(full), 0.5, 0.06);
}

TEST(Evaluate, EveryOverlapHidesSomething) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
      {"tensor", {}}, {"data", {}}, {"pipeline", {}}, {"context", {"parallel.context=2"}}};
  for (const auto& [key, plan] : cases) {
    std::vector<std::string> none = plan, all = plan;
    none.push_back("software.overlap." + key + "=0");
    all.push_back("software.overlap." + key + "=1");
    EXPECT_LT(total(evaluate(prepared(train_70b, all)), "step_seconds"),
              total(evaluate(prepared(train_70b, none)), "step_seconds"))
        << key;
  }
  EXPECT_LT(total(evaluate(prepared(train_moe, {"software.overlap.expert=1"})), "step_seconds"),
            total(evaluate(prepared(train_moe, {"software.overlap.expert=0"})), "step_seconds"));
}

TEST(Evaluate, AContextParallelCacheIsReadInParts) {
  auto attention = [](int c) {
    const Estimate e =
        evaluate(prepared(decode_8b, {"inference.prompt_tokens=100000", "devices=" + std::to_string(c),
                                      "parallel.context=" + std::to_string(c)}));
    for (const auto& part : e.time.parts)
      if (part.name == "attention") return part.amount.value.value();
    return 0.0;
  };
  EXPECT_LT(attention(4), 0.3 * attention(1));
}

}  // namespace
}  // namespace ridge::test

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
