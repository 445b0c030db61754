// Charts as SVG: well formed, every point in its place, nothing for values that an axis cannot show.
#include "base/chart_svg.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

Chart chart(std::vector<double> x, std::vector<double> y) {
  Chart c{.title = "a < b & c", .note = "first; second", .x = {"size", "B"}, .y = {"time", "s"}};
  c.series.push_back({.name = "points", .x = std::move(x), .y = std::move(y)});
  return c;
}

TEST(ChartSvg, DrawsEveryPointOnceAndEscapesText) {
  const Chart c = chart({1e3, 1e6, 1e9}, {1e-6, 1e-5, 1e-3});
  const std::string svg = chart_svg({&c, 1});
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "r=\"2.6\""), 3u);
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c"));
  EXPECT_THAT(svg, HasSubstr(">second<"));
  EXPECT_THAT(svg, HasSubstr(">1 MB<"));
  EXPECT_THAT(svg, HasSubstr(">10 us<"));
}

// On logarithmic axes equal ratios are equal distances: the middle point stands half way.
TEST(ChartSvg, IsLogarithmic) {
  const Chart c = chart({1, 10, 100}, {1, 10, 100});
  const std::string svg = chart_svg({&c, 1});
  std::vector<double> x;
  for (std::size_t at = svg.find("<circle cx="); at != std::string::npos;
       at = svg.find("<circle cx=", at + 1))
    if (svg.compare(svg.find("r=", at), 7, "r=\"2.6\"") == 0) x.push_back(std::atof(svg.c_str() + at + 12));
  ASSERT_EQ(x.size(), 3u);
  EXPECT_NEAR(x[1] - x[0], x[2] - x[1], 0.11);
}

TEST(ChartSvg, LeavesOutWhatAnAxisCannotShow) {
  const Chart c = chart({0, -1, NAN, 5}, {1, 1, 1, INFINITY});
  const std::string svg = chart_svg({&c, 1});
  EXPECT_EQ(count(svg, "r=\"2.6\""), 0u);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_EQ(chart_svg({}), "");
}

}  // namespace
}  // namespace ridge
