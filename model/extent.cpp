#include "model/inventory.h"

namespace ridge {

namespace {

using Count = Traced<std::int64_t>;

constexpr std::string_view by_definition = "definition";
constexpr Formula product_formula{"model.extent.product", "width", "a*b", by_definition};
constexpr Formula double_formula{"model.extent.twice", "width", "2*a", by_definition};
constexpr Formula sum_formula{"model.extent.sum", "width", "a + b", by_definition};
constexpr Formula head_sum_formula{"model.extent.head_sum", "width of all heads", "H*(a + b)", by_definition};
constexpr Formula mamba_x_formula{"model.extent.mamba_x", "width of dt, B and C", "r + 2*N",
                                  "state-spaces/mamba@e9594ce mamba_simple.py"};
constexpr Formula mamba2_in_formula{"model.extent.mamba2_in", "width of z, x, B, C and dt",
                                    "2*D + 2*g*N + D/e", "state-spaces/mamba@e9594ce mamba2.py"};
constexpr Formula mamba2_conv_formula{"model.extent.mamba2_conv", "channels of the convolution", "D + 2*g*N",
                                      "state-spaces/mamba@e9594ce mamba2.py"};
constexpr Formula heads_formula{"model.extent.recurrent_heads", "recurrent heads", "D/e", by_definition};
constexpr Formula delta_in_formula{"model.extent.delta_in", "width of queries, keys, values and gate",
                                   "2*Hk*ek + 2*Hv*ev", "huggingface/transformers modeling_qwen3_next.py"};
constexpr Formula delta_conv_formula{"model.extent.delta_conv", "channels of the convolution",
                                     "2*Hk*ek + Hv*ev", "huggingface/transformers modeling_qwen3_next.py"};

Count in(Explain* ex, std::string_view key, std::int64_t value) { return input(ex, key, value); }

Count two(Explain* ex, const Formula& f, Count a, Count b, std::int64_t value) {
  return note(ex, f, value, {{"a", a}, {"b", b}});
}

Count twice(Explain* ex, Count a) { return note(ex, double_formula, 2 * a.value, {{"a", a}}); }

Count heads_times(Explain* ex, const Architecture& a, std::string_view left, std::int64_t l,
                  std::string_view right, std::int64_t r) {
  return note(ex, head_sum_formula, a.heads * (l + r),
              {{"H", in(ex, "model.heads", a.heads)}, {"a", in(ex, left, l)}, {"b", in(ex, right, r)}});
}

Count attention_extent(const Architecture& a, Extent e, Explain* ex) {
  const LatentAttention& m = a.latent;
  switch (e) {
    case Extent::heads: return in(ex, "model.heads", a.heads);
    case Extent::head_dim: return in(ex, "model.head_dim", a.head_dim);
    case Extent::query:
      return two(ex, product_formula, in(ex, "model.heads", a.heads), in(ex, "model.head_dim", a.head_dim),
                 a.heads * a.head_dim);
    case Extent::key_value:
      return two(ex, product_formula, in(ex, "model.kv_heads", a.kv_heads),
                 in(ex, "model.head_dim", a.head_dim), a.kv_heads * a.head_dim);
    case Extent::q_rank: return in(ex, "model.latent.q_lora_rank", m.q_lora_rank);
    case Extent::kv_rank: return in(ex, "model.latent.kv_lora_rank", m.kv_lora_rank);
    case Extent::latent_query:
      return heads_times(ex, a, "model.latent.nope_head_dim", m.nope_head_dim, "model.latent.rope_head_dim",
                         m.rope_head_dim);
    case Extent::latent_down:
      return two(ex, sum_formula, in(ex, "model.latent.kv_lora_rank", m.kv_lora_rank),
                 in(ex, "model.latent.rope_head_dim", m.rope_head_dim), m.kv_lora_rank + m.rope_head_dim);
    case Extent::latent_up:
      return heads_times(ex, a, "model.latent.nope_head_dim", m.nope_head_dim, "model.latent.v_head_dim",
                         m.v_head_dim);
    default:  // latent_value
      return two(ex, product_formula, in(ex, "model.heads", a.heads),
                 in(ex, "model.latent.v_head_dim", m.v_head_dim), a.heads * m.v_head_dim);
  }
}

Count mamba_extent(const Recurrent& r, Extent e, Explain* ex) {
  const Count inner = in(ex, "model.recurrent.inner_size", r.inner_size);
  const std::int64_t heads = r.head_dim > 0 ? r.inner_size / r.head_dim : 0;
  switch (e) {
    case Extent::inner: return inner;
    case Extent::two_inner: return twice(ex, inner);
    case Extent::conv_kernel: return in(ex, "model.recurrent.conv_kernel", r.conv_kernel);
    case Extent::time_step_rank: return in(ex, "model.recurrent.time_step_rank", r.time_step_rank);
    case Extent::state: return in(ex, "model.recurrent.state_size", r.state_size);
    case Extent::low_rank: return in(ex, "model.recurrent.low_rank", r.low_rank);
    case Extent::recurrent_heads:
      return note(ex, heads_formula, heads,
                  {{"D", inner}, {"e", in(ex, "model.recurrent.head_dim", r.head_dim)}});
    case Extent::mamba_x:
      return note(ex, mamba_x_formula, r.time_step_rank + 2 * r.state_size,
                  {{"r", in(ex, "model.recurrent.time_step_rank", r.time_step_rank)},
                   {"N", in(ex, "model.recurrent.state_size", r.state_size)}});
    case Extent::mamba2_in:
      return note(ex, mamba2_in_formula, 2 * r.inner_size + 2 * r.groups * r.state_size + heads,
                  {{"D", inner},
                   {"g", in(ex, "model.recurrent.groups", r.groups)},
                   {"N", in(ex, "model.recurrent.state_size", r.state_size)},
                   {"e", in(ex, "model.recurrent.head_dim", r.head_dim)}});
    default:  // mamba2_conv
      return note(ex, mamba2_conv_formula, r.inner_size + 2 * r.groups * r.state_size,
                  {{"D", inner},
                   {"g", in(ex, "model.recurrent.groups", r.groups)},
                   {"N", in(ex, "model.recurrent.state_size", r.state_size)}});
  }
}

Count delta_extent(const Recurrent& r, Extent e, Explain* ex) {
  const Count hk = in(ex, "model.recurrent.key_heads", r.key_heads),
              ek = in(ex, "model.recurrent.key_head_dim", r.key_head_dim);
  const Count hv = in(ex, "model.recurrent.value_heads", r.value_heads);
  const Count ev = in(ex, "model.recurrent.value_head_dim", r.value_head_dim);
  const std::int64_t key = r.key_heads * r.key_head_dim, value = r.value_heads * r.value_head_dim;
  switch (e) {
    case Extent::delta_heads: return hv;
    case Extent::delta_value_dim: return ev;
    case Extent::delta_gates: return twice(ex, hv);
    case Extent::delta_value: return two(ex, product_formula, hv, ev, value);
    case Extent::delta_conv:
      return note(ex, delta_conv_formula, 2 * key + value, {{"Hk", hk}, {"ek", ek}, {"Hv", hv}, {"ev", ev}});
    default:  // delta_in
      return note(ex, delta_in_formula, 2 * key + 2 * value,
                  {{"Hk", hk}, {"ek", ek}, {"Hv", hv}, {"ev", ev}});
  }
}

}  // namespace

Traced<std::int64_t> extent(const Architecture& a, Extent e, Explain* ex) {
  switch (e) {
    case Extent::one: return {1, constant(ex, "model.extent.one", 1.0, "a vector has one column").node};
    case Extent::vocab: return in(ex, "model.vocab_size", a.vocab_size);
    case Extent::hidden: return in(ex, "model.hidden_size", a.hidden_size);
    case Extent::two_hidden: return twice(ex, in(ex, "model.hidden_size", a.hidden_size));
    case Extent::embedding: return in(ex, "model.embedding_size", a.embedding_size);
    case Extent::positions:
      return two(ex, sum_formula, in(ex, "model.max_positions", a.max_positions),
                 in(ex, "model.position_offset", a.position_offset), a.max_positions + a.position_offset);
    case Extent::token_types: return in(ex, "model.token_types", a.token_types);
    case Extent::relative_buckets: return in(ex, "model.relative_buckets", a.relative_buckets);
    case Extent::ffn: return in(ex, "model.ffn_hidden_size", a.ffn_hidden_size);
    case Extent::experts: return in(ex, "model.moe.experts", a.moe.experts);
    case Extent::expert_ffn: return in(ex, "model.moe.ffn_hidden_size", a.moe.ffn_hidden_size);
    case Extent::expert_width:
      return a.moe.latent_size > 0 ? in(ex, "model.moe.latent_size", a.moe.latent_size)
                                   : in(ex, "model.hidden_size", a.hidden_size);
    case Extent::shared_ffn:
      return two(ex, product_formula, in(ex, "model.moe.shared_experts", a.moe.shared_experts),
                 in(ex, "model.moe.shared_ffn_hidden_size", a.moe.shared_ffn_hidden_size),
                 a.moe.shared_experts * a.moe.shared_ffn_hidden_size);
    case Extent::heads:
    case Extent::head_dim:
    case Extent::query:
    case Extent::key_value:
    case Extent::q_rank:
    case Extent::kv_rank:
    case Extent::latent_query:
    case Extent::latent_down:
    case Extent::latent_up:
    case Extent::latent_value: return attention_extent(a, e, ex);
    case Extent::delta_in:
    case Extent::delta_conv:
    case Extent::delta_gates:
    case Extent::delta_heads:
    case Extent::delta_value:
    case Extent::delta_value_dim: return delta_extent(a.recurrent, e, ex);
    default: return mamba_extent(a.recurrent, e, ex);
  }
}

}  // namespace ridge
