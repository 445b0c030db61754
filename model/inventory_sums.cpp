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

constexpr Formula matrix_formula{"model.tensor.matrix", "elements of a matrix", "out * in", "definition"};
constexpr Formula matrices_formula{"model.tensor.matrices", "elements of equal matrices of a layer",
                                   "copies * out * in", "definition"};
constexpr Formula vectors_formula{"model.tensor.vectors", "elements of equal vectors of a layer",
                                  "copies * n", "definition"};
constexpr Formula layers_formula{"model.parameters.tensor", "elements of one tensor over all layers",
                                 "n * layers", "definition"};
constexpr Formula group_formula{"model.tensors", "elements of the tensors that are divided alike", "sum(...)",
                                "sum over the tensor inventory (ridge model --tensors)"};
constexpr Formula total_formula{"model.parameters.total", "parameters", "sum(...)",
                                "sum over the tensor inventory",
                                "a tied table counts once; buffers do not count"};
constexpr Formula active_formula{"model.parameters.active", "parameters that one token passes", "sum(...)",
                                 "sum over the tensor inventory, k of E experts",
                                 "embedding tables count whole"};

}  // namespace

Count tensor_copies(const Architecture& a, const Tensor& t, Explain* ex) {
  if (t.is_expert) return input(ex, "model.moe.experts", t.copies);
  if (t.role == TensorRole::norm && t.copies == a.norms_per_layer)
    return input(ex, "model.norms_per_layer", t.copies);
  if (!ex) return {t.copies, 0};
  const std::string key =
      "equal tensors of a layer, " + std::string(role_name(t.role)) + ": " + std::to_string(t.copies);
  return {t.copies,
          constant(ex, key, static_cast<double>(t.copies), "publisher's modelling code (model/inventory.h)")
              .node};
}

namespace {

Count elements_of(const Architecture& a, const Tensor& t, bool active, Explain* ex) {
  const Count out = extent(a, t.out_extent, ex);
  if (!t.is_expert && t.copies == 1) {
    if (t.is_vector()) return out;
    return note(ex, matrix_formula, t.out * t.in, {{"out", out}, {"in", extent(a, t.in_extent, ex)}});
  }
  const Count copies = t.is_expert && active ? input(ex, "model.moe.top_k", std::min(a.moe.top_k, t.copies))
                                             : tensor_copies(a, t, ex);
  const std::int64_t n = t.out * t.in * copies.value;
  if (t.is_vector()) return note(ex, vectors_formula, n, {{"copies", copies}, {"n", out}});
  return note(ex, matrices_formula, n,
              {{"copies", copies}, {"out", out}, {"in", extent(a, t.in_extent, ex)}});
}

Count sum(const Architecture& a, const Inventory& inv, const Formula& formula, bool active, Explain* ex) {
  std::int64_t total = 0;
  std::vector<Term> terms;
  for (const Tensor& t : inv.tensors) {
    Count part = elements_of(a, t, active, ex);
    if (t.layer_kind >= 0 && !inv.shared_layers) {
      const Count layers = layers_of(a, inv.layers, static_cast<std::size_t>(t.layer_kind), ex);
      part = note(ex, layers_formula, part.value * layers.value, {{"n", part}, {"layers", layers}});
    }
    total += part.value;
    if (ex) terms.emplace_back(role_name(t.role), part);
  }
  if (!ex) return {total, 0};
  return {total, ex->note(formula, static_cast<double>(total), Dim{}, terms)};
}

}  // namespace

Count tensor_elements(const Architecture& a, const Tensor& t, Explain* ex) {
  return elements_of(a, t, false, ex);
}

Count group_elements(const Architecture& a, const Inventory& inv, int group, Divider by, Explain* ex) {
  std::int64_t total = 0;
  std::vector<Term> terms;
  for (const Tensor& t : tensors_of(inv, group)) {
    if (divider(t) != by) continue;
    total += t.elements();
    if (ex) terms.emplace_back(role_name(t.role), tensor_elements(a, t, ex));
  }
  if (!ex) return {total, 0};
  if (terms.empty()) return {0, constant(ex, "no such tensor", 0.0, "tensor inventory").node};
  return {total, ex->note(group_formula, static_cast<double>(total), Dim{}, terms)};
}

Count parameters(const Architecture& a, const Inventory& inv, Explain* ex) {
  if (!ex) return {inv.parameters, 0};
  return sum(a, inv, total_formula, false, ex);
}

Count active_parameters(const Architecture& a, const Inventory& inv, Explain* ex) {
  if (!ex) return {inv.active_parameters, 0};
  return sum(a, inv, active_formula, true, ex);
}

}  // namespace ridge
