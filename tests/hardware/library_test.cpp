// From a user's file to a Cluster: what works, what is refused, and where the message points.
#include "hardware/library.h"

#include "tests/hardware/preset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> problems(const Loaded& l) {
  std::vector<std::string> out;
  for (const auto& d : l.diagnostics.items()) out.push_back(d.span.where() + ' ' + d.code);
  return out;
}

const std::string minimal = R"(device:
  peaks: {bf16: 100 TFLOP/s}
  hbm: {capacity: 24 GiB, bandwidth: 1 TB/s}
)";

TEST(ReadCluster, TheSmallestFileNamesADevice) {
  const Loaded l = load_text("device: h100-sxm-80gb\n");
  EXPECT_THAT(problems(l), IsEmpty());
  EXPECT_EQ(l.cluster.device.name, "NVIDIA H100 SXM 80 GB");
  EXPECT_EQ(l.cluster.node.devices, 8);
  ASSERT_EQ(l.cluster.tiers.inner_to_outer.size(), 1u);
  EXPECT_EQ(l.cluster.tiers.inner_to_outer[0].link.bandwidth.value, BytesPerSecond{450e9});
}

TEST(ReadCluster, AnOwnDeviceNeedsPeakAndMemory) {
  const Loaded l = load_text(minimal);
  EXPECT_THAT(problems(l), IsEmpty());
  const auto& bandwidth = l.cluster.device.hbm.bandwidth;
  EXPECT_EQ(bandwidth.value, BytesPerSecond{1e12});
  EXPECT_EQ(bandwidth.kind, Origin::Kind::assumed);
  EXPECT_EQ(bandwidth.citation, "given by the user");
}

TEST(ReadCluster, ADeviceFileIsASystemOfItsOwn) {
  const Loaded l = load_text("extends: h100-sxm-80gb\nhbm: {capacity: 96 GiB}\n");
  EXPECT_THAT(problems(l), IsEmpty());
  EXPECT_EQ(l.cluster.device.hbm.capacity.value, Bytes{96 * 1073741824.0});
  EXPECT_EQ(l.cluster.device.hbm.bandwidth.value, BytesPerSecond{3.35e12});
}

TEST(ReadCluster, ASystemCanExtendASystem) {
  const Loaded l = load_text("extends: dgx-h100\nname: mine\ntiers: {network: {link: roce-400}}\n");
  EXPECT_THAT(problems(l), IsEmpty());
  EXPECT_EQ(l.cluster.name, "mine");
  const Tier& network = l.cluster.tiers.inner_to_outer.at(1);
  EXPECT_EQ(network.link.kind, LinkKind::roce);
  EXPECT_EQ(network.ports_per_node, 8);
  EXPECT_THAT(l.cluster.aliases, IsEmpty());
}

TEST(ReadCluster, AReplacedLinkLeavesNothingOfTheOldOne) {
  const Loaded l = load_text("extends: dgx-h100\ntiers: {nvlink: {link: nvlink3}}\n");
  EXPECT_FALSE(l.cluster.tiers.inner_to_outer.at(0).link.collective.nvls.is_known());
}

TEST(ReadCluster, OverridesReachSingleFigures) {
  const Loaded l = load_text("device: h100-sxm-80gb\n", "{device: {hbm: {bandwidth: 4 TB/s}}, max_nodes: 3}");
  EXPECT_THAT(problems(l), IsEmpty());
  EXPECT_EQ(l.cluster.device.hbm.bandwidth.value, BytesPerSecond{4e12});
  EXPECT_EQ(l.cluster.device.hbm.bandwidth.citation, "given by the user");
  EXPECT_EQ(l.cluster.device.hbm.capacity.value, Bytes{80 * 1073741824.0});
  EXPECT_EQ(l.cluster.max_nodes, 3);
  EXPECT_EQ(l.origins.at("hardware.device.hbm.bandwidth").where, "--set:1:28");
}

TEST(ReadCluster, OverridesCanNameAnotherDevice) {
  const Loaded l = load_text("device: h100-sxm-80gb\n", "{device: h200-sxm-141gb}");
  EXPECT_THAT(problems(l), IsEmpty());
  EXPECT_EQ(l.cluster.device.name, "NVIDIA H200 SXM 141 GB");
}

