/// Plans over several devices: replicas, experts, schedules, context, what overlaps.

#include "base/explain_text.h"
#include "tests/sim/evaluate_support.h"

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
