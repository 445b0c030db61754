// The whole way on this very machine: measure its processor, fit, write profile and hardware file, plan with it.
// Machines that run tests are busy, so laws are asked for with room, and one core is used.

#include "base/yaml/read_document.h"
#include "calibrate/fit/robust.h"
#include "calibrate/io/measured_device.h"
#include "tests/calibrate_runs/process.h"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

namespace ridge {
namespace {

using test::Folder;
using test::run_program;

const std::string program = RIDGE_CALIBRATE_EXECUTABLE;

MeasuredRun read_run(const std::string& path) {
  Diagnostics d;
  MeasuredRun run = read_measurement_lines(read_source(path, d), d);
  EXPECT_TRUE(d.empty()) << render(d);
  return run;
}

/// Bytes per second of reading a working set, the median over sizes in [from, to).
double read_rate(const MeasuredRun& run, double from, double to) {
  std::vector<double> rates;
  for (const Measurement& m : run.points)
    if (m.family == "memory_read" && m.size("bytes") >= from && m.size("bytes") < to)
      rates.push_back(m.size("bytes") / m.time.value());
  return median(rates);
}

/// One measurement for all tests of this file: a few seconds.
class Processor : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new Folder;
    const auto ran = run_program({program, "measure", "--device", "cpu", "--cores", "1", "--quick", "--only",
                                  "dispatch,peak,memory,passes,products", "--out", *folder / "run.jsonl"},
                                 *folder);
    ASSERT_EQ(ran.status, 0) << ran.said;
    const auto fitted = run_program({program, "fit", *folder / "run.jsonl", "--out", *folder / "profile.yaml",
                                     "--preset", *folder / "hardware.yaml"},
                                    *folder);
    ASSERT_EQ(fitted.status, 0) << fitted.said;
    run = read_run(*folder / "run.jsonl");
  }
  static void TearDownTestSuite() {
    delete folder;
    folder = nullptr;
  }
  static inline Folder* folder = nullptr;
  static inline MeasuredRun run;
};

TEST_F(Processor, MeasuresEverythingItNames) {
  EXPECT_TRUE(run.is_ended);
  EXPECT_EQ(run.facts.at("kind"), "cpu");
  EXPECT_EQ(run.facts.at("cores"), "1");
  std::set<std::string> families;
  for (const Measurement& m : run.points) {
    families.insert(m.family);
    EXPECT_GT(m.time.value(), 0) << sizes_text(m);
    EXPECT_GE(m.samples, 3) << sizes_text(m);
    EXPECT_LE(m.low, m.time);
    EXPECT_GE(m.high, m.time);
  }
  for (const char* family : {"launch", "peak", "memory_read", "memory_copy", "pointwise"})
    EXPECT_TRUE(families.contains(family)) << family;
}

// What fits the first level is read faster than what fits the last, and that faster than memory proper.
TEST_F(Processor, CachesAreFasterThanMemory) {
  const auto device = measured_device(run);
  ASSERT_TRUE(device);
  const double last = device->cache.value();
  const double first_level = read_rate(run, 8e3, 40e3), memory = read_rate(run, 2 * last, 1e12);
  ASSERT_GT(memory, 0);
  EXPECT_GT(first_level, 1.3 * memory);
  EXPECT_GT(first_level, 0.9 * read_rate(run, 40e3, 1e6));
  EXPECT_GT(memory, 1e8);  // below a floppy's cable something else was timed
  EXPECT_LT(first_level, 2e12);
}

// A product cannot run faster than multiply-adds in registers; a larger one takes longer.
TEST_F(Processor, ProductsStayBelowThePeak) {
  double peak = 0, best = 0;
  for (const Measurement& m : run.points) {
    if (m.family == "peak" && m.variant == "fp32") peak = m.size("flops") / m.time.value();
    if (m.family == "gemm") best = std::max(best, work_of(m)->flops.value() / m.time.value());
  }
  EXPECT_GT(peak, 1e8);
  if (best == 0) GTEST_SKIP() << "no BLAS library here";
  EXPECT_LT(best, 1.25 * peak);  // clocks differ between the two
  EXPECT_GT(best, 0.01 * peak);
}

