// Several processes on this machine as the ranks of a cluster: under mpirun of Open MPI where it is installed, and
// started one by one.  They are lost, slowed, stopped and resumed.

#include "base/yaml/read_document.h"
#include "calibrate/io/measurement_lines.h"
#include "calibrate/io/profile.h"
#include "tests/calibrate_runs/process.h"

#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace ridge {
namespace {

using test::Folder;
using test::Process;
using test::run_program;

const std::string program = RIDGE_CALIBRATE_EXECUTABLE;
// Containers run tests as root, which mpirun asks twice about.
const std::vector<std::string> as_root{"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                                       "OMPI_MCA_btl_vader_single_copy_mechanism=none"};

bool has_mpirun(const Folder& folder) { return run_program({"mpirun", "--version"}, folder).status == 0; }

MeasuredRun read_run(const std::string& path) {
  Diagnostics d;
  MeasuredRun run = read_measurement_lines(read_source(path, d), d);
  EXPECT_FALSE(d.has_errors()) << render(d);
  return run;
}

std::vector<std::string> measure(const Folder& folder, const std::vector<std::string>& more = {}) {
  std::vector<std::string> out{program,   "measure", "--device",    "cpu",   "--cores",           "1",
                               "--quick", "--only",  "peak,memory", "--out", folder / "run.jsonl"};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

/// mpirun -n N measure ... : -n 1 measure ... slow
std::vector<std::string> under_mpirun(const Folder& folder, int ranks, const std::vector<std::string>& more,
                                      const std::vector<std::string>& of_last = {}) {
  std::vector<std::string> out{"mpirun", "--oversubscribe", "--bind-to", "none"};
  const auto add = [&](int n, const std::vector<std::string>& what) {
    out.insert(out.end(), {"-n", std::to_string(n)});
    out.insert(out.end(), what.begin(), what.end());
  };
  add(of_last.empty() ? ranks : ranks - 1, measure(folder, more));
  if (of_last.empty()) return out;
  out.emplace_back(":");
  auto last = measure(folder, more);
  last.insert(last.end(), of_last.begin(), of_last.end());
  add(1, last);
  return out;
}

void expect_no_point_twice(const MeasuredRun& run) {
  std::set<std::string> names;
  for (const Measurement& m : run.points)
    EXPECT_TRUE(names
                    .insert(m.family + m.variant + sizes_text(m) + "|" + std::to_string(m.rank) + "|" +
                            std::to_string(m.peer) + m.source)
                    .second)
        << "twice: " << m.family << " " << m.variant << " " << sizes_text(m) << " of rank " << m.rank;
}

/// The hardware file too, where products and memory were timed: without them there is none, and it says so.
Profile fitted(const Folder& folder, bool has_devices = true) {
  const auto fit = run_program({program, "fit", folder / "run.jsonl", "--out", folder / "profile.yaml",
                                "--preset", folder / "hardware.yaml"},
                               folder);
  EXPECT_EQ(fit.status, has_devices ? 0 : 1) << fit.said;
  EXPECT_EQ(std::ifstream(folder / "hardware.yaml").good(), has_devices);
  Diagnostics d;
  auto profile = read_profile(read_source(folder / "profile.yaml", d), d);
  EXPECT_TRUE(profile) << render(d);
  return profile.value_or(Profile{});
}

// One of three ranks is made 1.6 times slower: it is named, and it alone is the slowest; the links of the node
// have a latency and a bandwidth, and a plan over them can be made.
TEST(MpiRanks, NameTheStragglerAndMakeOneProfile) {
  const Folder folder;
  if (!has_mpirun(folder)) GTEST_SKIP() << "no mpirun here";
  const auto ran = run_program(under_mpirun(folder, 3, {"--phases", "devices,pairs"}, {"--slow-down", "1.6"}),
                               folder, as_root);
  ASSERT_EQ(ran.status, 0) << ran.said;
  const MeasuredRun run = read_run(folder / "run.jsonl");
  EXPECT_TRUE(run.is_ended);
  EXPECT_TRUE(run.failed.empty());
  expect_no_point_twice(run);
  const Profile profile = fitted(folder);
  ASSERT_EQ(profile.cluster.ranks.size(), 3u);
  EXPECT_TRUE(profile.cluster.ranks[2].is_straggler) << "speed " << profile.cluster.ranks[2].speed;
  for (int r = 0; r < 2; ++r)
    EXPECT_GT(profile.cluster.ranks[static_cast<std::size_t>(r)].speed, profile.cluster.ranks[2].speed);
  EXPECT_TRUE(profile.facts.contains("time_together_over_alone"));
  ASSERT_EQ(profile.cluster.tiers.size(), 1u);
  EXPECT_EQ(profile.cluster.tiers[0].name, "node");
  EXPECT_EQ(profile.cluster.tiers[0].pairs, 6);
  EXPECT_GT(profile.cluster.tiers[0].latency.value(), 1e-8);
  EXPECT_GT(profile.cluster.tiers[0].bandwidth.value(), 1e6);
  {
    std::ofstream scenario(folder / "scenario.yaml");
    scenario << "name: GPT-2 over two ranks\nmodel: gpt2\nhardware: " << folder / "hardware.yaml"
             << "\ndevices: 2\nsoftware: pytorch-llama\nparallel: {tensor: 2}\n"
             << "inference: {phase: decode, batch: 1, prompt_tokens: 64, weights: fp32, "
                "kv_cache: fp32}\n";
  }
  const auto plan = run_program({RIDGE_EXECUTABLE, "plan", folder / "scenario.yaml", "--json"}, folder);
  EXPECT_EQ(plan.status, 0) << plan.said;
}

// Our algorithms over MPI's messages and MPI's own collectives, each checked and timed.
TEST(MpiRanks, TimeCollectives) {
  const Folder folder;
  if (!has_mpirun(folder)) GTEST_SKIP() << "no mpirun here";
  const auto ran = run_program(under_mpirun(folder, 2, {"--phases", "collectives"}), folder, as_root);
  ASSERT_EQ(ran.status, 0) << ran.said;
  const Profile profile = fitted(folder, false);
  if (read_run(folder / "run.jsonl").facts.at("fabric") == "tcp") GTEST_SKIP() << "built without MPI";
  for (const char* algorithm : {"ring", "doubling", "library"})
    EXPECT_TRUE(profile.models.curve("all_reduce", std::string("2 ranks on 1 node, fp32, ") + algorithm));
  for (const char* family : {"all_gather", "reduce_scatter", "all_to_all", "broadcast"})
    EXPECT_TRUE(profile.models.curve(family, "2 ranks on 1 node, fp32, library")) << family;
  EXPECT_TRUE(profile.models.curve("sendrecv", "2 ranks on 1 node, fp32, message"));
  EXPECT_FALSE(profile.cluster.choices.empty());
  EXPECT_TRUE(profile.models.curve("all_reduce", "2 devices, fp32, fastest")) << "what a plan takes";
}

/// Processes that mpirun started, in rank order.
std::vector<int> children_of(int pid) {
  std::istringstream in(
      test::contents("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children"));
  std::vector<int> out;
  for (int child = 0; in >> child;) out.push_back(child);
  return out;
}

/// kill -9 for one of three ranks takes all of them down; what was measured stays, and the second attempt measures
/// nothing of it again.
void expect_resumed_after_killing(std::size_t victim) {
  const Folder folder;
  if (!has_mpirun(folder)) GTEST_SKIP() << "no mpirun here";
  const std::vector<std::string> phases{"--phases", "devices,pairs"};
  {
    Process p(under_mpirun(folder, 3, phases), folder / "log", as_root);
    ASSERT_TRUE(test::wait_for_lines(folder / "run.jsonl", 20)) << test::contents(folder / "log");
    const auto ranks = children_of(p.pid());
    if (ranks.size() != 3) GTEST_SKIP() << "this kernel does not list a process's children";
    ::kill(ranks[victim], SIGKILL);
    EXPECT_NE(p.wait(), 0);
  }
  Diagnostics cut;
  const MeasuredRun before = read_measurement_lines(read_source(folder / "run.jsonl", cut), cut);
  ASSERT_FALSE(before.points.empty());
  auto resumed = phases;
  resumed.emplace_back("--resume");
  const auto ran = run_program(under_mpirun(folder, 3, resumed), folder, as_root);
  ASSERT_EQ(ran.status, 0) << ran.said;
  const MeasuredRun after = read_run(folder / "run.jsonl");
  EXPECT_TRUE(after.is_ended);
  EXPECT_GT(after.points.size(), before.points.size());
  EXPECT_TRUE(after.failed.empty()) << "what failed once has been measured since";
  expect_no_point_twice(after);
  for (std::size_t i = 0; i < before.points.size(); ++i)
    EXPECT_EQ(before.points[i].time, after.points[i].time);
}

TEST(MpiRanks, ResumeAfterTheLeadersKill) { expect_resumed_after_killing(0); }
TEST(MpiRanks, ResumeAfterAnothersKill) { expect_resumed_after_killing(2); }

// Started one by one on two "nodes"; rank 2 of three is killed.  The others finish, and it is listed.
TEST(FreeRanks, LoseOneAndGoOn) {
  const Folder folder;
  const auto rank = [&](int r) {
    return measure(folder, {"--rank", std::to_string(r), "--ranks", "3", "--node", r == 0 ? "a" : "b",
                            "--phases", "devices,pairs,collectives", "--wait", "30"});
  };
  Process one(rank(1), folder / "log1"), two(rank(2), folder / "log2"), zero(rank(0), folder / "log0");
  ASSERT_TRUE(test::wait_for_lines(folder / "run.jsonl", 20)) << test::contents(folder / "log0");
  two.send(SIGKILL);
  EXPECT_EQ(two.wait(), 128 + SIGKILL);
  EXPECT_EQ(zero.wait(), 0) << test::contents(folder / "log0");
  EXPECT_EQ(one.wait(), 0) << test::contents(folder / "log1");
  const MeasuredRun run = read_run(folder / "run.jsonl");
  EXPECT_TRUE(run.is_ended);
  ASSERT_EQ(run.failed.size(), 1u);
  EXPECT_NE(run.failed[0].find("rank 2 on node b"), std::string::npos) << run.failed[0];
  const Profile profile = fitted(folder);
  EXPECT_EQ(profile.cluster.failed, run.failed);
  ASSERT_EQ(profile.cluster.tiers.size(), 1u) << "0 and 1 are on two nodes";
  EXPECT_EQ(profile.cluster.tiers[0].name, "network");
  EXPECT_TRUE(profile.models.curve("all_reduce", "2 ranks on 2 nodes, fp32, ring"));
}

// Three ranks over TCP end without rank 2, killed with -9, and run again into the same file, rank 2 under its old
// number: what the others measured is not measured again, and the pairs with rank 2 are made up for.
TEST(FreeRanks, ResumeBringsALostRankBack) {
  const Folder folder;
  const auto rank = [&](int r, bool is_resumed) {
    auto all = measure(folder, {"--rank", std::to_string(r), "--ranks", "3", "--phases", "devices,pairs",
                                "--tcp", "--wait", "30"});
    if (is_resumed) all.emplace_back("--resume");
    return all;
  };
  {
    Process two(rank(2, false), folder / "log2"), one(rank(1, false), folder / "log1"),
        zero(rank(0, false), folder / "log0");
    ASSERT_TRUE(test::wait_for_lines(folder / "run.jsonl", 20)) << test::contents(folder / "log0");
    two.send(SIGKILL);
    EXPECT_EQ(zero.wait(), 0) << test::contents(folder / "log0");
    EXPECT_EQ(one.wait(), 0) << test::contents(folder / "log1");
  }
  const MeasuredRun before = read_run(folder / "run.jsonl");
  ASSERT_EQ(before.failed.size(), 1u);
  const auto pairs_of = [](const MeasuredRun& run) {
    return std::ranges::count(run.points, "pair", &Measurement::family);
  };
  EXPECT_EQ(pairs_of(before), 2 * 2) << "two sizes, both ways";
  {
    Process two(rank(2, true), folder / "log2"), one(rank(1, true), folder / "log1"),
        zero(rank(0, true), folder / "log0");
    EXPECT_EQ(zero.wait(), 0) << test::contents(folder / "log0");
    EXPECT_EQ(two.wait(), 0) << test::contents(folder / "log2");
  }
  const MeasuredRun after = read_run(folder / "run.jsonl");
  EXPECT_TRUE(after.failed.empty());
  EXPECT_EQ(pairs_of(after), 3 * 2 * 2);
  expect_no_point_twice(after);
  for (std::size_t i = 0; i < before.points.size(); ++i)
    EXPECT_EQ(before.points[i].time, after.points[i].time);
  std::map<std::int64_t, int> of_rank;
  for (const Measurement& m : after.points) of_rank[m.rank] += m.source.empty() && m.family != "pair";
  EXPECT_EQ(of_rank[0], of_rank[1]);
  EXPECT_EQ(of_rank[0], of_rank[2]);
}

// A rank that is killed and started again while the others run finds nobody: it says so in time, and they finish.
TEST(FreeRanks, ARankStartedAgainTooLateSaysSo) {
  const Folder folder;
  const auto rank = [&](int r, const char* wait) {
    return measure(folder,
                   {"--rank", std::to_string(r), "--ranks", "2", "--phases", "devices", "--wait", wait});
  };
  Process one(rank(1, "30"), folder / "log1"), zero(rank(0, "30"), folder / "log0");
  ASSERT_TRUE(test::wait_for_lines(folder / "run.jsonl", 20)) << test::contents(folder / "log0");
  one.send(SIGKILL);
  one.wait();
  Process again(rank(1, "1"), folder / "log1");
  EXPECT_EQ(again.wait(), 1);
  EXPECT_NE(test::contents(folder / "log1").find("no rank 0"), std::string::npos)
      << test::contents(folder / "log1");
  EXPECT_EQ(zero.wait(), 0) << test::contents(folder / "log0");
  EXPECT_EQ(read_run(folder / "run.jsonl").failed.size(), 1u);
}

TEST(FreeRanks, ARankThatNeverCameIsListed) {
  const Folder folder;
  const auto command = [&](int r) {
    return measure(folder, {"--rank", std::to_string(r), "--ranks", "3", "--phases", "pairs", "--wait", "2"});
  };
  Process one(command(1), folder / "log1"), zero(command(0), folder / "log0");
  EXPECT_EQ(zero.wait(), 0) << test::contents(folder / "log0");
  EXPECT_EQ(one.wait(), 0) << test::contents(folder / "log1");
  const MeasuredRun run = read_run(folder / "run.jsonl");
  ASSERT_EQ(run.failed.size(), 1u);
  EXPECT_NE(run.failed[0].find("did not come"), std::string::npos);
  EXPECT_EQ(run.points.size(), 4u) << "two sizes, both ways";
}

TEST(FreeRanks, DryRunCountsPhases) {
  const Folder folder;
  const auto ran = run_program(measure(folder, {"--rank", "0", "--ranks", "8", "--dry-run"}), folder);
  EXPECT_EQ(ran.status, 0) << ran.said;
  for (const char* word : {"8 ranks", "pairs", "collectives", "about"})
    EXPECT_NE(ran.said.find(word), std::string::npos) << ran.said;
}

}  // namespace
}  // namespace ridge