TEST(ReadCluster, RecordsWhereAFigureComesFrom) {
  const Loaded l = load_preset("hardware", "dgx-h100");
  const Origin& o = l.origins.at("hardware.device.hbm.bandwidth");
  EXPECT_EQ(o.kind, Origin::Kind::datasheet);
  EXPECT_THAT(o.where, HasSubstr("presets/devices/h100-sxm-80gb.yaml:"));
  EXPECT_THAT(o.citation, HasSubstr("Wikipedia"));
  EXPECT_EQ(o.date, "2025-06-16");
  EXPECT_THAT(l.origins.at("hardware.tiers.nvlink.link.bandwidth").where,
              HasSubstr("presets/links/nvlink4.yaml:"));
  EXPECT_THAT(l.origins.at("hardware.device.achievable.gemm.bf16.flop_fraction").where,
              HasSubstr("classes/hopper.yaml:"));
}

TEST(ReadCluster, ReadsEverySpellingOfAFigure) {
  const Loaded l = load_text(R"(device:
  peaks:
    bf16: [100 TFLOP/s, measured, lab]
    fp16: {value: 90 TFLOP/s, kind: fitted, source: lab}
    fp8: {value: 200 TFLOP/s, kind: datasheet, citation: "white paper", date: 2024-01}
    int8: [200 TFLOP/s, assumed, "as fp8"]
  hbm: {capacity: 24 GiB, bandwidth: 1 TB/s}
sources:
  lab: {citation: our own laboratory, date: 2026-11-01}
)");
  EXPECT_THAT(problems(l), IsEmpty());
  const auto& peaks = l.cluster.device.peaks;
  EXPECT_EQ(peaks.find(Precision::bf16)->kind, Origin::Kind::measured);
  EXPECT_EQ(peaks.find(Precision::bf16)->citation, "our own laboratory");
  EXPECT_EQ(peaks.find(Precision::fp16)->date, "2026-11-01");
  EXPECT_EQ(peaks.find(Precision::fp8)->citation, "white paper");
  EXPECT_EQ(peaks.find(Precision::int8)->citation, "as fp8");
}

TEST(ReadCluster, WhatIsWrittenReadsBack) {
  for (const std::string name : {"dgx-h100", "hgx-mi300x", "gb300-nvl72", "m1-max-32"}) {
    const Loaded first = load_preset("hardware", name);
    const std::string yaml = write_yaml(write_value(first.cluster));
    const Loaded second = load_text(yaml);
    EXPECT_THAT(problems(second), IsEmpty()) << render(second.diagnostics);
    EXPECT_EQ(write_yaml(write_value(second.cluster)), yaml) << name;
  }
}

// --- what is refused -------------------------------------------------------------------------------

TEST(ReadClusterErrors, AllProblemsAtOnceEachAtItsPlace) {
  const Loaded l = load_text(R"(device:
  peaks: {bf16: 100 TFLOP/s, bf17: 1 TFLOP/s}
  hbm: {capacity: 24 GB/s, bandwith: 1 TB/s}
node: {devices: 0}
tiers: {nvlink: {devices: 8, link: nvlnk4}}
)");
  EXPECT_THAT(problems(l),
              testing::UnorderedElementsAre("my.yaml:5:36 unknown-preset", "my.yaml:2:30 unknown-key",
                                            "my.yaml:3:19 bad-quantity", "my.yaml:3:28 unknown-key",
                                            "my.yaml:4:17 out-of-range"))
      << render(l.diagnostics);
}

TEST(ReadClusterErrors, SuggestTheNearestName) {
  const Loaded l = load_text("device: h100-sxm-80g\n");
  ASSERT_FALSE(l.diagnostics.empty());
  EXPECT_EQ(l.diagnostics.items()[0].code, "unknown-preset");
  EXPECT_EQ(l.diagnostics.items()[0].suggestion, "h100-sxm-80gb");
}

TEST(ReadClusterErrors, SourcesMustExist) {
  const Loaded l = load_text(R"(device:
  peaks: {bf16: [100 TFLOP/s, datasheet, nvida]}
  hbm: {capacity: [24 GiB, datasheet], bandwidth: [1 TB/s, datashet, nvidia]}
sources: {nvidia: {citation: a page}}
)");
  EXPECT_THAT(problems(l), ElementsAre("my.yaml:2:42 unknown-source", "my.yaml:3:19 unsourced-figure",
                                       "my.yaml:3:60 unknown-name"))
      << render(l.diagnostics);
  EXPECT_EQ(l.diagnostics.items()[0].suggestion, "nvidia");
}

