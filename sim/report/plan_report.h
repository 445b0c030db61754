#pragma once
/// The report of one estimate: the verdict first, then memory, time, what limits it, what would help,
/// and on what assumptions it rests.
///
///   Llama 3 70B pretraining on 64 H100
///   llama-3-70b · 64 × dgx-h100 · megatron-core · ...
///
///     FITS           57.1 of 79.6 GiB    22.5 GiB (28 %) to spare
///     step           12.3 s              90 % interval 10.5 s to 14.4 s
///
/// Every figure carries the key under which `ridge explain` opens it.

#include "sim/advice.h"
#include "sim/report/report.h"

#include <string>
#include <vector>

namespace ridge {

struct PlanReportInput {
  const Scenario& scenario;
  const Estimate& estimate;
  const Explain* record = nullptr;  ///< for the count of inputs by origin
  std::vector<Advice> advice = {};
  std::string why = {};  ///< command that explains the number KEY: "ridge explain KEY run.yaml"
};

/// Of a plan that cannot run only the reasons; of one that does not fit its memory, and its time with
/// the remark that it is that of a larger memory.
Report plan_report(const PlanReportInput&);

enum class Verdict { fits, does_not_fit, cannot_run };
/// Nothing but memory is missing where a plan does not fit.
Verdict verdict_of(const Estimate&);
std::string_view verdict_text(Verdict);

/// "data 4 · tensor 8 · pipeline 2": the degrees above one.
std::string plan_text(const ParallelPlan&);
/// "sequence 8192, micro-batch 1, global batch 256, mixed-bf16, recompute full".
std::string workload_text(const Scenario&);
/// What an estimate's headline is called: "step", "prefill", "decode step".
std::string_view headline_name(std::string_view key);

}  // namespace ridge
