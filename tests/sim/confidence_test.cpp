// Intervals of estimates: the stack's alone without a profile, joined with those of its kernels under one.
#include "sim/confidence.h"

#include "base/explain_text.h"
#include "tests/sim/evaluate_support.h"

#include <algorithm>
#include <cmath>

namespace ridge::test {
namespace {

TimeEstimate of_one_second() {
  TimeEstimate t;
  t.totals.push_back({"step_seconds", {Seconds{1}, 0}});
  return t;
}

double sigma(const TimeEstimate& t) { return std::log(t.high.value / t.totals.front().amount.value) / 1.645; }

SoftwareStack stack() {
  SoftwareStack s;
  s.interval_log_sigma = 0.2;
  s.composition_log_sigma = 0.12;
  return s;
}

TEST(Confidence, IsTheStacksWithoutAProfile) {
  TimeEstimate t = of_one_second();
  set_interval(t, {}, stack());
  EXPECT_NEAR(sigma(t), 0.2, 1e-12);
  EXPECT_NEAR(t.low.value.value(), std::exp(-1.645 * 0.2), 1e-12);
  EXPECT_TRUE(t.deviations.empty());
}

// 0.5 s of products at 10 % and 0.1 s of attention at 30 % are known: 0.05 and 0.03.  The stack: all of its 0.2 for
// 0.4 s, its composition, 0.12, for 0.6 s: 0.152.  sqrt(0.05^2 + 0.03^2 + 0.152^2) = 0.1628.
TEST(Confidence, JoinsClassesAsIndependent) {
  const auto known = [](KernelClass k, double t, double s) {
    Answer a{AnswerSource::table, s, nullptr, "one"};
    return confidence_of(k, {Seconds{t}, 0}, a);
  };
  const Confidence c = plus(known(KernelClass::products, 0.5, 0.1), known(KernelClass::attention, 0.1, 0.3));
  TimeEstimate t = of_one_second();
  set_interval(t, c, stack());
  EXPECT_NEAR(sigma(t), 0.1628, 5e-5);
  ASSERT_EQ(t.deviations.size(), 3u);
  EXPECT_EQ(t.deviations[2].name, "stack");
  EXPECT_NEAR(t.deviations[2].amount.value, 0.152, 1e-12);
  SoftwareStack whole = stack();
  whole.composition_log_sigma = -1;
  set_interval(t, c, whole);
  EXPECT_NEAR(sigma(t), std::sqrt(0.05 * 0.05 + 0.03 * 0.03 + 0.2 * 0.2), 1e-12);
}

// Errors of one class are the same in every layer: a model of twice the layers is as unsure, not 1/sqrt(2) of it.
TEST(Confidence, DoesNotShrinkWithLayers) {
  const auto share = [](const char* layers) {
    const Estimate e =
        evaluate(prepared(decode_8b, {"hardware=hgx-h200-calibrated", std::string("model.layers=") + layers,
                                      "inference.batch=128"}));
    for (const auto& d : e.time.deviations)
      if (d.name == "attention") return d.amount.value;
    return 0.0;
  };
  const double few = share("32"), many = share("64");
  EXPECT_GT(few, 0.01);
  EXPECT_GT(many, few);  // the head weighs less
}

TEST(Confidence, OfAStepOpensToTheProfile) {
  const Prepared p = prepared(train_8b, {"hardware=hgx-h200-calibrated"});
  Explain ex(&p.scenario.origins);
  const Estimate e = evaluate(p, &ex);
  const Estimate plain = evaluate(p);
  EXPECT_EQ(e.time.low.value, plain.time.low.value);
  EXPECT_EQ(e.time.high.value, plain.time.high.value);
  bool is_cited = false;
  for (NodeId i = 1; i <= ex.size(); ++i)
    is_cited |= ex.record(i).key.starts_with("90 % interval of gemm bf16") &&
                ex.record(i).origin.where.find("profiles/h200-sxm.yaml:") != std::string::npos;
  EXPECT_TRUE(is_cited);
}

const std::string latent_decode = R"(
model: deepseek-v3
hardware: hgx-h200-calibrated
devices: 8
software: sglang
inference: {phase: decode, batch: 64, prompt_tokens: 4096, weights: fp8-block}
parallel: {tensor: 8, expert: 8}
)";
const std::string packed_decode = R"(
model: llama-3-70b
hardware: dgx-a100-80g-fitted
devices: 4
software: tensorrt-llm
inference: {phase: request, batch: 8, prompt_tokens: 1024, output_tokens: 32, weights: awq-g128}
parallel: {tensor: 4}
)";
const std::string peer_decode = R"(
model: llama-3-70b
hardware: hgx-h200-calibrated
devices: 4
software: vllm
inference: {phase: decode, batch: 16, prompt_tokens: 2048}
parallel: {tensor: 2, pipeline: 2}
)";
const std::string compiled_training = R"(
model: llama-3-8b
hardware: hgx-h200-calibrated
devices: 8
software: megatron-core
training: {sequence_length: 4096, micro_batch: 1, global_batch: 16, precision: mixed-bf16, recompute: selective}
parallel: {tensor: 2, pipeline: 2, zero: 1, sequence: true}
)";

class Calibrated : public testing::TestWithParam<std::string> {};

TEST_P(Calibrated, TheRecordReEvaluates) {
  const Prepared p = prepared(GetParam());
  Explain ex(&p.scenario.origins);
  const Estimate recorded = evaluate(p, &ex), plain = evaluate(p);
  EXPECT_EQ(recorded.time.totals.front().amount.value, plain.time.totals.front().amount.value);
  EXPECT_EQ(recorded.time.low.value, plain.time.low.value);
  std::string all;
  for (const std::string& problem : audit(ex)) all += problem + "\n";
  EXPECT_EQ(all, "");
}

