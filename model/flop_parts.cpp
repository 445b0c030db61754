#include "model/flop_parts.h"

#include <algorithm>

namespace ridge {

namespace {

/// 0 + 1 + ... + (n - 1).
double triangle(double n) { return n * (n - 1) / 2; }

double real(std::int64_t n) { return static_cast<double>(n); }

}  // namespace

double attended_pairs(std::int64_t tokens, std::int64_t past, std::int64_t window, std::int64_t sinks,
                      bool is_causal) {
  const double n = real(tokens), p = real(past);
  const double limit = window > 0 ? real(window) + real(sinks) : 0;
  if (!is_causal) return n * (window > 0 ? std::min(n + p, limit) : n + p);
  if (window == 0) return n * (p + 1) + triangle(n);
  // Queries i < free see p + i + 1 <= limit tokens, the others `limit`.
  const double free = std::clamp(limit - p, 0.0, n);
  return free * (p + 1) + triangle(free) + (n - free) * limit;
}

namespace flop_parts {

double layer_tokens(const LayerKind& k, const TokenBatch& b) {
  return real(b.sequences) * real(k.is_encoder ? b.encoder_tokens : b.tokens);
}

double product_tokens(const Architecture& a, const Tensor& t, const LayerKind& k, const TokenBatch& b) {
  if (t.is_vector()) return 0;
  switch (t.role) {
    case TensorRole::ssm_a:
    case TensorRole::mtp_embedding: return 0;  // decay rates; a table
    case TensorRole::cross_k:
    case TensorRole::cross_v: return real(b.sequences) * real(b.encoder_tokens);
    case TensorRole::kv_b:  // unabsorbed, all tokens' keys and values are made from the latent
      return layer_tokens(k, b) + (is_absorbed(a, k, b) ? 0 : real(b.sequences) * real(b.past));
    default: return layer_tokens(k, b);
  }
}

std::int64_t copies_passed(const Architecture& a, const Tensor& t) {
  return t.is_expert ? std::min(a.moe.top_k, t.copies) : t.copies;
}

double product(const Architecture& a, const Tensor& t, const LayerKind& k, const TokenBatch& b) {
  return 2 * product_tokens(a, t, k, b) * real(copies_passed(a, t)) * real(t.out) * real(t.in);
}

std::int64_t core_width(const Architecture& a, const LayerKind& k, bool absorbed) {
  const LatentAttention& m = a.latent;
  if (k.mixer == Mixer::attention) return 2 * a.head_dim;
  return absorbed ? 2 * m.kv_lora_rank + m.rope_head_dim : m.nope_head_dim + m.rope_head_dim + m.v_head_dim;
}

bool is_absorbed(const Architecture& a, const LayerKind& k, const TokenBatch& b) {
  if (k.mixer != Mixer::latent_attention) return false;
  if (b.latent_absorbed) return *b.latent_absorbed;
  const double made_again =
      real(b.past) * real(a.latent.kv_lora_rank) * real(a.latent.nope_head_dim + a.latent.v_head_dim);
  return pairs(a, k, b) * real(core_width(a, k, true)) <
         pairs(a, k, b) * real(core_width(a, k, false)) + made_again;
}

double pairs(const Architecture& a, const LayerKind& k, const TokenBatch& b) {
  const std::int64_t tokens = k.is_encoder ? b.encoder_tokens : b.tokens, past = k.is_encoder ? 0 : b.past;
  const double own = attended_pairs(tokens, past, k.window, a.sink_tokens, k.is_causal && !b.full_attention);
  return own + (k.has_cross_attention ? real(tokens) * real(b.encoder_tokens) : 0);
}

double scan_per_token(const Recurrent& r) {
  const double inner = real(r.inner_size), state = real(r.state_size);
  switch (r.kind) {
    case RecurrentKind::mamba: return 9 * inner * state;
    case RecurrentKind::mamba2: return 4 * inner * state + 2 * inner;
    case RecurrentKind::rwkv4: return 10 * inner;
    case RecurrentKind::rwkv5:
    case RecurrentKind::rwkv6:
    case RecurrentKind::rwkv7: return 4 * inner * real(r.head_dim);
    case RecurrentKind::gated_delta:
      return 7 * real(r.value_heads) * real(r.key_head_dim) * real(r.value_head_dim);
    case RecurrentKind::none: break;
  }
  return 0;
}

double core(const Architecture& a, const LayerKind& k, const TokenBatch& b) {
  if (k.mixer == Mixer::recurrent) return layer_tokens(k, b) * scan_per_token(a.recurrent);
  if (k.mixer == Mixer::none) return 0;
  return 2 * real(a.heads) * real(core_width(a, k, is_absorbed(a, k, b))) * real(b.sequences) *
         pairs(a, k, b);
}

double outer_tokens(const Architecture& a, const Tensor& t, const TokenBatch& b, std::int64_t head_tokens) {
  if (t.is_vector()) return 0;
  const double sequences = real(b.sequences);
  switch (t.role) {
    case TensorRole::embedding_projection: return sequences * real(b.tokens + b.encoder_tokens);
    case TensorRole::pooler: return sequences;
    case TensorRole::mlm_dense:
    case TensorRole::output_projection:
    case TensorRole::lm_head: return sequences * real(head_tokens);
    case TensorRole::token_embedding:  // a tied table is the head's matrix
      return a.tied_embeddings && a.head != Head::none ? sequences * real(head_tokens) : 0;
    default: return 0;
  }
}

double outer(const Architecture& a, const Tensor& t, const TokenBatch& b, std::int64_t head_tokens) {
  return 2 * outer_tokens(a, t, b, head_tokens) * real(t.out) * real(t.in);
}

}  // namespace flop_parts

}  // namespace ridge
