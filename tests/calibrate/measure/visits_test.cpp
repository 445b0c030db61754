// How often points are visited, and which visit counts.
#include "calibrate/measure/point_runner.h"

#include <gtest/gtest.h>
#include <thread>

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

// A probe whose points never end, and one behind it that keeps half of a budget of 0.2 s: it starts in time.  One that
// keeps nothing is skipped.
TEST(Budget, KeepsTheTimeOfAProbeBehind) {
  for (const bool keeps : {true, false}) {
    ProbeSettings settings;
    settings.budget = Seconds{0.2};
    std::vector<std::string> skipped;
    ProbeReport report;
    report.measured = [](const Measurement&) {};
    report.skipped = [&](const std::string& s) { skipped.push_back(s); };
    PointRunner runner(
        settings, report,
        {{"endless", "", Seconds{1}, Seconds{1}}, {"last", "", Seconds{0.1}, Seconds{0.1}, false, keeps}});
    std::vector<std::string> started;
    runner.run_all([&](const std::string& name) {
      started.push_back(name);
      while (name == "endless" && !runner.should_stop())
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    EXPECT_EQ(started.size(), keeps ? 2u : 1u);
    EXPECT_EQ(skipped.size(), keeps ? 0u : 1u);
  }
}

}  // namespace
}  // namespace ridge
