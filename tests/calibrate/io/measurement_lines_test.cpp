#include "calibrate/io/measurement_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

SourcePtr source(std::string text) {
  return std::make_shared<const Source>(Source{"m.jsonl", std::move(text)});
}

Measurement sample() {
  Measurement m{.family = "gemm", .variant = "bf16", .sizes = {{"m", 1}, {"n", 4096}, {"k", 1.0 / 3}}};
  m.time = Seconds{1.1e-5}, m.low = Seconds{1.0e-5}, m.high = Seconds{1.2e-5};
  m.samples = 24, m.spread = 0.01, m.revisit_difference = 0.002, m.clock = Hertz{1.98e9};
  m.is_held_out = true;
  m.device = "NVIDIA H200", m.library = "cuBLASLt \"13\"", m.kernel = "tile 20";
  return m;
}

TEST(MeasurementLines, ObservationsReadBackAsWritten) {
  Observation o{.what = sample(), .kernels = {"nvjet \"a\"", "splitk"}, .tile = {256, 128}};
  o.event_time = Seconds{1.4e-5}, o.traced_time = Seconds{1.3e-5};
  o.counted = {{counted_tensor_flops, 3.5e9}, {counted_read, 1e8}};
  Diagnostics d;
  const MeasuredRun run = read_measurement_lines(
      source(observation_line(o) + "\n" + R"({"observed": {"sizes": {}}, "tile": "?", "counted": 3})" + "\n"),
      d);
  ASSERT_EQ(run.observed.size(), 2u);
  EXPECT_TRUE(run.points.empty());
  EXPECT_EQ(run.observed[0].what.sizes, o.what.sizes);
  EXPECT_EQ(run.observed[0].kernels, o.kernels);
  EXPECT_EQ(run.observed[0].tile.columns, 128);
  EXPECT_EQ(run.observed[0].traced_time, o.traced_time);
  EXPECT_EQ(run.observed[0].counted, o.counted);
  ASSERT_EQ(d.items().size(), 1u);  // the second names no family
  EXPECT_EQ(d.items()[0].span.line, 2);
}

TEST(MeasurementLines, ReadBackAsWritten) {
  Diagnostics d;
  const MeasuredRun run =
      read_measurement_lines(source(facts_line({{"device", "X"}, {"driver", "580"}}) + "\n" +
                                    measurement_line(sample()) + "\n" + skipped_line("nvls: off") + "\n"),
                             d);
  EXPECT_TRUE(d.empty()) << render(d);
  EXPECT_EQ(run.facts.at("driver"), "580");
  EXPECT_EQ(run.skipped, (std::vector<std::string>{"nvls: off"}));
  ASSERT_EQ(run.points.size(), 1u);
  const Measurement m = run.points[0], w = sample();
  EXPECT_EQ(m.sizes, w.sizes);
  EXPECT_EQ(m.time, w.time);
  EXPECT_EQ(m.high, w.high);
  EXPECT_EQ(m.samples, 24);
  EXPECT_EQ(m.clock, w.clock);
  EXPECT_TRUE(m.is_held_out);
  EXPECT_FALSE(m.is_throttled);
  EXPECT_EQ(m.device, "NVIDIA H200");
  EXPECT_EQ(m.library, w.library);
}

TEST(MeasurementLines, TakeTheDeviceFromTheRun) {
  Diagnostics d;
  const auto run = read_measurement_lines(
      source("{\"run\":{\"device\":\"X\"}}\n{\"family\":\"launch\",\"seconds\":1e-6}\n"), d);
  EXPECT_EQ(run.points[0].device, "X");
}

TEST(MeasurementLines, ALineCutShortIsLeftOut) {
  Diagnostics d;
  const std::string line = measurement_line(sample());
  const auto run = read_measurement_lines(source(line + "\n" + line.substr(0, line.size() / 2)), d);
  EXPECT_EQ(run.points.size(), 1u);
  EXPECT_FALSE(d.has_errors());
  ASSERT_EQ(d.items().size(), 1u);
  EXPECT_EQ(d.items()[0].code, "cut-short");
}

TEST(MeasurementLines, AWrongLineIsAnErrorAtItsPlace) {
  Diagnostics d;
  read_measurement_lines(
      source("{\"family\":\"gemm\",\"seconds\":1e-6}\n[1, 2]\n{\"family\":\"gemm\",\"seconds\":-1}\n{}\n"),
      d);
  ASSERT_EQ(d.items().size(), 3u);
  EXPECT_EQ(d.items()[0].span.where_line(), "m.jsonl:2");
  EXPECT_THAT(d.items()[1].message, testing::HasSubstr("no time"));
  EXPECT_THAT(d.items()[2].message, testing::HasSubstr("no family"));
}

}  // namespace
}  // namespace ridge
