// Two fits side by side, and their charts.
#include "calibrate/fit/profile_difference.h"

#include "calibrate/fit/merge.h"
#include "calibrate/fit/model_chart.h"

#include <cmath>
#include <gtest/gtest.h>

namespace ridge {
namespace {

KernelModel product(double slower) {
  KernelModel m{.family = "gemm", .variant = "bf16", .library = "lib"};
  m.law = {Seconds{3e-6 * slower},  0.8 / slower,          0.9 / slower, 4, Seconds{},
           FlopPerSecond{989.4e12}, BytesPerSecond{4.8e12}};
  m.residual = {{{"m", {16, 4096}}, {"n", {4096}}, {"k", {4096}}}, {0.1, -0.1}};
  return m;
}

CurveModel reduction(double slower) {
  return {.family = "all_reduce",
          .variant = "4",
          .curve = {{Bytes{1e3}, Bytes{1e6}}, {Seconds{1e-5 * slower}, Seconds{2e-5 * slower}}}};
}

// Every time a tenth longer: median, 90th percentile and bias are 10 %.
TEST(ModelDifferences, AreThoseOfThePredictions) {
  Models left, right;
  left.kernels = {product(1)}, right.kernels = {product(1.1)};
  left.curves = {reduction(1)}, right.curves = {reduction(1.1)};
  right.curves.push_back(reduction(1));
  right.curves.back().variant = "8";
  const auto all = model_differences(left, right);
  ASSERT_EQ(all.size(), 3u);
  for (const int i : {0, 1}) {
    EXPECT_EQ(all[i].points, 2);
    EXPECT_NEAR(all[i].median, 0.1, 1e-9);
    EXPECT_NEAR(all[i].bias, 0.1, 1e-9);
  }
  EXPECT_EQ(all[0].parameters[1].name, "eP");
  EXPECT_NEAR(all[0].parameters[1].right, 0.8 / 1.1, 1e-12);
  EXPECT_FALSE(all[2].in_left);
  EXPECT_NEAR(typical_difference(all), 0.1, 1e-9);
  EXPECT_EQ(typical_difference(model_differences(left, left)), 0);
}

// Latent attention has a table of two axes: heads and cached tokens.
TEST(ModelDifferences, KnowEveryTable) {
  Models m;
  m.kernels = {product(1)};
  m.kernels[0].family = "attention_latent";
  m.kernels[0].residual = {{{"heads_in_batch", {64, 4096}}, {"key_tokens", {128, 4096}}}, {0.1, 0, 0, -0.1}};
  Models slower = m;
  slower.kernels[0].law.fixed_time *= 2;
  const auto all = model_differences(m, slower);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].points, 4);
  EXPECT_GT(all[0].bias, 0);
}

// What the first run measured stays as it is; what only the second measured comes whole.
TEST(MergedModels, TakeFromTheSecondOnlyWhatTheFirstLacks) {
  Models first, second;
  first.kernels = {product(1)}, second.kernels = {product(2)};
  second.curves = {reduction(1)};
  second.skipped = first.skipped = {"NVLS"};
  const Models both = merged(first, second);
  ASSERT_EQ(both.kernels.size(), 1u);
  EXPECT_EQ(both.kernels[0].law.fixed_time, first.kernels[0].law.fixed_time);
  ASSERT_EQ(both.curves.size(), 1u);
  EXPECT_EQ(both.curves[0].variant, "4");
  EXPECT_EQ(both.skipped.size(), 1u);
}

TEST(ModelChart, ShowsEveryKeptPointInBothPanels) {
  KernelModel m = product(1);
  EXPECT_TRUE(model_chart(m).empty());
  m.samples = {{0, 1e-5, 1.1e-5, PointRole::fitted}, {0, 2e-5, 1.9e-5, PointRole::judged}};
  m.intervals = {{"r", "", 20, 0.25}};
  const auto panels = model_chart(m);
  ASSERT_EQ(panels.size(), 2u);
  std::size_t points = 0;
  for (const ChartSeries& s : panels[0].series)
    if (s.mark == ChartMark::points) points += s.x.size();
  EXPECT_EQ(points, 2u);
  const ChartSeries& band = panels[1].series[0];
  EXPECT_NEAR(band.high[0], 25, 1e-9);
  EXPECT_NEAR(band.y[0], 100 * (1 / 1.25 - 1), 1e-9);
}

}  // namespace
}  // namespace ridge