TEST_F(Processor, PredictsProductsThatTheFitNeverSaw) {
  Diagnostics d;
  const auto profile = read_profile(read_source(*folder / "profile.yaml", d), d);
  ASSERT_TRUE(profile) << render(d);
  const KernelModel* model = profile->models.kernel("gemm", "fp32");
  if (!model) GTEST_SKIP() << "no BLAS library here";
  int held = 0, inside = 0;
  std::vector<double> errors;
  for (const Measurement& m : run.points) {
    if (m.family != "gemm" || !m.is_held_out) continue;
    ++held;
    const double error = std::abs(std::log(m.time / predict(*model, m)));
    errors.push_back(error);
    for (const RegimeInterval& i : model->intervals)
      inside += i.regime == regime_of(m, m.time) && error <= std::log1p(i.fraction) * 1.0001;
  }
  ASSERT_GE(held, 10);
  EXPECT_GE(inside, held * 6 / 10);
  EXPECT_LT(median(errors), 0.35);
  EXPECT_NEAR(model->hold_out.median, std::expm1(median(errors)), 0.1);
}

// Decoding reads every weight once, so that memory bandwidth bounds it from below; and nothing that plans a
// model of 124 M parameters on any processor takes minutes for a token.
TEST_F(Processor, PlansAModelWithTheHardwareFile) {
  {
    std::ofstream scenario(*folder / "scenario.yaml");
    scenario << "name: GPT-2 on this machine\nmodel: gpt2\nhardware: " << *folder / "hardware.yaml"
             << "\ndevices: 1\nsoftware: llama.cpp\n"
             << "inference: {phase: decode, batch: 1, prompt_tokens: 64, weights: fp32, "
                "kv_cache: fp32}\n";
  }
  const auto ran = run_program({RIDGE_EXECUTABLE, "plan", *folder / "scenario.yaml", "--json"}, *folder);
  ASSERT_EQ(ran.status, 0) << ran.said;
  const auto plan = nlohmann::json::parse(ran.said);
  EXPECT_TRUE(plan.at("fits").get<bool>());
  const auto device = measured_device(run);
  const double weights = 124e6 * 4;
  const double token = plan.at("time").at("time_per_output_token").get<double>();
  EXPECT_GT(token, 0.9 * weights / device->bandwidth.value());
  EXPECT_LT(token, 60);
}

TEST(ProcessorRun, DryRunNamesProbesAndSeconds) {
  const Folder folder;
  const auto ran = run_program({program, "measure", "--device", "cpu", "--dry-run", "--quick"}, folder);
  EXPECT_EQ(ran.status, 0);
  for (const char* word : {"memory", "products", "exchanges", "about", "all"})
    EXPECT_NE(ran.said.find(word), std::string::npos) << word << " in\n" << ran.said;
}

/// Standard output alone, as JSON: nothing else may be on it.
nlohmann::json json_said(const std::vector<std::string>& arguments, const Folder& folder) {
  std::string command;
  for (const std::string& a : arguments) command += "'" + a + "' ";
  const auto ran = run_program({"sh", "-c", command + "2>" + folder / "errors"}, folder);
  EXPECT_EQ(ran.status, 0) << command << ran.said << test::contents(folder / "errors");
  auto j = nlohmann::json::parse(ran.said, nullptr, false);
  EXPECT_TRUE(j.is_object()) << command << ran.said;
  return j.is_object() ? j : nlohmann::json::object();
}

// A device that is not here is assumed, and said to be.
TEST(ProcessorRun, DryRunOfAnotherDeviceSaysThatItIsAssumed) {
  const Folder folder;
  const std::vector<std::string> dry{program, "measure", "--device", "cuda", "--dry-run"};
  const auto ran = run_program(dry, folder);
  if (ran.said.find("built without CUDA") != std::string::npos) GTEST_SKIP() << ran.said;
  EXPECT_EQ(ran.status, 0) << ran.said;
  for (const char* word : {"products", "prefill", "counters", "about"})
    EXPECT_NE(ran.said.find(word), std::string::npos) << word << " in\n" << ran.said;
  auto as_json = dry;
  as_json.emplace_back("--json");
  const auto j = json_said(as_json, folder);
  EXPECT_EQ(j.at("device"), "cuda");
  EXPECT_EQ(j.at("is_assumed").get<bool>(), ran.said.find("assumed") != std::string::npos);
  EXPECT_GT(j.at("probes").size(), 5u);
}

