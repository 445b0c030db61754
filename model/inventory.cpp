#include "model/inventory.h"

#include <algorithm>

namespace ridge {

namespace {

using R = TensorRole;
using X = Extent;
using S = Sharding;

/// Appends tensors of one layer kind (or of the outside, kind -1).
class Builder {
 public:
  Builder(const Architecture& a, std::vector<Tensor>& out) : a_(a), out_(out) {}
  std::int16_t kind = -1;

  Tensor& matrix(R role, X rows, X columns, S sharding, std::int64_t copies = 1) {
    Tensor t{
        .role = role, .sharding = sharding, .out_extent = rows, .in_extent = columns, .layer_kind = kind};
    t.out = extent(a_, rows).value;
    t.in = extent(a_, columns).value;
    t.copies = copies;
    return out_.emplace_back(t);
  }
  Tensor& vector(R role, X length, S sharding = S::replicated, std::int64_t copies = 1) {
    return matrix(role, length, X::one, sharding, copies);
  }
  void bias(R role, X length, S sharding = S::replicated) { vector(role, length, sharding).is_bias = true; }
  /// A linear layer; a column-parallel bias is cut like its outputs, a row-parallel one is replicated.
  void linear(R role, X rows, X columns, S sharding, bool has_bias) {
    matrix(role, rows, columns, sharding);
    if (has_bias) bias(role, rows, sharding == S::row ? S::replicated : sharding);
  }
  void norm(R role, X length, std::int64_t copies = 1) {
    if (a_.norm == Norm::layer_fixed || copies == 0) return;
    vector(role, length, S::replicated, copies);
    if (a_.norm == Norm::layer) vector(role, length, S::replicated, copies).is_bias = true;
  }
  void experts(R role, X rows, X columns, S sharding, bool has_bias) {
    matrix(role, rows, columns, sharding, a_.moe.experts).is_expert = true;
    if (!has_bias) return;
    Tensor& b = vector(role, rows, sharding == S::row ? S::replicated : sharding, a_.moe.experts);
    b.is_expert = b.is_bias = true;
  }

