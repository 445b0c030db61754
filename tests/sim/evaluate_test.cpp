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