TEST(ProcessorRun, EveryCommandSpeaksJson) {
  const Folder folder;
  const auto dry = json_said({program, "run", "--device", "cpu", "--dry-run", "--json"}, folder);
  EXPECT_FALSE(dry.at("is_assumed").get<bool>());
  EXPECT_GT(dry.at("seconds").get<double>(), 0);
  const auto ran = json_said({program, "run", "--device", "cpu", "--cores", "1", "--quick", "--only",
                              "peak,memory,passes", "--name", folder / "mine", "--json"},
                             folder);
  EXPECT_FALSE(ran.at("models").empty());
  const std::string profile = folder / "mine-profile.yaml", runs = folder / "mine.jsonl";
  EXPECT_EQ(json_said({program, "show", profile, "--json"}, folder).at("models").size(),
            ran.at("models").size());
  EXPECT_EQ(json_said({program, "fit", runs, "--json"}, folder).at("device"), ran.at("device"));
  EXPECT_GT(json_said({program, "import", runs, "--json"}, folder).at("points").get<int>(), 10);
  EXPECT_FALSE(json_said({program, "check", profile, runs, "--json"}, folder).at("groups").empty());
  EXPECT_EQ(json_said({program, "compare", profile, profile, "--json"}, folder).at("typical_difference"), 0);
  EXPECT_EQ(json_said({program, "merge", profile, profile, "--out", folder / "both.yaml", "--json"}, folder)
                .at("taken"),
            0);
  EXPECT_FALSE(
      json_said({program, "plot", profile, "--out", folder / "plots", "--json"}, folder).at("files").empty());
}

TEST(ProcessorRun, UnknownProbesAreRefusedWithTheNearest) {
  const Folder folder;
  const auto ran = run_program({program, "measure", "--device", "cpu", "--only", "memroy"}, folder);
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.said.find("did you mean 'memory'"), std::string::npos) << ran.said;
}

std::vector<std::string> quick_run(const Folder& folder, std::vector<std::string> more = {}) {
  std::vector<std::string> all{program,   "measure", "--device", "cpu",   "--cores",           "1",
                               "--quick", "--only",  "memory",   "--out", folder / "run.jsonl"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// Ctrl-C leaves a file that the same command goes on with, and no point is measured twice.
TEST(ProcessorRun, StopsOnInterruptAndResumes) {
  const Folder folder;
  {
    test::Process p(quick_run(folder), folder / "log");
    ASSERT_TRUE(test::wait_for_lines(folder / "run.jsonl", 6));
    p.send(SIGINT);
    const int status = p.wait();
    if (status == 0) GTEST_SKIP() << "it was done before it could be stopped";
    EXPECT_EQ(status, 1) << test::contents(folder / "log");
  }
  EXPECT_NE(test::contents(folder / "log").find("--resume"), std::string::npos);
  const MeasuredRun before = read_run(folder / "run.jsonl");
  EXPECT_FALSE(before.is_ended);
  EXPECT_EQ(run_program(quick_run(folder), folder).status, 2) << "an unfinished run was overwritten";
  run_program({program, "fit", folder / "run.jsonl", "--out", folder / "part.yaml"}, folder);
  EXPECT_NE(test::contents(folder / "part.yaml").find("cut_short: behind"), std::string::npos);
  EXPECT_EQ(run_program(quick_run(folder, {"--resume"}), folder).status, 0);
  const MeasuredRun after = read_run(folder / "run.jsonl");
  EXPECT_TRUE(after.is_ended);
  EXPECT_GT(after.points.size(), before.points.size());
  std::set<std::string> names;
  for (const Measurement& m : after.points)
    EXPECT_TRUE(names.insert(m.family + m.variant + sizes_text(m)).second) << "twice: " << sizes_text(m);
  for (std::size_t i = 0; i < before.points.size(); ++i)
    EXPECT_EQ(before.points[i].time, after.points[i].time) << "measured again";
  const auto again = run_program(quick_run(folder, {"--resume"}), folder);
  EXPECT_EQ(again.status, 2) << "a finished run was resumed: " << again.said;
}

TEST(ProcessorRun, ResumingDropsACutLineAndRefusesAnotherMachine) {
  const Folder folder;
  ASSERT_EQ(run_program(quick_run(folder), folder).status, 0);
  std::string text = test::contents(folder / "run.jsonl");
  std::size_t cut = 0;
  for (int line = 0; line < 40; ++line) cut = text.find('\n', cut) + 1;
  text = text.substr(0, cut);
  std::ofstream(folder / "run.jsonl") << text << "{\"family\": \"memory_re";
  EXPECT_EQ(run_program(quick_run(folder, {"--resume"}), folder).status, 0) << test::contents(folder / "log");
  EXPECT_TRUE(read_run(folder / "run.jsonl").is_ended);
  const auto at = text.find("\"cores\":\"1\"");
  ASSERT_NE(at, std::string::npos);
  std::ofstream(folder / "run.jsonl") << text.replace(at, 11, "\"cores\":\"9\"");
  const auto other = run_program(quick_run(folder, {"--resume"}), folder);
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.said.find("cores was '9'"), std::string::npos) << other.said;
}

}  // namespace
}  // namespace ridge