TEST(ReadClusterErrors, ImpossibleFigures) {
  for (const std::string bad :
       {"bandwidth: 0 GB/s", "bandwidth: -1 TB/s", "bandwidth: nan TB/s", "bandwidth: 1e30 TB/s",
        "bandwidth: 900", "bandwidth: []", "bandwidth: {}", "bandwidth: ~",
        "bandwidth: [1 TB/s, measured, a, b, c]", "bandwidth: [[1 TB/s]]"}) {
    const Loaded l =
        load_text("device:\n  peaks: {bf16: 1 TFLOP/s}\n  hbm: {capacity: 1 GiB, " + bad + "}\n");
    EXPECT_TRUE(l.diagnostics.has_errors()) << bad;
    for (const auto& d : l.diagnostics.items()) EXPECT_EQ(d.span.line, 3) << bad << ": " << d.message;
  }
}

TEST(ReadClusterErrors, EfficiencyAboveOne) {
  const Loaded l = load_text(minimal + "  achievable: {gemm: {bf16: {flop_fraction: 1.2}}}\n");
  EXPECT_THAT(problems(l), ElementsAre("my.yaml:4:45 out-of-range"));
}

TEST(ReadClusterErrors, MissingFigures) {
  const Loaded l = load_text("device: {name: x}\n");
  EXPECT_THAT(problems(l), ElementsAre("my.yaml:1:9 missing-figure", "my.yaml:1:9 missing-figure",
                                       "my.yaml:1:9 missing-figure"));
  EXPECT_THAT(problems(load_text("{}")), ElementsAre("my.yaml:1:1 missing-key"));
  EXPECT_TRUE(load_text("").diagnostics.has_errors());
  EXPECT_TRUE(load_text("[1, 2]").diagnostics.has_errors());
}

TEST(ReadClusterErrors, DoubtfulFiguresAreWarnings) {
  const Loaded l = load_text(R"(device:
  peaks: {bf16: 100 TFLOP/s, fp8: 50 TFLOP/s}
  hbm: {capacity: 24 GiB, bandwidth: 30 GB/s}
  host_link: pcie5-x16
)");
  EXPECT_THAT(problems(l), ElementsAre("my.yaml:3:38 doubtful-figure", "my.yaml:2:35 doubtful-figure"));
  EXPECT_FALSE(l.diagnostics.has_errors());
}

TEST(ReadClusterErrors, TiersMustNest) {
  const Loaded l = load_text(
      "device: h100-sxm-80gb\ntiers:\n  a: {devices: 8, link: nvlink4}\n  b: {devices: 12, link: nvlink4}\n");
  EXPECT_THAT(problems(l), ElementsAre("my.yaml:4:6 impossible-tiers"));
  EXPECT_THAT(
      problems(load_text("device: h100-sxm-80gb\ntiers:\n  a: {link: nvlink4}\n  b: {link: nvlink4}\n")),
      ElementsAre("my.yaml:4:6 impossible-tiers"));
}

TEST(ReadClusterErrors, FilesMayNotReferToThemselves) {
  const Library self{[](std::string_view, std::string_view name, Diagnostics&) -> std::optional<Node> {
                       Node n = Node::map();
                       n.entries.push_back({"extends", {}, Node::scalar(std::string(name))});
                       return n;
                     },
                     {}};
  Diagnostics d;
  Node n = Node::map();
  n.entries.push_back({"extends", {}, Node::scalar("a")});
  expand_cluster(n, self, d);
  ASSERT_TRUE(d.has_errors());
  EXPECT_EQ(d.items()[0].code, "circular-reference");
}

TEST(ReadClusterErrors, NamesCannotLeaveTheFolder) {
  for (const std::string name : {"../devices/t4", "/etc/passwd", "..", ".hidden", ""}) {
    Diagnostics d;
    EXPECT_FALSE(test_library().find("hardware", name, d)) << name;
  }
}

}  // namespace
}  // namespace ridge
