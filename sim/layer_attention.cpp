#include "sim/layer_runner.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula per_rank_heads{"operators.attention.heads", "heads on one device", "H / min(t, H)",
                                 "Shoeybi et al. 2019, arXiv:1909.08053: attention is divided by heads"};
constexpr Formula scan_bytes{"operators.scan.bytes", "bytes a recurrent scan moves", "6 * tokens * q * a",
                             "Gu and Dao 2023, arXiv:2312.00752, section 3.3",
                             "inputs, gates and outputs cross memory once"};

}  // namespace

void LayerRunner::run_core(const Core& core) {
  m_ = n_ = k_ = 0;
  if (core.kind == Core::Kind::scan) return run_scan();
  const SoftwareStack& stack = c_.prepared.scenario.software;
  AttentionShape s = attention_shape(core);
  if (stack.attention == AttentionKernel::unfused && !c_.batch.is_decode) return run_unfused(s);
  forward(
      TimeClass::attention, OperatorKind::attention, "attention.core",
      attention_cost(s, c_.batch.is_decode ? AttentionPass::decode : AttentionPass::prefill, c_.rates, ex_),
      1);
  if (c_.has_backward)
    backward(TimeClass::attention, OperatorKind::attention, "attention.core",
             attention_cost(s, AttentionPass::backward, c_.rates, ex_), 1);
  if (plan_.context <= 1 || kind_index_ < 0) return;
  if (c_.batch.is_decode) run_combine(s);
  else run_ring(s);
}

Traced<double> LayerRunner::count(std::string_view key, std::int64_t v) {
  return input(ex_, key, static_cast<double>(v));
}

AttentionShape LayerRunner::attention_shape(const Core& core) {
  const bool is_latent = core.kind == Core::Kind::latent, is_absorbed = is_latent && c_.batch.is_decode;
  const auto t = count("parallel.tensor", plan_.tensor);
  const auto per_rank = [&](Traced<double> heads) {
    return note(ex_, per_rank_heads, heads.value / std::min(t.value, heads.value), {{"H", heads}, {"t", t}});
  };
  AttentionShape s;
  s.sequences = c_.batch.sequences;
  s.heads = per_rank(count("model.heads", a_.heads));
  s.kv_heads = is_latent && !is_absorbed ? s.heads
               : is_absorbed             ? c_.rates.one
                             : per_rank(count("model.kv_heads", std::max<std::int64_t>(a_.kv_heads, 1)));
  s.pairs = core_pairs(core);
  s.query_tokens = c_.batch.query_tokens;
  s.key_tokens = core.is_cross ? c_.batch.encoder_tokens : attended_tokens();
  if (plan_.context > 1 && c_.batch.is_decode) {
    static constexpr Formula shard{"operators.attention.keys_local",
                                   "cached keys on one context-parallel rank", "n / c",
                                   "definition: decoding splits the cache of each sequence"};
    s.key_tokens = note(ex_, shard, s.key_tokens.value / static_cast<double>(plan_.context),
                        {{"n", s.key_tokens}, {"c", count("parallel.context", plan_.context)}});
  }
  s.activation = c_.batch.activation;
  s.cache = c_.batch.cache;
  s.is_shared_key_value = is_absorbed;
  set_head_widths(s, is_latent, is_absorbed);
  return s;
}

Traced<double> LayerRunner::core_pairs(const Core& core) {
  static constexpr Formula cross{"operators.attention.pairs_cross", "pairs of decoder and encoder tokens",
                                 "n * T", "Vaswani et al. 2017, arXiv:1706.03762, section 3.2.3"};
  static constexpr Formula divided{"operators.attention.pairs_local",
                                   "query-key pairs on one context-parallel rank", "pairs / c",
                                   "Brandon et al. 2023, arXiv:2311.09431: balanced (striped) order"};
  const Traced<double> fresh = c_.batch.new_tokens, memory = c_.batch.encoder_tokens;
  const auto pairs =
      core.is_cross
          ? note(ex_, cross, fresh.value * memory.value, {{"n", fresh}, {"T", memory}})
          : attention_pairs(c_.batch, kind_, a_.sink_tokens, c_.prepared.scenario.software.causal_skip, ex_);
  if (plan_.context <= 1) return pairs;
  return note(ex_, divided, pairs.value / static_cast<double>(plan_.context),
              {{"pairs", pairs}, {"c", count("parallel.context", plan_.context)}});
}

void LayerRunner::set_head_widths(AttentionShape& s, bool is_latent, bool is_absorbed) {
  static constexpr Formula latent_key{"operators.attention.latent_key", "width of a cached latent key",
                                      "r + x", "DeepSeek-V2, arXiv:2405.04434, section 2.1.3"};
  static constexpr Formula key_width{"operators.attention.key_width", "width of an expanded latent key",
                                     "e + x", "DeepSeek-V2, arXiv:2405.04434"};
  const LatentAttention& l = a_.latent;
  if (!is_latent) {
    s.key_dim = s.value_dim = count("model.head_dim", a_.head_dim);
    return;
  }
  const auto x = count("model.latent.rope_head_dim", l.rope_head_dim);
  if (is_absorbed) {
    s.value_dim = count("model.latent.kv_lora_rank", l.kv_lora_rank);
    s.key_dim = note(ex_, latent_key, s.value_dim.value + x.value, {{"r", s.value_dim}, {"x", x}});
    return;
  }
  const auto e = count("model.latent.nope_head_dim", l.nope_head_dim);
  s.key_dim = note(ex_, key_width, e.value + x.value, {{"e", e}, {"x", x}});
  s.value_dim = count("model.latent.v_head_dim", l.v_head_dim);
}

