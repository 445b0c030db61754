#include "model/inventory.h"

#include <algorithm>

namespace ridge {

namespace {

std::int64_t ceil_divide(std::int64_t n, std::int64_t d) { return d > 0 ? (n + d - 1) / d : n; }

}  // namespace

std::int64_t ElementSums::per_rank(ShardingDegrees d) const {
  return replicated + ceil_divide(tensor, d.tensor) + ceil_divide(key_value, std::min(d.tensor, kv_heads)) +
         ceil_divide(expert, d.expert * d.expert_tensor) + ceil_divide(expert_replicated, d.expert);
}

ElementSums& ElementSums::operator+=(const ElementSums& o) {
  replicated += o.replicated;
  tensor += o.tensor;
  key_value += o.key_value;
  expert += o.expert;
  expert_replicated += o.expert_replicated;
  vectors += o.vectors;
  expert_active += o.expert_active;
  kv_heads = std::max(kv_heads, o.kv_heads);
  return *this;
}

std::int64_t elements_per_rank(const Tensor& t, const Architecture& a, ShardingDegrees d) {
  const std::int64_t copies = t.is_expert ? ceil_divide(t.copies, d.expert) : t.copies;
  const std::int64_t degree = t.is_expert ? d.expert_tensor : d.tensor;
  switch (t.sharding) {
    case Sharding::replicated: return t.out * t.in * copies;
    case Sharding::row: return t.out * ceil_divide(t.in, degree) * copies;
    case Sharding::key_value:
      return ceil_divide(t.out, std::min(degree, std::max<std::int64_t>(1, a.kv_heads))) * t.in * copies;
    case Sharding::column:
    case Sharding::vocabulary: return ceil_divide(t.out, degree) * t.in * copies;
  }
  return t.elements();
}

namespace {

using Count = Traced<std::int64_t>;

constexpr Formula tensor_formula{"model.parameters.tensor", "elements of one tensor over all layers",
                                 "out*in*copies*layers", "definition"};
constexpr Formula total_formula{"model.parameters.total", "parameters", "sum(...)",
                                "sum over the tensor inventory",
                                "a tied table counts once; buffers do not count"};
constexpr Formula active_formula{"model.parameters.active", "parameters that one token passes", "sum(...)",
                                 "sum over the tensor inventory, k of E experts",
                                 "embedding tables count whole"};

Count copies_of(const Tensor& t, const Architecture& a, bool active, Explain* ex) {
  if (!t.is_expert)
    return {t.copies, ex ? constant(ex, "model.copies." + std::to_string(t.copies),
                                    static_cast<double>(t.copies), "equal tensors of one layer")
                               .node
                         : 0};
  if (active) return input(ex, "model.moe.top_k", std::min(a.moe.top_k, t.copies));
  return input(ex, "model.moe.experts", t.copies);
}

Count layers_of(const Tensor& t, const Inventory& inv, Explain* ex) {
  const std::int64_t n =
      t.layer_kind < 0 || inv.shared_layers ? 1 : inv.layers.count[static_cast<std::size_t>(t.layer_kind)];
  if (!ex) return {n, 0};
  Origin origin;
  origin.citation = "layers of this kind, from layers and the pattern of the model";
  const std::string key = t.layer_kind < 0 || inv.shared_layers
                              ? "model.layers_of.once"
                              : "model.layers_of.kind_" + std::to_string(t.layer_kind);
  return {n, ex->input(key, static_cast<double>(n), Dim{}, origin)};
}

Count sum(const Architecture& a, const Inventory& inv, const Formula& formula, bool active, Explain* ex) {
  std::int64_t total = 0;
  std::vector<Term> terms;
  for (const Tensor& t : inv.tensors) {
    const Count layers = layers_of(t, inv, ex), copies = copies_of(t, a, active, ex);
    const std::int64_t n = t.out * t.in * copies.value * layers.value;
    total += n;
    if (!ex) continue;
    const Count part = note(ex, tensor_formula, n,
                            {{"out", extent(a, t.out_extent, ex)},
                             {"in", extent(a, t.in_extent, ex)},
                             {"copies", copies},
                             {"layers", layers}});
    terms.emplace_back(role_name(t.role), part);
  }
  if (!ex) return {total, 0};
  return {total, ex->note(formula, static_cast<double>(total), Dim{}, terms)};
}

}  // namespace

Count parameters(const Architecture& a, const Inventory& inv, Explain* ex) {
  if (!ex) return {inv.parameters, 0};
  return sum(a, inv, total_formula, false, ex);
}

Count active_parameters(const Architecture& a, const Inventory& inv, Explain* ex) {
  if (!ex) return {inv.active_parameters, 0};
  return sum(a, inv, active_formula, true, ex);
}

}  // namespace ridge
