#include "model/flop_parts.h"

#include <algorithm>
#include <string>

namespace ridge {

namespace {

using Count = Traced<double>;

constexpr Formula product_formula{"flops.product", "forward FLOPs of a product with a weight",
                                  "2*tokens*out*in*copies", "definition: a multiply-add counts 2"};
constexpr Formula single_product_formula{"flops.product.one", "forward FLOPs of a product with a weight",
                                         "2*tokens*out*in", "definition: a multiply-add counts 2"};
constexpr Formula all_tokens_formula{"flops.tokens", "tokens of all sequences", "B * n", "definition"};
constexpr Formula head_width_formula{"flops.width", "width of a key and a value", "2 * e", "definition"};
constexpr Formula latent_width_formula{"flops.width.latent", "width of a key and a value", "e + rope + v",
                                       "DeepSeek-AI 2024, arXiv:2405.04434"};
constexpr Formula absorbed_width_formula{"flops.width.absorbed", "width of a latent as key and as value",
                                         "2 * r + rope", "DeepSeek-AI 2024, arXiv:2405.04434, section 2.1.3"};
constexpr Formula causal_formula{"flops.pairs", "query-key pairs of a sequence", "n * p + n * (n + 1) / 2",
                                 "definition: token i sees p + i + 1 keys"};
constexpr Formula square_formula{"flops.pairs.full", "query-key pairs of a sequence", "n * (n + p)",
                                 "definition"};
constexpr Formula limit_formula{"flops.pairs.limit", "keys that a window and its sinks leave", "w + s",
                                "definition"};
constexpr Formula free_formula{"flops.pairs.free", "queries that see fewer keys than the window holds",
                               "min(max(l - p, 0), n)", "definition"};
constexpr Formula window_formula{"flops.pairs.window", "query-key pairs of a sequence under a window",
                                 "f * (p + 1) + f * (f - 1) / 2 + (n - f) * l",
                                 "definition: f queries see all before them, the others l keys"};
constexpr Formula band_formula{"flops.pairs.band", "query-key pairs of a sequence under a window",
                               "n * min(n + p, l)", "definition"};
constexpr Formula cross_formula{"flops.pairs.cross", "query-key pairs of a sequence and its encoder's tokens",
                                "own + n * m", "definition: each token sees all of the encoder's"};
constexpr std::string_view mamba_code = "state-spaces/mamba@e9594ce", rwkv_code = "BlinkDL/RWKV-LM";
constexpr Formula mamba_formula{"flops.scan.mamba", "FLOPs of a token through the scan", "9 * D * N",
                                mamba_code};
constexpr Formula mamba2_formula{"flops.scan.mamba2", "FLOPs of a token through the scan",
                                 "4 * D * N + 2 * D", mamba_code};
constexpr Formula rwkv4_formula{"flops.scan.rwkv4", "FLOPs of a token through the recurrence", "10 * d",
                                rwkv_code};
constexpr Formula rwkv_formula{"flops.scan.rwkv", "FLOPs of a token through the recurrence", "4 * d * e",
                               rwkv_code};
constexpr Formula delta_formula{"flops.scan.gated_delta", "FLOPs of a token through the delta rule",
                                "7 * H * ek * ev", "Yang et al. 2024, arXiv:2412.06464"};
constexpr Formula core_formula{"flops.attention_core", "forward FLOPs of scores and weighted values",
                               "2*H*e*B*pairs", "Chowdhery et al. 2022, arXiv:2204.02311, appendix B",
                               "e: width of a key and of a value together; softmax not counted"};
constexpr Formula scan_formula{"flops.scan", "forward FLOPs of a recurrence", "tokens*scan",
                               "state-spaces/mamba@e9594ce"};
constexpr Formula layer_formula{"flops.forward.layer", "forward FLOPs of one layer of a kind", "sum(...)",
                                "sum over its operators"};
constexpr Formula layers_formula{"flops.forward.layers", "forward FLOPs of all layers of one kind",
                                 "layers*flop", "definition"};
constexpr Formula forward_formula{"flops.forward", "forward FLOPs", "sum(...)", "sum over operators",
                                  "norms, activations and softmax not counted"};
constexpr Formula training_formula{"flops.training", "FLOPs of forward and backward", "3*forward",
                                   "Kaplan et al. 2020, arXiv:2001.08361, section 2.1",
                                   "each product's backward is two products"};

/// A number of this pass.  One record may hold several passes, so that the key names the value.
Count number(Explain* ex, std::string_view what, double value, std::string_view citation) {
  if (!ex) return {value, 0};
  return constant(ex, std::string(what) + " " + format_number(value), value, citation);
}

Count real(Traced<std::int64_t> t) { return {static_cast<double>(t.value), t.node}; }

/// The counts of a pass as terms.
struct PassCounts {
  Count sequences, tokens, past, encoder;
  PassCounts(const TokenBatch& b, Explain* ex)
      : sequences(of(ex, "sequences of a pass:", b.sequences, b.sequences_node)),
        tokens(of(ex, "new tokens of a sequence:", b.tokens, b.tokens_node)),
        past(of(ex, "cached tokens of a sequence:", b.past, b.past_node)),
        encoder(of(ex, "encoder tokens of a sequence:", b.encoder_tokens, b.encoder_node)) {}

