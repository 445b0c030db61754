#include "calibrate/fit/law.h"

namespace ridge {
namespace {

Work gemm_work(const Measurement& x) {
  const double m = x.size("m"), n = x.size("n"), k = x.size("k"), count = x.size("count", 1);
  const double a = x.size("activation_bytes", 2), w = x.size("weight_bytes", 2),
               o = x.size("output_bytes", a);
  return {Flop{2 * m * n * k * count}, Bytes{count * (m * k * a + n * k * w + m * n * o)}};
}

/// Pairs of query and key that are computed: the queries are the last of the keys.
double pairs(double queries, double keys, bool is_causal) {
  return is_causal ? queries * (keys - queries) + queries * (queries + 1) / 2 : queries * keys;
}

Work attention_work(const Measurement& x, double queries) {
  const double batch = x.size("batch"), heads = x.size("heads"), kv_heads = x.size("kv_heads", heads);
  const double d = x.size("head_dim"), keys = x.size("key_tokens");
  const double a = x.size("activation_bytes", 2), c = x.size("cache_bytes", a);
  const bool is_causal = queries > 1 && x.size("causal", 1) > 0;
  return {Flop{4 * batch * heads * d * pairs(queries, keys, is_causal)},
          Bytes{2 * batch * d * (heads * queries * a + kv_heads * keys * c)}};
}

/// Five products where the forward pass has two (the scores are computed again), and queries, outputs and their
/// gradients, keys, values and their gradients each passed once.
Work attention_backward_work(const Measurement& x) {
  const Work forward = attention_work(x, x.size("query_tokens"));
  return {2.5 * forward.flops, 2.0 * forward.bytes};
}

/// Every head scores the whole of a token's compressed key and sums its latent part.
Work latent_attention_work(const Measurement& x) {
  const double heads = x.size("batch") * x.size("heads"), keys = x.size("key_tokens");
  const double d = x.size("head_dim"), latent = x.size("latent_dim"), a = x.size("activation_bytes", 2);
  return {Flop{2 * heads * keys * (d + latent)},
          Bytes{x.size("batch") * keys * d * x.size("cache_bytes", a) + heads * (d + latent) * a}};
}

}  // namespace

std::optional<Work> work_of(const Measurement& x) {
  if (x.family == "gemm") return gemm_work(x);
  if (x.family == "attention_prefill") return attention_work(x, x.size("query_tokens"));
  if (x.family == "attention_decode") {
    Work w = attention_work(x, 1);
    w.units = x.size("batch") * x.size("kv_heads", x.size("heads"));
    return w;
  }
  if (x.family == "attention_backward") return attention_backward_work(x);
  if (x.family == "attention_latent") return latent_attention_work(x);
  if (x.family == "pointwise") return Work{Flop{}, Bytes{x.size("bytes")}};
  return std::nullopt;
}

}  // namespace ridge
