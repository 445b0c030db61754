#include "model/inventory.h"

namespace ridge {

namespace {

struct RoleText {
  TensorRole role;
  std::string_view name, path;
};

// Paths: outside the layers whole, inside relative to "layers.{i}.".
constexpr RoleText role_texts[] = {
    {TensorRole::token_embedding, "token_embedding", "embedding.token"},
    {TensorRole::position_embedding, "position_embedding", "embedding.position"},
    {TensorRole::token_type_embedding, "token_type_embedding", "embedding.token_type"},
    {TensorRole::embedding_projection, "embedding_projection", "embedding.projection"},
    {TensorRole::embedding_norm, "embedding_norm", "embedding.norm"},
    {TensorRole::relative_bias, "relative_bias", "embedding.relative_bias"},
    {TensorRole::final_norm, "final_norm", "final_norm"},
    {TensorRole::encoder_final_norm, "encoder_final_norm", "encoder.final_norm"},
    {TensorRole::encoder_relative_bias, "encoder_relative_bias", "encoder.relative_bias"},
    {TensorRole::output_projection, "output_projection", "head.projection"},
    {TensorRole::pooler, "pooler", "pooler"},
    {TensorRole::mlm_dense, "mlm_dense", "head.dense"},
    {TensorRole::mlm_norm, "mlm_norm", "head.norm"},
    {TensorRole::mlm_bias, "mlm_bias", "head.decoder"},
    {TensorRole::lm_head, "lm_head", "head"},
    {TensorRole::norm, "norm", "norm"},
    {TensorRole::q, "q", "attention.q"},
    {TensorRole::k, "k", "attention.k"},
    {TensorRole::v, "v", "attention.v"},
    {TensorRole::o, "o", "attention.o"},
    {TensorRole::qk_norm, "qk_norm", "attention.qk_norm"},
    {TensorRole::sinks, "sinks", "attention.sinks"},
    {TensorRole::attention_gate, "attention_gate", "attention.gate"},
    {TensorRole::q_a, "q_a", "attention.q_a"},
    {TensorRole::q_a_norm, "q_a_norm", "attention.q_a_norm"},
    {TensorRole::q_b, "q_b", "attention.q_b"},
    {TensorRole::kv_a, "kv_a", "attention.kv_a"},
    {TensorRole::kv_a_norm, "kv_a_norm", "attention.kv_a_norm"},
    {TensorRole::kv_b, "kv_b", "attention.kv_b"},
    {TensorRole::cross_q, "cross_q", "cross_attention.q"},
    {TensorRole::cross_k, "cross_k", "cross_attention.k"},
    {TensorRole::cross_v, "cross_v", "cross_attention.v"},
    {TensorRole::cross_o, "cross_o", "cross_attention.o"},
    {TensorRole::gate, "gate", "feed_forward.gate"},
    {TensorRole::up, "up", "feed_forward.up"},
    {TensorRole::down, "down", "feed_forward.down"},
    {TensorRole::router, "router", "router"},
    {TensorRole::expert_gate, "expert_gate", "experts.gate"},
    {TensorRole::expert_up, "expert_up", "experts.up"},
    {TensorRole::expert_down, "expert_down", "experts.down"},
    {TensorRole::expert_latent_in, "expert_latent_in", "experts.latent_in"},
    {TensorRole::expert_latent_out, "expert_latent_out", "experts.latent_out"},
    {TensorRole::shared_gate_proj, "shared_gate_proj", "shared_expert.gate"},
    {TensorRole::shared_up, "shared_up", "shared_expert.up"},
    {TensorRole::shared_down, "shared_down", "shared_expert.down"},
    {TensorRole::shared_gate, "shared_gate", "shared_expert.scale"},
    {TensorRole::ssm_in, "ssm_in", "recurrent.in"},
    {TensorRole::ssm_conv, "ssm_conv", "recurrent.conv"},
    {TensorRole::ssm_x, "ssm_x", "recurrent.x"},
    {TensorRole::ssm_dt, "ssm_dt", "recurrent.dt"},
    {TensorRole::ssm_a, "ssm_a", "recurrent.a"},
    {TensorRole::ssm_d, "ssm_d", "recurrent.d"},
    {TensorRole::ssm_norm, "ssm_norm", "recurrent.norm"},
    {TensorRole::ssm_out, "ssm_out", "recurrent.out"},
    {TensorRole::time_mix, "time_mix", "time_mix.rkv"},
    {TensorRole::time_mix_out, "time_mix_out", "time_mix.out"},
    {TensorRole::time_mix_vectors, "time_mix_vectors", "time_mix.vectors"},
    {TensorRole::time_mix_low_rank, "time_mix_low_rank", "time_mix.low_rank"},
    {TensorRole::channel_key, "channel_key", "channel_mix.key"},
    {TensorRole::channel_value, "channel_value", "channel_mix.value"},
    {TensorRole::channel_receptance, "channel_receptance", "channel_mix.receptance"},
    {TensorRole::mtp_norm, "mtp_norm", "token_prediction.norm"},
    {TensorRole::mtp_projection, "mtp_projection", "token_prediction.projection"},
    {TensorRole::mtp_embedding, "mtp_embedding", "token_prediction.embedding"},
    {TensorRole::mtp_head, "mtp_head", "token_prediction.head"},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < num_tensor_roles; ++i)
    if (static_cast<std::size_t>(role_texts[i].role) != i) return false;
  return std::size(role_texts) == num_tensor_roles;
}
static_assert(is_in_order(), "role_texts must list every role in the order of TensorRole");

}  // namespace

std::string_view role_name(TensorRole r) { return role_texts[static_cast<std::size_t>(r)].name; }

std::string tensor_name(const Inventory& inv, const Tensor& t) {
  std::string s;
  if (t.layer_kind >= 0) {
    const LayerKind& k = inv.layers.kinds[static_cast<std::size_t>(t.layer_kind)];
    s = k.is_encoder ? "encoder.layers.{i}." : k.is_mtp ? "token_prediction.{i}." : "layers.{i}.";
  }
  s += role_texts[static_cast<std::size_t>(t.role)].path;
  if (t.is_expert) s += ".{e}";
  s += t.is_bias ? ".bias" : ".weight";
  return s;
}

}  // namespace ridge
