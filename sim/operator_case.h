#pragma once
/// One operator on its own: the same kernel and collective costs as inside a layer.
///
///   gemm m n k dtype | attention batch heads kv_heads head_dim sequence phase | attention_decode |
///   copy direction bytes | rmsnorm rows hidden | collective name bytes (the whole buffer) over all
///   devices | moe_layer tokens hidden ffn experts top_k expert_parallel | optimizer parameters dtype

#include "sim/estimate.h"
#include "sim/prepare.h"

namespace ridge {

/// Fills `time`; what the hardware cannot do leaves a violation.
/// Pre  the sizes that the kind needs are positive (read_operator.h sees to it).
void time_operator(const Prepared&, const ParallelPlan&, Estimate&, Explain* ex = nullptr,
                   OperatorList* list = nullptr);

}  // namespace ridge
