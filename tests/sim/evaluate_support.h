#pragma once
/// Scenarios for tests, from YAML text over the embedded presets.

#include "sim/estimate.h"
#include "sim/io/read_scenario.h"
#include "sim/prepare.h"

#include <gtest/gtest.h>
#include <string>

namespace ridge::test {

inline Prepared prepared(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  static const PresetIndex presets;
  Diagnostics problems;
  Node document = read_yaml(std::make_shared<Source>(Source{"test.yaml", yaml}), problems);
  normalise(document);
  override_document(document, overrides, problems);
  Scenario s = read_scenario(document, presets, problems);
  EXPECT_FALSE(problems.has_errors()) << render(problems);
  return prepare(std::move(s));
}

inline double total(const Estimate& e, std::string_view key) {
  for (const auto& t : e.time.totals)
    if (t.name == key) return t.amount.value.value();
  ADD_FAILURE() << "no total " << key;
  return 0;
}

inline const std::string train_70b = R"(
model: llama-3-70b
hardware: dgx-h100
devices: 128
software: megatron-core
training: {sequence_length: 8192, micro_batch: 1, global_batch: 128, precision: mixed-bf16, recompute: selective}
parallel: {tensor: 8, sequence: true, pipeline: 4, zero: 1}
)";
inline const std::string train_8b = R"(
model: llama-3-8b
hardware: hgx-h200
devices: 4
software: transformers-eager
training: {sequence_length: 4096, micro_batch: 2, global_batch: 8, precision: fsdp-bf16, recompute: full}
parallel: {zero: 3}
)";
inline const std::string decode_8b = R"(
model: llama-3-8b
hardware: hgx-h200
devices: 1
software: pytorch-llama
inference: {phase: decode, batch: 8, prompt_tokens: 2048}
)";
inline const std::string request_moe = R"(
model: mixtral-8x7b
hardware: dgx-h100
devices: 4
software: vllm
inference: {phase: request, batch: 4, prompt_tokens: 1024, output_tokens: 128}
parallel: {tensor: 4}
)";
inline const std::string train_moe = R"(
model: deepseek-v3
hardware: gb200-nvl72
devices: 256
software: megatron-core
training: {sequence_length: 4096, micro_batch: 1, global_batch: 2048, precision: fp8, recompute: none}
parallel: {pipeline: 4, virtual_stages: 4, expert: 64, zero: 1}
)";

}  // namespace ridge::test
