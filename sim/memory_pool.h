#pragma once
/// The share of a device that a serving engine claims at start, and what must lie in it.
///
///   pool  = f base        base: what the engine's option is a share of (PoolRule, stack.h)
///   slack = pool - inside inside: what the rule counts; negative when the plan does not go in
///   reserved = max(allocated (1 + fragmentation), allocated + slack)
///
///   f  software.allocator.pool_fraction     C  usable device memory     o  context outside the allocator
///   everything            base C,               inside allocated + o     vLLM gpu_memory_utilization
///   weights_and_cache     base C - o,           inside weights + cache   SGLang mem_fraction_static
///   cache_beside_weights  base C - o - weights, inside cache             LMDeploy cache_max_entry_count
///   cache_beside_all      base C - o - (allocated - cache), inside cache TensorRT-LLM free_gpu_memory_fraction
///
/// Assumes  the whole batch is served at once; an engine would let sequences wait instead
/// Source   documentation of the engines, under those names

#include "sim/memory.h"

namespace ridge::detail {

/// Usable memory of the device in whole bytes; opens to its field.
Traced<Bytes> device_capacity(const Prepared&, Explain*);
/// True for inference on a stack that claims a share of the device.
bool has_pool(const Prepared&);
/// Sets `pool_slack` and raises `reserved` to what the engine claims.  Pre: parts and allocated are set.
void add_pool(StageMemory&, const Prepared&, Explain*);

}  // namespace ridge::detail