 private:
  const Architecture& a_;
  std::vector<Tensor>& out_;
};

void attention(const Architecture& a, Builder& b) {
  b.linear(R::q, X::query, X::hidden, S::column, a.qkv_bias);
  b.linear(R::k, X::key_value, X::hidden, S::key_value, a.qkv_bias);
  b.linear(R::v, X::key_value, X::hidden, S::key_value, a.qkv_bias);
  if (a.attention_gate) b.matrix(R::attention_gate, X::query, X::hidden, S::column);
  if (a.qk_norm == QkNorm::head) b.vector(R::qk_norm, X::head_dim, S::replicated, 2);
  if (a.qk_norm == QkNorm::full) {
    b.vector(R::qk_norm, X::query, S::column);
    b.vector(R::qk_norm, X::key_value, S::key_value);
  }
  if (a.attention_sinks) b.vector(R::sinks, X::heads, S::column);
  b.linear(R::o, X::hidden, X::query, S::row, a.attention_output_bias);
}

void latent_attention(const Architecture& a, Builder& b) {
  if (a.latent.q_lora_rank > 0) {
    b.matrix(R::q_a, X::q_rank, X::hidden, S::replicated);
    b.vector(R::q_a_norm, X::q_rank);
    b.matrix(R::q_b, X::latent_query, X::q_rank, S::column);
  } else {
    b.matrix(R::q, X::latent_query, X::hidden, S::column);
  }
  b.matrix(R::kv_a, X::latent_down, X::hidden, S::replicated);
  b.vector(R::kv_a_norm, X::kv_rank);
  b.matrix(R::kv_b, X::latent_up, X::kv_rank, S::column);
  b.matrix(R::o, X::hidden, X::latent_value, S::row);
}

void cross_attention(const Architecture& a, Builder& b) {
  b.linear(R::cross_q, X::query, X::hidden, S::column, a.qkv_bias);
  b.linear(R::cross_k, X::key_value, X::hidden, S::key_value, a.qkv_bias);
  b.linear(R::cross_v, X::key_value, X::hidden, S::key_value, a.qkv_bias);
  b.linear(R::cross_o, X::hidden, X::query, S::row, a.attention_output_bias);
}

void dense(const Architecture& a, Builder& b) {
  if (is_gated(a.activation)) b.linear(R::gate, X::ffn, X::hidden, S::column, a.ffn_bias);
  b.linear(R::up, X::ffn, X::hidden, S::column, a.ffn_bias);
  b.linear(R::down, X::hidden, X::ffn, S::row, a.ffn_bias);
}

void experts(const Architecture& a, Builder& b) {
  const MixtureOfExperts& m = a.moe;
  const bool gated = is_gated(a.activation);
  b.matrix(R::router, X::experts, X::hidden, S::replicated);
  if (m.router_bias) b.bias(R::router, X::experts);
  if (gated) b.experts(R::expert_gate, X::expert_ffn, X::expert_width, S::column, m.expert_bias);
  b.experts(R::expert_up, X::expert_ffn, X::expert_width, S::column, m.expert_bias);
  b.experts(R::expert_down, X::expert_width, X::expert_ffn, S::row, m.expert_bias);
  if (m.latent_size > 0) {
    b.matrix(R::expert_latent_in, X::expert_width, X::hidden, S::replicated);
    b.matrix(R::expert_latent_out, X::hidden, X::expert_width, S::replicated);
  }
  if (m.shared_experts == 0) return;
  if (gated) b.matrix(R::shared_gate_proj, X::shared_ffn, X::hidden, S::column);
  b.matrix(R::shared_up, X::shared_ffn, X::hidden, S::column);
  b.matrix(R::shared_down, X::hidden, X::shared_ffn, S::row);
  if (m.shared_gate) b.vector(R::shared_gate, X::hidden);
}

void mamba(const Architecture& a, Builder& b) {
  b.matrix(R::ssm_in, X::two_inner, X::hidden, S::column);
  b.matrix(R::ssm_conv, X::inner, X::conv_kernel, S::column);
  b.bias(R::ssm_conv, X::inner, S::column);
  b.matrix(R::ssm_x, X::mamba_x, X::inner, S::row);
  if (a.recurrent.parameter_norms) b.vector(R::ssm_norm, X::mamba_x);
  b.matrix(R::ssm_dt, X::inner, X::time_step_rank, S::column);
  b.bias(R::ssm_dt, X::inner, S::column);
  b.matrix(R::ssm_a, X::inner, X::state, S::column);
  b.vector(R::ssm_d, X::inner, S::column);
  b.matrix(R::ssm_out, X::hidden, X::inner, S::row);
}

void mamba2(Builder& b) {
  b.matrix(R::ssm_in, X::mamba2_in, X::hidden, S::column);
  b.matrix(R::ssm_conv, X::mamba2_conv, X::conv_kernel, S::column);
  b.bias(R::ssm_conv, X::mamba2_conv, S::column);
  b.bias(R::ssm_dt, X::recurrent_heads, S::column);
  b.vector(R::ssm_a, X::recurrent_heads, S::column);
  b.vector(R::ssm_d, X::recurrent_heads, S::column);
  b.vector(R::ssm_norm, X::inner, S::column);
  b.matrix(R::ssm_out, X::hidden, X::inner, S::row);
}

void gated_delta(Builder& b) {
  b.matrix(R::ssm_in, X::delta_in, X::hidden, S::column);
  b.matrix(R::ssm_dt, X::delta_gates, X::hidden, S::column);
  b.bias(R::ssm_dt, X::delta_heads, S::column);
  b.matrix(R::ssm_conv, X::delta_conv, X::conv_kernel, S::column);
  b.vector(R::ssm_a, X::delta_heads, S::column);
  b.vector(R::ssm_norm, X::delta_value_dim);
  b.matrix(R::ssm_out, X::hidden, X::delta_value, S::row);
}

/// Time mixing: receptance, key, value (and gate in 5 and 6), output; the vectors per version are
/// those of BlinkDL/RWKV-LM: mixes, decay, bonus, group norm.
void rwkv(const Architecture& a, Builder& b) {
  const RecurrentKind k = a.recurrent.kind;
  const bool gate = k == RecurrentKind::rwkv5 || k == RecurrentKind::rwkv6;
  const std::int64_t vectors = k == RecurrentKind::rwkv4   ? 5
                               : k == RecurrentKind::rwkv5 ? 8
                               : k == RecurrentKind::rwkv6 ? 10
                                                           : 14;
  b.matrix(R::time_mix, X::hidden, X::hidden, S::column, gate ? 4 : 3);
  b.matrix(R::time_mix_out, X::hidden, X::hidden, S::row);
  b.vector(R::time_mix_vectors, X::hidden, S::replicated, vectors);
  if (k == RecurrentKind::rwkv6 || k == RecurrentKind::rwkv7)
    b.matrix(R::time_mix_low_rank, X::hidden, X::low_rank, S::replicated, 2);
}

void channel_mix(const Architecture& a, Builder& b) {
  const bool wide = a.recurrent.kind == RecurrentKind::rwkv7;
  b.matrix(R::channel_key, X::ffn, X::hidden, S::column);
  b.matrix(R::channel_value, X::hidden, X::ffn, S::row);
  if (!wide) b.matrix(R::channel_receptance, X::hidden, X::hidden, S::column);
  b.vector(R::time_mix_vectors, X::hidden, S::replicated, wide ? 1 : 2);
}

void recurrent(const Architecture& a, Builder& b) {
  switch (a.recurrent.kind) {
    case RecurrentKind::mamba: mamba(a, b); break;
    case RecurrentKind::mamba2: mamba2(b); break;
    case RecurrentKind::gated_delta: gated_delta(b); break;
    case RecurrentKind::none: break;
    default: rwkv(a, b);
  }
}

std::int64_t num_norms(const Architecture& a, const LayerKind& k) {
  const bool is_whole = k.mixer != Mixer::none && k.feed_forward != FeedForward::none;
  const std::int64_t n = is_whole ? a.norms_per_layer : (a.norms_per_layer + 1) / 2;
  return n + (k.has_cross_attention ? (a.norms_per_layer + 1) / 2 : 0);
}

void layer(const Architecture& a, const LayerKind& k, Builder& b) {
  b.norm(R::norm, X::hidden, num_norms(a, k));
  if (k.mixer == Mixer::attention) attention(a, b);
  if (k.mixer == Mixer::latent_attention) latent_attention(a, b);
  if (k.mixer == Mixer::recurrent) recurrent(a, b);
  if (k.has_cross_attention) cross_attention(a, b);
  if (k.feed_forward == FeedForward::dense) dense(a, b);
  if (k.feed_forward == FeedForward::experts) experts(a, b);
  if (k.feed_forward == FeedForward::channel_mix) channel_mix(a, b);
  if (!k.is_mtp) return;
  b.norm(R::mtp_norm, X::hidden, 3);
  b.matrix(R::mtp_projection, X::hidden, X::two_hidden, S::column);
  if (a.mtp_own_embeddings) {
    b.matrix(R::mtp_embedding, X::vocab, X::hidden, S::vocabulary);
    b.matrix(R::mtp_head, X::vocab, X::hidden, S::vocabulary);
  }
}

void embedding(const Architecture& a, Builder& b) {
  b.matrix(R::token_embedding, X::vocab, X::embedding, S::vocabulary);
  if (a.positions == Positions::learned) {
    const bool projected_sum =
        a.embedding_projection_bias || a.token_types > 0;  // ALBERT adds before projecting
    b.matrix(R::position_embedding, X::positions, projected_sum ? X::embedding : X::hidden, S::replicated);
  }
  if (a.token_types > 0) b.matrix(R::token_type_embedding, X::token_types, X::embedding, S::replicated);
  if (a.embedding_norm) b.norm(R::embedding_norm, X::embedding);
  if (a.embedding_size != a.hidden_size)
    b.linear(R::embedding_projection, X::hidden, X::embedding, S::replicated, a.embedding_projection_bias);
  if (a.positions != Positions::relative) return;
  b.matrix(R::relative_bias, X::heads, X::relative_buckets, S::column);
  if (a.encoder_layers > 0) b.matrix(R::encoder_relative_bias, X::heads, X::relative_buckets, S::column);
}

void output(const Architecture& a, Builder& b) {
  if (a.final_norm) b.norm(R::final_norm, X::hidden);
  if (a.final_norm && a.encoder_layers > 0) b.norm(R::encoder_final_norm, X::hidden);
  if (a.pooler) b.linear(R::pooler, X::hidden, X::hidden, S::replicated, true);
  if (a.head == Head::none) return;
  if (a.head == Head::masked_language_model) {
    b.linear(R::mlm_dense, X::embedding, X::hidden, S::replicated, true);
    b.norm(R::mlm_norm, X::embedding);
    b.bias(R::mlm_bias, X::vocab, S::vocabulary);
  } else if (a.embedding_size != a.hidden_size) {
    b.matrix(R::output_projection, X::embedding, X::hidden, S::replicated);
  }
  if (!a.tied_embeddings) b.matrix(R::lm_head, X::vocab, X::embedding, S::vocabulary);
  if (a.lm_head_bias) b.bias(R::lm_head, X::vocab, S::vocabulary);
}

void add(ElementSums& sums, const Tensor& t, const Architecture& a) {
  const std::int64_t n = t.elements();
  sums.kv_heads = std::max<std::int64_t>(1, a.kv_heads);
  switch (divider(t)) {
    case Divider::none: sums.replicated += n; break;
    case Divider::tensor: sums.tensor += n; break;
    case Divider::kv_heads: sums.key_value += n; break;
    case Divider::experts: sums.expert += n; break;
    case Divider::expert_ranks: sums.expert_replicated += n; break;
  }
  if (t.is_expert) sums.expert_active += n / t.copies * std::min(a.moe.top_k, t.copies);
  if (t.is_vector()) sums.vectors += n;
}

void total(Inventory& inv) {
  std::int64_t all = inv.embedding.total() + inv.output.total(), passed = all;
  for (std::size_t k = 0; k < inv.of_kind.size(); ++k) {
    const std::int64_t layers = inv.shared_layers ? 1 : inv.layers.count[k];
    all += inv.of_kind[k].total() * layers;
    passed += inv.of_kind[k].active() * layers;
  }
  inv.parameters = all;
  inv.active_parameters = passed;
  inv.non_embedding_parameters = all;
  for (const Tensor& t : inv.tensors) {
    const bool is_table = t.role == R::token_embedding || t.role == R::position_embedding ||
                          t.role == R::token_type_embedding || (t.role == R::lm_head && !t.is_bias);
    if (is_table) inv.non_embedding_parameters -= t.elements();
  }
}

}  // namespace

Inventory inventory(const Architecture& a) {
  Inventory inv;
  inv.layers = layer_plan(a);
  inv.tied_embeddings = a.tied_embeddings;
  inv.shared_layers = a.shared_layers;
  inv.token_embedding = a.vocab_size * a.embedding_size;
  inv.tensors.reserve(16 + 24 * inv.layers.kinds.size());
  Builder b(a, inv.tensors);
  embedding(a, b);
  inv.first_output = inv.tensors.size();
  output(a, b);
  inv.first_layer = inv.tensors.size();
  for (const LayerKind& kind : inv.layers.kinds) {
    ++b.kind;
    layer(a, kind, b);
  }
  inv.of_kind.resize(inv.layers.kinds.size());
  for (std::size_t i = 0; i < inv.tensors.size(); ++i) {
    const Tensor& t = inv.tensors[i];
    add(i < inv.first_output  ? inv.embedding
        : i < inv.first_layer ? inv.output
                              : inv.of_kind[static_cast<std::size_t>(t.layer_kind)],
        t, a);
  }
  total(inv);
  return inv;
}

std::span<const Tensor> tensors_of(const Inventory& inv, int group) {
  const std::span<const Tensor> all(inv.tensors);
  if (group == embedding_group) return all.subspan(0, inv.first_output);
  if (group == output_group) return all.subspan(inv.first_output, inv.first_layer - inv.first_output);
  const auto is_of_group = [group](const Tensor& t) { return t.layer_kind == group; };
  const auto first = std::find_if(all.begin(), all.end(), is_of_group);
  const auto last = std::find_if_not(first, all.end(), is_of_group);
  return {first, last};
}

}  // namespace ridge
