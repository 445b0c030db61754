#include "model/flops.h"

#include <algorithm>

namespace ridge {

namespace {

/// 0 + 1 + ... + (n - 1).
double triangle(double n) { return n * (n - 1) / 2; }

/// Tokens of a layer's stack: encoder layers see the encoder's tokens.
double layer_tokens(const LayerKind& k, const TokenBatch& b) {
  return static_cast<double>(b.sequences) * static_cast<double>(k.is_encoder ? b.encoder_tokens : b.tokens);
}

double product_flop(const Architecture& a, const Tensor& t, const LayerKind& k, const TokenBatch& b) {
  if (t.is_vector()) return 0;
  double tokens = layer_tokens(k, b), copies = static_cast<double>(t.copies);
  switch (t.role) {
    case TensorRole::ssm_a:
    case TensorRole::mtp_embedding: return 0;  // no product: decay rates, a table
    case TensorRole::cross_k:
    case TensorRole::cross_v: tokens = static_cast<double>(b.sequences * b.encoder_tokens); break;
    case TensorRole::kv_b:
      if (!b.latent_absorbed) tokens += static_cast<double>(b.sequences) * static_cast<double>(b.past);
      break;
    default: break;
  }
  if (t.is_expert) copies = static_cast<double>(std::min(a.moe.top_k, t.copies));
  return 2 * tokens * copies * static_cast<double>(t.out) * static_cast<double>(t.in);
}

/// Width multiplying the pairs: 2 H (e_qk + e_v).
double core_flop_per_pair(const Architecture& a, const LayerKind& k, bool absorbed) {
  const double heads = static_cast<double>(a.heads);
  if (k.mixer == Mixer::attention) return 4 * heads * static_cast<double>(a.head_dim);
  const LatentAttention& m = a.latent;
  const std::int64_t width =
      absorbed ? 2 * m.kv_lora_rank + m.rope_head_dim : m.nope_head_dim + m.rope_head_dim + m.v_head_dim;
  return 2 * heads * static_cast<double>(width);
}

double scan_flop_per_token(const Recurrent& r) {
  const double inner = static_cast<double>(r.inner_size), state = static_cast<double>(r.state_size);
  switch (r.kind) {
    case RecurrentKind::mamba: return 9 * inner * state;
    case RecurrentKind::mamba2: return 4 * inner * state + 2 * inner;
    case RecurrentKind::rwkv4: return 10 * inner;
    case RecurrentKind::rwkv5:
    case RecurrentKind::rwkv6:
    case RecurrentKind::rwkv7: return 4 * inner * static_cast<double>(r.head_dim);
    case RecurrentKind::gated_delta:
      return 7 * static_cast<double>(r.value_heads) * static_cast<double>(r.key_head_dim) *
             static_cast<double>(r.value_head_dim);
    case RecurrentKind::none: break;
  }
  return 0;
}

/// Attention core (own and cross) or scan of one layer.
double core_flop(const Architecture& a, const LayerKind& k, const TokenBatch& b) {
  const double sequences = static_cast<double>(b.sequences);
  if (k.mixer == Mixer::recurrent) return layer_tokens(k, b) * scan_flop_per_token(a.recurrent);
  if (k.mixer == Mixer::none) return 0;
  const std::int64_t tokens = k.is_encoder ? b.encoder_tokens : b.tokens, past = k.is_encoder ? 0 : b.past;
  double pairs = attended_pairs(tokens, past, k.window, a.sink_tokens, k.is_causal && !b.full_attention);
  if (k.has_cross_attention) pairs += static_cast<double>(tokens) * static_cast<double>(b.encoder_tokens);
  return sequences * pairs * core_flop_per_pair(a, k, b.latent_absorbed);
}

Flop& part_of(FlopSums& s, TensorRole r) {
  if (r >= TensorRole::norm && r <= TensorRole::cross_o) return s.attention_products;
  if (r == TensorRole::router) return s.router;
  if (r >= TensorRole::gate && r <= TensorRole::shared_gate) return s.feed_forward;
  if (r >= TensorRole::channel_key && r <= TensorRole::channel_receptance) return s.feed_forward;
  if (r >= TensorRole::ssm_in && r <= TensorRole::time_mix_low_rank) return s.recurrent;
  if (r == TensorRole::mtp_head) return s.head;
  return s.other;
}

double outer_flop(const Architecture& a, const Tensor& t, const TokenBatch& b, std::int64_t head_tokens) {
  if (t.is_vector()) return 0;
  const double sequences = static_cast<double>(b.sequences);
  const double weight = 2 * static_cast<double>(t.out) * static_cast<double>(t.in);
  switch (t.role) {
    case TensorRole::embedding_projection:
      return sequences * static_cast<double>(b.tokens + b.encoder_tokens) * weight;
    case TensorRole::pooler: return sequences * weight;
    case TensorRole::mlm_dense:
    case TensorRole::output_projection:
    case TensorRole::lm_head: return sequences * static_cast<double>(head_tokens) * weight;
    case TensorRole::token_embedding:  // a tied table is the head's matrix
      return a.tied_embeddings && a.head != Head::none ? sequences * static_cast<double>(head_tokens) * weight
                                                       : 0;
    default: return 0;
  }
}

}  // namespace

FlopSums& FlopSums::operator+=(const FlopSums& o) {
  attention_products += o.attention_products;
  attention_core += o.attention_core;
  feed_forward += o.feed_forward;
  router += o.router;
  recurrent += o.recurrent;
  head += o.head;
  other += o.other;
  return *this;
}

double attended_pairs(std::int64_t tokens, std::int64_t past, std::int64_t window, std::int64_t sinks,
                      bool is_causal) {
  const double n = static_cast<double>(tokens), p = static_cast<double>(past);
  const double limit = window > 0 ? static_cast<double>(window) + static_cast<double>(sinks) : 0;
  if (!is_causal) {
    const double context = n + p;
    return n * (window > 0 ? std::min(context, limit) : context);
  }
  if (window == 0) return n * (p + 1) + triangle(n);
  // Queries i < free see p + i + 1 <= limit tokens, the others `limit`.
  const double free = std::clamp(limit - p, 0.0, n);
  return free * (p + 1) + triangle(free) + (n - free) * limit;
}

FlopSums layer_forward_flop(const Architecture& a, const Inventory& inv, std::size_t kind,
                            const TokenBatch& b) {
  FlopSums sums;
  const LayerKind& k = inv.layers.kinds[kind];
  for (const Tensor& t : inv.tensors)
    if (t.layer_kind == static_cast<std::int16_t>(kind))
      part_of(sums, t.role) += Flop{product_flop(a, t, k, b)};
  (k.mixer == Mixer::recurrent ? sums.recurrent : sums.attention_core) += Flop{core_flop(a, k, b)};
  return sums;
}

FlopSums outer_forward_flop(const Architecture& a, const Inventory& inv, const TokenBatch& b,
                            std::int64_t head_tokens) {
  FlopSums sums;
  for (const Tensor& t : inv.tensors) {
    if (t.layer_kind >= 0) continue;
    const bool is_input = t.role == TensorRole::embedding_projection;
    (is_input ? sums.other : sums.head) += Flop{outer_flop(a, t, b, head_tokens)};
  }
  return sums;
}

std::vector<OperatorFlop> forward_operators(const Architecture& a, const Inventory& inv, const TokenBatch& b,
                                            std::int64_t head_tokens) {
  std::vector<OperatorFlop> list;
  std::int16_t last_kind = -1;
  const auto core = [&](std::int16_t kind) {
    if (kind < 0) return;
    const LayerKind& k = inv.layers.kinds[static_cast<std::size_t>(kind)];
    const Flop flop{core_flop(a, k, b)};
    const TensorRole role = k.mixer == Mixer::recurrent ? TensorRole::ssm_out : TensorRole::o;
    if (flop.value() > 0) list.push_back({role, true, kind, flop});
  };
  for (const Tensor& t : inv.tensors) {
    if (t.layer_kind != last_kind) core(last_kind);
    last_kind = t.layer_kind;
    const double flop = t.layer_kind < 0
                            ? outer_flop(a, t, b, head_tokens)
                            : product_flop(a, t, inv.layers.kinds[static_cast<std::size_t>(t.layer_kind)], b);
    if (flop > 0) list.push_back({t.role, false, t.layer_kind, Flop{flop}});
  }
  core(last_kind);
  return list;
}

namespace {

constexpr Formula layer_formula{"flops.forward.layers", "forward FLOPs of all layers of one kind",
                                "layers*flop", "definition",
                                "flop: sum of the layer's products and its attention core or scan"};
constexpr Formula forward_formula{"flops.forward", "forward FLOPs", "sum(...)",
                                  "sum over operators, 2 per multiply-add",
                                  "norms, activations and softmax not counted"};
constexpr Formula training_formula{"flops.training", "FLOPs of forward and backward", "3*forward",
                                   "Kaplan et al. 2020, arXiv:2001.08361, section 2.1",
                                   "each product's backward is two products"};
constexpr Formula part_formula{"flops.forward.layer", "forward FLOPs of one layer of a kind", "sum(...)",
                               "sum over its operators"};

Traced<Flop> leaf(Explain* ex, std::string key, Flop value, std::string citation) {
  if (!ex) return {value, 0};
  Origin origin;
  origin.citation = std::move(citation);
  return {value, ex->input(key, value.value(), Flop::dim, origin)};
}

Traced<Flop> explained_sums(const FlopSums& s, const std::string& key, Explain* ex) {
  if (!ex) return {s.total(), 0};
  const auto at = [&](const char* part) { return key + "." + part; };
  const std::string product = "2*tokens*out*in over the inventory's matrices";
  return note(ex, part_formula, s.total(),
              {{"attention_products", leaf(ex, at("attention_products"), s.attention_products, product)},
               {"attention_core",
                leaf(ex, at("attention_core"), s.attention_core, "2*H*(e_qk + e_v) a query-key pair")},
               {"feed_forward", leaf(ex, at("feed_forward"), s.feed_forward, product)},
               {"router", leaf(ex, at("router"), s.router, product)},
               {"recurrent", leaf(ex, at("recurrent"), s.recurrent, "products and scan")},
               {"head", leaf(ex, at("head"), s.head, product)},
               {"other", leaf(ex, at("other"), s.other, product)}});
}

Traced<Flop> whole(const Architecture& a, const Inventory& inv, const TokenBatch& b, std::int64_t head_tokens,
                   bool with_mtp, Explain* ex) {
  FlopSums outer = outer_forward_flop(a, inv, b, head_tokens);
  if (with_mtp && !a.mtp_own_embeddings) outer.head *= 1.0 + static_cast<double>(a.mtp_layers);
  const Traced<Flop> outside = explained_sums(outer, "flops.outside", ex);
  Flop total = outside.value;
  std::vector<Term> terms{{"outside", outside}};
  for (std::size_t k = 0; k < inv.layers.kinds.size(); ++k) {
    if (inv.layers.kinds[k].is_mtp && !with_mtp) continue;
    const FlopSums sums = layer_forward_flop(a, inv, k, b);
    const double layers = static_cast<double>(inv.layers.count[k]);
    total += layers * sums.total();
    if (!ex) continue;
    const std::string key = "flops.kind_" + std::to_string(k);
    const Traced<double> count =
        constant(ex, key + ".layers", layers, "layers of this kind, from the model's pattern");
    terms.emplace_back("layers", note(ex, layer_formula, layers * sums.total(),
                                      {{"layers", count}, {"flop", explained_sums(sums, key, ex)}}));
  }
  if (!ex) return {total, 0};
  return {total, ex->note(forward_formula, total.value(), Flop::dim, terms)};
}

}  // namespace

Traced<Flop> forward_flop(const Architecture& a, const Inventory& inv, const TokenBatch& b,
                          std::int64_t head_tokens, Explain* ex) {
  return whole(a, inv, b, head_tokens, false, ex);
}

Traced<Flop> training_flop(const Architecture& a, const Inventory& inv, const TokenBatch& b, Explain* ex) {
  const Traced<Flop> forward = whole(a, inv, b, b.tokens, true, ex);
  return note(ex, training_formula, 3.0 * forward.value, {{"forward", forward}});
}

}  // namespace ridge
