#include "calibrate/fit/law.h"

#include "calibrate/fit/error_summary.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

constexpr FlopPerSecond peak{989.4e12};
constexpr BytesPerSecond bandwidth{4.8e12};

Measurement product(double m, double n, double k) {
  return {.family = "gemm", .variant = "bf16", .sizes = {{"m", m}, {"n", n}, {"k", k}}};
}

KernelLaw known_law() {
  return {.fixed_time = Seconds{3.5e-6},
          .flop_fraction = 0.76,
          .bandwidth_fraction = 0.85,
          .exponent = 4,
          .peak = peak,
          .bandwidth = bandwidth};
}

std::vector<LawPoint> products_of(const KernelLaw& law, double noise, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> error;  // scaled below: a deviation of 0 is not allowed
  std::vector<LawPoint> out;
  for (double m : {1, 16, 64, 256, 1024, 4096, 16384})
    for (double n : {512, 1536, 4096, 16384})
      for (double k : {512, 4096, 8192}) {
        const Work w = *work_of(product(m, n, k));
        out.push_back({w, law_time(law, w) * std::exp(noise * error(random))});
      }
  return out;
}

// Q K^T, its gradient's two and P's two: five products where the forward pass has two; Q, O, their gradients, K, V and
// theirs cross memory once.  One head of 2 queries and keys, causal: 3 pairs; forward 4 * 3 * 64 FLOP.
TEST(WorkOf, AttentionBackwardIsFiveProducts) {
  const Work w = *work_of({.family = "attention_backward",
                           .sizes = {{"batch", 1},
                                     {"heads", 1},
                                     {"kv_heads", 1},
                                     {"head_dim", 64},
                                     {"query_tokens", 2},
                                     {"key_tokens", 2},
                                     {"causal", 1}}});
  EXPECT_DOUBLE_EQ(w.flops.value(), 10.0 * 3 * 64);
  EXPECT_DOUBLE_EQ(w.bytes.value(), 8.0 * 2 * 64 * 2);
}

// DeepSeek-V2: 128 heads score 576 numbers a token and sum 512; the cache is 1152 B a token, read once for all heads.
TEST(WorkOf, LatentAttentionReadsTheCacheOnce) {
  const Work w = *work_of({.family = "attention_latent",
                           .sizes = {{"batch", 3},
                                     {"heads", 128},
                                     {"head_dim", 576},
                                     {"latent_dim", 512},
                                     {"key_tokens", 1000},
                                     {"activation_bytes", 2},
                                     {"cache_bytes", 2}}});
  EXPECT_DOUBLE_EQ(w.flops.value(), 2.0 * 3 * 128 * 1000 * (576 + 512));
  EXPECT_DOUBLE_EQ(w.bytes.value(), 3.0 * 1000 * 1152 + 3.0 * 128 * (576 + 512) * 2);
}

// 2 m n k = 2 * 128 * 4096 * 1024; (m k + n k + m n) * 2 B.
TEST(WorkOf, AProductByDefinition) {
  const Work w = *work_of(product(128, 4096, 1024));
  EXPECT_DOUBLE_EQ(w.flops.value(), 1073741824.0);
  EXPECT_DOUBLE_EQ(w.bytes.value(), 2.0 * (128 * 1024 + 4096 * 1024 + 128 * 4096));
}

TEST(WorkOf, AProductWithWeightsOfOtherWidth) {
  Measurement x = product(1, 4096, 4096);
  x.sizes["weight_bytes"] = 0.5;
  EXPECT_DOUBLE_EQ(work_of(x)->bytes.value(), 2.0 * 4096 + 0.5 * 4096 * 4096 + 2.0 * 4096);
}

// Pairs a mask keeps: 4 * 5 / 2 = 10 of 16; 4 d FLOPs a pair; q and o 2 heads, k and v 1.
TEST(WorkOf, CausalAttentionWithSharedHeads) {
  Measurement x{.family = "attention_prefill",
                .variant = "bf16",
                .sizes = {{"batch", 3},
                          {"heads", 2},
                          {"kv_heads", 1},
                          {"head_dim", 64},
                          {"query_tokens", 4},
                          {"key_tokens", 4},
                          {"causal", 1}}};
  EXPECT_DOUBLE_EQ(work_of(x)->flops.value(), 3.0 * 2 * 4 * 64 * 10);
  EXPECT_DOUBLE_EQ(work_of(x)->bytes.value(), 2.0 * 3 * 64 * (2 * 4 + 1 * 4) * 2);
  x.sizes["key_tokens"] = 10;  // six keys were there before: 4 * 6 + 10
  EXPECT_DOUBLE_EQ(work_of(x)->flops.value(), 3.0 * 2 * 4 * 64 * 34);
  x.sizes["causal"] = 0;
  EXPECT_DOUBLE_EQ(work_of(x)->flops.value(), 3.0 * 2 * 4 * 64 * 40);
}

