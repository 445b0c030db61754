#include "tests/model/published_flops.h"

namespace ridge {

namespace {

double real(std::int64_t n) { return static_cast<double>(n); }

/// a·B·s·L·h²·(1 + s/(b h) + V/(c L h)), the shape shared by the Megatron papers.
Traced<Flop> megatron_family(const GptShape& g, const Formula& formula, double factor, double attention,
                             double logits, Explain* ex) {
  const double h = real(g.hidden_size), s = real(g.sequence_length), layers = real(g.layers),
               v = real(g.vocab_size);
  const double value =
      factor * real(g.sequences) * s * layers * h * h * (1 + s / (attention * h) + v / (logits * layers * h));
  return note(ex, formula, Flop{value},
              {{"B", input(ex, "sequences", g.sequences)},
               {"s", input(ex, "sequence_length", g.sequence_length)},
               {"L", input(ex, "model.layers", g.layers)},
               {"h", input(ex, "model.hidden_size", g.hidden_size)},
               {"V", input(ex, "model.vocab_size", g.vocab_size)}});
}

}  // namespace

Traced<FlopPerToken> two_n_flop(Traced<std::int64_t> n, Explain* ex) {
  return note(ex, two_n_formula, FlopPerToken{2 * real(n.value)}, {{"N", n}});
}

Traced<FlopPerToken> six_n_flop(Traced<std::int64_t> n, Explain* ex) {
  return note(ex, six_n_formula, FlopPerToken{6 * real(n.value)}, {{"N", n}});
}

Traced<FlopPerToken> palm_flop(Traced<std::int64_t> n, Traced<std::int64_t> layers,
                               Traced<std::int64_t> heads, Traced<std::int64_t> head_dim,
                               Traced<std::int64_t> context, Explain* ex) {
  const double core = real(layers.value) * real(heads.value) * real(head_dim.value) * real(context.value);
  return note(ex, palm_formula, FlopPerToken{6 * real(n.value) + 12 * core},
              {{"N", n}, {"L", layers}, {"H", heads}, {"Q", head_dim}, {"T", context}});
}

Traced<FlopPerToken> torchtitan_flop(Traced<std::int64_t> n, Traced<std::int64_t> embedding,
                                     Traced<std::int64_t> layers, Traced<std::int64_t> heads,
                                     Traced<std::int64_t> head_dim, Traced<std::int64_t> context,
                                     Explain* ex) {
  const double core = real(layers.value) * real(heads.value) * real(head_dim.value) * real(context.value);
  return note(ex, torchtitan_formula, FlopPerToken{6 * (real(n.value) - real(embedding.value)) + 6 * core},
              {{"N", n}, {"N_emb", embedding}, {"L", layers}, {"H", heads}, {"Q", head_dim}, {"T", context}});
}

Traced<Flop> megatron_recompute_flop(const GptShape& g, Explain* ex) {
  return megatron_family(g, megatron_recompute_formula, 96, 6, 16, ex);
}

Traced<Flop> megatron_model_flop(const GptShape& g, Explain* ex) {
  return megatron_family(g, megatron_formula, 72, 6, 12, ex);
}

Traced<Flop> korthikanti_hardware_flop(const GptShape& g, Explain* ex) {
  return megatron_family(g, korthikanti_hardware_formula, 72, 3, 12, ex);
}

}  // namespace ridge
