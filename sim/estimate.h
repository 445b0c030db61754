#pragma once
/// The answer: does it fit, how fast, what limits it.  CLI, GUI and tests call `evaluate` and nothing
/// below it, so all show the same estimate.
///
///   Prepared p = prepare(scenario);            // once per model, system and stack
///   Estimate e = evaluate(p, plan);            // 10 us for a 70B three-dimensional plan
///   Explain record(&scenario.origins);
///   evaluate(p, plan, &record);                // the same numbers, each with its formula
///
/// Report keys ("memory.parts.weights", "time.step_seconds") are those of the contract and of
/// `ridge explain`.

#include "sim/operators.h"
#include "sim/scenario.h"

#include <string>
#include <string_view>
#include <vector>

namespace ridge {

/// One named share of a total; names are static or owned by the Prepared scenario.
template <class Q> struct Part {
  std::string_view name;
  Traced<Q> amount;
};

/// Bytes one device of a pipeline stage holds when it holds most.
struct StageMemory {
  std::int64_t stage = 0;
  Traced<std::int64_t> layers, micro_batches_in_flight;
  std::vector<Part<Bytes>> parts;  ///< sum to `allocated`
  Traced<Bytes> allocated, reserved;
  Traced<Bytes> pool_slack;  ///< serving engines with a pool: what is left in it, or missing when negative
};

struct MemoryEstimate {
  std::vector<StageMemory> stages;  ///< distinct stages, first to last
  std::size_t worst = 0;            ///< index of the stage that holds most
  Traced<Bytes> peak_allocated, peak_reserved;
  Traced<Bytes> capacity;  ///< of one device
  Traced<Bytes> outside;   ///< device memory outside the allocator: context, communicators
  /// To spare, or missing when negative: capacity - peak_allocated - outside, or what an engine's pool leaves.
  Traced<Bytes> headroom;
  Traced<Bytes> host_bytes;  ///< host memory per node (offload), 0 when none
};

/// Which resource a duration is spent on.
enum class Resource { compute, memory, link, network, host, idle };

struct TimeEstimate {
  /// What was asked, in the key of the contract: step_seconds, prefill_seconds, ...  All that apply
  /// to the workload are present; the first is the headline.
  std::vector<Part<Seconds>> totals;
  std::vector<Part<Seconds>> parts;  ///< sum to the headline
  Traced<Seconds> low, high;         ///< 90 % interval of the headline
  /// Standard deviation of log(measured / headline), by where it comes from: classes of kernels that a profile
  /// answers, and the stack.  Independent: their squares add up.
  std::vector<Part<double>> deviations;
  Traced<double> bubble_fraction;  ///< training: idle share of the pipeline
};

struct Throughput {
  Traced<TokensPerSecond> tokens_per_second, tokens_per_second_per_device;
  Traced<FlopPerSecond> flops_per_device;  ///< model FLOP/s
  Traced<double> model_flops_utilization, hardware_flops_utilization;
};

struct ParameterCounts {
  Traced<std::int64_t> total, active, trainable;
};

/// A resource, the time it accounts for and its share of the headline.
struct Limit {
  Resource resource;
  Traced<Seconds> time;
  Traced<double> share_fraction;
};
std::string_view name(Resource);

/// Time of the kernels that one model of a profile answers for (sim/answers.h).
struct AnsweredTime {
  std::string model;  ///< "gemm bf16"; where a preset answers, the kind of operator
  AnswerSource source = AnswerSource::preset;
  Traced<Seconds> time;
  Traced<double> share;  ///< of all kernels' time
  Traced<double>
      interval_fraction;  ///< f of the 90 % interval [t / (1 + f), t (1 + f)]; 0 where a preset answers
};

struct Estimate {
  bool fits = false;  ///< no violation and peak <= capacity
  std::vector<Violation> violations;
  std::vector<std::string> warnings;  ///< premises that deserve doubt
  std::vector<std::string> notes;     ///< assumptions worth saying ("recompute not stated: none assumed")
  ParallelPlan plan;                  ///< as resolved: data derived, ...
  ParameterCounts parameters;
  MemoryEstimate memory;
  TimeEstimate time;
  Throughput throughput;
  std::vector<Limit> limits;          ///< largest first
  std::vector<AnsweredTime> answers;  ///< recorded evaluations on calibrated hardware only
};

/// Everything that does not depend on the plan.  Refers to nothing outside itself.
struct Prepared;

/// Evaluates the scenario's own plan.
Estimate evaluate(const Prepared&, Explain* = nullptr);
/// Evaluates another plan of the same scenario.
Estimate evaluate(const Prepared&, const ParallelPlan&, Explain* = nullptr);
/// The operators behind the estimate's time, one device of the busiest stage, in execution order.
OperatorList list_operators(const Prepared&, const ParallelPlan&);

}  // namespace ridge
