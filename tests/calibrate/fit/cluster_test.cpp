#include "calibrate/fit/cluster.h"

#include <gtest/gtest.h>
#include <set>

namespace ridge {
namespace {

Measurement of_rank(int rank, double bytes, double seconds, double spread = 0.01) {
  Measurement m{.family = "memory_read", .variant = "all cores", .sizes = {{"bytes", bytes}}};
  m.time = Seconds{seconds}, m.spread = spread;
  m.rank = rank, m.node = rank < 2 ? "a" : "b";
  return m;
}

Measurement pair(int from, int to, double bytes, double seconds, const char* tier = "network") {
  Measurement m{.family = "pair", .variant = tier, .sizes = {{"bytes", bytes}}};
  m.time = Seconds{seconds};
  m.rank = from, m.peer = to;
  return m;
}

/// All ordered pairs of n ranks: 5 us, 10 GB/s, times the factor of each.
template <class F> Measurements links(int n, F factor) {
  Measurements out;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      if (i == j) continue;
      out.push_back(pair(i, j, 8, 5e-6));
      out.push_back(pair(i, j, 8 + 1e6, 5e-6 + 1e6 / (1e10 * factor(i, j))));
    }
  return out;
}

TEST(Tournament, EverybodyMeetsEverybodyOnceInDisjointRounds) {
  for (int n = 0; n <= 9; ++n) {
    std::set<std::pair<int, int>> met;
    const auto rounds = tournament(n);
    EXPECT_EQ(rounds.size(), n < 2 ? std::max(n + n % 2 - 1, 0) : static_cast<std::size_t>(n + n % 2 - 1))
        << n;
    for (const auto& round : rounds) {
      std::set<int> busy;
      for (const auto& [a, b] : round) {
        EXPECT_LT(a, b);
        EXPECT_LT(b, n);
        EXPECT_TRUE(busy.insert(a).second && busy.insert(b).second) << "two games at once";
        EXPECT_TRUE(met.insert({a, b}).second) << "met twice";
      }
    }
    EXPECT_EQ(met.size(), static_cast<std::size_t>(n * (n - 1) / 2)) << n;
  }
}

// Four ranks of 1, 1.02, 0.99 and 1.5 times the usual time.  Median of the four at each point: 1.01.  Speeds
// 1.01, 0.99, 1.02, 0.673; their deviation 1.4826 * median(|x - 1|) = 1.4826 * 0.015 = 2.2 %, three times it
// 6.7 %: only the last is below 0.933.
TEST(RankSpeeds, NamesTheStraggler) {
  Measurements all;
  for (const double bytes : {1e4, 1e5, 1e6}) {
    const double t = bytes / 1e10;
    const double factors[] = {1.0, 1.02, 0.99, 1.5};
    for (int r = 0; r < 4; ++r) all.push_back(of_rank(r, bytes, t * factors[r]));
  }
  const auto speeds = rank_speeds(all);
  ASSERT_EQ(speeds.size(), 4u);
  EXPECT_NEAR(speeds[3].speed, 1.01 / 1.5, 1e-12);
  EXPECT_TRUE(speeds[3].is_straggler);
  for (int r = 0; r < 3; ++r) EXPECT_FALSE(speeds[static_cast<std::size_t>(r)].is_straggler) << r;
  EXPECT_EQ(speeds[3].node, "b");
  EXPECT_EQ(speeds[3].points, 3);
}

TEST(RankSpeeds, NoiseIsNoStraggler) {
  Measurements all;
  for (int p = 0; p < 20; ++p)
    for (int r = 0; r < 4; ++r)
      all.push_back(of_rank(r, 1e4 + p, 1e-5 * (1 + 0.1 * ((r * 7 + p * 3) % 5)), 0.1));
  for (const RankSpeed& s : rank_speeds(all)) EXPECT_FALSE(s.is_straggler) << s.rank << " " << s.speed;
  EXPECT_TRUE(rank_speeds({of_rank(0, 1e4, 1e-6)}).empty()) << "one rank has nobody to be compared with";
}

TEST(MergedRanks, KeepsOneMedianPerPointAndTheRestAsItIs) {
  Measurements all{of_rank(0, 1e4, 1e-6), of_rank(1, 1e4, 3e-6), of_rank(2, 1e4, 2e-6), pair(0, 1, 8, 1e-6)};
  all.push_back({.family = "all_reduce", .variant = "3 ranks on 1 node, fp32, ring", .time = Seconds{1e-3}});
  const auto merged = merged_ranks(all);
  EXPECT_EQ(merged.size(), 3u);
  for (const Measurement& m : merged)
    if (m.family == "memory_read") {
      EXPECT_DOUBLE_EQ(m.time.value(), 2e-6);
      EXPECT_EQ(m.rank, -1);
    }
  EXPECT_EQ(class_points(all).size(), 3u) << "the merged point, the collective, and the fastest of its size";
}

TEST(LinkTiers, RecoverLatencyAndBandwidthPerTier) {
  Measurements all = links(4, [](int, int) { return 1.0; });
  for (const auto& [a, b] : {std::pair{0, 1}, std::pair{1, 0}}) {
    all.push_back(pair(a, b, 8, 1e-6, "node"));
    all.push_back(pair(a, b, 8 + 1e6, 1e-6 + 1e6 / 5e10, "node"));
  }
  const auto tiers = fit_tiers(all);
  ASSERT_EQ(tiers.size(), 2u);
  EXPECT_EQ(tiers[0].name, "network");
  EXPECT_EQ(tiers[0].pairs, 12);
  EXPECT_NEAR(tiers[0].latency.value(), 5e-6, 1e-12);
  EXPECT_NEAR(tiers[0].bandwidth.value(), 1e10, 1e3);
  EXPECT_NEAR(tiers[1].latency.value(), 1e-6, 1e-12);
  EXPECT_NEAR(tiers[1].bandwidth.value(), 5e10, 1e4);
  EXPECT_TRUE(suspect_links(all).empty());
}

TEST(SuspectLinks, TellASlowAdapterFromASlowLink) {
  using Kind = SuspectLink::Kind;
  // Rank 2 sends at half the rate to everybody: its adapter, and every one of its links is uneven.
  const auto adapter = suspect_links(links(5, [](int from, int) { return from == 2 ? 0.5 : 1.0; }));
  int senders = 0;
  for (const SuspectLink& s : adapter) {
    EXPECT_EQ(s.from, 2) << text_of(s);
    EXPECT_TRUE(s.kind == Kind::slow_sender || s.kind == Kind::asymmetric) << text_of(s);
    if (s.kind == Kind::slow_sender) {
      ++senders;
      EXPECT_NEAR(s.share, 0.5, 1e-6);
    }
  }
  EXPECT_EQ(senders, 1);
  // Only the way from 1 to 3 is slow.
  const auto one = suspect_links(links(5, [](int from, int to) { return from == 1 && to == 3 ? 0.3 : 1.0; }));
  ASSERT_EQ(one.size(), 2u);
  EXPECT_EQ(one[0].kind, Kind::slow_link);
  EXPECT_EQ(one[1].kind, Kind::asymmetric);
  for (const SuspectLink& s : one) {
    EXPECT_EQ(s.from, 1);
    EXPECT_EQ(s.to, 3);
    EXPECT_NEAR(s.share, 0.3, 1e-6);
  }
}

// Samples that scatter by 40 % cannot tell a link at 0.7 from a healthy one.
TEST(SuspectLinks, NoiseIsNoSuspect) {
  auto factor = [](int from, int to) { return from == 1 && to == 3 ? 0.7 : 1.0; };
  Measurements noisy = links(5, factor);
  EXPECT_EQ(suspect_links(noisy).size(), 2u);
  for (Measurement& m : noisy) m.spread = 0.4;
  EXPECT_TRUE(suspect_links(noisy).empty());
}

TEST(AlgorithmChoices, ChangeOnlyWhereItPays) {
  Measurements all;
  const auto add = [&](double bytes, const char* algorithm, double seconds) {
    Measurement m{.family = "all_reduce", .variant = std::string("4 ranks on 2 nodes, fp32, ") + algorithm};
    m.sizes = {{"bytes", bytes}};
    m.time = Seconds{seconds};
    all.push_back(m);
  };
  add(1024, "doubling", 1e-6), add(1024, "ring", 3e-6);
  add(4096, "doubling", 4e-6), add(4096, "ring", 3.9e-6);  // 2.5 % do not pay
  add(65536, "doubling", 9e-6), add(65536, "ring", 5e-6);
  const auto choices = algorithm_choices(all);
  ASSERT_EQ(choices.size(), 1u);
  EXPECT_EQ(choices[0].group, "4 ranks on 2 nodes, fp32");
  ASSERT_EQ(choices[0].from.size(), 2u);
  EXPECT_EQ(choices[0].from[0].algorithm, "doubling");
  EXPECT_EQ(choices[0].from[1].algorithm, "ring");
  EXPECT_EQ(choices[0].from[1].size, Bytes{65536});
}

TEST(Contention, ComparesPointsWithThoseMeasuredAlone) {
  Measurements all{of_rank(0, 1e4, 1.2e-6), of_rank(1, 1e4, 9e-6), of_rank(0, 1e5, 1.1e-5)};
  EXPECT_EQ(contention(all).points, 0);
  for (const auto& [bytes, seconds] : {std::pair{1e4, 1e-6}, std::pair{1e5, 1e-5}}) {
    all.push_back(of_rank(0, bytes, seconds));
    all.back().source = "alone";
  }
  EXPECT_EQ(contention(all).points, 2);
  EXPECT_NEAR(contention(all).factor, 1.15, 1e-12);  // the median of 1.2 and 1.1
  EXPECT_EQ(class_points(all).size(), 2u) << "what was measured alone is no point of the class";
  EXPECT_EQ(rank_speeds(all).size(), 2u);
}

TEST(FastestCollectives, TakeTheBestAlgorithmOfEachSizeWithinANode) {
  Measurements all;
  const auto add = [&](const char* variant, double bytes, double seconds) {
    all.push_back(
        {.family = "all_reduce", .variant = variant, .sizes = {{"bytes", bytes}}, .time = Seconds{seconds}});
  };
  add("4 ranks on 1 node, fp32, ring", 1024, 3e-6), add("4 ranks on 1 node, fp32, doubling", 1024, 1e-6);
  add("4 ranks on 1 node, fp32, ring", 65536, 5e-6), add("4 ranks on 1 node, fp32, doubling", 65536, 9e-6);
  add("4 ranks on 2 nodes, fp32, ring", 1024, 1e-9);
  const auto fastest = fastest_collectives(all);
  ASSERT_EQ(fastest.size(), 2u);
  for (const Measurement& m : fastest) {
    EXPECT_EQ(m.variant, "4 devices, fp32, fastest");
    EXPECT_EQ(m.time, m.size("bytes") < 2000 ? Seconds{1e-6} : Seconds{5e-6});
    EXPECT_EQ(m.kernel, m.size("bytes") < 2000 ? "doubling" : "ring");
  }
  EXPECT_EQ(class_points(all).size(), 7u);
}

}  // namespace
}  // namespace ridge
