#include "calibrate/fit/curve_fit.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

Measurement point(double bytes, double seconds) {
  return {
      .family = "all_reduce", .variant = "4 devices", .sizes = {{"bytes", bytes}}, .time = Seconds{seconds}};
}

TEST(Isotonic, PoolsNeighboursThatFall) {
  EXPECT_EQ(isotonic(std::vector<double>{1, 3, 2, 4}), (std::vector<double>{1, 2.5, 2.5, 4}));
  EXPECT_EQ(isotonic(std::vector<double>{3, 2, 1}), (std::vector<double>{2, 2, 2}));
  EXPECT_EQ(isotonic(std::vector<double>{4, 1}, std::vector<double>{1, 3}),
            (std::vector<double>{1.75, 1.75}));
}

TEST(Isotonic, NeverFallsAndKeepsTheSum) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise;
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> v;
    for (int i = 0; i < 30; ++i) v.push_back(0.1 * i + noise(random));
    const auto up = isotonic(v);
    EXPECT_TRUE(std::ranges::is_sorted(up));
    double difference = 0;
    for (std::size_t i = 0; i < v.size(); ++i) difference += v[i] - up[i];
    EXPECT_NEAR(difference, 0, 1e-9);
  }
}

TEST(TimeCurve, IsExactOnALatencyAndABandwidth) {
  std::vector<Measurement> points;
  for (double s = 1024; s <= 1 << 30; s *= 4) points.push_back(point(s, 8e-6 + s / 200e9));
  const TimeCurve c = fit_curve(points);
  for (double s : {3000.0, 1e6, 7e8, 5e9})
    EXPECT_NEAR(curve_time(c, Bytes{s}).value(), 8e-6 + s / 200e9, 1e-9 * (1 + s / 200e9));
  EXPECT_DOUBLE_EQ(curve_time(c, Bytes{1}).value(), 8e-6 + 1024 / 200e9);
}

TEST(TimeCurve, NeverFalls) {
  const TimeCurve c =
      fit_curve(std::vector{point(1024, 9e-6), point(2048, 8e-6), point(4096, 12e-6), point(2048, 30e-6)});
  Seconds before;
  for (double s = 100; s < 1e5; s *= 1.1) {
    EXPECT_GE(curve_time(c, Bytes{s}), before);
    before = curve_time(c, Bytes{s});
  }
}

// The two largest sizes were joined into one time: beyond them the curve goes on at 100 GB/s, the rate of the segment
// before, and does not stay where it is.
TEST(TimeCurve, GoesOnAtTheLastRateBehindJoinedPoints) {
  const TimeCurve c =
      fit_curve(std::vector{point(1e6, 10e-6), point(2e6, 20e-6), point(4e6, 41e-6), point(8e6, 39e-6)});
  ASSERT_EQ(c.times[2], c.times[3]);
  const Seconds end = c.times[3];
  EXPECT_NEAR(curve_time(c, Bytes{8e6}) / end, 1, 1e-12);
  EXPECT_NEAR(curve_time(c, Bytes{10e6}).value(), end.value() + (end.value() - 20e-6), 1e-12);
  EXPECT_GT(curve_time(c, Bytes{1e9}).value(), 9e-3);
  // Never rising: in proportion.
  const TimeCurve flat{{Bytes{1e3}, Bytes{1e6}}, {Seconds{5e-6}, Seconds{5e-6}}};
  EXPECT_DOUBLE_EQ(curve_time(flat, Bytes{4e6}).value(), 20e-6);
}

TEST(TimeCurve, OfOneSizeIsRefused) {
  EXPECT_FALSE(curve_problem({{Bytes{1e3}}, {Seconds{5e-6}}}).empty());
  EXPECT_FALSE(curve_problem({}).empty());
  EXPECT_TRUE(curve_problem({{Bytes{1e3}, Bytes{1e6}}, {Seconds{5e-6}, Seconds{5e-6}}}).empty());
}

// Two protocols: 6 us + S / 50 GB/s up to 256 KiB, 12 us + S / 300 GB/s beyond (they meet at 360 kB).
TEST(LinePieces, FindsWhereTheProtocolChanges) {
  std::vector<Measurement> points;
  for (double s = 1024; s <= 1 << 28; s *= 2)
    points.push_back(point(s, s <= 262144 ? 6e-6 + s / 50e9 : 12e-6 + s / 300e9));
  const auto pieces = line_pieces(fit_curve(points));
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].to.value(), 262144);
  EXPECT_NEAR(pieces[0].latency.value(), 6e-6, 1e-7);
  EXPECT_NEAR(pieces[1].slope.value(), 1 / 300e9, 1e-14);
}

TEST(LinePieces, OfOneLineAreOne) {
  std::vector<Measurement> points;
  for (double s = 1024; s <= 1 << 20; s *= 2) points.push_back(point(s, 5e-6 + s / 100e9));
  EXPECT_EQ(line_pieces(fit_curve(points)).size(), 1u);
  EXPECT_TRUE(line_pieces(fit_curve(std::vector{point(1, 1)})).empty());
}

}  // namespace
}  // namespace ridge
