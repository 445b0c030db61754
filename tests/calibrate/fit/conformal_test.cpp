// Intervals: the rank that the promise needs, coverage on data with known noise, pools where points are few.
#include "calibrate/fit/conformal.h"

#include "calibrate/fit/model.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

using testing::HasSubstr;

Prediction off_by(double log_error, std::string regime = "r") {
  return {"", std::move(regime), Seconds{std::exp(log_error)}, Seconds{1}};
}

// ceil((n + 1) 0.9): the 18th of 19, the 9th of 9; of fewer than nine the largest is all there is.
TEST(Conformal, TakesTheRankThatThePromiseNeeds) {
  EXPECT_EQ(conformal_rank(19, 0.9), 18u);
  EXPECT_EQ(conformal_rank(20, 0.9), 19u);
  EXPECT_EQ(conformal_rank(100, 0.9), 91u);
  EXPECT_EQ(conformal_rank(9, 0.9), 9u);
  EXPECT_EQ(conformal_rank(4, 0.9), 4u);
  std::vector<HeldOut> models(1);
  models[0].family = "gemm";
  for (int i = 1; i <= 19; ++i) models[0].calibration.push_back(off_by(0.01 * i));
  EXPECT_NEAR(conformal_intervals(models)[0][0].fraction, std::exp(0.18) - 1, 1e-12);
  EXPECT_EQ(conformal_intervals(models)[0][0].pool, "");
  models[0].calibration.resize(4);
  const RegimeInterval few = conformal_intervals(models)[0][0];
  EXPECT_NEAR(few.fraction, std::exp(0.04) - 1, 1e-12);
  EXPECT_THAT(few.pool, HasSubstr("too few"));
}

// Four points of its own: the model borrows the class's, but not those of a model that the gates refuse.
TEST(Conformal, RefusedModelsLendNoErrors) {
  std::vector<HeldOut> models(3);
  for (HeldOut& m : models) m.family = "gemm";
  for (int i = 1; i <= 4; ++i) models[0].calibration.push_back(off_by(0.01));
  for (int i = 1; i <= 20; ++i) models[1].calibration.push_back(off_by(0.02));
  for (int i = 1; i <= 20; ++i) models[2].calibration.push_back(off_by(1.0));
  EXPECT_NEAR(conformal_intervals(models)[0][0].fraction, std::exp(1.0) - 1, 1e-12);
  models[2].is_refused = true;
  EXPECT_NEAR(conformal_intervals(models)[0][0].fraction, std::exp(0.02) - 1, 1e-12);
}

TEST(Conformal, JudgesOnPointsThatSetNoInterval) {
  std::vector<Prediction> all;
  for (int i = 0; i < 10; ++i) all.push_back({std::to_string(i), "r", Seconds{1}, Seconds{1}});
  const HeldOut h = split_held_out("gemm", all);
  ASSERT_EQ(h.calibration.size(), 5u);
  ASSERT_EQ(h.judged.size(), 5u);
  for (const Prediction& c : h.calibration)
    for (const Prediction& j : h.judged) EXPECT_NE(c.what, j.what);
}

// 400 calibrations of 60 points with errors of heavy tails (log-normal times Student's t of three degrees):
// the mean coverage of fresh points lies at 0.9, at most 1 / 31 above, within the mean's own 0.3 %.
TEST(Conformal, CoversNineTenthsWhateverTheDistribution) {
  std::mt19937_64 random(5);
  std::student_t_distribution<double> heavy(3);
  std::lognormal_distribution<double> scale(0, 0.5);
  double sum = 0;
  constexpr int rounds = 400;
  for (int round = 0; round < rounds; ++round) {
    std::vector<Prediction> points;
    for (int i = 0; i < 60; ++i) points.push_back(off_by(0.05 * heavy(random) * scale(random)));
    const HeldOut h = split_held_out("gemm", points);
    sum += interval_coverage(h.judged, conformal_intervals({&h, 1})[0]);
  }
  EXPECT_GT(sum / rounds, 0.89);
  EXPECT_LT(sum / rounds, 0.9 + 1.0 / 31 + 0.01);
}

