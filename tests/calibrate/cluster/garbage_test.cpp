// Peers of another version, broken or cut off, and strangers at the door: they are left out by name, and the others
// go on.

#include "base/yaml/read_document.h"
#include "calibrate/cluster/executor.h"
#include "calibrate/cluster/meeting.h"
#include "calibrate/cluster/message.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <thread>
#include <unistd.h>

namespace ridge {
namespace {

using nlohmann::json;

constexpr int points_each = 12;

DeviceCount one_device() { return {1, ""}; }
DeviceFacts facts_of_fake(const ProbeSettings&) { return {{"device", "a fake"}}; }
std::span<const ProbeInfo> fake_probes() {
  static const std::vector<ProbeInfo> all{{"memory", "", Seconds{0.1}, Seconds{0.1}}};
  return all;
}
bool run_fake(const ProbeSettings& settings, const ProbeReport& report) {
  for (int i = 1; i <= points_each; ++i) {
    Measurement m{.family = "memory_read", .sizes = {{"bytes", 1024.0 * i}}, .library = "fake"};
    m.time = m.low = m.high = Seconds{1e-6 * i}, m.samples = 10;
    const bool is_wanted = settings.known->wanted.empty() || settings.known->wanted.contains(point_key(m));
    if (is_wanted && !settings.known->done.contains(point_key(m))) report.measured(m);
  }
  return true;
}

ClusterRank rank_of(int rank, int ranks, const std::string& meeting_file) {
  ClusterRank me;
  me.launch.rank = rank, me.launch.ranks = ranks;
  me.node = rank == 0 ? "a" : "b";
  me.place.file = meeting_file, me.place.wait = 2;
  me.plan.has_collectives = false;
  me.settings.is_quick = true;
  me.backend = {"cpu", one_device, facts_of_fake, fake_probes, run_fake};
  return me;
}

struct Files {
  std::string base =
      (std::filesystem::temp_directory_path() / ("ridge-garbage" + std::to_string(getpid()))).string();
  std::string run = base + ".jsonl", meeting = base + ".meet";
  ~Files() {
    std::filesystem::remove(run);
    std::filesystem::remove(meeting);
  }
};

/// What spoils a message; the rank sends it in its place.
using Spoil = std::function<std::string(const std::string&)>;

/// As follow_rank_zero, but message number `at` (the greeting is 0) is spoilt.
void follow_spoiling(const ClusterRank& me, int at, const Spoil& spoil) {
  int sent = 0;
  const auto spoilt = [&](const std::string& text) { return sent++ == at ? spoil(text) : text; };
  try {
    Listener listener;
    Channel leader = join_rank_zero(me.place, me.launch.rank, spoilt(hello_of(me, listener.port(), false)));
    const json welcome = message_of(leader.receive(20));
    if (text_in(welcome, "do") == "quit") return;
    Executor executor(me, fabric_of(me, welcome, leader.peer_address(), std::move(listener), nullptr));
    const Tell tell = [&](const json& what) { leader.send(spoilt(text_of(what)), 10); };
    for (;;) {
      const json task = message_of(leader.receive(20));
      if (task.is_null() || text_in(task, "do") == "quit") return;
      if (text_in(task, "do") != "stop") leader.send(spoilt(text_of(executor.run(task, tell))), 10);
    }
  } catch (const ChannelError&) {}  // rank 0 hung up
}

MeasuredRun run_with(int at, const Spoil& spoil) {
  const Files files;
  {
    std::jthread good([&] { EXPECT_NO_THROW(follow_rank_zero(rank_of(1, 3, files.meeting))); });
    std::jthread bad([&] { follow_spoiling(rank_of(2, 3, files.meeting), at, spoil); });
    const auto anew = [](const RunFacts&, std::optional<EarlierRun>&) { return true; };
    EXPECT_EQ(lead_ranks(rank_of(0, 3, files.meeting), files.run, anew), ClusterEnd::done);
  }
  Diagnostics problems;
  MeasuredRun run = read_measurement_lines(read_source(files.run, problems), problems);
  EXPECT_FALSE(problems.has_errors()) << render(problems);
  EXPECT_TRUE(run.is_ended);
  return run;
}

/// Everything of the good ranks is there, and the bad one is named if anything was wrong with it.
void expect_rest_kept(const MeasuredRun& run, bool is_harmless) {
  std::map<std::int64_t, int> points, pairs;
  for (const Measurement& m : run.points) ++(m.family == "pair" ? pairs : points)[m.rank];
  EXPECT_EQ(points[0], points_each);
  EXPECT_GE(points[1], points_each) << "and some of them alone";
  EXPECT_GE(pairs[0], 2);
  if (is_harmless) return;
  ASSERT_EQ(run.failed.size(), 1u);
  EXPECT_TRUE(run.failed[0].starts_with("rank 2 on node ")) << run.failed[0];
}

std::string with(const std::string& text, const std::function<void(json&)>& change) {
  json j = json::parse(text);
  change(j);
  return text_of(j);
}

TEST(Garbage, OfARankLeavesItOutByName) {
  const std::vector<std::pair<const char*, Spoil>> spoils{
      {"cut in half", [](const std::string& t) { return t.substr(0, t.size() / 2); }},
      {"nothing", [](const std::string&) { return std::string(); }},
      {"no object", [](const std::string&) { return std::string("[1, 2]"); }},
      {"a million brackets",
       [](const std::string&) { return "{\"done\":" + std::string(1000000, '[') + "}"; }},
      {"bytes that are no text", [](const std::string&) { return std::string("\xff\xfe\0{}", 6); }}};
  for (const auto& [name, spoil] : spoils)
    for (const int at : {0, 1, points_each + 1, points_each + 2}) {  // greeting, point, answers to two tasks
      SCOPED_TRACE(std::string(name) + " in message " + std::to_string(at));
      expect_rest_kept(run_with(at, spoil), false);
    }
}

TEST(Garbage, OfWrongTypesLeavesTheRankOut) {
  const auto spoilt = [](const char* key, json value) -> Spoil {
    return [=](const std::string& t) { return with(t, [&](json& j) { j[key] = value; }); };
  };
  expect_rest_kept(run_with(0, spoilt("node", 7)), false);
  expect_rest_kept(run_with(0, spoilt("port", "a port")), false);
  expect_rest_kept(run_with(0, spoilt("port", 70000)), false);
  expect_rest_kept(run_with(1, spoilt("point", "{\"time\": \"soon\"}")), false);
  expect_rest_kept(run_with(1,
                            [](const std::string& t) {
                              return with(
                                  t, [](json& j) { j["point"] = j["point"].get<std::string>() + "\n{}"; });
                            }),
                   false);
  // Answers to a pair: of another shape, and times that cannot be.
  for (const json& done : {json("soon"), json::array(), json{{1, 2}, {3, 4}},
                           json{{-1.0, 1.0, 1.0, 5, 0.1}, {1.0, 1.0, 1.0, 5, 0.1}},
                           json{{"a", "b", "c", "d", "e"}, {1.0, 1.0, 1.0, 5, 0.1}}})
    expect_rest_kept(run_with(points_each + 2, spoilt("done", done)), false);
}

TEST(Garbage, AnotherProtocolIsNamed) {
  const MeasuredRun run = run_with(
      0, [](const std::string& t) { return with(t, [](json& j) { j["protocol"] = cluster_protocol + 1; }); });
  ASSERT_EQ(run.failed.size(), 1u);
  EXPECT_NE(run.failed[0].find("protocol " + std::to_string(cluster_protocol + 1)), std::string::npos)
      << run.failed[0];
  // Before protocols were told there was the first.
  const MeasuredRun old =
      run_with(0, [](const std::string& t) { return with(t, [](json& j) { j.erase("protocol"); }); });
  ASSERT_EQ(old.failed.size(), 1u);
  EXPECT_NE(old.failed[0].find("protocol 1"), std::string::npos) << old.failed[0];
}

TEST(Garbage, OfRandomBytesEndsNothing) {
  std::mt19937 random(20261122);
  for (int i = 0; i < 12; ++i) {
    const int at = static_cast<int>(random() % (points_each + 4)),
              changes = 1 + static_cast<int>(random() % 20);
    SCOPED_TRACE("round " + std::to_string(i));
    const MeasuredRun run = run_with(at, [&](std::string t) {
      for (int k = 0; k < changes && !t.empty(); ++k) t[random() % t.size()] = static_cast<char>(random());
      return t;
    });
    expect_rest_kept(run, true);
  }
}

TEST(Garbage, AsATaskIsAnsweredAsFailed) {
  const ClusterRank me = rank_of(1, 3, "");
  std::vector<Listener> listeners(2);
  std::map<int, PeerAddress> peers{{0, {"127.0.0.1", listeners[0].port()}}};
  const json welcome{{"peers", {{0, "127.0.0.1", listeners[0].port(), 0}}}, {"token", "t"}};
  Executor executor(me, fabric_of(me, welcome, "127.0.0.1", std::move(listeners[1]), nullptr));
  const Tell ignore = [](const json&) {};
  const std::vector<json> tasks{
      json::object(),
      {{"do", 7}},
      {{"do", "dance"}},
      {{"do", "device"}},
      {{"do", "device"}, {"sharers", 1}, {"index", 0}, {"done", 5}, {"visits", json::array()}},
      {{"do", "device"},
       {"sharers", "two"},
       {"index", 0},
       {"done", json::array()},
       {"visits", json::array()}},
      {{"do", "pair"}, {"peer", "x"}},
      {{"do", "pair"}, {"peer", 0}, {"leads", true}, {"budget", 1e-3}, {"sizes", {1e300}}},
      {{"do", "group"}, {"ranks", {5, 6}}, {"id", ""}, {"operation", 0}, {"algorithm", "ring"}},
      {{"do", "group"}, {"ranks", {0, 1}}, {"id", ""}, {"operation", 99}, {"algorithm", "ring"}},
      {{"do", "group"},
       {"ranks", {1}},
       {"id", ""},
       {"operation", 0},
       {"algorithm", "magic"},
       {"sizes", {-5}},
       {"budget", 1}},
      {{"do", "reset"}, {"attempt", "again"}}};
  for (const json& task : tasks) {
    json answer;
    EXPECT_NO_THROW(answer = executor.run(task, ignore)) << task;
    EXPECT_FALSE(text_in(answer, "failed").empty()) << task << answer;
  }
}

TEST(Garbage, AsAWelcomeEndsTheRankWithAReason) {
  const ClusterRank me = rank_of(1, 2, "");
  for (const json& welcome : {json::object(), json{{"peers", 3}}, json{{"peers", {1, 2}}},
                              json{{"peers", {{"0", "host", 1, 0}}}}, json{{"peers", {{0, "host", 1}}}}})
    EXPECT_THROW(fabric_of(me, welcome, "127.0.0.1", Listener(), nullptr), ChannelError) << welcome;
}

double seconds_of(const std::function<void()>& f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// A port scanner connects and says nothing, or speaks another language.
TEST(Strangers, DoNotHoldUpTheMeeting) {
  const RendezvousPlace place{
      .host = "127.0.0.1", .port = 20000 + (getpid() + 7) % 20000, .token = "right", .wait = 20};
  std::vector<Channel> strangers;
  std::jthread others([&] {
    for (int i = 0; i < 30; ++i) {
      strangers.push_back(Channel::connect(place.host, place.port, 5));
      const std::string said = i % 3 == 0   ? ""
                               : i % 3 == 1 ? "GET / HTTP/1.1\r\n\r\n"
                                            : std::string("\0\0\3\xe8 half of what was promised", 30);
      Channel none;
      if (!said.empty()) strangers.back().exchange(said.data(), said.size(), none, nullptr, 0, 5);
    }
    Channel c = join_rank_zero(place, 1, "me");
    EXPECT_TRUE(c.is_open());
  });
  Gathered g;
  EXPECT_LT(seconds_of([&] { g = gather_ranks(place, 2); }), 4) << "each stranger took its time";
  EXPECT_TRUE(g.hellos.contains(1));
}

TEST(Strangers, AtTheDataPortDoNotHoldUpMessages) {
  std::vector<Listener> listeners(2);
  std::map<int, PeerAddress> peers;
  for (int r = 0; r < 2; ++r) peers[r] = {"127.0.0.1", listeners[static_cast<std::size_t>(r)].port()};
  const Channel silent = Channel::connect("127.0.0.1", peers[0].port, 5);
  const auto zero = tcp_transport(0, peers, std::move(listeners[0]), "t"),
             one = tcp_transport(1, peers, std::move(listeners[1]), "t");
  std::jthread sender([&] {
    const char x = 42;
    one->exchange(0, &x, 1, -1, nullptr, 0);
  });
  char got = 0;
  EXPECT_LT(seconds_of([&] { zero->exchange(-1, nullptr, 0, 1, &got, 1); }), 3);
  EXPECT_EQ(got, 42);
}

TEST(Strangers, ATokenIsOneWord) {
  Diagnostics d;
  rendezvous_place("node7:4711", "run.jsonl", "two words", 60, d);
  EXPECT_TRUE(d.has_errors());
}

}  // namespace
}  // namespace ridge
