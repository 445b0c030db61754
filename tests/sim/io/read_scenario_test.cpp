#include "sim/io/read_scenario.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::HasSubstr;

constexpr const char* training_yaml = R"(name: test
model: llama-3-8b
hardware: hgx-h200
devices: 8
software: transformers-eager
training:
  sequence_length: 4096
  micro_batch: 2
  global_batch: 16
  precision: fsdp-bf16
  optimizer: adamw
parallel:
  data: 8
  zero: 3
)";

Node parse(const std::string& text, Diagnostics& d) {
  return read_yaml(std::make_shared<Source>(Source{"test.yaml", text}), d);
}

struct Read {
  Scenario scenario;
  Diagnostics diagnostics;
  std::string text() const { return render(diagnostics); }
};

Read read(const std::string& yaml, const std::vector<std::string>& set = {}, ReadOptions options = {}) {
  static const PresetIndex presets;
  Read r;
  Node document = parse(yaml, r.diagnostics);
  override_document(document, set, r.diagnostics);
  r.scenario = read_scenario(document, presets, r.diagnostics, options);
  return r;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(ReadScenario, ReadsEveryPart) {
  const Read r = read(training_yaml);
  ASSERT_FALSE(r.diagnostics.has_errors()) << r.text();
  const Scenario& s = r.scenario;
  EXPECT_EQ(s.name, "test");
  EXPECT_EQ(s.model_name, "llama-3-8b");
  EXPECT_EQ(s.model.hidden_size, 4096);
  EXPECT_EQ(s.hardware.node.devices, 8);
  EXPECT_EQ(s.devices, 8);
  ASSERT_NE(s.training(), nullptr);
  EXPECT_EQ(s.training()->micro_batch, 2);
  EXPECT_EQ(s.precision.name, "fsdp-bf16");
  EXPECT_EQ(s.parallel.zero, 3);
}

TEST(ReadScenario, KnowsWhereEveryValueWasWritten) {
  const Read r = read(training_yaml, {"training.micro_batch=4"});
  const Origins& o = r.scenario.origins;
  EXPECT_EQ(o.at("training.sequence_length").where, "test.yaml:7");
  EXPECT_EQ(o.at("training.sequence_length").kind, Origin::Kind::scenario);
  EXPECT_EQ(o.at("training.micro_batch").kind, Origin::Kind::command_line);
  EXPECT_EQ(o.at("training.lora_rank").kind, Origin::Kind::default_value);
  EXPECT_EQ(o.at("model.hidden_size").kind, Origin::Kind::preset);
  EXPECT_THAT(o.at("model.hidden_size").where, HasSubstr("presets/models/llama-3-8b.yaml:"));
  EXPECT_EQ(o.at("precision.weights").kind, Origin::Kind::preset);
}

TEST(ReadScenario, SingleFieldsOverridePresets) {
  const Read flat = read(std::string(training_yaml) + "model.layers: 12\n");
  ASSERT_FALSE(flat.diagnostics.has_errors()) << flat.text();
  EXPECT_EQ(flat.scenario.model.layers, 12);
  EXPECT_EQ(flat.scenario.model.hidden_size, 4096);
  const Read nested =
      read(replaced(training_yaml, "model: llama-3-8b", "model: {preset: llama-3-8b, layers: 12}"));
  EXPECT_EQ(nested.scenario.model.layers, 12);
  const Read command = read(training_yaml, {"model.layers=12", "hardware.device.hbm.bandwidth=6 TB/s"});
  ASSERT_FALSE(command.diagnostics.has_errors()) << command.text();
  EXPECT_EQ(command.scenario.model.layers, 12);
  EXPECT_EQ(command.scenario.hardware.device.hbm.bandwidth.value, BytesPerSecond{6e12});
  EXPECT_EQ(command.scenario.model_name, "llama-3-8b");
}

TEST(ReadScenario, RecipesTakeOverridesToo) {
  const Read r = read(
      replaced(training_yaml, "precision: fsdp-bf16", "precision: {preset: fsdp-bf16, master: 4 B/element}"));
  ASSERT_FALSE(r.diagnostics.has_errors()) << r.text();
  EXPECT_EQ(r.scenario.precision.master, BytesPerElement{4});
  EXPECT_EQ(r.scenario.training()->precision, "fsdp-bf16");
}

TEST(ReadScenario, KeyOrderDoesNotMatter) {
  std::vector<std::string> blocks = {
      "name: test\n",
      "model: llama-3-8b\n",
      "hardware: hgx-h200\n",
      "devices: 8\n",
      "model.layers: 12\n",
      "training:\n  precision: bf16\n  sequence_length: 128\n  global_batch: 8\n",
      "parallel: {zero: 1, data: 8}\n"};
  std::sort(blocks.begin(), blocks.end());
  const auto text = [&] {
    std::string all;
    for (const std::string& b : blocks) all += b;
    return all;
  };
  const Scenario first = read(text()).scenario;
  for (int i = 0; i < 40; ++i) {
    for (int step = 0; step < 127; ++step) std::next_permutation(blocks.begin(), blocks.end());
    const Read r = read(text());
    ASSERT_FALSE(r.diagnostics.has_errors()) << r.text();
    EXPECT_EQ(r.scenario.model, first.model);
    EXPECT_EQ(r.scenario.model.layers, 12);
    EXPECT_EQ(r.scenario.training()->global_batch, first.training()->global_batch);
    EXPECT_EQ(r.scenario.parallel.zero, first.parallel.zero);
  }
}

TEST(ReadScenario, ReportsAllProblemsAtOnceWithTheirPlaces) {
  const Read r = read(R"(model: llama-3-8c
hardware: dgx-h1000
devices: 0
training:
  sequence_length: 0
  micro_batches: 2
  recompute: everything
paralel: {tensor: 2}
)");
  const std::string text = r.text();
  for (const char* expected :
       {"test.yaml:1:8", "no model is called 'llama-3-8c'", "did you mean 'llama-3-8b'?", "test.yaml:2:11",
        "did you mean 'dgx-h100'?", "test.yaml:3:10", "test.yaml:5:20", "test.yaml:6:3",
        "did you mean 'micro_batch'?", "test.yaml:7:14", "test.yaml:8:1", "did you mean 'parallel'?"})
    EXPECT_THAT(text, HasSubstr(expected));
}

TEST(ReadScenario, SaysWhereAMisplacedKeyBelongs) {
  EXPECT_THAT(read(std::string(training_yaml) + "tensor: 8\n").text(), HasSubstr("parallel"));
}

TEST(ReadScenario, WantsExactlyOneWorkload) {
  EXPECT_THAT(read("model: gpt2\nhardware: dgx-h100\n").text(), HasSubstr("[missing-workload]"));
  EXPECT_THAT(read(std::string(training_yaml) + "inference: {prompt_tokens: 8}\n").text(),
              HasSubstr("[two-workloads]"));
  EXPECT_FALSE(read("model: gpt2\nkind: x\n", {}, {.needs_workload = false}).diagnostics.has_errors());
}

TEST(ReadScenario, MissingPartsAreNamed) {
  const std::string text = read("training: {sequence_length: 8}\n").text();
  EXPECT_THAT(text, HasSubstr("missing key 'model'"));
  EXPECT_THAT(text, HasSubstr("missing key 'hardware'"));
  EXPECT_THAT(read("model: gpt2\nhardware: dgx-h100\ntraining: {}\n").text(), HasSubstr("sequence_length"));
}

TEST(ReadScenario, DefaultsAreRecordedAsSuch) {
  const Read r = read(
      "model: gpt2\nhardware: dgx-h100\ntraining: {sequence_length: 128, micro_batch: 2}\nparallel: {tensor: "
      "2, pipeline: 2, data: 2}\n");
  ASSERT_FALSE(r.diagnostics.has_errors()) << r.text();
  EXPECT_EQ(r.scenario.devices, 8);                   // 2 x 2 x 2
  EXPECT_EQ(r.scenario.training()->global_batch, 8);  // 2 a micro-batch, 2 replicas, 2 stages
  EXPECT_EQ(r.scenario.software_name, "megatron-core");
  EXPECT_EQ(r.scenario.origins.at("devices").kind, Origin::Kind::default_value);
  EXPECT_EQ(r.scenario.origins.at("software").kind, Origin::Kind::default_value);
  // What presets leave out has an origin too, down to the tiers that only the file names.
  EXPECT_EQ(r.scenario.origins.at("hardware.max_nodes").kind, Origin::Kind::default_value);
  EXPECT_EQ(r.scenario.origins.at("hardware.tiers.nvlink.oversubscription").kind,
            Origin::Kind::default_value);
}

TEST(ReadScenario, FormatsAreResolved) {
  const char* yaml =
      "model: gpt2\nhardware: dgx-h100\ninference: {phase: decode, prompt_tokens: 8, weights: 'gguf:Q4_K_M', "
      "kv_cache: fp8}\n";
  const Read r = read(yaml);
  ASSERT_FALSE(r.diagnostics.has_errors()) << r.text();
  EXPECT_EQ(r.scenario.weight_format.name, "gguf:Q4_K_M");
  EXPECT_EQ(r.scenario.cache_format.name, "fp8");
  EXPECT_THAT(read(replaced(yaml, "gguf:Q4_K_M", "gguf:Q4_K_N")).text(),
              HasSubstr("did you mean 'gguf:Q4_K_M'?"));
}

TEST(ReadScenario, InferenceWantsAPromptUnlessOnlyWeightsAreAskedFor) {
  const std::string yaml = "model: gpt2\nhardware: dgx-h100\ninference: {phase: decode}\n";
  EXPECT_THAT(read(yaml).text(), HasSubstr("prompt_tokens"));
  EXPECT_THAT(read(yaml, {}, {.needs_workload = false}).text(), HasSubstr("prompt_tokens"));
  EXPECT_FALSE(read(yaml + "measured: {bytes: 5}\n", {}, {.needs_workload = false}).diagnostics.has_errors());
}

TEST(ReadScenario, OperatorsNeedNoModel) {
  const Read r = read("hardware: hgx-h200\noperator: {kind: gemm, m: 8, n: 8, k: 8}\n");
  ASSERT_FALSE(r.diagnostics.has_errors()) << r.text();
  EXPECT_EQ(r.scenario.operator_case()->kind, "gemm");
}

TEST(ReadScenario, CsvRowsAreScenarios) {
  Diagnostics d;
  const auto rows = read_csv(
      std::make_shared<Source>(
          Source{"rows.csv",
                 "id,group,model,model.layers,hardware,training.sequence_length,measured.step_seconds,notes\n"
                 "a,g,llama-3-8b,12,hgx-h200,128,1.5,\"x, y\"\n"
                 "b,g,llama-3-8b,,hgx-h200,0,,\n"}),
      d);
  ASSERT_FALSE(d.has_errors());
  ASSERT_EQ(rows.size(), 2u);
  const PresetIndex presets;
  const Scenario s = read_scenario(rows[0], presets, d);
  ASSERT_FALSE(d.has_errors()) << render(d);
  EXPECT_EQ(s.model.layers, 12);
  EXPECT_EQ(s.measured.step_seconds, 1.5);
  EXPECT_EQ(row_labels(rows[0]).notes, "x, y");
  read_scenario(rows[1], presets, d);
  EXPECT_THAT(render(d), HasSubstr("rows.csv:3"));
}

TEST(ReadScenario, EveryPresetScenarioIsReadWithoutAWord) {
  const PresetIndex presets;
  EXPECT_GE(presets.names(PresetKind::scenario).size(), 10u);
  for (const std::string& name : presets.names(PresetKind::scenario)) {
    Diagnostics d;
    read_scenario(scenario_document(name, presets, d), presets, d);
    EXPECT_TRUE(d.empty()) << render(d);
  }
}

}  // namespace
}  // namespace ridge
