// Two fits side by side, and their charts.
#include "calibrate/fit/profile_difference.h"

#include "calibrate/fit/merge.h"
#include "calibrate/fit/model_chart.h"
#include "calibrate/fit/variant.h"

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

// Twice the bandwidth on large products of few rows, which the weights' bytes decide: the wider the type, the more of
// the time they are.  With 2 bytes for every type all would differ by as much.
TEST(ModelDifferences, TakeWidthsAndHeadSizesFromTheVariant) {
  const auto bias = [](const char* family, const char* variant, ResidualTable table) {
    KernelModel m = product(1);
    m.family = family, m.variant = variant, m.residual = std::move(table);
    m.law.fixed_time = Seconds{1e-4}, m.law.exponent = 1;
    Models left, right;
    left.kernels = {m};
    m.law.bandwidth_fraction *= 2;
    right.kernels = {m};
    return model_differences(left, right)[0].bias;
  };
  const ResidualTable rows{{{"m", {1}}, {"n", {8192}}, {"k", {8192}}}, {0}};
  double before = 0;
  for (const char* variant : {"nvfp4", "mxfp4", "int4-weights", "fp8", "mxfp8", "bf16", "fp32", "fp64"}) {
    const double now = bias("gemm", variant, rows);
    if (std::string(variant) == "nvfp4" || std::string(variant) == "mxfp4" ||
        std::string(variant) == "int4-weights")
      EXPECT_NEAR(now, bias("gemm", "fp8", rows) / 2, 0.05) << variant;
    else EXPECT_LT(now, before) << variant;
    before = now;
  }
  EXPECT_DOUBLE_EQ(bias("gemm", "fp8-block", rows), bias("gemm", "fp8", rows));
  const ResidualTable heads{{{"kv_heads_in_batch", {64}}, {"key_tokens", {4096}}, {"group", {4}}}, {0}};
  const auto decode = [&](const char* variant) { return bias("attention_decode", variant, heads); };
  EXPECT_LT(decode("bf16-d256"), decode("bf16-d64"));
  EXPECT_GT(decode("bf16-cache-fp8-d128, engine"), decode("bf16-d128, engine"));
}

TEST(VariantWidths, FollowTheName) {
  EXPECT_EQ(variant_widths("fp64").weight, 8);
  EXPECT_EQ(variant_widths("fp32").output, 4);
  EXPECT_EQ(variant_widths("fp8-block").activation, 1);
  EXPECT_EQ(variant_widths("fp8-block").output, 2);
  EXPECT_EQ(variant_widths("mxfp8").weight, 1 + 1.0 / 32);
  EXPECT_EQ(variant_widths("nvfp4").weight, 0.5625);  // 4 bits and a byte for 16 of them
  EXPECT_EQ(variant_widths("int4-weights").activation, 2);
  EXPECT_EQ(variant_widths("int4-weights").weight, 0.515625);
  EXPECT_EQ(variant_widths("something new").weight, 2);
  EXPECT_EQ(variant_head_dim("bf16-d64-cudnn"), 64);
  EXPECT_EQ(variant_head_dim("bf16-cache-fp8-d128, VLLM 0.19.0"), 128);
  EXPECT_EQ(variant_head_dim("int8-weights"), 0);
  EXPECT_EQ(variant_head_dim("bf16-decode"), 0);
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
