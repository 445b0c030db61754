#pragma once
/// Every tensor of a model: role, shape, how tensor and expert parallelism cut it.  Parameter counts,
/// weight bytes, what a rank holds and the products' FLOPs are sums over this list, exact in 64 bits.
///
///   Inventory inv = inventory(architecture);
///   inv.parameters                         // 8 030 261 248 for llama-3-8b
///   inv.of_kind[k].per_rank({.tensor = 8})   // elements of one layer of kind k on one rank
///
/// Shapes are out x in: a linear layer of a token is out·in multiply-adds.  Vectors have in = 1.
/// Fused tensors (QKV, gate-up) are listed as their parts; fusing changes kernels, not counts.

#include "model/layers.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ridge {

enum class TensorRole : std::uint8_t {
  // outside the layers
  token_embedding,
  position_embedding,
  token_type_embedding,
  embedding_projection,
  embedding_norm,
  relative_bias,
  final_norm,
  encoder_final_norm,
  encoder_relative_bias,
  output_projection,
  pooler,
  mlm_dense,
  mlm_norm,
  mlm_bias,
  lm_head,
  // attention
  norm,
  q,
  k,
  v,
  o,
  qk_norm,
  sinks,
  attention_gate,
  q_a,
  q_a_norm,
  q_b,
  kv_a,
  kv_a_norm,
  kv_b,
  cross_q,
  cross_k,
  cross_v,
  cross_o,
  // feed-forward
  gate,
  up,
  down,
  router,
  expert_gate,
  expert_up,
  expert_down,
  expert_latent_in,
  expert_latent_out,
  shared_gate_proj,
  shared_up,
  shared_down,
  shared_gate,
  // recurrent mixers
  ssm_in,
  ssm_conv,
  ssm_x,
  ssm_dt,
  ssm_a,
  ssm_d,
  ssm_norm,
  ssm_out,
  time_mix,
  time_mix_out,
  time_mix_vectors,
  time_mix_low_rank,
  channel_key,
  channel_value,
  channel_receptance,
  // multi-token prediction
  mtp_norm,
  mtp_projection,
  mtp_embedding,
  mtp_head,
};
inline constexpr std::size_t num_tensor_roles = static_cast<std::size_t>(TensorRole::mtp_head) + 1;

/// What tensor parallelism does with a tensor.
enum class Sharding : std::uint8_t {
  replicated,  ///< every rank holds it: norms, routers, latent down-projections, row biases
  column,      ///< out divided by t
  row,         ///< in divided by t
  key_value,   ///< out divided by min(t, K): K/V heads are replicated beyond K ranks
  vocabulary,  ///< out (= vocabulary) divided by t
};

/// What a side of a tensor is, so that a count can be explained in the model's own sizes.
enum class Extent : std::uint8_t {
  one,
  vocab,
  hidden,
  two_hidden,
  embedding,
  positions,
  token_types,
  relative_buckets,
  heads,
  head_dim,
  query,
  key_value,
  ffn,
  q_rank,
  kv_rank,
  latent_query,
  latent_down,
  latent_up,
  latent_value,
  experts,
  expert_ffn,
  expert_width,
  shared_ffn,
  inner,
  two_inner,
  conv_kernel,
  time_step_rank,
  mamba_x,
  state,
  mamba2_in,
  mamba2_conv,
  recurrent_heads,
  low_rank,
  delta_in,
  delta_conv,
  delta_gates,
  delta_heads,
  delta_value,
  delta_value_dim,
};
/// The count behind an extent; records its formula and inputs.
Traced<std::int64_t> extent(const Architecture&, Extent, Explain* ex = nullptr);

/// One tensor, or `copies` equal ones (the experts of a layer).
struct Tensor {
  TensorRole role;
  bool is_bias = false;    ///< the bias vector of that role
  bool is_expert = false;  ///< copies are spread over expert-parallel ranks, each cut by expert_tensor
  Sharding sharding = Sharding::replicated;
  Extent out_extent = Extent::one, in_extent = Extent::one;
  std::int16_t layer_kind = -1;  ///< -1: outside the layers
  std::int64_t out = 0, in = 1, copies = 1;

