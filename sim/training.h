#pragma once
/// Time of one optimizer step.
///
///   step = pipeline(F, B over stages, m micro-batches) + exposed gradient reduction
///        + optimizer + host work of the step
///
///   F and B hold what does not hide: layer communication, stage transfers, and ZeRO-3 gathers and
///   scatters.  With offload, the optimizer is the host's and its traffic crosses the host link.
///
///   m  global_batch / (micro_batch data)       F, B  forward and backward of one micro-batch on a stage,
///                                                    the host's issue time included where it is longer
/// Pre  the plan is resolved and its degrees positive.  Indivisible plans are evaluated with the
///      fractions they have; validate_plan.h says that they cannot run.

#include "sim/estimate.h"
#include "sim/layer_time.h"
#include "sim/prepare.h"

namespace ridge {

/// Fills `time`, `throughput` and `limits`; appends the busiest stage's operators when `list` is given.
void time_training(const Prepared&, const ParallelPlan&, Estimate&, Explain* ex = nullptr,
                   OperatorList* list = nullptr);

}  // namespace ridge
