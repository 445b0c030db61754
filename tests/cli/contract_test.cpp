// The keys of machine output that scripts rely on.
#include "sim/io/preset_index.h"
#include "tests/cli/cli_run.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ridge {
namespace {

using nlohmann::json;
using test::ridge;

json output_of(const std::string& command) { return json::parse(ridge(test::words(command)).out); }

void expect_numbers(const json& j, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    ASSERT_TRUE(j.contains(key)) << key;
    EXPECT_TRUE(j[key].is_number()) << key << " is " << j[key];
  }
}

TEST(Contract, PlanHasItsKeysForEveryPresetScenario) {
  const PresetIndex presets;
  for (const std::string& name : presets.names(PresetKind::scenario)) {
    SCOPED_TRACE(name);
    const json j = output_of("plan " + name + " --json");
    EXPECT_TRUE(j["fits"].is_boolean());
    EXPECT_TRUE(j["violations"].is_array());
    EXPECT_EQ(j["fits"].get<bool>(), j["violations"].empty());
    expect_numbers(j["parameters"], {"total", "active", "trainable"});
    EXPECT_TRUE(j["parameters"]["total"].is_number_integer());
    expect_numbers(j["memory"], {"peak_allocated_bytes", "peak_reserved_bytes", "capacity_bytes"});
    for (const auto& [key, value] : j["memory"].items())
      EXPECT_TRUE(!value.is_number() || value.is_number_integer()) << key << " is " << value;
    expect_numbers(j["time"], {"low", "high"});
    expect_numbers(j["throughput"], {"tokens_per_second", "tokens_per_second_per_device", "tflops_per_device",
                                     "model_flops_utilization", "hardware_flops_utilization"});
    expect_numbers(j, {"tokens_per_second_per_device", "tflops_per_device", "model_flops_utilization"});
  }
}

TEST(Contract, PartsSumToTheirWhole) {
  const PresetIndex presets;
  for (const std::string& name : presets.names(PresetKind::scenario)) {
    SCOPED_TRACE(name);
    const json j = output_of("plan " + name + " --json");
    double bytes = 0, seconds = 0;
    for (const auto& part : j["memory"]["parts"]) bytes += part.get<double>();
    for (const auto& part : j["time"]["parts"]) seconds += part.get<double>();
    EXPECT_NEAR(bytes / j["memory"]["peak_allocated_bytes"].get<double>(), 1, 1e-12);
    for (const char* headline : {"step_seconds", "prefill_seconds", "decode_step_seconds", "request_seconds"})
      if (j["time"].contains(headline)) {
        EXPECT_NEAR(seconds / j["time"][headline].get<double>(), 1, 1e-12);
        break;
      }
    EXPECT_LE(j["time"]["low"].get<double>(), j["time"]["high"].get<double>());
  }
}

TEST(Contract, ModelHasItsKeys) {
  const json j = output_of("model llama-3-8b --json");
  EXPECT_EQ(j["parameters"]["total"], 8030261248);
  EXPECT_EQ(j["parameters"]["active"], 8030261248);
  EXPECT_EQ(j["kv_cache"]["bytes_per_token"],
            131072);  // keys and values: 2 x 32 layers x 8 heads x 128 x 2 B
  EXPECT_EQ(j["weights"]["bf16"]["bytes"], 2 * 8030261248);
  // Two FLOPs for each parameter outside the embedding table; norms and one query-key pair are noise.
  EXPECT_NEAR(j["flops"]["forward_per_token"].get<double>(), 2 * (8030261248.0 - 128256.0 * 4096), 1e7);
}

TEST(Contract, ValidateHasItsKeys) {
  const std::string path = testing::TempDir() + "ridge-rows.csv";
  std::ofstream(path)
      << "id,group,model,hardware,devices,software,training.sequence_length,training.global_batch,"
         "measured.step_seconds,measured.peak_allocated_bytes\n"
         "a,g,gpt2,hgx-h200,1,transformers-eager,1024,8,0.1,1e10\n"
         "b,g,gpt2,hgx-h200,1,transformers-eager,512,8,0.05,\n"
         "c,g,no-such-model,hgx-h200,1,transformers-eager,1024,8,0.1,\n";
  const json j = output_of("validate " + path + " --json");
  ASSERT_EQ(j["rows"].size(), 4u);
  for (const json& row : j["rows"]) {
    EXPECT_TRUE(row.contains("id") && row.contains("group") && row.contains("metric") &&
                row.contains("measured"));
    EXPECT_NE(row.contains("predicted"), row.contains("error"));
  }
  EXPECT_EQ(j["rows"][1]["metric"], "peak_allocated_bytes");
  EXPECT_THAT(j["rows"][3]["error"].get<std::string>(), testing::HasSubstr("no-such-model"));
  const json& summary = j["summary"][0];
  for (const char* key : {"group", "metric", "rows", "failed", "mean", "median", "p90", "max", "bias",
                          "kendall_tau", "interval_coverage"})
    EXPECT_TRUE(summary.contains(key)) << key;
  EXPECT_EQ(summary["rows"], 2);
  EXPECT_EQ(summary["failed"], 1);
  const json& row = j["rows"][0];
  EXPECT_NEAR(row["relative_error"].get<double>(), row["predicted"].get<double>() / 0.1 - 1, 1e-12);
}

TEST(Contract, EveryMeasurementIsEvaluatedOrRefusedForAReason) {
  namespace fs = std::filesystem;
  std::size_t files = 0;
  for (const auto& e : fs::directory_iterator(fs::path(RIDGE_SOURCE_DIR) / "tests/measurements")) {
    if (e.path().extension() != ".csv") continue;
    ++files;
    const json j = output_of("validate " + e.path().string() + " --json");
    EXPECT_FALSE(j["rows"].empty());
    for (const json& row : j["rows"]) {
      const bool is_refused = row.contains("error") && row["error"].get<std::string>().size() > 10;
      const bool is_predicted =
          row.contains("predicted") && row["predicted"].is_number() && row["predicted"] > 0;
      EXPECT_TRUE(is_refused || is_predicted) << row;
    }
  }
  EXPECT_GE(files, 20u);
}

TEST(Contract, ListsHaveNumbersAndNamedKeys) {
  for (const char* kind : {"", "models", "hardware", "software", "scenarios", "formats"}) {
    const json rows = output_of(std::string("list ") + kind + " --json");
    ASSERT_FALSE(rows.empty()) << kind;
    for (const json& row : rows) {
      EXPECT_FALSE(row.contains("")) << kind;
      for (const auto& [key, value] : row.items()) {
        const bool is_text =
            key == "name" || key == "kind" || key == "is" || key == "source" || key == "computes_in";
        EXPECT_EQ(value.is_string(), is_text || value == "sized by model.*")
            << kind << ' ' << key << ' ' << value;
        EXPECT_EQ(value.is_array(), key == "aliases") << kind << ' ' << key;
      }
    }
  }
  EXPECT_EQ(output_of("list models --json")[0]["layers"], 12);
}

TEST(Contract, RequestsAnswerTheirMeasuredKeys) {
  expect_numbers(output_of("plan deepseek-v3-request-h200 --json")["time"],
                 {"request_seconds", "time_to_first_token", "time_per_output_token"});
  expect_numbers(output_of("plan llama-3-70b-prefill --json")["time"], {"prefill_seconds"});
  expect_numbers(output_of("plan llama-3-70b-decode --json")["time"], {"decode_step_seconds"});
}

}  // namespace
}  // namespace ridge
