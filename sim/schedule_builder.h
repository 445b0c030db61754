#pragma once
/// A pipeline schedule written out: what every stage does, when, on which micro-batch.  For drawing it
/// and for checking the closed forms of schedule.h; 64 stages x 512 micro-batches take milliseconds.
///
///   Schedule s = build_schedule(ScheduleKind::zb_h1, stages, {.micro_batches = 32}).value();
///   s.stages[3][7].start
///
/// Each stage runs a fixed list of work in order; an entry starts when the stage is free and what it
/// needs has arrived.  Orders: 1F1B with p - i forward passes first; Megatron's interleaving in groups
/// of p micro-batches; zb-h1 and zb-h2 with weight gradients i and 2i backward passes late; zbv in
/// the V of Qi et al. 2024; dualpipe feeding half of the micro-batches from each end.

#include "sim/schedule.h"

#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace ridge {

enum class Work : std::uint8_t { forward, backward, backward_input, backward_weight };

/// One piece of work; `backward` is both gradients at once.
struct ScheduledWork {
  Seconds start, end;
  std::int32_t micro_batch = 0;
  std::int16_t chunk = 0;  ///< interleaved: from 0; zbv: 0 down, 1 up; dualpipe: from the first or last stage
  Work work = Work::forward;
};

struct Schedule {
  std::vector<std::vector<ScheduledWork>> stages;  ///< in order of time
  Seconds makespan;                                ///< last end
  Seconds step;  ///< zb-h2, zbv: longest from a stage's first start to its last end; else the makespan
};

/// One entry of `stages` per stage.  Error: what the schedule needs and the shape does not give
/// ("dualpipe needs an even number of stages").
tl::expected<Schedule, std::string> build_schedule(ScheduleKind, std::span<const StageTimes> stages,
                                                   const PipelineShape&);

/// Most micro-batches whose activations a stage holds at once, as a multiple of the whole stage.
double peak_in_flight(const Schedule&, std::size_t stage, ScheduleKind, const PipelineShape&);

}  // namespace ridge
