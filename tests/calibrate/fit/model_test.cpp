#include "calibrate/fit/model.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

const MachineLimits limits{[](std::string_view) { return FlopPerSecond{989.4e12}; }, BytesPerSecond{4.8e12}};

/// A machine with a law, a slow region that the law cannot know, and noise.
Measurements products(double noise, double slow = 1.3) {
  const KernelLaw law{.fixed_time = Seconds{3.5e-6},
                      .flop_fraction = 0.76,
                      .bandwidth_fraction = 0.85,
                      .exponent = 4,
                      .peak = FlopPerSecond{989.4e12},
                      .bandwidth = BytesPerSecond{4.8e12}};
  std::mt19937_64 random(11);
  std::normal_distribution<double> error;  // scaled below: a deviation of 0 is not allowed
  Measurements out;
  for (double m : {1, 16, 64, 128, 256, 512, 1024, 2048, 4096, 32768})
    for (double n : {512, 1536, 4096, 8192, 16384})
      for (double k : {512, 1536, 4096, 8192, 16384}) {
        Measurement x{.family = "gemm", .variant = "bf16", .sizes = {{"m", m}, {"n", n}, {"k", k}}};
        const double region = m >= 64 && m <= 256 ? slow : 1;
        x.time = law_time(law, *work_of(x)) * (region * std::exp(noise * error(random)));
        out.push_back(x);
      }
  return out;
}

TEST(HoldOut, DependsOnThePointAlone) {
  const Measurements all = products(0);
  int chosen = 0;
  for (const Measurement& m : all) chosen += is_chosen_for_hold_out(m, 0.2);
  EXPECT_NEAR(chosen, 50, 20);  // 250 points, standard deviation 6.3
  EXPECT_EQ(is_chosen_for_hold_out(all[3], 0.2), is_chosen_for_hold_out(products(0.1)[3], 0.2));
  EXPECT_FALSE(is_chosen_for_hold_out(all[0], 0));
  EXPECT_TRUE(is_chosen_for_hold_out(all[0], 1));
}

TEST(FitModels, TheTableLearnsWhatTheLawCannot) {
  const Measurements all = products(0.02);
  const Models with = fit_models(all, limits), without = fit_models(all, limits, {.has_table = false});
  ASSERT_EQ(with.kernels.size(), 1u);
  const KernelModel& model = with.kernels[0];
  EXPECT_LT(model.hold_out.median, 0.03);
  EXPECT_LT(model.hold_out.median, 0.6 * without.kernels[0].hold_out.median);
  EXPECT_THAT(model.objections, IsEmpty());
  EXPECT_EQ(model.fitted_points + model.hold_out.points, 250);
  EXPECT_EQ(model.interval_points, model.hold_out.points);
}

TEST(FitModels, IntervalsCoverWhatTheyPromise) {
  const Models models = fit_models(products(0.04, 1), limits);
  const KernelModel& model = models.kernels[0];
  ASSERT_EQ(model.intervals.size(), 3u);
  EXPECT_GE(model.hold_out.coverage, 0.75);  // about 25 points: standard deviation 6 %
  for (const RegimeInterval& i : model.intervals) {
    EXPECT_GT(i.fraction, 0.03);
    EXPECT_LT(i.fraction, 0.25);
  }
}

TEST(FitModels, UseTheProbesOwnHoldOut) {
  Measurements all = products(0.01);
  for (std::size_t i = 0; i < 20; ++i) all[i * 7].is_held_out = true;
  const KernelModel model = fit_models(all, limits).kernels[0];
  EXPECT_EQ(model.hold_out.points, 20);
  EXPECT_EQ(model.fitted_points, 230);
}

TEST(FitModels, SayWhatTheyLeftOut) {
  Measurements all = products(0.01);
  all[0].is_throttled = true;
  all[1].time = Seconds{std::nan("")};
  all[2].sizes["m"] = 0;
  all.push_back({.family = "all_reduce", .variant = "2", .sizes = {{"bytes", 8}}, .time = Seconds{1e-6}});
  const Models models = fit_models(all, limits);
  EXPECT_THAT(models.skipped, Contains(HasSubstr("1 points taken at a lowered clock")));
  EXPECT_THAT(models.skipped, Contains(HasSubstr("2 points without a usable size or time")));
  EXPECT_THAT(models.skipped, Contains(HasSubstr("all_reduce 2: 1 points are too few")));
}

/// A pass over rows whose fixed part grows with the row's length: t0 + 0.4 us log2(width / 1024) + bytes / W.
Measurement pass_over_rows(double rows, double width, bool is_held_out) {
  const double bytes = 4 * rows * width;
  Measurement m{.family = "pointwise", .variant = "softmax", .sizes = {{"bytes", bytes}, {"rows", rows}}};
  m.time = Seconds{2e-6 + 0.4e-6 * std::log2(width / 1024) + bytes / 4e12};
  m.is_held_out = is_held_out;
  return m;
}

