#pragma once
/// Pipeline schedules in closed form: how many micro-batches a stage holds, how long a step takes.
///
///   StageGroup eight{{{Seconds{1e-3}}, {Seconds{1e-3}}, {Seconds{1e-3}}}, 8};   // 8 stages of 3 ms
///   pipeline_time(ScheduleKind::one_f_one_b, {&eight, 1}, {.micro_batches = 32});   // (32 + 7) 3 ms
///
/// Symbols  p stages, m micro-batches, v chunks of the model on a stage; F forward, B input gradient,
///          W weight gradient of one micro-batch on one stage, all its chunks together
/// Bubble   idle time beyond m (F + B + W), equal stages:
///            gpipe, 1f1b       (p - 1) (F + B + W)       Narayanan et al. 2021, arXiv 2104.04473
///            interleaved-1f1b  (p - 1) (F + B + W) / v   the same
///            zb-h1             (p - 1) (F + B - W)       Qi et al. 2023, arXiv 2401.10241, for W <= F
///            zb-h2             (p - 1) (F + B - 2 W)     the same; 0 when F = B = W
///            zbv               0 when F = B = W          Qi et al. 2024, arXiv 2405.15362
///            dualpipe          (p/2 - 1) (F + 2 B - W)   DeepSeek DualPipe: (p/2-1)(F&B + B+W - 3W)
///                                                        with F&B = F + B + W, nothing overlapped
/// A step   lasts from the first work to the last; under zb-h2 and zbv from a stage's first work to its
///          last, where that is longest: early stages begin the next step while late ones finish
/// Assumes  m >= p (zb-h2: 2p - 1, dualpipe: 2p); fewer leave the formulae an upper bound
/// Not here the schedule slot by slot (schedule_builder.h); what F, B and W are (estimate)

#include "base/explain.h"
#include "sim/plan.h"

#include <cstdint>
#include <span>

namespace ridge {

/// Times of one micro-batch on one stage.
struct StageTimes {
  Traced<Seconds> forward, backward_input, backward_weight;
  Seconds backward() const { return backward_input.value + backward_weight.value; }
  Seconds total() const { return forward.value + backward(); }
};

/// `count` neighbouring stages that take equally long.
struct StageGroup {
  StageTimes times;
  std::int64_t count = 1;
};

struct PipelineShape {
  std::int64_t micro_batches = 1;
  std::int64_t virtual_stages = 1;  ///< chunks per stage; only interleaved-1f1b asks
  Traced<Seconds> transfer{};       ///< one activation or gradient from a stage to its neighbour
};

/// Micro-batches whose activations stage `stage` (from 0) of `stages` holds at most, as a multiple of
/// one micro-batch of the whole stage; never more than m.
///
///   gpipe m;   1f1b p - i;   interleaved (2 (p - 1 - i) + (v - 1) p + 1) / v = p + (p - 1)/v at i = 0;
///   zb-h1 p;   zb-h2 2p - 1;   zbv p;   dualpipe p + 1
Traced<double> micro_batches_in_flight(ScheduleKind, std::int64_t stage, std::int64_t stages,
                                       const PipelineShape&, Explain* ex = nullptr);

/// Copies of its layers' weights a stage holds: 2 for dualpipe, which feeds from both ends.
constexpr std::int64_t weight_copies(ScheduleKind kind) { return kind == ScheduleKind::dualpipe ? 2 : 1; }

/// Chunks a stage's layers are cut into: v for interleaved, 2 for zbv, else 1.
constexpr std::int64_t chunks_per_stage(ScheduleKind kind, std::int64_t virtual_stages) {
  if (kind == ScheduleKind::interleaved) return virtual_stages < 1 ? 1 : virtual_stages;
  return kind == ScheduleKind::zbv ? 2 : 1;
}

/// Duration of one step.  Equal to build_schedule's for equal stages.  For unequal stages, the
/// longest over stages j of what must happen: work before j, m (F + B + W) on j, and what j waits for
/// the stages after it.
Traced<Seconds> pipeline_time(ScheduleKind, std::span<const StageGroup>, const PipelineShape&,
                              Explain* ex = nullptr);

/// Share of the step in which the busiest stage is idle: (step - m max(F + B + W)) / step, at least 0.
Traced<double> bubble_fraction(Traced<Seconds> step, std::span<const StageGroup>, const PipelineShape&,
                               Explain* ex = nullptr);

}  // namespace ridge
