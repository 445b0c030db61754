#include "hardware/topology.h"

#include "tests/hardware/preset.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

Cluster preset(const std::string& name) {
  Loaded l = load_preset("hardware", name);
  EXPECT_TRUE(l.diagnostics.empty()) << render(l.diagnostics);
  return std::move(l.cluster);
}

struct Used {
  std::string tier;
  std::int64_t fan;
  double gigabytes_per_second;
  bool operator==(const Used&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Used& u) {
  return out << u.tier << ' ' << u.fan << ' ' << u.gigabytes_per_second;
}

std::vector<Used> used(const Cluster& c, std::int64_t ranks, std::int64_t stride) {
  std::vector<Used> out;
  const GroupLink link = group_link(c, ranks, stride);
  for (const GroupTier& t : link.tiers()) out.push_back({t.tier->name, t.fan, t.bandwidth.value() / 1e9});
  return out;
}

// DGX H100: 450 GB/s inside a node of 8, one 50 GB/s port a device outside.
TEST(GroupLink, FillsNodesFirst) {
  const Cluster c = preset("dgx-h100");
  EXPECT_EQ(used(c, 1, 1), std::vector<Used>{});
  EXPECT_EQ(used(c, 8, 1), (std::vector<Used>{{"nvlink", 8, 450}}));
  EXPECT_EQ(used(c, 2, 4), (std::vector<Used>{{"nvlink", 2, 450}}));
  EXPECT_EQ(used(c, 64, 8), (std::vector<Used>{{"network", 64, 50}}));
  EXPECT_EQ(used(c, 16, 1), (std::vector<Used>{{"nvlink", 8, 450}, {"network", 2, 50}}));
  EXPECT_EQ(used(c, 16, 2), (std::vector<Used>{{"nvlink", 4, 450}, {"network", 4, 50}}));
}

TEST(GroupLink, CountsNodes) {
  const Cluster c = preset("dgx-h100");
  const GroupLink g = group_link(c, 16, 2);
  EXPECT_EQ(g.ranks_per_node, 4);
  EXPECT_EQ(g.nodes, 4);
  const GroupLink dozen = group_link(c, 12);
  EXPECT_EQ(dozen.nodes, 2);
  EXPECT_EQ(dozen.tiers().back().fan, 2);
}

// GB200 NVL72: one NVLink domain of 72, then one port each.
TEST(GroupLink, KnowsWideDomains) {
  const Cluster c = preset("gb200-nvl72");
  EXPECT_EQ(used(c, 72, 1), (std::vector<Used>{{"nvlink", 72, 900}}));
  EXPECT_EQ(used(c, 144, 1), (std::vector<Used>{{"nvlink", 72, 900}, {"network", 2, 50}}));
}

// p4d: 4 ports of 12.5 GB/s for 8 devices; the 800 Gb/s A100 cluster: 4 of 25 for 8.
TEST(GroupLink, SharesPorts) {
  EXPECT_EQ(used(preset("aws-p4d-24xlarge"), 2, 8), (std::vector<Used>{{"network", 2, 6.25}}));
  EXPECT_EQ(used(preset("dgx-a100-80g"), 2, 8), (std::vector<Used>{{"network", 2, 25}}));
  EXPECT_EQ(used(preset("dgx-a100-80g-800g"), 2, 8), (std::vector<Used>{{"network", 2, 12.5}}));
}

// MI300X: seven links of 64 GB/s, one a peer: 2 devices share one link, 4 three, 8 all.
TEST(GroupLink, FullMeshGivesAPairOneLink) {
  const Cluster c = preset("hgx-mi300x");
  EXPECT_EQ(used(c, 2, 1), (std::vector<Used>{{"xgmi", 2, 64}}));
  EXPECT_EQ(used(c, 4, 1), (std::vector<Used>{{"xgmi", 4, 192}}));
  EXPECT_EQ(used(c, 8, 1), (std::vector<Used>{{"xgmi", 8, 448}}));
}

// TPU v4: three axes of two 45 GB/s links; a ring of at most 16 has one axis.
TEST(GroupLink, TorusUsesTheAxesItSpans) {
  const Cluster c = preset("tpu-v4");
  EXPECT_EQ(used(c, 16, 1), (std::vector<Used>{{"interconnect", 16, 90}}));
  EXPECT_EQ(used(c, 256, 1), (std::vector<Used>{{"interconnect", 256, 180}}));
  EXPECT_EQ(used(c, 4096, 1), (std::vector<Used>{{"interconnect", 4096, 270}}));
}

// Cards: a bridge joins two, the host all eight; nothing reaches further.
TEST(GroupLink, CardsAreJoinedByBridgeAndHost) {
  const Cluster c = preset("h100-pcie-80gb");
  EXPECT_EQ(used(c, 2, 1), (std::vector<Used>{{"interconnect", 2, 300}}));
  EXPECT_EQ(used(c, 8, 1), (std::vector<Used>{{"interconnect", 2, 300}, {"pcie", 4, 63}}));
  EXPECT_TRUE(group_link(c, 8).is_joined);
  EXPECT_FALSE(group_link(c, 16).is_joined);
  EXPECT_FALSE(group_link(preset("m2-ultra-76"), 2).is_joined);
}

TEST(GroupLink, WiderGroupsNeverHaveFasterOuterLinks) {
  for (const std::string name : {"dgx-h100", "hgx-mi300x", "gb200-nvl72", "aws-p5-48xlarge"}) {
    const Cluster c = preset(name);
    for (std::int64_t n = 2; n <= 512; n *= 2) {
      const auto tiers = group_link(c, n);
      std::int64_t product = 1;
      for (const GroupTier& t : tiers.tiers()) {
        EXPECT_EQ(t.ranks_inside, product) << name << ' ' << n;
        product *= t.fan;
      }
      EXPECT_GE(product, n) << name;
      EXPECT_TRUE(tiers.is_joined);
    }
  }
}

TEST(TierBetween, IsTheInnermostThatReaches) {
  const Cluster c = preset("dgx-h100");
  EXPECT_EQ(tier_between(c, 1)->name, "nvlink");
  EXPECT_EQ(tier_between(c, 7)->name, "nvlink");
  EXPECT_EQ(tier_between(c, 8)->name, "network");
  EXPECT_EQ(tier_between(preset("rtx-4090"), 8), nullptr);
}

TEST(TierBandwidth, DividesByOversubscription) {
  Cluster c = preset("dgx-h100");
  Tier& network = c.tiers.inner_to_outer[1];
  network.oversubscription = assumed(2.0, "test");
  EXPECT_DOUBLE_EQ(tier_bandwidth(c, network).value.value(), 25e9);
}

TEST(GroupLink, ExplainsItsBandwidth) {
  for (const std::string name : {"dgx-h100", "hgx-mi300x"}) {
    const Cluster c = preset(name);
    Explain ex;
    const GroupLink g = group_link(c, 16, 4, &ex);
    for (const GroupTier& t : g.tiers()) {
      ASSERT_NE(t.bandwidth_node, 0u);
      EXPECT_EQ(ex.record(t.bandwidth_node).value, t.bandwidth.value());
    }
  }
}

}  // namespace
}  // namespace ridge
