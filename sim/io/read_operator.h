#pragma once
/// One operator from a scenario's `operator` map: its kind decides which sizes must be stated.
///
///   operator: {kind: gemm, m: 4096, n: 4096, k: 4096}
///
/// Errors    a size that the kind needs is missing or below one; more experts visited than there are
/// Warnings  a key that has no meaning for the kind

#include "base/schema.h"
#include "sim/workload.h"

namespace ridge {

OperatorCase read_operator(const Node&, ReadContext&);

}  // namespace ridge
