#include "hardware/roofline.h"

#include "base/expression.h"
#include "tests/hardware/preset.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

Cluster preset(const std::string& name) {
  Loaded l = load_preset("hardware", name);
  EXPECT_TRUE(l.diagnostics.empty()) << render(l.diagnostics);
  return std::move(l.cluster);
}

const Ridge* find(const std::vector<Ridge>& ridges, std::string_view against, Precision p) {
  for (const Ridge& r : ridges)
    if (r.against == against && r.precision == p) return &r;
  return nullptr;
}

// 989.4e12 FLOP/s / 3.35e12 B/s = 295.34 FLOP/B; 989.4e12 / 450e9 = 2198.7; / 50e9 = 19788.
TEST(Ridge, OfH100) {
  const auto ridges = ridge_points(preset("dgx-h100"));
  EXPECT_NEAR(find(ridges, "hbm", Precision::bf16)->intensity.value(), 295.343, 1e-3);
  EXPECT_NEAR(find(ridges, "hbm", Precision::fp8)->intensity.value(), 590.716, 1e-3);
  EXPECT_NEAR(find(ridges, "tiers.nvlink", Precision::bf16)->intensity.value(), 2198.667, 1e-3);
  EXPECT_NEAR(find(ridges, "tiers.network", Precision::bf16)->intensity.value(), 19788, 1e-6);
  EXPECT_NEAR(find(ridges, "host_link", Precision::fp32)->intensity.value(), 66.9e12 / 63e9, 1e-6);
  ASSERT_TRUE(find(ridges, "l2", Precision::bf16));
  ASSERT_TRUE(find(ridges, "shared_memory", Precision::bf16));
}

TEST(Ridge, LevelsCloserToTheUnitsNeedLessIntensity) {
  for (const std::string name : {"dgx-h100", "hgx-h200", "dgx-a100-80g"}) {
    const auto r = ridge_points(preset(name));
    const auto at = [&](std::string_view level) { return find(r, level, Precision::bf16)->intensity; };
    EXPECT_LT(at("shared_memory"), at("l2")) << name;
    EXPECT_LT(at("l2"), at("hbm")) << name;
    EXPECT_LT(at("hbm"), at("tiers.nvlink")) << name;
    EXPECT_LT(at("tiers.nvlink"), at("tiers.network")) << name;
  }
}

TEST(Attainable, IsTheLowerOfTheTwoRoofs) {
  const FlopPerSecond peak{100};
  const BytesPerSecond bandwidth{10};
  EXPECT_EQ(attainable(FlopPerByte{2}, peak, bandwidth), FlopPerSecond{20});
  EXPECT_EQ(attainable(FlopPerByte{10}, peak, bandwidth), peak);
  EXPECT_EQ(attainable(FlopPerByte{1000}, peak, bandwidth), peak);
  EXPECT_EQ(attainable(ridge_point(peak, bandwidth), peak, bandwidth), peak);
}

constexpr Traced<FlopPerSecond> peak{FlopPerSecond{989.4e12}};
constexpr Traced<BytesPerSecond> bandwidth{BytesPerSecond{3.35e12}};

KernelConstants constants(double t0, double e_flop, double e_byte, double q) {
  return {{Seconds{t0}}, {e_flop}, {e_byte}, {q}};
}

Seconds time(double flops, double bytes, const KernelConstants& k) {
  return kernel_time({Flop{flops}}, {Bytes{bytes}}, peak, bandwidth, k).value;
}

// m = n = k = 8192 in bf16: F = 2 * 8192^3 = 1.0995e12, B = 3 * 2 * 8192^2 = 4.03e8.
// F/P = 1.1113 ms, B/W = 0.1202 ms.
TEST(RooflineTime, OfALargeProduct) {
  const Seconds t =
      roofline_time({Flop{2 * std::pow(8192.0, 3)}}, {Bytes{6 * 8192.0 * 8192}}, peak, bandwidth).value;
  EXPECT_NEAR(t.value(), 1.11129e-3, 1e-8);
}

TEST(RooflineTime, OfNothingIsNothing) {
  EXPECT_EQ(roofline_time({Flop{0}}, {Bytes{0}}, {FlopPerSecond{0}}, {BytesPerSecond{0}}).value, Seconds{0});
  EXPECT_EQ(roofline_time({Flop{0}}, {Bytes{3.35e12}}, {FlopPerSecond{0}}, bandwidth).value, Seconds{1});
}

