#pragma once
/// Closed forms that papers and tools publish for memory, kept as they print them.  They are not how
/// this program computes (memory.h); they are what it is compared with (tests/conformance).
///
/// Symbols  s sequence_length, b micro_batch, h hidden_size, a heads, L layers, V vocab_size,
///          t tensor, p pipeline, v virtual_stages, d data, n devices, P parameters
/// Units    bytes; "GB" in DeepSpeed's tables and in Korthikanti's figures are GiB

#include "base/quantity.h"

#include <cstdint>

namespace ridge::published {

/// A GPT as these papers size it.
struct Gpt {
  double sequence_length = 0, micro_batch = 1, hidden_size = 0, heads = 0, layers = 0, vocab_size = 0;
  double tensor = 1, pipeline = 1, virtual_stages = 1, data = 1;
};

/// What is kept of a layer (Korthikanti et al. 2022, table 2).
enum class Keep { tensor_parallel, sequence_parallel, selective, sequence_and_selective, full };

/// Activation bytes of one layer and micro-batch, 16 bit:
///   tensor_parallel         s b h (10 + 24/t + 5 a s/(h t))
///   sequence_parallel       s b h / t (34 + 5 a s/h)
///   selective               s b h (10 + 24/t)
///   sequence_and_selective  34 s b h / t
///   full                    2 s b h
Bytes korthikanti_layer(const Gpt&, Keep);
/// Of the first stage: all L layers' worth, times 1 + (p - 1)/(p v) when interleaved.
Bytes korthikanti_first_stage(const Gpt&, Keep);
/// Parameters and optimizer per device: 18 bytes of 12 L h^2 / (t p).
Bytes korthikanti_states(const Gpt&);

/// Model states per device, mixed-precision Adam: 2 P + 2 P + 12 P, those from `stage` on divided by n
/// (Rajbhandari et al. 2020, arXiv 1910.02054, figure 1).
Bytes zero_states(double parameters, double replicas, int stage);

/// Megatron-LM docs/user-guide/features/dist_optimizer.md, bytes per parameter over d replicas.
enum class MegatronStates { fp16_parameters_fp16_gradients, bf16_parameters_fp32_gradients, fp32 };
BytesPerElement megatron_states(MegatronStates, bool is_distributed, double replicas);
/// Megatron-LM theoretical_memory_usage.py, sequence parallelism and selective recomputation, plain
/// feed-forward of 4 h, tied table: weights and optimizer of the most loaded shard, 12 L h^2 + 4 L h +
/// 2 h over p and a table, over t; activations of the first stage.
Bytes megatron_weights_and_optimizer(const Gpt&, bool is_distributed);
Bytes megatron_activations(const Gpt&);

/// DeepSpeed's estimators (zero/stage_1_and_2.py, zero/stage3.py); the documentation's table for
/// ZeRO-2 is an earlier 4 P + 16 P/n.
struct DeepSpeedCase {
  double parameters = 0, largest_layer = 0, devices_per_node = 1, nodes = 1;
  bool offload_optimizer = false, offload_parameters = false, zero_init = true;
};
struct DeviceAndHost {
  Bytes device, host;
};
DeviceAndHost deepspeed_zero2(const DeepSpeedCase&);
DeviceAndHost deepspeed_zero2_documented(const DeepSpeedCase&);
DeviceAndHost deepspeed_zero3(const DeepSpeedCase&);

}  // namespace ridge::published