// The same bytes in longer rows take 60 % longer here: bytes alone would be wrong by a quarter.
TEST(FitModels, KnowPassesByBytesAndRows) {
  Measurements all;
  for (double width : {1024, 4096, 8192, 16384})
    for (double array = 131072; array <= 268435456; array *= 2)
      all.push_back(pass_over_rows(array / (2 * width), width, false));
  for (double width : {2048, 3072, 5120, 7168, 12288})
    for (double rows : {40, 300, 2100}) all.push_back(pass_over_rows(rows, width, true));
  const KernelModel model = fit_models(all, limits).kernels[0];
  EXPECT_EQ(model.residual.axes.size(), 2u);
  EXPECT_EQ(model.hold_out.points, 15);
  EXPECT_LT(model.hold_out.p90, 0.03);
  for (Measurement& m : all) m.sizes.erase("rows");
  const KernelModel plain = fit_models(all, limits).kernels[0];
  EXPECT_EQ(plain.residual.axes.size(), 1u);
  EXPECT_GT(plain.hold_out.p90, 0.08);
}

// Other people's measurements may tell the bytes alone.
TEST(FitModels, PredictByTheLawWhereTheTableAsksForMore) {
  Measurements all;
  for (double width : {1024, 4096, 16384})
    for (double array = 131072; array <= 268435456; array *= 2)
      all.push_back(pass_over_rows(array / (2 * width), width, false));
  const KernelModel model = fit_models(all, limits).kernels[0];
  ASSERT_EQ(model.residual.axes.size(), 2u);
  Measurement bytes_alone = all.back();
  bytes_alone.sizes.erase("rows");
  EXPECT_EQ(predict(model, bytes_alone), law_time(model.law, *work_of(bytes_alone)));
}

TEST(FitModels, PassesOverRowsAndOverBytesAreNoOneModel) {
  Measurements all;
  for (double array = 131072; array <= 268435456; array *= 2)
    all.push_back(pass_over_rows(array / 8192, 4096, false));
  all.push_back(pass_over_rows(77, 4096, false));
  all.back().sizes.erase("rows");
  const Models models = fit_models(all, limits);
  EXPECT_THAT(models.skipped, Contains(HasSubstr("1 points without a usable size")));
  EXPECT_EQ(models.kernels[0].fitted_points + models.kernels[0].hold_out.points, 12);
}

TEST(Gates, ObjectToAMachineFasterThanItsPeak) {
  Measurements all = products(0.01, 1);
  for (Measurement& m : all) m.time *= 0.3;
  EXPECT_THAT(fit_models(all, limits).kernels[0].objections, Contains(HasSubstr("whole peak")));
}

// A fraction of one says that data came from a cache only where a kernel comes near the bandwidth at all.
TEST(Gates, ObjectToTheWholeBandwidthWhereItIsReached) {
  KernelModel m{.family = "attention_latent"};
  m.law.bandwidth_fraction = 1;
  m.bandwidth_reached = 0.5;
  m.hold_out.points = 20;
  EXPECT_THAT(gate_objections(m), testing::Not(Contains(HasSubstr("whole memory bandwidth"))));
  m.bandwidth_reached = 0.99;
  EXPECT_THAT(gate_objections(m), Contains(HasSubstr("whole memory bandwidth")));
}

TEST(Gates, ObjectToNoise) {
  EXPECT_THAT(fit_models(products(0.5), limits).kernels[0].objections,
              Contains(HasSubstr("hold-out median")));
}

TEST(Curves, HoldOutEverySecondSize) {
  Measurements all;
  for (int e = 10; e <= 30; ++e)
    all.push_back({.family = "all_reduce",
                   .variant = "4",
                   .sizes = {{"bytes", std::exp2(e)}},
                   .time = Seconds{8e-6 + std::exp2(e) / 2e11}});
  const Models models = fit_models(all, limits);
  ASSERT_EQ(models.curves.size(), 1u);
  EXPECT_EQ(models.curves[0].hold_out.points, 10);
  EXPECT_LT(models.curves[0].hold_out.max, 1e-9);
  EXPECT_TRUE(models.curve("all_reduce", "4"));
  EXPECT_FALSE(models.curve("all_reduce", "8"));
}

TEST(ErrorSummary, CountsByDefinition) {
  const std::vector<Prediction> p{{"a", "", Seconds{1}, Seconds{1.1}},
                                  {"b", "", Seconds{1}, Seconds{0.8}},
                                  {"c", "", Seconds{2}, Seconds{2}}};
  const ErrorSummary s = summarise_errors(p);
  EXPECT_EQ(s.points, 3);
  EXPECT_NEAR(s.mean, 0.1, 1e-12);
  EXPECT_NEAR(s.median, 0.1, 1e-12);
  EXPECT_NEAR(s.max, 0.2, 1e-12);
  EXPECT_NEAR(s.bias, 0, 1e-12);
  ASSERT_EQ(s.worst.size(), 3u);
  EXPECT_EQ(s.worst[0].what, "b");
  EXPECT_EQ(summarise_errors({}).points, 0);
}

}  // namespace
}  // namespace ridge