// With q = 1 the two times add: 1 us + 2 us + 3 us.
TEST(KernelTime, AddsForExponentOne) {
  EXPECT_NEAR(time(0.5 * 989.4e12 * 2e-6, 0.25 * 3.35e12 * 3e-6, constants(1e-6, 0.5, 0.25, 1)).value(), 6e-6,
              1e-18);
}

// Equal terms with q = 2: sqrt(2).
TEST(KernelTime, RoundsTheCorner) {
  EXPECT_NEAR(time(989.4e12, 3.35e12, constants(0, 1, 1, 2)).value(), std::sqrt(2.0), 1e-12);
}

TEST(KernelTime, LawsHoldForRandomKernels) {
  std::mt19937_64 random(20261122);
  std::uniform_real_distribution<double> u(0, 1);
  for (int i = 0; i < 2000; ++i) {
    const double flops = std::pow(10, 4 + 14 * u(random)), bytes = std::pow(10, 2 + 10 * u(random));
    const auto k =
        constants(1e-5 * u(random), 0.1 + 0.9 * u(random), 0.1 + 0.9 * u(random), 1 + 15 * u(random));
    const Seconds t = time(flops, bytes, k);
    ASSERT_TRUE(std::isfinite(t.value()));
    EXPECT_GE(t, roofline_time({Flop{flops}}, {Bytes{bytes}}, peak, bandwidth).value);
    EXPECT_GE(t, k.fixed_time.value);
    EXPECT_GE(time(flops * 1.01, bytes, k), t);
    EXPECT_GE(time(flops, bytes * 1.01, k), t);
    EXPECT_LE(kernel_time({Flop{flops}}, {Bytes{bytes}}, peak, {bandwidth.value * 2.0}, k).value, t);
    EXPECT_LE(kernel_time({Flop{flops}}, {Bytes{bytes}}, {peak.value * 2.0}, bandwidth, k).value, t);
  }
}

/// Evaluates every formula of a record from its terms.
void expect_executable(const Explain& ex) {
  for (NodeId id = 1; id <= ex.size(); ++id) {
    const auto& record = ex.record(id);
    if (!record.formula) continue;
    std::vector<Binding> terms;
    for (const auto& edge : ex.edges(id)) {
      EXPECT_NE(edge.node, 0u) << record.formula->id << ' ' << edge.symbol;
      terms.push_back({edge.symbol, ex.record(edge.node).value});
    }
    const auto value = evaluate(record.formula->expression, terms);
    ASSERT_TRUE(value) << record.formula->id << ": " << value.error();
    EXPECT_NEAR(*value, record.value, 1e-12 * std::abs(record.value)) << record.formula->id;
  }
}

TEST(Explain, FormulasGiveTheRecordedValues) {
  const Cluster c = preset("dgx-h100");
  for (const double bytes : {0.0, 1e3, 1e9, 1e12})
    for (const double flops : {0.0, 1e6, 1e12, 1e15}) {
      Explain ex;
      const auto p = input(&ex, "hardware.device.peaks.bf16", peak.value);
      const auto w = input(&ex, "hardware.device.hbm.bandwidth", bandwidth.value);
      const auto f = input(&ex, "flops", Flop{flops});
      const auto b = input(&ex, "bytes", Bytes{bytes});
      const auto k = kernel_constants(*c.device.achievable.gemm.find(Precision::bf16),
                                      "hardware.device.achievable.gemm.bf16", &ex);
      EXPECT_NE(kernel_time(f, b, p, w, k, &ex).node, 0u);
      EXPECT_NE(roofline_time(f, b, p, w, &ex).node, 0u);
      expect_executable(ex);
    }
}

TEST(KernelConstants, UnknownFiguresGiveTheTextbookRoofline) {
  const KernelConstants k = kernel_constants(KernelFit{}, "x");
  EXPECT_EQ(k.fixed_time.value, Seconds{0});
  EXPECT_EQ(k.flop_fraction.value, 1);
  EXPECT_EQ(k.bandwidth_fraction.value, 1);
  EXPECT_NEAR(time(1e15, 1e9, k).value(), 1e15 / 989.4e12, 1e-12);
}

}  // namespace
}  // namespace ridge