 private:
  static Count of(Explain* ex, std::string_view what, std::int64_t n, NodeId node) {
    const auto value = static_cast<double>(n);
    return node != 0 ? Count{value, node} : number(ex, what, value, "the pass");
  }
};

/// Tokens through a product: those of all sequences, or what the operator's rule makes of them.
Count passing(double tokens, const TokenBatch& b, Explain* ex) {
  const PassCounts c(b, ex);
  for (const Count& n : {c.tokens, c.encoder})
    if (tokens == c.sequences.value * n.value)
      return note(ex, all_tokens_formula, tokens, {{"B", c.sequences}, {"n", n}});
  if (tokens == c.sequences.value) return c.sequences;
  return number(ex, "tokens through a product:", tokens, "the pass");
}

Traced<Flop> product(const Architecture& a, const Tensor& t, double tokens, const TokenBatch& b,
                     Explain* ex) {
  const std::int64_t copies = flop_parts::copies_passed(a, t);
  const double flop =
      2 * tokens * static_cast<double>(copies) * static_cast<double>(t.out) * static_cast<double>(t.in);
  const auto through = passing(tokens, b, ex);
  const auto out = extent(a, t.out_extent, ex), in = extent(a, t.in_extent, ex);
  if (!t.is_expert && copies == 1)
    return note(ex, single_product_formula, Flop{flop}, {{"tokens", through}, {"out", out}, {"in", in}});
  const Count passed =
      t.is_expert ? real(input(ex, "model.moe.top_k", copies)) : real(tensor_copies(a, t, ex));
  return note(ex, product_formula, Flop{flop},
              {{"tokens", through}, {"out", out}, {"in", in}, {"copies", passed}});
}

/// Width of a key and a value together.
Count core_width(const Architecture& a, const LayerKind& k, const TokenBatch& b, Explain* ex) {
  const LatentAttention& l = a.latent;
  const bool absorbed = flop_parts::is_absorbed(a, k, b);
  const auto width = static_cast<double>(flop_parts::core_width(a, k, absorbed));
  const auto of = [&](std::string_view key, std::int64_t n) { return real(input(ex, key, n)); };
  if (k.mixer == Mixer::attention)
    return note(ex, head_width_formula, width, {{"e", of("model.head_dim", a.head_dim)}});
  const auto rope = of("model.latent.rope_head_dim", l.rope_head_dim);
  if (absorbed)
    return note(ex, absorbed_width_formula, width,
                {{"r", of("model.latent.kv_lora_rank", l.kv_lora_rank)}, {"rope", rope}});
  return note(ex, latent_width_formula, width,
              {{"e", of("model.latent.nope_head_dim", l.nope_head_dim)},
               {"rope", rope},
               {"v", of("model.latent.v_head_dim", l.v_head_dim)}});
}

/// Pairs of queries with the `limit` keys that a window and its sinks leave.
Count window_pairs(const Architecture& a, const LayerKind& k, Count n, Count p, bool is_causal, Explain* ex) {
  const auto w = static_cast<double>(k.window), s = static_cast<double>(a.sink_tokens);
  const Count limit =
      note(ex, limit_formula, w + s,
           {{"w", input(ex, "model.sliding_window", w)}, {"s", input(ex, "model.sink_tokens", s)}});
  const double pairs = attended_pairs(static_cast<std::int64_t>(n.value), static_cast<std::int64_t>(p.value),
                                      k.window, a.sink_tokens, is_causal);
  if (!is_causal) return note(ex, band_formula, pairs, {{"n", n}, {"p", p}, {"l", limit}});
  const Count free = note(ex, free_formula, std::clamp(limit.value - p.value, 0.0, n.value),
                          {{"n", n}, {"p", p}, {"l", limit}});
  return note(ex, window_formula, pairs, {{"n", n}, {"p", p}, {"f", free}, {"l", limit}});
}

/// Query-key pairs of one sequence, its own and those with an encoder's tokens.
Count core_pairs(const Architecture& a, const LayerKind& k, const TokenBatch& b, Explain* ex) {
  const PassCounts c(b, ex);
  const bool is_causal = k.is_causal && !b.full_attention;
  const Count n = k.is_encoder ? c.encoder : c.tokens;
  const Count p =
      k.is_encoder ? number(ex, "cached tokens of an encoder:", 0, "it sees its own tokens") : c.past;
  const double plain =
      attended_pairs(static_cast<std::int64_t>(n.value), static_cast<std::int64_t>(p.value), 0, 0, is_causal);
  const Count own = k.window > 0
                        ? window_pairs(a, k, n, p, is_causal, ex)
                        : note(ex, is_causal ? causal_formula : square_formula, plain, {{"n", n}, {"p", p}});
  if (!k.has_cross_attention) return own;
  return note(ex, cross_formula, own.value + n.value * c.encoder.value,
              {{"own", own}, {"n", n}, {"m", c.encoder}});
}

/// FLOPs of one token through a recurrence.
Count scan_per_token(const Recurrent& r, Explain* ex) {
  const double flop = flop_parts::scan_per_token(r);
  const auto of = [&](std::string_view key, std::int64_t n) {
    return input(ex, "model.recurrent." + std::string(key), static_cast<double>(n));
  };
  const auto inner = of("inner_size", r.inner_size);
  switch (r.kind) {
    case RecurrentKind::mamba:
      return note(ex, mamba_formula, flop, {{"D", inner}, {"N", of("state_size", r.state_size)}});
    case RecurrentKind::mamba2:
      return note(ex, mamba2_formula, flop, {{"D", inner}, {"N", of("state_size", r.state_size)}});
    case RecurrentKind::rwkv4: return note(ex, rwkv4_formula, flop, {{"d", inner}});
    case RecurrentKind::rwkv5:
    case RecurrentKind::rwkv6:
    case RecurrentKind::rwkv7:
      return note(ex, rwkv_formula, flop, {{"d", inner}, {"e", of("head_dim", r.head_dim)}});
    case RecurrentKind::gated_delta:
      return note(ex, delta_formula, flop,
                  {{"H", of("value_heads", r.value_heads)},
                   {"ek", of("key_head_dim", r.key_head_dim)},
                   {"ev", of("value_head_dim", r.value_head_dim)}});
    case RecurrentKind::none: break;
  }
  return number(ex, "no recurrence:", flop, "definition");
}

Traced<Flop> core(const Architecture& a, const LayerKind& k, const TokenBatch& b, Explain* ex) {
  const Flop flop{flop_parts::core(a, k, b)};
  if (k.mixer == Mixer::recurrent)
    return note(ex, scan_formula, flop,
                {{"tokens", passing(flop_parts::layer_tokens(k, b), b, ex)},
                 {"scan", scan_per_token(a.recurrent, ex)}});
  return note(ex, core_formula, flop,
              {{"H", input(ex, "model.heads", a.heads)},
               {"e", core_width(a, k, b, ex)},
               {"B", PassCounts(b, ex).sequences},
               {"pairs", core_pairs(a, k, b, ex)}});
}

Traced<Flop> layer(const Architecture& a, const Inventory& inv, std::size_t kind, const TokenBatch& b,
                   Explain* ex) {
  const LayerKind& k = inv.layers.kinds[kind];
  std::vector<Term> terms;
  Flop total;
  for (const Tensor& t : inv.tensors) {
    if (t.layer_kind != static_cast<std::int16_t>(kind)) continue;
    const double tokens = flop_parts::product_tokens(a, t, k, b);
    if (tokens == 0) continue;
    const Traced<Flop> part = product(a, t, tokens, b, ex);
    total += part.value;
    terms.emplace_back(role_name(t.role), part);
  }
  if (k.mixer != Mixer::none) {
    const Traced<Flop> part = core(a, k, b, ex);
    total += part.value;
    terms.emplace_back("core", part);
  }
  return {total, terms.empty() ? number(ex, "no operators", 0, "definition").node
                               : ex->note(layer_formula, total.value(), Flop::dim, terms)};
}

/// Modules behind the model share its head: each computes logits again.
double head_passes(const Architecture& a, const Tensor& t, bool with_mtp) {
  const bool is_head = t.role == TensorRole::lm_head || t.role == TensorRole::token_embedding;
  return 1 + (with_mtp && is_head && !a.mtp_own_embeddings ? static_cast<double>(a.mtp_layers) : 0);
}

Traced<Flop> explained(const Architecture& a, const Inventory& inv, const TokenBatch& b,
                       std::int64_t head_tokens, bool with_mtp, Explain* ex) {
  std::vector<Term> terms;
  Flop total;
  for (const Tensor& t : inv.tensors) {
    const double tokens = t.layer_kind < 0 ? flop_parts::outer_tokens(a, t, b, head_tokens) : 0;
    if (tokens == 0) continue;
    const Traced<Flop> part = product(a, t, tokens * head_passes(a, t, with_mtp), b, ex);
    total += part.value;
    terms.emplace_back(role_name(t.role), part);
  }
  for (std::size_t k = 0; k < inv.layers.kinds.size(); ++k) {
    if (inv.layers.kinds[k].is_mtp && !with_mtp) continue;
    const auto layers = static_cast<double>(inv.layers.count[k]);
    const Traced<Flop> one = layer(a, inv, k, b, ex);
    const Count count = real(layers_of(a, inv.layers, k, ex));
    const Traced<Flop> part =
        note(ex, layers_formula, layers * one.value, {{"layers", count}, {"flop", one}});
    total += part.value;
    terms.emplace_back("layers", part);
  }
  return {total, ex->note(forward_formula, total.value(), Flop::dim, terms)};
}

Traced<Flop> whole(const Architecture& a, const Inventory& inv, const TokenBatch& b, std::int64_t head_tokens,
                   bool with_mtp, Explain* ex) {
  if (ex) return explained(a, inv, b, head_tokens, with_mtp, ex);
  Flop total;
  for (const Tensor& t : inv.tensors)
    if (t.layer_kind < 0)
      total += Flop{flop_parts::outer(a, t, b, head_tokens) * head_passes(a, t, with_mtp)};
  for (std::size_t k = 0; k < inv.layers.kinds.size(); ++k)
    if (with_mtp || !inv.layers.kinds[k].is_mtp)
      total += static_cast<double>(inv.layers.count[k]) * layer_forward_flop(a, inv, k, b).total();
  return {total, 0};
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
