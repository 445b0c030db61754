/// Time of one full evaluation: memory and time of a plan, nothing cached between iterations.

#include "sim/estimate.h"
#include "sim/io/read_scenario.h"
#include "sim/prepare.h"
#include "sim/schedule_builder.h"

#include <benchmark/benchmark.h>
#include <string>

namespace {

using namespace ridge;

/// 70B over tensor 8, pipeline 4, data 4 on 128 H100: the workload of the speed target.
Prepared training_70b() {
  PresetIndex presets;
  Diagnostics problems;
  const std::string text = R"(
model: llama-3-70b
hardware: dgx-h100
devices: 128
software: megatron-core
training: {sequence_length: 8192, micro_batch: 1, global_batch: 128, precision: mixed-bf16, recompute: selective}
parallel: {tensor: 8, sequence: true, pipeline: 4, zero: 1}
)";
  Node document = read_yaml(std::make_shared<Source>(Source{"benchmark", text}), problems);
  normalise(document);
  return prepare(read_scenario(document, presets, problems));
}

Prepared decode_70b() {
  PresetIndex presets;
  Diagnostics problems;
  const std::string text = R"(
model: llama-3-70b
hardware: dgx-h100
devices: 8
software: vllm
inference: {phase: decode, batch: 32, prompt_tokens: 2048, weights: bf16, kv_cache: bf16}
parallel: {tensor: 8}
)";
  Node document = read_yaml(std::make_shared<Source>(Source{"benchmark", text}), problems);
  normalise(document);
  return prepare(read_scenario(document, presets, problems));
}

void evaluate_training(benchmark::State& state) {
  const Prepared p = training_70b();
  for (auto _ : state) benchmark::DoNotOptimize(evaluate(p));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(evaluate_training);

void evaluate_decode(benchmark::State& state) {
  const Prepared p = decode_70b();
  for (auto _ : state) benchmark::DoNotOptimize(evaluate(p));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(evaluate_decode);

void evaluate_explained(benchmark::State& state) {
  const Prepared p = training_70b();
  std::size_t records = 0;
  for (auto _ : state) {
    Explain ex(&p.scenario.origins);
    benchmark::DoNotOptimize(evaluate(p, &ex));
    records = ex.size();
  }
  state.counters["records"] = static_cast<double>(records);
}
BENCHMARK(evaluate_explained);

void schedule_64x512(benchmark::State& state) {
  const Traced<Seconds> ms{Seconds{1e-3}, 0};
  const std::vector<StageTimes> stages(64, StageTimes{ms, ms, ms});
  for (auto _ : state)
    benchmark::DoNotOptimize(build_schedule(ScheduleKind::one_f_one_b, stages, {.micro_batches = 512}));
}
BENCHMARK(schedule_64x512);

}  // namespace
