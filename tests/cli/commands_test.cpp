// What the commands do with their input.
#include "tests/cli/cli_run.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ridge {
namespace {

using nlohmann::json;
using test::ridge;
using test::Said;
using testing::HasSubstr;
using testing::Not;

std::string temp_file(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(Plan, ReadsStandardInput) {
  const Said said = ridge({"plan", "-", "--json"},
                          "model: gpt2\nhardware: dgx-h100\ndevices: 1\n"
                          "training: {sequence_length: 128, global_batch: 8}\n");
  EXPECT_EQ(said.status, 0) << said.err;
}

TEST(Plan, BadFilesAreReportedWholeWithPlaces) {
  const std::string path = temp_file("ridge-bad.yaml",
                                     "model: gpt2\nhardware: dgx-h100\ndevices: -3\ntraining:\n"
                                     "  sequence_length: many\n  globl_batch: 8\nparallel: [1]\n");
  const Said said = ridge({"plan", path});
  EXPECT_EQ(said.status, 2);
  for (const char* place : {":3:10", ":5:20", ":6:3", ":7:11"})
    EXPECT_THAT(said.err, HasSubstr(path + place));
  EXPECT_THAT(said.err, HasSubstr("did you mean 'global_batch'?"));
}

TEST(Plan, BrokenYamlIsLocated) {
  const std::string path = temp_file("ridge-broken.yaml", "model: [gpt2\nhardware: x\n");
  const Said said = ridge({"plan", path});
  EXPECT_EQ(said.status, 2);
  EXPECT_THAT(said.err, HasSubstr(path + ":"));
}

TEST(Plan, ImpossiblePlansAreAnswersWithReasons) {
  const Said said = ridge({"plan", "llama-3-70b-64-h100", "--set", "parallel.tensor=3"});
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.out, HasSubstr("CANNOT RUN"));
  EXPECT_THAT(said.out, HasSubstr("64 heads"));
}

TEST(Plan, SavedScenariosAnswerTheSame) {
  const std::string path = testing::TempDir() + "ridge-saved.yaml";
  const Said first = ridge({"train", "llama-3-8b", "--on", "hgx-h200", "-n", "8", "--zero", "3", "--seq",
                            "2048", "--set", "model.layers=8", "--save", path, "--json"});
  ASSERT_EQ(first.status, 0) << first.err;
  const Said again = ridge({"plan", path, "--json"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(json::parse(first.out)["time"], json::parse(again.out)["time"]);
  EXPECT_EQ(json::parse(first.out)["memory"], json::parse(again.out)["memory"]);
}

TEST(Plan, ThatCannotRunHasReasonsAndNoFigures) {
  const std::vector<std::string> plan{"plan", "llama-3-70b-64-h100", "--set", "parallel.tensor=3"};
  const Said said = ridge(plan);
  EXPECT_THAT(said.out, Not(HasSubstr("throughput")));
  std::vector<std::string> as_json = plan;
  as_json.push_back("--json");
  const json j = json::parse(ridge(as_json).out);
  EXPECT_EQ(j["verdict"], "cannot run");
  EXPECT_FALSE(j["violations"].empty());
  EXPECT_TRUE(j["time"].empty() && j["memory"].empty());
}

TEST(Plan, ThatDoesNotFitSaysWhyFirstAndMarksItsTime) {
  const std::string out = ridge({"plan", "llama-3-70b-too-big"}).out;
  const std::size_t verdict = out.find("DOES NOT FIT"), reason = out.find("stage 0 needs"),
                    time = out.find("if memory sufficed");
  ASSERT_NE(time, std::string::npos);
  EXPECT_LT(verdict, reason);
  EXPECT_LT(reason, time);
  EXPECT_THAT(out, Not(HasSubstr("MFU")));
  EXPECT_EQ(json::parse(ridge({"plan", "llama-3-70b-too-big", "--json"}).out)["verdict"], "does not fit");
}

TEST(Plan, CsvHasEveryFigureOfJsonUnderItsKey) {
  const json j = json::parse(ridge({"plan", "llama-3-70b-64-h100", "--json"}).out);
  const std::string csv = ridge({"plan", "llama-3-70b-64-h100", "--csv"}).out;
  EXPECT_TRUE(csv.starts_with("key,value\n"));
  EXPECT_THAT(csv, HasSubstr("\nverdict,fits\n"));
  for (const char* key : {"low", "high", "step_seconds"})
    EXPECT_THAT(csv, HasSubstr("\ntime." + std::string(key) + ',' + j["time"][key].dump() + '\n'));
  EXPECT_THAT(csv, HasSubstr("\nthroughput.hardware_flops_utilization," +
                             j["hardware_flops_utilization"].dump() + '\n'));
}

TEST(Plan, OverridesAreShown) {
  const Said changed = ridge({"model", "gpt2", "--set", "model.layers=3"});
  EXPECT_THAT(changed.out, HasSubstr("changed by --set model.layers=3"));
  const std::vector<std::string> plan{"plan", "gpt2-first-steps", "--set", "training.micro_batch=4"};
  EXPECT_THAT(ridge(plan).out, HasSubstr("changed by --set training.micro_batch=4"));
  std::vector<std::string> as_json = plan;
  as_json.push_back("--json");
  EXPECT_EQ(json::parse(ridge(as_json).out)["set"], json::array({"training.micro_batch=4"}));
}

TEST(Flags, MeanTheSameAsAFile) {
  const Said flags =
      ridge({"infer", "llama-3-70b", "--on", "dgx-h100", "--devices", "8", "--tp", "8", "--phase", "decode",
             "--batch", "32", "--prompt", "4096", "--software", "vllm", "--json"});
  const Said file = ridge({"plan", "llama-3-70b-decode", "--json"});
  ASSERT_EQ(flags.status, 0) << flags.err;
  EXPECT_EQ(json::parse(flags.out)["time"], json::parse(file.out)["time"]);
}

TEST(Flags, SayWhatWasAssumed) {
  const Said said = ridge({"infer", "llama-3-8b", "--on", "hgx-h200", "--width", "400"});
  EXPECT_THAT(said.out, HasSubstr("not stated, so assumed: software vllm"));
  EXPECT_THAT(said.out, HasSubstr("output tokens 128"));
}

TEST(Flags, TheUsualStackIsOneThatRunsOnTheDevice) {
  const auto stack = [](const std::vector<std::string>& arguments) {
    const Said said = ridge(arguments);
    EXPECT_EQ(said.out.find("has no kernels"), std::string::npos) << said.out;
    return said.out.substr(0, said.out.find("not split"));
  };
  EXPECT_THAT(stack({"infer", "gpt2", "--on", "h100"}), HasSubstr("with vllm"));
  EXPECT_THAT(stack({"infer", "gpt2", "--on", "m3-max"}), HasSubstr("with llama.cpp"));
  EXPECT_THAT(stack({"infer", "gpt2", "--on", "epyc-9654"}), HasSubstr("with llama.cpp"));
  EXPECT_THAT(stack({"train", "gpt2", "--on", "mi300x"}), HasSubstr("with megatron-core"));
  EXPECT_THAT(stack({"train", "gpt2", "--on", "m3-max"}), HasSubstr("with transformers-eager"));
  EXPECT_THAT(stack({"train", "gpt2", "--on", "m3-max", "--set", "software.launch.host_per_kernel=1us"}),
              HasSubstr("with transformers-eager"));
  EXPECT_THAT(ridge({"infer", "gpt2", "--on", "m3-max"}).out,
              HasSubstr("llama.cpp (the usual one on a soc)"));
  EXPECT_THAT(ridge({"infer", "gpt2", "--on", "m3-max", "--software", "tensorrt-llm"}).out,
              HasSubstr("tensorrt-llm has no kernels for"));
}

TEST(Flags, ShortModelsGetTheirOwnLength) {
  const Said said = ridge({"train", "gpt2", "--on", "hgx-h200", "-n", "1"});
  EXPECT_EQ(said.status, 0) << said.out;
  EXPECT_THAT(said.out, HasSubstr("sequence 1024"));
}

TEST(Flags, SavedLengthIsTheOneEvaluated) {
  const std::string path = testing::TempDir() + "ridge-short.yaml";
  const Said first = ridge({"train", "gpt2", "--on", "hgx-h200", "-n", "1", "--save", path, "--json"});
  EXPECT_EQ(json::parse(first.out)["time"], json::parse(ridge({"plan", path, "--json"}).out)["time"]);
}

TEST(Flags, ProblemsPointAtTheFlag) {
  const Said said = ridge({"train", "gpt2", "--on", "hgx-h200", "--tp", "two", "--zero", "7"});
  EXPECT_EQ(said.status, 2);
  EXPECT_THAT(said.err, HasSubstr("--tp"));
  EXPECT_THAT(said.err, HasSubstr("--zero"));
}

TEST(Compare, TakesFilesChangesAndVariations) {
  const Said said =
      ridge({"compare", "gpt2-first-steps", "+training.micro_batch=4", "gpt2-first-steps,hardware=hgx-h200",
             "--vary", "training.recompute=none,full", "--json"});
  ASSERT_EQ(said.status, 0) << said.err;
  const json j = json::parse(said.out);
  ASSERT_EQ(j["scenarios"].size(), 5u);
  EXPECT_EQ(j["differences"]["training.micro_batch"][1], "4");
  EXPECT_EQ(j["differences"]["hardware"][2], "hgx-h200");
  EXPECT_TRUE(j["scenarios"][0]["metrics"].contains("time.step_seconds"));
}

TEST(Compare, IsInfeasibleWhenOneIs) {
  EXPECT_EQ(ridge({"compare", "gpt2-first-steps", "llama-3-70b-too-big"}).status, 1);
}

TEST(Validate, ABrokenRowDoesNotHideTheOthers) {
  const std::string path = temp_file(
      "ridge-broken.csv", "id,model,measured.parameters\na,gpt2,124439808\nb,gpt2\nc,gpt2,124439808\n");
  const Said said = ridge({"validate", path, "--json"});
  EXPECT_EQ(said.status, 2);
  EXPECT_THAT(said.err, HasSubstr("1 of 3 rows could not be read"));
  EXPECT_THAT(said.err, HasSubstr(path + ":3:"));
  const json rows = json::parse(said.out)["rows"];
  ASSERT_EQ(rows.size(), 3u);
  std::size_t exact = 0, refused = 0;
  for (const json& row : rows) {
    exact += row.contains("relative_error") && row["relative_error"] == 0;
    refused += row.contains("error");
  }
  EXPECT_EQ(exact, 2u);
  EXPECT_EQ(refused, 1u);
}

TEST(Validate, StatusTellsUnreadRowsFromJudgedOnes) {
  const std::string header =
      "id,model,hardware,software,devices,training.sequence_length,measured.step_seconds\n";
  const std::string good = "a,gpt2,dgx-h100,ideal,1,1024,1\n", unread = "b,gpt2,dgx-h1,ideal,1,1024,1\n",
                    too_big = "c,llama-3-70b,dgx-h100,ideal,1,1024,1\n";
  const auto said = [&](const std::string& rows) {
    return ridge({"validate", temp_file("ridge-judged.csv", header + rows)});
  };
  EXPECT_EQ(said(good + too_big).status, 0) << said(good + too_big).err;
  EXPECT_EQ(said(good + too_big).err, "");
  EXPECT_EQ(said(good + unread).status, 2);
  EXPECT_THAT(said(good + unread).out, HasSubstr("step_seconds"));
  EXPECT_THAT(said(unread).err, HasSubstr("no row of 1 has a prediction"));
  EXPECT_EQ(said(unread).out, "");
  EXPECT_EQ(said(unread).status, 2);
}

TEST(Explain, ReachesInputsWithTheirPlace) {
  const Said said = ridge({"explain", "memory.parts.weights", "gpt2-first-steps", "--depth", "40"});
  EXPECT_EQ(said.status, 0);
  EXPECT_THAT(said.out, HasSubstr("presets/precision/amp-bf16.yaml:"));
  const json j = json::parse(ridge({"explain", "weights", "gpt2-first-steps", "--json"}).out);
  EXPECT_EQ(j["key"], "memory.parts.weights");
  EXPECT_FALSE(j["terms"].empty());
}

TEST(Explain, CommandLineValuesSaySo) {
  const Said said = ridge(
      {"explain", "step_seconds", "gpt2-first-steps", "--set", "training.micro_batch=4", "--depth", "40"});
  EXPECT_THAT(said.out, HasSubstr("--set training.micro_batch=4"));
}

TEST(Model, ImportsAConfig) {
  const std::string path = temp_file("config.json", R"({"model_type": "llama", "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 100,
    "max_position_embeddings": 64})");
  const Said said = ridge({"model", path, "--json"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_GT(json::parse(said.out)["parameters"]["total"], 0);
}

// Windows, recurrent layers, latents and whole layers alike.
TEST(Model, CachesWhatAPlanCaches) {
  for (const char* model :
       {"gpt-oss-20b", "nemotron-h-56b", "mamba2-2.7b", "deepseek-v2-lite", "llama-3-8b"}) {
    const json shown = json::parse(ridge({"model", model, "--json"}).out)["kv_cache"];
    const Said said = ridge({"infer", model, "--on", "b200", "--software", "ideal", "--phase", "prefill",
                             "--prompt", "8192", "--batch", "1", "--json"});
    const json planned = json::parse(said.out)["memory"]["parts"]["kv_cache"];
    EXPECT_EQ(shown["bytes_per_sequence_at"]["8192"], planned) << model;
  }
  const json oss = json::parse(ridge({"model", "gpt-oss-20b", "--json"}).out)["kv_cache"];
  EXPECT_EQ(oss["bytes_per_token"], 2 * 24 * 2 * 8 * 64);
  EXPECT_EQ(oss["bytes_per_sequence_at"]["8192"], 2 * 12 * 2 * 8 * 64 * (8192 + 128));  // 12 of 24 see 128
}

TEST(Schema, IsValidJson) {
  for (const char* name : {"scenario", "model", "hardware", "software", "precision", "format"}) {
    const json j = json::parse(ridge({"schema", name, "--json"}).out);
    EXPECT_TRUE(j.contains("properties")) << name;
  }
}

TEST(Plan, TakesARowOfMeasurements) {
  const std::string path =
      temp_file("ridge-rows.csv",
                "id,model,hardware,devices,training.sequence_length,training.global_batch,"
                "measured.step_seconds\n"
                "first,gpt2,hgx-h200,1,1024,8,0.1\nsecond,gpt2,hgx-h200,1,512,8,0.05\n");
  const Said by_id = ridge({"plan", path + ":second"}), by_line = ridge({"plan", path + ":3"});
  EXPECT_EQ(by_id.status, 0) << by_id.err;
  EXPECT_THAT(by_id.out, HasSubstr("sequence 512"));
  EXPECT_THAT(by_id.out, HasSubstr("step_seconds"));
  EXPECT_THAT(by_line.out, HasSubstr("sequence 512"));
  const Said unnamed = ridge({"plan", path});
  EXPECT_EQ(unnamed.status, 2);
  EXPECT_THAT(test::unwrapped(unnamed.err), HasSubstr("2 scenarios: name one as"));
  EXPECT_THAT(unnamed.err, HasSubstr("first, second"));
  EXPECT_THAT(ridge({"plan", path + ":secnd"}).err, HasSubstr("did you mean 'second'?"));
  const std::string one = temp_file("ridge-row.csv",
                                    "id,model,hardware,devices,inference.prompt_tokens\n"
                                    "only,gpt2,hgx-h200,1,64\n");
  EXPECT_EQ(ridge({"plan", one}).status, 0);
}

TEST(Plan, DoubtfulPremisesAreRemarked) {
  EXPECT_THAT(ridge({"infer", "llama-3-8b", "--on", "dgx-h100", "--prompt", "20000"}).out,
              HasSubstr("beyond the 8192"));
  EXPECT_THAT(ridge({"train", "gpt2", "--on", "v100-sxm2-32gb", "-n", "1"}).out,
              HasSubstr("no units for bf16"));
  EXPECT_THAT(ridge({"infer", "llama-3-8b", "--on", "dgx-h100", "--software", "megatron-core"}).out,
              HasSubstr("made for training"));
  const Said serving = ridge({"train", "llama-3-8b", "--on", "hgx-h200", "--software", "vllm"});
  EXPECT_EQ(serving.status, 1);
  EXPECT_THAT(serving.out, HasSubstr("does not train"));
  const Said encoder = ridge({"infer", "bert-base", "--on", "dgx-h100", "--prompt", "128"});
  EXPECT_EQ(encoder.status, 1);
  EXPECT_THAT(encoder.out, HasSubstr("is an encoder"));
  EXPECT_EQ(ridge({"infer", "bert-base", "--on", "dgx-h100", "--phase", "prefill", "--prompt", "128"}).status,
            0);
}

// Measured runs live with a reservation beyond the device: blocks are given back, so it is no refusal.
TEST(Plan, WarnsOfAReservationBeyondTheDevice) {
  const json j = json::parse(ridge({"plan", "gpt2-first-steps", "--set", "software.allocator.fragmentation=9",
                                    "--set", "training.micro_batch=8", "--json"})
                                 .out);
  EXPECT_TRUE(j["fits"]);
  EXPECT_GT(j["memory"]["peak_reserved_bytes"], j["memory"]["capacity_bytes"]);
  EXPECT_THAT(j["warnings"].dump(), HasSubstr("not what the allocator reserves"));
}

TEST(Operator, MistakesAreDiagnostics) {
  const auto said = [](const std::string& fields) {
    return ridge({"plan", "-"}, "hardware: dgx-h100\noperator: {" + fields + "}\n");
  };
  EXPECT_EQ(said("kind: gemm, m: 64, n: 64, k: 64").status, 0);
  for (const char* wrong : {"kind: foo", "kind: gem, m: 8, n: 8, k: 8", "kind: gemm, m: 0, n: 8, k: 8",
                            "kind: gemm, m: 8, n: 8, k: 8, dtype: fp3"})
    EXPECT_EQ(said(wrong).status, 2) << wrong;
  EXPECT_THAT(said("kind: gem").err, HasSubstr("did you mean 'gemm'?"));
}

TEST(Presets, AFolderThatIsNoneIsRefused) {
  for (const char* folder : {"/no/such/folder", RIDGE_SOURCE_DIR "/cmake"}) {
    const Said said = ridge({"plan", "gpt2-first-steps", "--presets", folder});
    EXPECT_EQ(said.status, 2) << folder;
    EXPECT_THAT(said.err, HasSubstr("--presets"));
  }
}

TEST(Presets, OverlayFolderGoesFirst) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(testing::TempDir()) / "ridge-presets";
  fs::create_directories(root / "models");
  std::ofstream(root / "models" / "mine.yaml") << "extends: gpt2\nlayers: 3\n";
  const Said said = ridge({"model", "mine", "--presets", root.string(), "--json"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_EQ(json::parse(said.out)["layers"][0]["count"], 3);
}

}  // namespace
}  // namespace ridge
