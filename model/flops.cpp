#include "model/flops.h"

#include "model/flop_parts.h"

namespace ridge {

namespace {

Flop& part_of(FlopSums& s, TensorRole r) {
  if (r >= TensorRole::norm && r <= TensorRole::cross_o) return s.attention_products;
  if (r == TensorRole::router) return s.router;
  if (r >= TensorRole::gate && r <= TensorRole::shared_gate) return s.feed_forward;
  if (r >= TensorRole::channel_key && r <= TensorRole::channel_receptance) return s.feed_forward;
  if (r >= TensorRole::ssm_in && r <= TensorRole::time_mix_low_rank) return s.recurrent;
  if (r == TensorRole::mtp_head) return s.head;
  return s.other;
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

FlopSums layer_forward_flop(const Architecture& a, const Inventory& inv, std::size_t kind,
                            const TokenBatch& b) {
  FlopSums sums;
  const LayerKind& k = inv.layers.kinds[kind];
  for (const Tensor& t : inv.tensors)
    if (t.layer_kind == static_cast<std::int16_t>(kind))
      part_of(sums, t.role) += Flop{flop_parts::product(a, t, k, b)};
  (k.mixer == Mixer::recurrent ? sums.recurrent : sums.attention_core) += Flop{flop_parts::core(a, k, b)};
  return sums;
}

FlopSums outer_forward_flop(const Architecture& a, const Inventory& inv, const TokenBatch& b,
                            std::int64_t head_tokens) {
  FlopSums sums;
  for (const Tensor& t : inv.tensors) {
    if (t.layer_kind >= 0) continue;
    const bool is_input = t.role == TensorRole::embedding_projection;
    (is_input ? sums.other : sums.head) += Flop{flop_parts::outer(a, t, b, head_tokens)};
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
    const Flop flop{flop_parts::core(a, k, b)};
    const TensorRole role = k.mixer == Mixer::recurrent ? TensorRole::ssm_out : TensorRole::o;
    if (flop.value() > 0) list.push_back({role, true, kind, flop});
  };
  for (const Tensor& t : inv.tensors) {
    if (t.layer_kind != last_kind) core(last_kind);
    last_kind = t.layer_kind;
    const double flop =
        t.layer_kind < 0
            ? flop_parts::outer(a, t, b, head_tokens)
            : flop_parts::product(a, t, inv.layers.kinds[static_cast<std::size_t>(t.layer_kind)], b);
    if (flop > 0) list.push_back({t.role, false, t.layer_kind, Flop{flop}});
  }
  core(last_kind);
  return list;
}

}  // namespace ridge