TEST(WorkOf, DecodeCountsItsSequencesAndHeads) {
  const Measurement x{
      .family = "attention_decode",
      .variant = "bf16",
      .sizes = {{"batch", 8}, {"heads", 32}, {"kv_heads", 8}, {"head_dim", 128}, {"key_tokens", 1000}}};
  EXPECT_DOUBLE_EQ(work_of(x)->units, 64);
  EXPECT_DOUBLE_EQ(work_of(x)->bytes.value(), 2.0 * 8 * 128 * (32 + 8 * 1000) * 2);
}

TEST(LawTime, IsMonotoneAndAboveTheRoofline) {
  const KernelLaw law = known_law();
  Seconds before;
  for (double m = 1; m < 1e6; m *= 1.7) {
    const Work w = *work_of(product(m, 4096, 4096));
    const Seconds t = law_time(law, w);
    EXPECT_GT(t, before);
    EXPECT_GE(t, max(w.flops / peak, w.bytes / bandwidth));
    before = t;
  }
}

TEST(FitLaw, RecoversAKnownLaw) {
  const LawFit fit = fit_law(products_of(known_law(), 0, 1), peak, bandwidth);
  EXPECT_TRUE(fit.is_converged);
  EXPECT_NEAR(fit.law.fixed_time.value(), 3.5e-6, 1e-9);
  EXPECT_NEAR(fit.law.flop_fraction, 0.76, 1e-4);
  EXPECT_NEAR(fit.law.bandwidth_fraction, 0.85, 1e-4);
  EXPECT_NEAR(fit.law.exponent, 4, 1e-2);
}

// 84 points with 5 % noise: standard errors of about 1 % (fractions) and 2 % (fixed time); four of them.
TEST(FitLaw, RecoversItThroughNoise) {
  const LawFit fit = fit_law(products_of(known_law(), 0.05, 2), peak, bandwidth);
  EXPECT_NEAR(fit.law.fixed_time.value(), 3.5e-6, 0.08 * 3.5e-6);
  EXPECT_NEAR(fit.law.flop_fraction, 0.76, 0.04 * 0.76);
  EXPECT_NEAR(fit.law.bandwidth_fraction, 0.85, 0.04 * 0.85);
}

// A tenth of the points three times too slow: least squares would move by 11 %, the soft L1 loss less.
TEST(FitLaw, IsNotMovedByOutliers) {
  auto points = products_of(known_law(), 0.02, 3);
  for (std::size_t i = 0; i < points.size(); i += 10) points[i].time *= 3;
  const LawFit fit = fit_law(points, peak, bandwidth);
  EXPECT_NEAR(fit.law.flop_fraction, 0.76, 0.05 * 0.76);
  EXPECT_NEAR(fit.law.bandwidth_fraction, 0.85, 0.05 * 0.85);
}

TEST(FitLaw, FindsTheTimeOfADecodedHead) {
  KernelLaw law = known_law();
  law.per_unit = Seconds{6.9e-9};
  std::vector<LawPoint> points;
  for (double batch : {1, 8, 64, 256})
    for (double keys : {64, 1024, 16384}) {
      const Work w = *work_of(
          {.family = "attention_decode",
           .variant = "bf16",
           .sizes = {
               {"batch", batch}, {"heads", 32}, {"kv_heads", 8}, {"head_dim", 128}, {"key_tokens", keys}}});
      points.push_back({{Flop{}, w.bytes, w.units}, law_time(law, {Flop{}, w.bytes, w.units})});
    }
  const LawFit fit = fit_law(points, peak, bandwidth);
  EXPECT_NEAR(fit.law.per_unit.value(), 6.9e-9, 1e-11);
  EXPECT_NEAR(fit.law.bandwidth_fraction, 0.85, 1e-3);
}

TEST(FitLaw, KeepsItsParametersInTheirBoxes) {
  KernelLaw law = known_law();
  law.flop_fraction = 1.7;  // faster than the peak: a wrong unit
  law.exponent = 40;
  const LawFit fit = fit_law(products_of(law, 0, 4), peak, bandwidth);
  EXPECT_LE(fit.law.flop_fraction, 1);
  EXPECT_GE(fit.law.exponent, 1);
  EXPECT_LE(fit.law.exponent, 16 + 1e-9);
}

TEST(FitLaw, OfTooFewPointsIsTheTextbookRoofline) {
  const LawFit fit = fit_law({}, peak, bandwidth);
  EXPECT_EQ(fit.law.flop_fraction, 1);
  EXPECT_FALSE(fit.is_converged);
}

}  // namespace
}  // namespace ridge
