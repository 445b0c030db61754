// Ranks as threads of this process: how they find each other, and the algorithms of collectives over TCP.

#include "calibrate/cluster/algorithms.h"
#include "calibrate/cluster/host_fabric.h"
#include "calibrate/cluster/rendezvous.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace ridge {
namespace {

std::string free_path(const char* name) {
  return (std::filesystem::temp_directory_path() / (std::string("ridge-") + name + std::to_string(getpid())))
      .string();
}

TEST(Rendezvous, RanksFindEachOtherByAFile) {
  RendezvousPlace place{.file = free_path("meet"), .wait = 20};
  std::vector<std::jthread> others;
  for (int r = 1; r < 4; ++r)
    others.emplace_back([&place, r] {
      Channel c = join_rank_zero(place, r, "hello of " + std::to_string(r));
      EXPECT_EQ(c.receive(10), "welcome " + std::to_string(r));
      c.send(std::string(300000, 'x'), 10);
    });
  Gathered g = gather_ranks(place, 4);
  ASSERT_EQ(g.channels.size(), 3u);
  for (auto& [rank, channel] : g.channels) {
    EXPECT_EQ(g.hellos.at(rank), "hello of " + std::to_string(rank));
    channel.send("welcome " + std::to_string(rank), 10);
    EXPECT_EQ(channel.receive(10).size(), 300000u);
  }
  EXPECT_FALSE(std::filesystem::exists(place.file)) << "the token was left behind";
}

TEST(Rendezvous, StrangersAndTheMissingAreLeftOut) {
  const RendezvousPlace place{
      .host = "127.0.0.1", .port = 20000 + getpid() % 20000, .token = "right", .wait = 1.5};
  std::vector<std::jthread> others;
  for (const char* token : {"wrong", "right"})
    others.emplace_back([&place, token] {
      RendezvousPlace mine = place;
      mine.token = token;
      const auto join = [&] { return join_rank_zero(mine, 1, "me"); };
      if (std::string(token) == "wrong") EXPECT_THROW(join(), ChannelError);
      else EXPECT_TRUE(join().is_open());
    });
  const Gathered g = gather_ranks(place, 3);
  EXPECT_EQ(g.channels.size(), 1u);
  EXPECT_TRUE(g.hellos.contains(1));
}

TEST(Rendezvous, AHostAsksForAToken) {
  Diagnostics d;
  rendezvous_place("node7:4711", "run.jsonl", "", 60, d);
  EXPECT_TRUE(d.has_errors());
  Diagnostics good;
  const auto host = rendezvous_place("node7:4711", "run.jsonl", "secret", 60, good);
  EXPECT_EQ(host.host, "node7");
  EXPECT_EQ(host.port, 4711);
  EXPECT_EQ(rendezvous_place("", "run.jsonl", "", 60, good).file, "run.jsonl.rendezvous");
  EXPECT_EQ(rendezvous_place("/shared/meet:7", "run.jsonl", "", 60, good).file, "/shared/meet:7");
  EXPECT_TRUE(good.empty());
}

/// Runs f(fabric, group) on each of n ranks.
template <class F> void on_ranks(int n, F f) {
  std::vector<Listener> listeners(static_cast<std::size_t>(n));
  std::map<int, PeerAddress> peers;
  for (int r = 0; r < n; ++r) peers[r] = {"127.0.0.1", listeners[static_cast<std::size_t>(r)].port()};
  Group all;
  for (int r = 0; r < n; ++r) all.ranks.push_back(r);
  std::vector<std::jthread> threads;
  for (int r = 0; r < n; ++r)
    threads.emplace_back([&, r] {
      const auto fabric =
          host_fabric(tcp_transport(r, peers, std::move(listeners[static_cast<std::size_t>(r)]), "t"), r);
      Group mine = all;
      mine.me = r;
      f(*fabric, mine);
    });
}

// check() compares with sums in double precision and throws where they differ.
TEST(Collectives, AreRightForAnyNumberOfRanks) {
  for (const int n : {2, 3, 5, 8})
    on_ranks(n, [](Fabric& fabric, const Group& g) {
      fabric.join(g, "");
      for (const Collective op : all_collectives)
        for (const std::string& algorithm : fabric.algorithms(op))
          EXPECT_NO_THROW(fabric.check(g, op, algorithm)) << name_of(op) << algorithm;
    });
}

TEST(Collectives, AreTimedOnEveryRank) {
  on_ranks(3, [](Fabric& fabric, const Group& g) {
    fabric.join(g, "");
    const SampleSummary small = fabric.time(g, Collective::all_reduce, "ring", 1024, 1e-3);
    EXPECT_GT(small.median.value(), 0);
    EXPECT_GE(small.samples, 5);
    EXPECT_LE(small.low, small.median);
  });
}

TEST(Messages, AreTimedInBothDirections) {
  on_ranks(2, [](Fabric& fabric, const Group& g) {
    const int peer = 1 - g.me;
    for (const int leader : {0, 1}) {
      if (leader != g.me) {
        fabric.answer(peer, 4096);
        continue;
      }
      EXPECT_GT(fabric.time_message(peer, 4096, 1e-3).median.value(), 0);
    }
  });
}

// A rank that goes away ends the others' waiting; after a reset those left work on.
TEST(Collectives, SurviveALostRank) {
  on_ranks(3, [](Fabric& fabric, const Group& g) {
    fabric.join(g, "");
    if (g.me == 2) return;
    try {
      for (int i = 0; i < 100; ++i) fabric.time(g, Collective::all_reduce, "ring", 1024, 1e-3);
      ADD_FAILURE() << "nobody noticed";
    } catch (const ChannelError&) {}
    fabric.reset();
    EXPECT_NO_THROW(fabric.check({{0, 1}, g.me}, Collective::all_reduce, "ring"));
  });
}

}  // namespace
}  // namespace ridge
