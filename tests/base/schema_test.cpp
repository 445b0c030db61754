#include "base/schema.h"

#include "base/yaml/read_document.h"
#include "tests/base/sample_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using namespace test;

struct Outcome {
  Device device;
  Diagnostics diagnostics;
  Origins origins;
  const Diagnostic& first() const {
    static const Diagnostic none{Severity::note, "", "no diagnostic", {}, {}, {}};
    return diagnostics.empty() ? none : diagnostics.items().front();
  }
};

Outcome read_text(std::string text, std::string file = "d.yaml") {
  Outcome o;
  Node n = read_yaml(std::make_shared<const Source>(Source{std::move(file), std::move(text)}), o.diagnostics);
  ReadContext c{o.diagnostics, &o.origins, ""};
  o.device = read<Device>(n, c);
  return o;
}

/// Message and place of the only problem with "name: x" and the given second line.
std::string problem(const std::string& line) {
  const Outcome o = read_text("name: x\n" + line + "\n");
  EXPECT_EQ(o.diagnostics.items().size(), 1u) << render(o.diagnostics);
  return o.first().span.where() + ": " + o.first().message;
}

TEST(Schema, ReadsEveryKindOfMember) {
  const Outcome o = read_text(R"(name: "8"
cores: 1k
tied: true
colour: red
memory: {capacity: 80 GB, bandwidth: 400 Gbps, efficiency_fraction: 92 %}
latency: 2 us
shape: [2, 4]
levels: [{capacity: 1 MiB}, {capacity: "50 MiB"}]
peaks: {bf16: 989 TFLOP/s}
)");
  EXPECT_TRUE(o.diagnostics.empty()) << render(o.diagnostics);
  EXPECT_EQ(o.device.name, "8");
  EXPECT_EQ(o.device.cores, 1000);
  EXPECT_TRUE(o.device.tied);
  EXPECT_EQ(o.device.colour, Colour::red);
  EXPECT_EQ(o.device.memory.capacity, 80_GB);
  EXPECT_EQ(o.device.memory.bandwidth, 50_GBps);
  EXPECT_EQ(o.device.memory.efficiency_fraction, 0.92);
  EXPECT_EQ(o.device.latency, 2_us);
  EXPECT_THAT(*o.device.shape, ElementsAre(2, 4));
  ASSERT_EQ(o.device.levels.size(), 2u);
  EXPECT_EQ(o.device.levels[1].capacity, 50_MiB);
  EXPECT_EQ(o.device.peaks.at("bf16"), 989_TFLOPps);
}

TEST(Schema, RecordsWhereEachValueWasWritten) {
  const Outcome o = read_text("name: x\nmemory:\n  size: 80 GB\nlevels:\n  - capacity: 1 MiB\n");
  EXPECT_EQ(o.origins.at("name").where, "d.yaml:1");
  EXPECT_EQ(o.origins.at("memory.capacity").where, "d.yaml:3") << "an alias records the field's own name";
  EXPECT_EQ(o.origins.at("levels.0.capacity").where, "d.yaml:5");
  EXPECT_EQ(o.origins.at("name").kind, Origin::Kind::scenario);
  EXPECT_EQ(o.origins.at("cores").kind, Origin::Kind::default_value);
  EXPECT_EQ(o.origins.at("cores").where, "") << "defaults were not written anywhere";
}

TEST(Schema, TellsFlagsAndPresetsFromScenarios) {
  Diagnostics d;
  Node n =
      read_yaml(std::make_shared<const Source>(Source{"presets/hardware/x.yaml", "name: x\ncores: 4\n"}), d);
  ASSERT_TRUE(apply_override(n, "cores=8", d));
  Origins origins;
  ReadContext c{d, &origins, ""};
  EXPECT_EQ(read<Device>(n, c).cores, 8);
  EXPECT_EQ(origins.at("name").kind, Origin::Kind::preset);
  EXPECT_EQ(origins.at("cores").kind, Origin::Kind::command_line);
  EXPECT_EQ(origins.at("cores").where, "--set cores=8");
  const auto scenario = std::make_shared<const Source>(Source{"presets/scenarios/a.yaml", ""});
  EXPECT_EQ(origin_of({scenario, 2, 1, 1}, Origin::Kind::scenario).kind, Origin::Kind::scenario);
  EXPECT_EQ(origin_of({scenario, 2, 1, 1}, Origin::Kind::measured).kind, Origin::Kind::measured);
}

