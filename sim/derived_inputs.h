#pragma once
/// Inputs that nobody stated and that follow from others: the record then holds a formula under the input's
/// key, so that an explanation goes on to what was stated.
///
///   parallel.data            devices / (tensor pipeline context)
///   parallel.expert_tensor   tensor, or 1 beside expert parallelism
///   devices                  product of the degrees
///   training.global_batch    micro_batch data pipeline
///   pipeline.micro_batches   global_batch / (micro_batch data), at least 1
///   model.*                  architecture.h

#include "sim/prepare.h"

namespace ridge {

/// Micro-batches of a step: max(1, floor(global_batch / (micro_batch data))).
Traced<double> micro_batches_of(const Training&, const ParallelPlan&, Explain* ex = nullptr);

/// Sequences that one replica serves: ceil(batch / data).
Traced<double> replica_sequences(const Inference&, const ParallelPlan&, Explain* ex = nullptr);
/// Devices of a node that are used: min(devices, hardware.node.devices).
Traced<double> devices_of_node(const Scenario&, Explain* ex = nullptr);

/// `given` is the plan as stated, `plan` the resolved one.  Call before anything is recorded.
void define_inputs(const Prepared&, const ParallelPlan& given, const ParallelPlan& plan, Explain&);

}  // namespace ridge
