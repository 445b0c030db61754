// How often points are visited, and which visit counts.
#include "calibrate/measure/point_runner.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

Point point_of(const std::vector<double>& times, int visits, int* timed) {
  Point p;
  p.what = {.family = "storage_read", .variant = "v", .sizes = {{"bytes", 4096}}};
  p.time = [times, timed] {
    const double t = times[static_cast<std::size_t>((*timed)++) % times.size()];
    return Timing{{Seconds{t}, Seconds{t}, Seconds{t}, 1, 0}, 0};
  };
  p.visits = visits;
  return p;
}

struct Outcome {
  int visits = 0;
  Measurements points;
};
Outcome run(const std::vector<double>& times, int visits, bool is_quick = false) {
  Outcome out;
  ProbeSettings settings;
  settings.is_quick = is_quick;
  ProbeReport report;
  report.measured = [&](const Measurement& m) { out.points.push_back(m); };
  report.skipped = [](const std::string&) {};
  PointRunner(settings, report, {}).run("p", {point_of(times, visits, &out.visits)});
  return out;
}

TEST(Visits, TheMiddleOfFiveCounts) {
  const Outcome o = run({5, 1, 9, 2, 3}, 5);
  EXPECT_EQ(o.visits, 5);
  ASSERT_EQ(o.points.size(), 1u);
  EXPECT_EQ(o.points[0].time.value(), 3);
}

TEST(Visits, TwoThatDifferAskForAThird) {
  EXPECT_EQ(run({1, 1.04, 7}, 2).visits, 2);
  const Outcome o = run({1, 2, 1.5}, 2);
  EXPECT_EQ(o.visits, 3);
  EXPECT_EQ(o.points[0].time.value(), 1.5);
}

TEST(Visits, OneIsEnoughWhereAPointSaysSoAndInAQuickRun) {
  EXPECT_EQ(run({1, 2}, 1).visits, 1);
  EXPECT_EQ(run({1, 2}, 5, true).visits, 1);
}

}  // namespace
}  // namespace ridge