Traced<double> LayerRunner::attended_tokens() {
  static constexpr Formula all{"operators.attention.keys", "keys one sequence attends to", "past + new",
                               "definition"};
  static constexpr Formula limited{
      "operators.attention.keys_window", "keys one sequence attends to",
      "min(past + new, max(W + sinks, new))",
      "Beltagy et al. 2020, arXiv:2004.05150: a window limits the keys of a token"};
  const Traced<double> past = c_.batch.past, fresh = c_.batch.new_tokens;
  const double total = past.value + fresh.value;
  if (kind_.window == 0) return note(ex_, all, total, {{"past", past}, {"new", fresh}});
  const auto window = input(ex_, "model.sliding_window", static_cast<double>(kind_.window));
  const auto sinks = input(ex_, "model.sink_tokens", static_cast<double>(a_.sink_tokens));
  return note(ex_, limited, std::min(total, std::max(window.value + sinks.value, fresh.value)),
              {{"past", past}, {"new", fresh}, {"W", window}, {"sinks", sinks}});
}

void LayerRunner::run_scan() {
  Traced<double> q{table_[Width::q], 0};
  if (ex_)
    q.node =
        ex_->input("inner width of the recurrence", q.value, Dim{},
                   Origin{Origin::Kind::definition, {}, "model.recurrent: expand times the model width", {}});
  const Bytes bytes{6 * c_.batch.tokens.value * q.value * c_.batch.activation.value.value()};
  const auto traced =
      note(ex_, scan_bytes, bytes, {{"tokens", c_.batch.tokens}, {"q", q}, {"a", c_.batch.activation}});
  const KernelCost cost = pass_cost(c_.rates.one, traced, c_.rates, ex_);
  forward(TimeClass::attention, OperatorKind::attention, "recurrent.scan", cost, 1);
  for (int i = 0; i < 2; ++i)
    backward(TimeClass::attention, OperatorKind::attention, "recurrent.scan", cost, 1);
}

void LayerRunner::run_unfused(const AttentionShape& s) {
  static constexpr Formula batches{"operators.attention.batches", "independent attention products", "S * H",
                                   "definition"};
  const auto count =
      note(ex_, batches, s.sequences.value * s.heads.value, {{"S", s.sequences}, {"H", s.heads}});
  const ProductShape scores{s.query_tokens, s.key_tokens, s.key_dim,   count,
                            s.activation,   s.activation, s.activation};
  const ProductShape values{s.query_tokens, s.value_dim,  s.key_tokens, count,
                            s.activation,   s.activation, s.activation};
  for (const auto& [name, shape] : {std::pair{std::string_view("attention.scores"), scores},
                                    std::pair{std::string_view("attention.values"), values}}) {
    set_shape(shape.m.value, shape.n.value, shape.k.value);
    const KernelCost cost = product_cost(shape, c_.rates, ex_);
    forward(TimeClass::attention, OperatorKind::attention, name, cost, 1);
    for (int i = 0; i < 2; ++i) backward(TimeClass::attention, OperatorKind::attention, name, cost, 1);
  }
}

Traced<double> attention_pairs(const MicroBatch& b, const LayerKind& kind, std::int64_t sinks,
                               bool causal_skip, Explain* ex) {
  static constexpr Formula causal{"operators.attention.pairs_causal", "query-key pairs under a causal mask",
                                  "n * p + n * (n + 1) / 2", "definition: token i sees p + i + 1 keys"};
  static constexpr Formula windowed{"operators.attention.pairs_window",
                                    "query-key pairs under a causal mask and a window",
                                    "a * p + a * (a + 1) / 2 + (n - a) * (W + sinks)",
                                    "definition: token i sees min(p + i + 1, W + sinks) keys"};
  static constexpr Formula inside{"operators.attention.inside_window", "new tokens that still see everything",
                                  "max(0, min(n, W + sinks - p))", "definition"};
  static constexpr Formula square{"operators.attention.pairs_full", "query-key pairs without a mask",
                                  "n * (p + n)", "definition"};
  static constexpr Formula limited{"operators.attention.pairs_band",
                                   "query-key pairs of a band without skipped tiles",
                                   "n * min(p + n, W + sinks)", "definition"};
  const bool is_causal = kind.is_causal && causal_skip;
  const Traced<double> n = b.new_tokens, p = b.past;
  if (kind.window == 0) {
    if (!is_causal) return note(ex, square, n.value * (p.value + n.value), {{"n", n}, {"p", p}});
    return note(ex, causal, n.value * p.value + n.value * (n.value + 1) / 2, {{"n", n}, {"p", p}});
  }
  const auto window = input(ex, "model.sliding_window", static_cast<double>(kind.window));
  const auto s = input(ex, "model.sink_tokens", static_cast<double>(sinks));
  const double seen = window.value + s.value;
  if (!is_causal)
    return note(ex, limited, n.value * std::min(p.value + n.value, seen),
                {{"n", n}, {"p", p}, {"W", window}, {"sinks", s}});
  const auto a = note(ex, inside, std::max(0.0, std::min(n.value, seen - p.value)),
                      {{"n", n}, {"W", window}, {"sinks", s}, {"p", p}});
  return note(ex, windowed, a.value * p.value + a.value * (a.value + 1) / 2 + (n.value - a.value) * seen,
              {{"a", a}, {"p", p}, {"n", n}, {"W", window}, {"sinks", s}});
}

}  // namespace ridge
