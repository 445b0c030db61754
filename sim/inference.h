#pragma once
/// Time of a prefill, of one decode step, or of a whole request.
///
///   request:  time_to_first_token    prefill of the prompt
///             time_per_output_token  decode step at the middle of the output, tokens in the cache
///                                    prompt + (output - 1) / 2: the mean of a time linear in the context
///             request_seconds        time_to_first_token + (output - 1) time_per_output_token
/// The batch is shared out over data-parallel replicas.  An encoder runs once, in the prefill; its keys
/// and values are cached for the decoder.  A pipeline of stages divides memory, not the latency of one batch: its stages work in turn.

#include "sim/estimate.h"
#include "sim/layer_time.h"
#include "sim/prepare.h"

namespace ridge {

/// Fills `time`, `throughput` and `limits`; appends operators (of the decode step for a request).
void time_inference(const Prepared&, const ParallelPlan&, Estimate&, Explain* ex = nullptr,
                    OperatorList* list = nullptr);

}  // namespace ridge