  bool is_vector() const { return in == 1; }
  std::int64_t elements() const { return out * in * copies; }
};

/// What a tensor's elements are divided by among ranks: the fields of ElementSums and ByteSums.
enum class Divider : std::uint8_t { none, tensor, kv_heads, experts, expert_ranks };
constexpr Divider divider(const Tensor& t) {
  if (t.is_expert) return t.sharding == Sharding::replicated ? Divider::expert_ranks : Divider::experts;
  if (t.sharding == Sharding::replicated) return Divider::none;
  return t.sharding == Sharding::key_value ? Divider::kv_heads : Divider::tensor;
}

/// Degrees by which a layer's tensors are divided.
struct ShardingDegrees {
  std::int64_t tensor = 1, expert = 1, expert_tensor = 1;
};

/// Elements by what divides them; sums over tensors, so that a rank's share is four divisions.
struct ElementSums {
  std::int64_t replicated = 0;         ///< on every rank
  std::int64_t tensor = 0;             ///< divided by t
  std::int64_t key_value = 0;          ///< divided by min(t, K)
  std::int64_t expert = 0;             ///< divided by expert·expert_tensor
  std::int64_t expert_replicated = 0;  ///< divided by expert (biases of expert down products)
  std::int64_t vectors = 0;            ///< of all the above: elements of norms and biases
  std::int64_t expert_active = 0;      ///< of expert + expert_replicated: those one token passes
  std::int64_t kv_heads = 1;

  std::int64_t total() const { return replicated + tensor + key_value + expert + expert_replicated; }
  std::int64_t active() const { return total() - expert - expert_replicated + expert_active; }
  /// Elements on the fullest rank; uneven divisions round up.
  std::int64_t per_rank(ShardingDegrees) const;
  ElementSums& operator+=(const ElementSums&);
};

struct Inventory {
  LayerPlan layers;
  std::vector<Tensor> tensors;                    ///< embedding, output, then kind by kind
  std::size_t first_output = 0, first_layer = 0;  ///< where in them the output and the layers begin
  std::vector<ElementSums> of_kind;  ///< one layer of each kind (an MTP kind with its projections)
  ElementSums embedding;             ///< tokens, positions, types, their norm and projection
  ElementSums output;                ///< final norms, head, pooler
  bool tied_embeddings = false;      ///< the last pipeline stage then holds the token table again
  bool shared_layers = false;
  std::int64_t token_embedding = 0;           ///< V x embedding_size
  std::int64_t parameters = 0;                ///< exact total; a tied table counts once
  std::int64_t active_parameters = 0;         ///< parameters - experts a token does not pass
  std::int64_t non_embedding_parameters = 0;  ///< without token, position and type tables and an untied head
};

/// Pre  derived and valid (resolve).  About 10 microseconds.
Inventory inventory(const Architecture&);

/// Groups of tensors: one layer of a kind (its index), the embedding, or the output.
inline constexpr int embedding_group = -1, output_group = -2;
std::span<const Tensor> tensors_of(const Inventory&, int group);

std::string_view role_name(TensorRole);
/// "layers.{i}.attention.q.weight"; i stays a placeholder.
std::string tensor_name(const Inventory&, const Tensor&);

/// Elements of one tensor on the fullest rank.
std::int64_t elements_per_rank(const Tensor&, const Architecture&, ShardingDegrees);

/// Equal tensors of a layer: experts, norms.
Traced<std::int64_t> tensor_copies(const Architecture&, const Tensor&, Explain* ex = nullptr);
/// out·in·copies.
Traced<std::int64_t> tensor_elements(const Architecture&, const Tensor&, Explain* ex = nullptr);
/// The same over the tensors of a group that are divided alike: a field of ElementSums, opened.
Traced<std::int64_t> group_elements(const Architecture&, const Inventory&, int group, Divider,
                                    Explain* ex = nullptr);

/// N = sum of out·in·copies·layers over all tensors.
Traced<std::int64_t> parameters(const Architecture&, const Inventory&, Explain* ex = nullptr);
/// N minus the (E - k) experts of each expert layer that a token does not pass.
Traced<std::int64_t> active_parameters(const Architecture&, const Inventory&, Explain* ex = nullptr);

}  // namespace ridge
