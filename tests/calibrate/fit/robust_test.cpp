#include "calibrate/fit/robust.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  const std::vector<double> v{4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(quantile(v, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(v, 1), 4);
  EXPECT_DOUBLE_EQ(median(v), 2.5);
  EXPECT_DOUBLE_EQ(quantile(v, 0.9), 3.7);  // rank 0.9 * 3 = 2.7 between 3 and 4
  EXPECT_EQ(median({}), 0);
}

// n = 10: P(2 <= B < 9), B ~ Binomial(10, 1/2), = 1 - 2 (1 + 10) / 1024 = 0.978515625; ranks 3 and 8 would
// reach 1 - 2 (1 + 10 + 45) / 1024 = 0.890625 only.
TEST(MedianInterval, UsesTheRanksOfTheBinomial) {
  std::vector<double> v{10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
  const MedianInterval i = median_interval(v);
  EXPECT_EQ(i.low, 2);
  EXPECT_EQ(i.high, 9);
  EXPECT_NEAR(i.confidence, 0.978515625, 1e-12);
}

TEST(MedianInterval, OfFewSamplesIsTheirRange) {
  const MedianInterval i = median_interval(std::vector<double>{3, 1, 2});
  EXPECT_EQ(i.low, 1);
  EXPECT_EQ(i.high, 3);
  EXPECT_NEAR(i.confidence, 0.75, 1e-12);  // P(1 <= B < 3) of n = 3
}

// The median of an exponential with rate 1 is ln 2; the interval is to hold it in 95 % of the cases.
TEST(MedianInterval, CoversTheMedianOfASkewedDistribution) {
  std::mt19937_64 random(7);
  std::exponential_distribution<double> waiting(1);
  int inside = 0;
  constexpr int trials = 2000;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> v(25);
    std::ranges::generate(v, [&] { return waiting(random); });
    const MedianInterval i = median_interval(v);
    inside += i.low <= std::log(2.0) && std::log(2.0) <= i.high;
  }
  EXPECT_GE(inside, 0.945 * trials);
  EXPECT_LE(inside, 0.985 * trials);  // ranks 8 and 18 of 25 hold 95.7 %
}

TEST(SampleSummary, IgnoresHowFarTheSlowestLies) {
  std::vector<double> v(21, 1e-5);
  v[20] = 1e-5 * 1.5;
  const SampleSummary near = summarise_samples(v);
  v[20] = 1;
  const SampleSummary far = summarise_samples(v);
  EXPECT_EQ(near.median, far.median);
  EXPECT_EQ(near.high, far.high);
  EXPECT_EQ(far.spread, 0);
}

TEST(EnoughSamples, StopsAtATightInterval) {
  std::vector<double> v(9, 1e-3);
  EXPECT_FALSE(enough_samples(v));
  v.push_back(1e-3);
  EXPECT_TRUE(enough_samples(v));
}

TEST(EnoughSamples, GoesOnWhileTheyDiffer) {
  std::vector<double> v;
  for (int i = 0; i < 20; ++i) v.push_back(i % 2 ? 1e-4 : 2e-4);
  EXPECT_FALSE(enough_samples(v));
  while (v.size() < 200) v.push_back(v.size() % 2 ? 1e-4 : 2e-4);
  EXPECT_TRUE(enough_samples(v));
}

TEST(EnoughSamples, EndsWhenThePointsTimeIsSpent) {
  EXPECT_FALSE(enough_samples(std::vector<double>{0.03, 0.06}));
  EXPECT_TRUE(enough_samples(std::vector<double>{0.03, 0.06, 0.04}));
}

TEST(EnoughSamples, AcceptsFractionsOfAMicrosecondForShortKernels) {
  std::vector<double> v;
  for (int i = 0; i < 12; ++i) v.push_back(3e-6 + (i % 3 - 1) * 0.15e-6);  // 5 %, but 0.15 us
  EXPECT_TRUE(enough_samples(v));
}

TEST(Throttled, ComparesWithTheMedianOfTheKnownClocks) {
  const std::vector<double> clocks{1.98e9, 1.97e9, 0, 1.2e9, 1.98e9};
  EXPECT_EQ(throttled(clocks), (std::vector<bool>{false, false, false, true, false}));
  EXPECT_EQ(throttled(std::vector<double>{0, 0}), (std::vector<bool>{false, false}));
}

}  // namespace
}  // namespace ridge
