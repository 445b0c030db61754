#pragma once
/// One operator on its own: the same kernel and collective costs as inside a layer.
///
///   gemm m n k dtype | attention batch heads kv_heads head_dim sequence phase | attention_decode |
///   copy direction bytes | rmsnorm rows hidden | collective name bytes (the whole buffer) over all
///   devices | moe_layer tokens hidden ffn experts top_k expert_parallel | optimizer parameters dtype

#include "sim/estimate.h"
#include "sim/prepare.h"

#include <string>
#include <vector>

namespace ridge {

/// Kinds that `operator.kind` may name.
const std::vector<std::string>& operator_kinds();

/// Fills `time`; an unknown kind leaves a violation.
void time_operator(const Prepared&, const ParallelPlan&, Estimate&, Explain* ex = nullptr,
                   OperatorList* list = nullptr);

}  // namespace ridge
