#include "tests/sim/published.h"

#include <algorithm>

namespace ridge::published {

Bytes korthikanti_layer(const Gpt& g, Keep keep) {
  const double sbh = g.sequence_length * g.micro_batch * g.hidden_size, t = g.tensor;
  const double scores = 5 * g.heads * g.sequence_length / g.hidden_size;
  switch (keep) {
    case Keep::tensor_parallel: return Bytes{sbh * (10 + 24 / t + scores / t)};
    case Keep::sequence_parallel: return Bytes{sbh / t * (34 + scores)};
    case Keep::selective: return Bytes{sbh * (10 + 24 / t)};
    case Keep::sequence_and_selective: return Bytes{34 * sbh / t};
    case Keep::full: return Bytes{2 * sbh};
  }
  return Bytes{0};
}

Bytes korthikanti_first_stage(const Gpt& g, Keep keep) {
  const double interleaved =
      g.virtual_stages > 1 ? 1 + (g.pipeline - 1) / (g.pipeline * g.virtual_stages) : 1;
  return korthikanti_layer(g, keep) * (g.layers * interleaved);
}

Bytes korthikanti_states(const Gpt& g) {
  return Bytes{18 * 12 * g.layers * g.hidden_size * g.hidden_size / (g.tensor * g.pipeline)};
}

Bytes zero_states(double parameters, double replicas, int stage) {
  const double optimizer = 12 / (stage >= 1 ? replicas : 1), gradients = 2 / (stage >= 2 ? replicas : 1);
  return Bytes{parameters * (optimizer + gradients + 2 / (stage >= 3 ? replicas : 1))};
}

BytesPerElement megatron_states(MegatronStates kind, bool is_distributed, double d) {
  switch (kind) {
    case MegatronStates::fp16_parameters_fp16_gradients:
      return BytesPerElement{is_distributed ? 4 + 16 / d : 20};
    case MegatronStates::bf16_parameters_fp32_gradients:
      return BytesPerElement{is_distributed ? 6 + 12 / d : 18};
    case MegatronStates::fp32: return BytesPerElement{is_distributed ? 8 + 8 / d : 16};
  }
  return BytesPerElement{0};
}

Bytes megatron_weights_and_optimizer(const Gpt& g, bool is_distributed) {
  const double h = g.hidden_size, layers = 12 * g.layers * h * h + 4 * g.layers * h + 2 * h;
  const double shard = (layers / g.pipeline + g.vocab_size * h) / g.tensor;
  return megatron_states(MegatronStates::bf16_parameters_fp32_gradients, is_distributed, g.data) *
         Elements{shard};
}

Bytes megatron_activations(const Gpt& g) {
  const double sbh = g.sequence_length * g.micro_batch * g.hidden_size, p = g.pipeline;
  double bytes = sbh * (18 + 4 * 4) * g.layers + 8 * g.sequence_length * g.micro_batch * p + sbh * p;
  if (g.virtual_stages > 1) bytes *= 1 + (p - 1) / (p * g.virtual_stages);
  if (p == 1) bytes += 4 * sbh * (1 + g.vocab_size / g.hidden_size);
  return Bytes{bytes / g.tensor};
}

DeviceAndHost deepspeed_zero2(const DeepSpeedCase& c) {
  const double n = c.devices_per_node * c.nodes, buffer = 1.5;
  if (c.offload_optimizer)
    return {Bytes{2 * c.parameters}, Bytes{c.parameters * std::max(4 * n, 16.0) * buffer}};
  return {Bytes{2 * c.parameters + 18 * c.parameters / n},
          Bytes{4 * c.parameters * c.devices_per_node * buffer}};
}

DeviceAndHost deepspeed_zero2_documented(const DeepSpeedCase& c) {
  if (c.offload_optimizer) return deepspeed_zero2(c);
  const double n = c.devices_per_node * c.nodes;
  return {Bytes{4 * c.parameters + 16 * c.parameters / n}, deepspeed_zero2(c).host};
}

DeviceAndHost deepspeed_zero3(const DeepSpeedCase& c) {
  const double n = c.devices_per_node * c.nodes, g = c.devices_per_node, buffer = 1.5, P = c.parameters;
  const double largest = 4 * c.largest_layer;
  if (c.offload_optimizer) {
    const double state = c.offload_parameters ? 18 : 16, device = c.offload_parameters ? 0 : 2 * P / n;
    const double host = c.zero_init ? state * P / c.nodes : P * std::max(4 * g, state / c.nodes);
    return {Bytes{largest + device}, Bytes{host * buffer}};
  }
  const double host = (c.zero_init ? largest : 4 * P) * g;
  return {Bytes{largest + 18 * P / n}, Bytes{host * buffer}};
}

}  // namespace ridge::published