// Both halves in turn: 100 models of 50 points with known noise, every point judged once by the other half's interval.
TEST(Conformal, JudgesEachHalfByTheOther) {
  std::mt19937_64 random(8);
  std::normal_distribution<double> noise(0, 0.05);
  double sum = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<Prediction> points;
    for (int i = 0; i < 50; ++i) points.push_back(off_by(noise(random)));
    const HeldOut h = split_held_out("gemm", points);
    sum += cross_coverage({&h, 1})[0];
    EXPECT_EQ(all_to_calibration({&h, 1})[0].calibration.size(), 50u);
  }
  EXPECT_GT(sum / 100, 0.89);
  EXPECT_LT(sum / 100, 0.9 + 1.0 / 26 + 0.01);
}

// Half of the points twice as noisy as the other: what a half promises, it does not keep for the other.
TEST(Conformal, CrossCoverageNoticesHalvesThatDiffer) {
  HeldOut h{"gemm", {}, {}};
  for (int i = 1; i <= 40; ++i)
    h.calibration.push_back(off_by(0.001 * i)), h.judged.push_back(off_by(0.01 * i));
  EXPECT_NEAR(cross_coverage({&h, 1})[0], (40 + 3) / 80.0, 1e-12);  // 0.037 holds the judged up to 0.03
}

TEST(Conformal, AModelAloneInItsClassWithOnePointHasNoInterval) {
  HeldOut h{"storage_read", {off_by(0.1)}, {}};
  EXPECT_EQ(cross_coverage({&h, 1})[0], 0);
}

TEST(Conformal, SmallModelsBorrowFromTheirClass) {
  std::vector<HeldOut> models(8);
  for (std::size_t i = 0; i < models.size(); ++i) {
    models[i].family = i == 7 ? "gemm" : "all_reduce";
    for (int k = 0; k < 3; ++k) models[i].calibration.push_back(off_by(0.01 * (k + 1), "< 20 us"));
  }
  const auto intervals = conformal_intervals(models);
  EXPECT_EQ(intervals[0][0].points, 21);
  EXPECT_EQ(intervals[0][0].pool, "collectives of the regime");
  EXPECT_EQ(intervals[7][0].points, 3);
  EXPECT_THAT(intervals[7][0].pool, HasSubstr("all products, too few"));
}

// A law with log-normal noise in four precisions, 25 held-out points judged in each: the share inside is
// within 85 and 97 %.
TEST(Conformal, CoversTheHoldOutsOfAWholeRun) {
  std::mt19937_64 random(21);
  std::normal_distribution<double> error(0, 0.05);
  const MachineLimits limits{[](std::string_view) { return FlopPerSecond{989.4e12}; },
                             BytesPerSecond{4.8e12}};
  const KernelLaw law{Seconds{3.5e-6},       0.76, 0.85, 4, Seconds{}, FlopPerSecond{989.4e12},
                      BytesPerSecond{4.8e12}};
  Measurements all;
  for (const char* type : {"bf16", "fp16", "fp8", "tf32"})
    for (double m : {1, 16, 64, 128, 256, 512, 1024, 2048, 4096, 32768})
      for (double n : {512, 1536, 4096, 8192, 16384})
        for (double k : {512, 1536, 4096, 8192, 16384}) {
          Measurement x{.family = "gemm", .variant = type, .sizes = {{"m", m}, {"n", n}, {"k", k}}};
          x.time = law_time(law, *work_of(x)) * std::exp(error(random));
          all.push_back(x);
        }
  double inside = 0, points = 0;
  for (const KernelModel& model : fit_models(all, limits).kernels) {
    inside += model.hold_out.coverage * static_cast<double>(model.hold_out.points);
    points += static_cast<double>(model.hold_out.points);
  }
  EXPECT_GT(points, 60);
  EXPECT_GE(inside / points, 0.85);
  EXPECT_LE(inside / points, 0.97);
}

}  // namespace
}  // namespace ridge