TEST(Schema, ReportsAllProblemsAtOnceAndKeepsDefaults) {
  const Outcome o =
      read_text("cores: 0\ntied: yes\ncolour: blue\nmemory: {capacity: 80, bandwith: 1 TB/s}\n");
  EXPECT_EQ(o.diagnostics.items().size(), 6u) << render(o.diagnostics);
  EXPECT_EQ(o.device.cores, 1);
  EXPECT_EQ(o.device.colour, Colour::green);
  EXPECT_EQ(o.device.memory.capacity, 80_GiB);
}

TEST(Schema, TeachesUnits) {
  EXPECT_EQ(problem("memory: {capacity: 80}"),
            "d.yaml:2:20: 'capacity: 80' has no unit; write '80 GiB' or '80 GB'");
  EXPECT_THAT(problem("memory: {capacity: 80 TB/s}"),
              HasSubstr("'capacity: 80 TB/s' has the unit 'TB/s' where one of these is needed: GiB, GB"));
  EXPECT_EQ(problem("memory: {capacity: -1 GB}"), "d.yaml:2:20: 'capacity: -1 GB' must be greater than 0");
}

TEST(Schema, ClosesTheTrapsOfYaml11) {
  EXPECT_EQ(problem("tied: yes"), "d.yaml:2:7: 'tied: yes' is neither true nor false");
  EXPECT_EQ(read_text("name: x\ntied: off").first().suggestion, "false");
  EXPECT_EQ(problem("tied: \"true\""),
            "d.yaml:2:7: 'tied: \"true\"' is text because of its quotes; true or false is needed");
  EXPECT_THAT(problem("cores: 0100"), HasSubstr("d.yaml:2:8: 'cores: 0100' has a leading zero"));
  EXPECT_THAT(problem("cores: 1_000"), HasSubstr("'cores: 1_000' has '_' between its digits"));
  EXPECT_THAT(problem("cores: \"8\""), HasSubstr("is text because of its quotes"));
  EXPECT_THAT(problem("cores: 9223372036854775808"), HasSubstr("is beyond the largest count, 2^63 - 1"));
  EXPECT_THAT(problem("cores: 80.5"), HasSubstr("is not a whole number"));
  EXPECT_THAT(problem("cores: .inf"), HasSubstr("is not finite"));
  EXPECT_THAT(problem("memory: {efficiency_fraction: .nan}"), HasSubstr("nan is never accepted"));
  EXPECT_THAT(problem("memory: {efficiency_fraction: 1e400}"), HasSubstr("is too large"));
  EXPECT_THAT(problem("cores:"), HasSubstr("'cores' has no value; a whole number is needed"));
  EXPECT_THAT(problem("cores: ~"), HasSubstr("'cores' has no value"));
  EXPECT_THAT(problem("cores: 190:20"), HasSubstr("not a count")) << "YAML 1.1 reads base 60";
}

TEST(Schema, NamesKindsAndRanges) {
  EXPECT_EQ(problem("cores: [1]"), "d.yaml:2:8: 'cores' is a list; a whole number is needed");
  EXPECT_EQ(problem("cores: {a: 1}"), "d.yaml:2:8: 'cores' is a map; a whole number is needed");
  EXPECT_EQ(problem("memory: 80 GB"),
            "d.yaml:2:9: 'memory: 80 GB' is a single value; a map of keys is needed");
  EXPECT_EQ(problem("memory:"), "d.yaml:3:1: 'memory' is empty; a map of keys is needed");
  EXPECT_EQ(problem("shape: 4"), "d.yaml:2:8: 'shape: 4' is a single value; a list is needed");
  EXPECT_EQ(problem("cores: 2000"), "d.yaml:2:8: 'cores: 2000' must be between 1 and 1024");
  EXPECT_EQ(problem("latency: -1 us"), "d.yaml:2:10: 'latency: -1 us' must be at least 0 s");
  EXPECT_EQ(problem("memory: {efficiency_fraction: 1.5}"),
            "d.yaml:2:31: 'efficiency_fraction: 1.5' must be between 0 and 1");
  EXPECT_EQ(problem("shape: [2, 0]"), "d.yaml:2:12: '1: 0' must be greater than 0");
}

