#include "sim/report/statistics.h"

#include <cmath>
#include <gtest/gtest.h>

namespace ridge {
namespace {

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  // h = (n - 1) p = 3 * 0.9 = 2.7: 0.7 of the way from the third value to the fourth.
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.9), 3.7);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.9), 7);
  EXPECT_DOUBLE_EQ(quantile({1, 2}, 1.0), 2);
  EXPECT_DOUBLE_EQ(quantile({1, 2}, 0.0), 1);
}

TEST(KendallTau, CountsPairs) {
  // Pairs of (1 2 3 4) against (1 3 2 4): five in order, one not: (5 - 1) / 6.
  EXPECT_DOUBLE_EQ(*kendall_tau({1, 2, 3, 4}, {1, 3, 2, 4}), 4.0 / 6);
  EXPECT_DOUBLE_EQ(*kendall_tau({1, 2, 3}, {5, 6, 9}), 1);
  EXPECT_DOUBLE_EQ(*kendall_tau({1, 2, 3}, {3, 2, 1}), -1);
}

TEST(KendallTau, CorrectsForTies) {
  // x ties one pair of three: C = 2, D = 0, n0 = 3, n1 = 1, n2 = 0: 2 / sqrt(2 * 3).
  EXPECT_DOUBLE_EQ(*kendall_tau({1, 1, 2}, {1, 2, 3}), 2 / std::sqrt(6.0));
}

TEST(KendallTau, IsAbsentWithoutTwoDistinctValues) {
  EXPECT_FALSE(kendall_tau({}, {}));
  EXPECT_FALSE(kendall_tau({1}, {1}));
  EXPECT_FALSE(kendall_tau({2, 2, 2}, {1, 2, 3}));
}

TEST(Summary, SeparatesSizeAndSignOfErrors) {
  // Errors +10 %, -10 %, +20 %: sizes 0.1 0.1 0.2, bias 0.2 / 3.
  const ErrorSummary s = summarize({{100, 110, true}, {100, 90, false}, {100, 120, std::nullopt}});
  EXPECT_EQ(s.rows, 3u);
  EXPECT_NEAR(s.mean, 0.4 / 3, 1e-15);
  EXPECT_NEAR(s.median, 0.1, 1e-15);
  EXPECT_NEAR(s.p90, 0.18, 1e-15);  // h = 1.8 between 0.1 and 0.2
  EXPECT_NEAR(s.max, 0.2, 1e-15);
  EXPECT_NEAR(s.bias, 0.2 / 3, 1e-15);
  EXPECT_DOUBLE_EQ(*s.interval_coverage, 0.5);
  EXPECT_FALSE(s.kendall_tau);  // all measurements are equal
}

TEST(Summary, OfNothingHasNoRows) {
  const ErrorSummary s = summarize({});
  EXPECT_EQ(s.rows, 0u);
  EXPECT_FALSE(s.interval_coverage);
}

}  // namespace
}  // namespace ridge
