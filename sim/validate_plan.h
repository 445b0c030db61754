#pragma once
/// Every reason why a plan cannot run, all at once, each with what would satisfy it.
///
///   auto broken = validate(prepared, plan);   // empty: it can, if it fits
///
/// Codes  degree, devices-by-plan, heads-by-tensor, kv-heads-by-tensor, ffn-by-tensor, layers-by-pipeline,
///        virtual-stages-by-schedule, stages-by-schedule, micro-batches-by-schedule, batch-by-data,
///        sequence-by-context, sequence-by-positions, experts-by-expert, experts-absent, plane-by-expert,
///        stack-by-workload, encoder-generates,
///        offload-by-zero, offload-unasked, lora-rank, precision-unsupported, not-connected;
///        with the estimate: out-of-memory, out-of-pool, out-of-host-memory
/// No allocation when nothing is broken.

#include "sim/estimate.h"
#include "sim/prepare.h"

#include <string>
#include <vector>

namespace ridge {

/// Pre: the plan is resolved.  Does not ask whether memory suffices.
std::vector<Violation> validate(const Prepared&, const ParallelPlan&);

/// Adds out-of-memory (allocated + outside > capacity), out-of-pool and out-of-host-memory.  What the allocator
/// reserves beyond is cached blocks, which it gives back before it fails.
void check_capacity(const Prepared&, const MemoryEstimate&, std::vector<Violation>&);

/// What runs but deserves a word: tensor groups across nodes, an idle pipeline, degrees without effect.
std::vector<std::string> plan_notes(const Prepared&, const ParallelPlan&);

}  // namespace ridge