TEST(Schema, SuggestsNearestKeysAndTheirPlace) {
  const Outcome near = read_text("name: x\nmemory: {bandwith: 1 TB/s}\n");
  EXPECT_EQ(render(near.first()),
            "d.yaml:2:10: error: unknown key 'bandwith' in 'memory' [unknown-key]\n"
            "    2 | memory: {bandwith: 1 TB/s}\n"
            "      |          ^~~~~~~~\n"
            "   expected one of: capacity, bandwidth, efficiency_fraction\n"
            "   did you mean 'bandwidth'?\n");
  const Outcome misplaced = read_text("name: x\nbandwidth: 1 TB/s\n");
  EXPECT_EQ(misplaced.first().message, "unknown key 'bandwidth' in 'device'; it belongs under 'memory'");
  const Outcome top = read_text("name: x\nmemory: {colour: red}\n");
  EXPECT_EQ(top.first().message, "unknown key 'colour' in 'memory'; it belongs at the top level");
  EXPECT_EQ(read_text("name: x\ncolour: gren\n").first().suggestion, "green");
}

TEST(Schema, ReportsMissingAndRepeatedKeys) {
  EXPECT_EQ(read_text("cores: 1\n").first().message, "'device' needs the key 'name' (free text)");
  EXPECT_EQ(problem("memory: {capacity: 1 GB, size: 2 GB}"),
            "d.yaml:2:26: 'size' gives 'capacity' a second time");
  EXPECT_EQ(read_text("").first().message, "'device' is empty; a map of keys is needed");
  EXPECT_EQ(read_text("- 1\n").first().message, "'device' is a list; a map of keys is needed");
}

TEST(Schema, NullClearsAnOptional) {
  EXPECT_FALSE(read_text("name: x\nlatency: null\n").device.latency);
  EXPECT_FALSE(read_text("name: x\nlatency:\n").device.latency);
}

TEST(Schema, ReadsDespiteHostileNames) {
  const Outcome o = read_text("name: x\n\"\\x1b[31m\": 1\n");
  EXPECT_THAT(o.first().message, HasSubstr("unknown key '\\x1b[31m'"));
}

Device random_device(std::mt19937_64& random) {
  auto number = [&] { return std::uniform_real_distribution<double>(1e-6, 1e18)(random); };
  auto memory = [&] {
    return Memory{Bytes{number()}, BytesPerSecond{number()},
                  std::uniform_real_distribution<double>(0, 1)(random)};
  };
  const std::string texts[] = {"plain",    "8",    "true",     "a: b", "- x",       "\"quoted\"", "tab\there",
                               "\xC3\xA9", "null", " padded ", "#no",  "new\nline", "*a",         "\x01"};
  Device d;
  d.name = texts[random() % std::size(texts)];
  d.cores = static_cast<std::int64_t>(1 + random() % 1024);
  d.tied = random() % 2;
  d.colour = random() % 2 ? Colour::red : Colour::green;
  d.memory = memory();
  if (random() % 2) d.latency = Seconds{number()};
  if (random() % 2) d.shape = {1, static_cast<std::int64_t>(random() >> 1)};
  for (auto n = random() % 4; n > 0; --n) d.levels.push_back(memory());
  for (auto n = random() % 4; n > 0; --n)
    d.peaks[texts[random() % std::size(texts)]] = FlopPerSecond{number()};
  return d;
}

TEST(SchemaLaws, WritingAndReadingGivesTheSameValue) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 500; ++i) {
    const Device d = random_device(random);
    const std::string text = write_yaml(write_value(d));
    const Outcome o = read_text(text);
    ASSERT_TRUE(o.diagnostics.empty()) << text << render(o.diagnostics);
    ASSERT_EQ(write_yaml(write_value(o.device)), text);
    ASSERT_EQ(o.device.name, d.name);
    ASSERT_EQ(o.device.memory.capacity, d.memory.capacity);
    ASSERT_EQ(o.device.peaks, d.peaks);
    ASSERT_EQ(o.device.shape, d.shape);
  }
}

TEST(SchemaLaws, TheOrderOfKeysDoesNotMatter) {
  std::mt19937_64 random(4);
  Node n = write_value(random_device(random));
  const std::string expected = write_yaml(write_value(read_text(write_yaml(n)).device));
  for (int i = 0; i < 50; ++i) {
    std::shuffle(n.entries.begin(), n.entries.end(), random);
    EXPECT_EQ(write_yaml(write_value(read_text(write_yaml(n)).device)), expected);
  }
}

}  // namespace
}  // namespace ridge