// Known time is part of the whole, and each operator says who answers.
TEST_P(Calibrated, SaysWhoAnswers) {
  const Prepared p = prepared(GetParam());
  double known = 0;
  for (const Operator& o : list_operators(p, p.scenario.parallel)) {
    if (o.answer.source == AnswerSource::preset) continue;
    known += o.count * o.time.value.value();
    EXPECT_FALSE(o.answer.model.empty()) << o.name;
    EXPECT_GT(o.answer.log_sigma, 0) << o.name << ' ' << o.answer.model;
  }
  EXPECT_GT(known, 0);
  EXPECT_FALSE(evaluate(p).time.deviations.empty());
}

INSTANTIATE_TEST_SUITE_P(All, Calibrated,
                         testing::Values(latent_decode, packed_decode, peer_decode, compiled_training));

/// The model that answers for the operator of that name; empty where a preset does.
std::string model_of(const std::string& scenario, std::string_view op) {
  const Prepared p = prepared(scenario);
  for (const Operator& o : list_operators(p, p.scenario.parallel))
    if (o.name == op) return std::string(o.answer.model);
  return "no such operator";
}

TEST(CalibratedPlan, MapsEachKernelToTheProfilesOwn) {
  EXPECT_EQ(model_of(latent_decode, "attention.core"), "attention_latent bf16");
  EXPECT_EQ(model_of(packed_decode, "attention.o"), "gemm int4-weights");
  EXPECT_EQ(model_of(packed_decode, "output.lm_head"), "")
      << "fp16 was not measured, and the head is not packed";
  EXPECT_TRUE(model_of(peer_decode, "tensor.all-reduce").starts_with("peer_all_reduce 2 devices"));
  EXPECT_EQ(model_of(peer_decode, "residual and norm"), "pointwise rmsnorm");
  EXPECT_EQ(model_of(peer_decode, "gated activation"), "pointwise silu_mul");
  EXPECT_TRUE(model_of(compiled_training, "tensor.all-gather").starts_with("all_gather 2 devices"));
}

// Named kernels that a profile lacks fall back to the next name, then to plain passes.
TEST(CalibratedPlan, TakesTheFirstNamedKernelThatTheProfileHas) {
  const Prepared p = prepared(train_8b, {"hardware=hgx-h200-calibrated"});
  EXPECT_TRUE(pass_constants(p, "no such|rmsnorm"));
  EXPECT_EQ(pass_constants(p, "no such|rmsnorm")->fixed_time.value,
            pass_constants(p, "rmsnorm")->fixed_time.value);
  EXPECT_FALSE(pass_constants(p, "no such|nor this"));
  EXPECT_FALSE(pass_constants(p, ""));
}

// R = 0.1 at rows of 100 B and -0.1 at rows of 400 B: 1 MB in 10000 rows is the law times e^0.1; without rows the
// law alone, which counts as twice as unsure.
TEST(CalibratedPlan, PassesOverRowsGoByTheirLength) {
  CalibratedTable t{"pointwise rmsnorm",
                    std::make_shared<const ResidualTable>(
                        ResidualTable{{{"bytes", {1e6}}, {"bytes_of_row", {100, 400}}}, {0.1, -0.1}}),
                    {}};
  CalibratedInterval i;
  ASSERT_TRUE(set_regime(i, "< 20 us"));
  i.fraction = 0.1, i.log_sigma = std::log1p(0.1) / 1.645;
  t.intervals = {i};
  KernelConstants k;
  k.residual = &t;
  Rates r;
  r.attention_peak.value = FlopPerSecond{1e12}, r.memory.value = BytesPerSecond{1e12};
  const Traced<Bytes> bytes{Bytes{1e6}, 0};
  const auto at = [&](double rows) { return named_pass_cost(k, bytes, rows, r); };
  EXPECT_NEAR(at(1e4).time.value.value(), 1e-6 * std::exp(0.1), 1e-15);
  EXPECT_NEAR(at(2500).time.value.value(), 1e-6 * std::exp(-0.1), 1e-15);
  EXPECT_EQ(at(1e4).answer.source, AnswerSource::table);
  EXPECT_NEAR(at(0).time.value.value(), 1e-6, 1e-15);
  EXPECT_EQ(at(0).answer.source, AnswerSource::law);
  EXPECT_DOUBLE_EQ(at(0).answer.log_sigma, 2 * i.log_sigma);
}

// Eight were not measured, four were: said, and the shares of all who answer are the whole.
TEST(CalibratedPlan, SaysWhatIsBeyondTheMeasured) {
  const Prepared p =
      prepared(train_8b, {"hardware=hgx-h200-calibrated", "devices=8", "training.global_batch=16"});
  Explain ex(&p.scenario.origins);
  const Estimate e = evaluate(p, &ex);
  double shares = 0;
  bool is_scaled = false;
  for (const AnsweredTime& a : e.answers) {
    shares += a.share.value;
    is_scaled |= a.source == AnswerSource::scaled && a.model == "all_gather 4 devices, bf16, eager";
  }
  EXPECT_NEAR(shares, 1, 1e-12);
  EXPECT_TRUE(is_scaled);
  const auto says = [](const std::vector<std::string>& all, std::string_view what) {
    return std::ranges::any_of(all, [&](const std::string& s) { return s.find(what) != std::string::npos; });
  };
  EXPECT_TRUE(says(e.warnings, "all_gather 4 devices, bf16, eager is scaled"));
  EXPECT_TRUE(says(e.notes, "profile h200-sxm has them: NVIDIA H200, measured"));
  EXPECT_TRUE(evaluate(p).answers.empty()) << "without a record nothing is gathered";
}

}  // namespace
}  // namespace ridge::test
