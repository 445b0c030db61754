/// Collectives against the closed forms they come from.

#include "sim/collective.h"

#include <cmath>
#include <gtest/gtest.h>

namespace ridge {
namespace {

Link link(double bandwidth, double step, double base) {
  Link l;
  l.name = "test";
  l.bandwidth = assumed(BytesPerSecond{bandwidth}, "test");
  l.latency = assumed(Seconds{step}, "test");
  for (ProtocolTimes* t : {&l.collective.ring, &l.collective.tree})
    t->ll = t->ll128 = t->simple = assumed(Seconds{step}, "test");
  for (ProtocolTimes* t : {&l.collective.ring_base, &l.collective.tree_base})
    t->ll = t->ll128 = t->simple = assumed(Seconds{base}, "test");
  for (auto* f : {&l.collective.ring_fraction, &l.collective.gather_fraction,
                  &l.collective.all_to_all_fraction, &l.collective.point_to_point_fraction})
    *f = assumed(1.0, "test");
  return l;
}

/// Nodes of `size` devices with inner links of 100 GB/s, joined by 10 GB/s a device.
Cluster cluster(std::int64_t size) {
  Cluster c;
  c.node.devices = size;
  Tier inner, outer;
  inner.name = "inner", inner.devices = size, inner.link = link(100e9, 1e-6, 5e-6);
  outer.name = "outer", outer.devices = 0, outer.link = link(10e9, 4e-6, 5e-6);
  c.tiers.inner_to_outer = {inner, outer};
  return c;
}

double seconds(CollectiveKind kind, double bytes, std::int64_t ranks, std::int64_t stride = 1) {
  const Cluster c = cluster(8);
  return collective_time({kind, {Bytes{bytes}, 0}}, group_link(c, ranks, stride)).value.value();
}

TEST(Collective, ALargeRingMovesItsVolumeAtFullBandwidth) {
  // n = 8 in one node: 2 * 7/8 * 8e9 B over 100e9 B/s = 0.14 s, latency 5 + 14 us.
  EXPECT_NEAR(seconds(CollectiveKind::all_reduce, 8e9, 8), 0.14 + 19e-6, 1e-9);
  EXPECT_NEAR(seconds(CollectiveKind::all_gather, 8e9, 8), 0.07 + 12e-6, 1e-9);
  EXPECT_NEAR(seconds(CollectiveKind::reduce_scatter, 8e9, 8), 0.07 + 12e-6, 1e-9);
}

TEST(Collective, NodesShareTheirPorts) {
  // 16 ranks over two nodes: 8 ports of 10 GB/s a node carry the ring, 2 * 15/16 * 8e9 / 80e9 = 0.1875 s.
  EXPECT_NEAR(seconds(CollectiveKind::all_reduce, 8e9, 16), 0.1875, 1e-4);
  // Ranks 8 apart have a port each: 2 * 1/2 * 8e9 / 10e9 = 0.8 s.
  EXPECT_NEAR(seconds(CollectiveKind::all_reduce, 8e9, 2, 8), 0.8, 1e-4);
}

TEST(Collective, AllToAllIsBoundByWhatLeavesTheNode) {
  // 16 ranks: half of what a rank sends crosses its 10 GB/s port: 8e9 * 8/16 / 10e9 = 0.4 s.
  EXPECT_NEAR(seconds(CollectiveKind::all_to_all, 8e9, 16), 0.4, 1e-4);
  EXPECT_NEAR(seconds(CollectiveKind::all_to_all, 8e9, 8), 0.07, 1e-4);
}

TEST(Collective, ATreeBeatsALongRingForSmallMessages) {
  // 1 KiB over 512 ranks: a ring takes 1022 steps, a tree 2 (7 + 6) steps: 5 + 14 + 48 us.
  EXPECT_NEAR(seconds(CollectiveKind::all_reduce, 1024, 512), 67e-6, 1e-6);
}

TEST(Collective, LawsOfSizeAndRanks) {
  for (auto kind : {CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
                    CollectiveKind::all_to_all, CollectiveKind::broadcast, CollectiveKind::send_receive}) {
    EXPECT_EQ(seconds(kind, 1e6, 1), 0);
    double last = 0;
    for (double bytes = 1024; bytes < 4e9; bytes *= 1.7) {
      const double t = seconds(kind, bytes, 16);
      EXPECT_GE(t, last) << bytes;
      last = t;
    }
  }
  double last = 0;
  for (std::int64_t n : {2, 4, 8, 16, 64, 512}) {
    const double t = seconds(CollectiveKind::all_reduce, 64e6, n);
    EXPECT_GE(t, last) << n;
    last = t;
  }
}

/// A ring all-reduce played step by step: in each of 2 (n - 1) steps every rank sends S/n.
TEST(Collective, ARingPlayedStepByStep) {
  const double S = 256e6, n = 8;
  double played = 5e-6;
  for (int step = 0; step < 2 * (8 - 1); ++step) played += 1e-6 + S / n / 100e9;
  EXPECT_NEAR(seconds(CollectiveKind::all_reduce, S, 8), played, 1e-12);
}

/// From `first` at 1000 B to twice that at 3000 B; 10 % either way for what takes 20 us or less, 20 % beyond.
CollectiveCurve curve(std::string collective, std::int64_t ranks, std::int64_t nodes, double first) {
  CollectiveCurve c;
  c.collective = std::move(collective);
  c.ranks = ranks, c.nodes = nodes;
  c.log2_ranks = std::log2(static_cast<double>(ranks)), c.log2_nodes = std::log2(static_cast<double>(nodes));
  c.curve = std::make_shared<const TimeCurve>(
      TimeCurve{{Bytes{1000}, Bytes{3000}}, {Seconds{first}, Seconds{2 * first}}});
  c.origin = {Origin::Kind::measured, "p.yaml:7", "profile mine", "2026"};
  c.name = c.collective + " of the test";
  for (const auto& [regime, f] : {std::pair{"< 20 us", 0.1}, std::pair{"20 - 500 us", 0.2}}) {
    CalibratedInterval i;
    EXPECT_TRUE(set_regime(i, regime));
    i.fraction = f, i.log_sigma = std::log1p(f) / 1.645;
    c.intervals.push_back(i);
  }
  return c;
}

Cluster with_curve() {
  Cluster c = cluster(8);
  c.tiers.inner_to_outer[0].curves = {curve("all_reduce", 4, 1, 1e-5)};
  return c;
}

double measured(const Cluster& c, CollectiveKind kind, double bytes, std::int64_t ranks) {
  return collective_time({kind, {Bytes{bytes}, 0}}, group_link(c, ranks, 1)).value.value();
}

// Half way between two measured sizes, half way between their times; below the first, its time.
TEST(MeasuredCollective, FollowsItsCurve) {
  const Cluster c = with_curve();
  EXPECT_DOUBLE_EQ(measured(c, CollectiveKind::all_reduce, 2000, 4), 1.5e-5);
  EXPECT_DOUBLE_EQ(measured(c, CollectiveKind::all_reduce, 10, 4), 1e-5);
  EXPECT_DOUBLE_EQ(measured(c, CollectiveKind::all_reduce, 5000, 4), 3e-5);
  EXPECT_EQ(measured(c, CollectiveKind::all_gather, 2000, 4), seconds(CollectiveKind::all_gather, 2000, 4));
  EXPECT_EQ(measured(c, CollectiveKind::all_reduce, 2000, 16), seconds(CollectiveKind::all_reduce, 2000, 16));
}

// Eight were not measured: the law for eight, times what four took over the law for four.
TEST(MeasuredCollective, ScalesTheLawForOtherNumbersOfRanks) {
  const Cluster c = with_curve();
  const double ratio = 1.5e-5 / seconds(CollectiveKind::all_reduce, 2000, 4);
  EXPECT_NEAR(measured(c, CollectiveKind::all_reduce, 2000, 8),
              ratio * seconds(CollectiveKind::all_reduce, 2000, 8), 1e-15);
}

CollectiveCost cost(const Cluster& c, const Collective& what, std::int64_t ranks, std::int64_t stride = 1) {
  return collective_cost(what, group_link(c, ranks, stride));
}

// 16 ranks on 2 nodes were measured: their curve; 32 on 4: the law for those, times what 16 on 2 took over the
// law for them, and twice the interval; 128 on 16 are three doublings away: the law alone, unknown to the profile.
TEST(MeasuredCollective, OfSeveralNodesFollowsTheCurveOfTheTierThatJoinsThem) {
  Cluster c = cluster(8);
  c.tiers.inner_to_outer[0].curves = {curve("all_reduce", 8, 1, 1e-5)};
  c.tiers.inner_to_outer[1].curves = {curve("all_reduce", 16, 2, 3e-5), curve("all_reduce", 2, 2, 9e-6)};
  const Collective sum{CollectiveKind::all_reduce, {Bytes{2000}, 0}};
  const auto sigma = [](double f) { return std::log1p(f) / 1.645; };
  const CollectiveCost own = cost(c, sum, 16);
  EXPECT_DOUBLE_EQ(own.time.value.value(), 4.5e-5);
  EXPECT_EQ(own.answer.source, AnswerSource::curve);
  EXPECT_DOUBLE_EQ(own.answer.log_sigma, sigma(0.2));
  const double law_16 = seconds(CollectiveKind::all_reduce, 2000, 16),
               law_32 = seconds(CollectiveKind::all_reduce, 2000, 32);
  const CollectiveCost more = cost(c, sum, 32);
  EXPECT_NEAR(more.time.value.value(), 4.5e-5 * law_32 / law_16, 1e-15);
  EXPECT_EQ(more.answer.source, AnswerSource::scaled);
  EXPECT_DOUBLE_EQ(more.answer.log_sigma, 2 * sigma(0.2));
  EXPECT_EQ(cost(c, sum, 128).answer.source, AnswerSource::preset);
  EXPECT_EQ(cost(c, sum, 8).answer.model, "all_reduce of the test");
  EXPECT_DOUBLE_EQ(cost(c, sum, 2, 8).time.value.value(), 1.35e-5);  // one rank on each of two nodes
}

// The engine's own all-reduce takes messages that its curve was measured for; beyond, and for engines without
// one, NCCL's.
TEST(MeasuredCollective, OverPeerMemoryIsTheFasterOfItsKinds) {
  Cluster c = with_curve();
  auto& curves = c.tiers.inner_to_outer[0].curves;
  curves.push_back(curve("peer_all_reduce", 4, 1, 4e-6));
  curves.push_back(curve("peer_all_reduce", 4, 1, 3e-6));
  const auto at = [&](double bytes, bool by_peers) {
    return cost(c, {CollectiveKind::all_reduce, {Bytes{bytes}, 0}, false, by_peers}, 4).time.value.value();
  };
  EXPECT_DOUBLE_EQ(at(2000, true), 4.5e-6);
  EXPECT_DOUBLE_EQ(at(2000, false), 1.5e-5);
  EXPECT_DOUBLE_EQ(at(5000, true), 3e-5);
}

TEST(MeasuredCollective, IsExplainedByTheProfile) {
  const Cluster c = with_curve();
  Explain ex;
  const auto t =
      collective_time({CollectiveKind::all_reduce, {Bytes{2000}, 0}}, group_link(c, 4, 1, &ex), &ex);
  const auto& left = ex.record(ex.edges(t.node)[0].node);
  EXPECT_EQ(left.origin.kind, Origin::Kind::measured);
  EXPECT_EQ(left.origin.where, "p.yaml:7");
  EXPECT_EQ(left.value, 1e-5);
}

}  // namespace
}  // namespace ridge
