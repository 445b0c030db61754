#include "calibrate/fit/residual_fit.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

std::vector<TablePoint> grid(auto residual, std::initializer_list<double> ms,
                             std::initializer_list<double> ns) {
  std::vector<TablePoint> out;
  for (double m : ms)
    for (double n : ns) out.push_back({{m, n}, residual(m, n)});
  return out;
}

const std::vector<TableAxis> axes{{"m", {1, 4, 16, 64, 256, 1024}}, {"n", {512, 2048, 8192}}};

// A machine that was busy with something else for a moment: e^9 slower than the law.
TEST(FitResiduals, StayWithinWhatAProfileMayHold) {
  std::vector<TablePoint> points;
  for (double x = 1; x <= 64; x *= 2)
    for (int repeat = 0; repeat < 3; ++repeat) points.push_back({{x}, x > 8 ? 9.0 : -9.0});
  const ResidualTable table = fit_residuals(points, {{"bytes", choose_knots({1, 2, 4, 8, 16, 32, 64}, 12)}});
  ASSERT_FALSE(table.values.empty());
  for (const double v : table.values) EXPECT_LE(std::abs(v), most_residual);
  EXPECT_NEAR(table.values.back(), most_residual, 1e-9);
}

TEST(ResidualAt, InterpolatesInLogSizesAndHoldsBeyond) {
  const ResidualTable t{{{"m", {1, 4, 16}}}, {0, 1, 3}};
  const auto at = [&](double m) { return residual_at(t, std::vector{m}); };
  EXPECT_DOUBLE_EQ(at(1), 0);
  EXPECT_DOUBLE_EQ(at(4), 1);
  EXPECT_DOUBLE_EQ(at(8), 2);  // half way from 4 to 16 in octaves
  EXPECT_DOUBLE_EQ(at(0.01), 0);
  EXPECT_DOUBLE_EQ(at(1e9), 3);
  EXPECT_EQ(residual_at({}, std::vector{1.0}), 0);
}

TEST(ResidualAt, LastAxisIsFastest) {
  const ResidualTable t{{{"m", {1, 2}}, {"n", {1, 2, 4}}}, {0, 1, 2, 10, 11, 12}};
  EXPECT_DOUBLE_EQ(residual_at(t, std::vector{1.0, 4.0}), 2);
  EXPECT_DOUBLE_EQ(residual_at(t, std::vector{2.0, 1.0}), 10);
}

TEST(FitResiduals, ReturnsSmoothValuesAtTheKnots) {
  const auto smooth = [](double m, double n) {
    return 0.1 * std::sin(std::log2(m) / 3) - 0.02 * std::log2(n / 512);
  };
  const auto points = grid(smooth, {1, 4, 16, 64, 256, 1024}, {512, 2048, 8192});
  const ResidualTable t = fit_residuals(points, axes);
  for (const TablePoint& p : points) EXPECT_NEAR(residual_at(t, p.at), p.residual, 0.01);
}

// Noise of 5 % on 240 points: the table of 18 values is to lie closer to the truth than one sample.
TEST(FitResiduals, AveragesNoise) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> noise(0, 0.05);
  std::uniform_real_distribution<double> octave(0, 10), other(9, 13);
  std::vector<TablePoint> points;
  for (int i = 0; i < 240; ++i) {
    const double m = std::exp2(octave(random));
    points.push_back({{m, std::exp2(other(random))}, 0.03 * std::log2(m) + noise(random)});
  }
  const ResidualTable t = fit_residuals(points, axes);
  double squares = 0;
  for (double m : {1, 4, 16, 64, 256, 1024}) {
    const double e = residual_at(t, std::vector{m, 2048.0}) - 0.03 * std::log2(m);
    squares += e * e / 6;
  }
  EXPECT_LT(std::sqrt(squares), 0.025);
}

TEST(FitResiduals, AreFlatWhereNothingWasMeasured) {
  const auto points = grid([](double, double) { return 0.2; }, {1, 4, 16}, {512, 2048, 8192});
  const ResidualTable t = fit_residuals(points, axes);
  EXPECT_NEAR(residual_at(t, std::vector{1024.0, 2048.0}), 0.2, 0.01);
}

// Two types whose kernels change at the same 11 sizes: what six points of the second cannot show, the first's table
// knows.  The second is 0.1 slower throughout.
TEST(FitResiduals, ADenseTableCarriesASparseOne) {
  const auto switches = [](double m, double) { return m >= 64 && m < 512 ? 0.3 : 0.0; };
  const std::vector<TableAxis> dense_axes{{"m", {1, 4, 16, 32, 64, 128, 256, 512, 1024, 4096}},
                                          {"n", {512, 8192}}};
  const ResidualTable dense =
      fit_residuals(grid(switches, {1, 4, 16, 32, 64, 128, 256, 512, 1024, 4096}, {512, 8192}), dense_axes);
  const std::vector<TablePoint> sparse =
      grid([&](double m, double n) { return switches(m, n) + 0.1; }, {1, 64, 4096}, {512, 8192});
  const std::vector<TableAxis> sparse_axes{{"m", {1, 64, 4096}}, {"n", {512, 8192}}};
  const ResidualTable alone = fit_residuals(sparse, sparse_axes),
                      carried =
                          fit_residuals(sparse, sparse_axes, std::array<const ResidualTable*, 1>{&dense});
  const std::vector unseen{16.0, 2048.0};
  EXPECT_GT(residual_at(alone, unseen), 0.2);
  EXPECT_NEAR(residual_at(carried, unseen), 0.1, 0.04);
  EXPECT_EQ(table_problem(carried), "");
}

TEST(FitResiduals, ATableOfSomethingElseIsLeftAlone) {
  const auto points = grid([](double m, double) { return 0.05 * std::log2(m); }, {1, 4, 16, 64, 256, 1024},
                           {512, 2048, 8192});
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0, 0.5);
  ResidualTable other{axes, {}};
  for (int i = 0; i < 18; ++i) other.values.push_back(noise(random));
  EXPECT_EQ(fit_residuals(points, axes, std::array<const ResidualTable*, 1>{&other}).values,
            fit_residuals(points, axes).values);
  const ResidualTable of_fewer_axes{{{"m", {1, 2}}}, {0, 1}};
  EXPECT_EQ(fit_residuals(points, axes, std::array<const ResidualTable*, 1>{&of_fewer_axes}).values,
            fit_residuals(points, axes).values);
}

TEST(ChooseKnots, TakesEveryValueOfASmallGrid) {
  EXPECT_EQ(choose_knots({4, 1, 16, 4, 1}, 5), (std::vector<double>{1, 4, 16}));
}

TEST(ChooseKnots, CoversTheRangeOfAScatter) {
  std::vector<double> values;
  for (double v = 3; v < 70000; v *= 1.13) values.push_back(v);
  const auto knots = choose_knots(values, 12);
  EXPECT_LE(knots.size(), 12u);
  EXPECT_EQ(knots.front(), 3);
  EXPECT_EQ(knots.back(), values.back());
  for (std::size_t i = 1; i < knots.size(); ++i) EXPECT_GT(knots[i], knots[i - 1]);
}

}  // namespace
}  // namespace ridge
