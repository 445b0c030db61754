#include "sim/layer_time.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula columns_formula{
    "operators.product.columns", "columns of a product on one device",
    "by_tensor / t + by_kv / min(t, K) + whole",
    "Shoeybi et al. 2019, arXiv:1909.08053, section 3: column-parallel products"};
constexpr Formula divided_formula{
    "operators.product.divided", "columns of a product on one device", "columns / t",
    "Shoeybi et al. 2019, arXiv:1909.08053, section 3: column-parallel products"};
constexpr Formula depth_formula{"operators.product.depth",
                                "inner size of a row-parallel product on one device", "size / t",
                                "Shoeybi et al. 2019, arXiv:1909.08053, section 3: row-parallel products"};
constexpr Formula sum_formula{"operators.product.fused_columns", "columns of products that share an input",
                              "sum(...)", "definition"};
constexpr Formula copies_formula{"operators.product.copies", "columns of equal products side by side",
                                 "copies * out", "definition"};

using T = Traced<std::int64_t>;

/// Columns of a tensor; those of equal tensors that are no experts stand side by side.
T columns_of(Explain* ex, const Architecture& a, const Tensor& t) {
  const T out = extent(a, t.out_extent, ex);
  if (t.is_expert || t.copies == 1) return out;
  return note(ex, copies_formula, t.copies * t.out, {{"copies", tensor_copies(a, t, ex)}, {"out", out}});
}

T sum_of(Explain* ex, const Architecture& a, const Product& p, Sharding from, Sharding to) {
  std::vector<Term> terms;
  std::int64_t total = 0;
  T last{0, 0};
  for (const Tensor& t : p.parts) {
    if (t.sharding < from || t.sharding > to) continue;
    last = columns_of(ex, a, t);
    terms.emplace_back(role_name(t.role), last);
    total += last.value;
  }
  if (terms.size() == 1) return last;
  if (terms.empty()) return {0, constant(ex, "no columns of this kind", 0.0, "tensor inventory").node};
  return {total, ex->note(sum_formula, static_cast<double>(total), Dim{}, terms)};
}

}  // namespace

Traced<double> product_columns(const Product& p, const Architecture& a, const ParallelPlan& plan,
                               Explain* ex) {
  const std::int64_t degree = p.is_expert ? plan.expert_tensor : plan.tensor;
  const auto t = static_cast<double>(degree);
  const double kv = std::min(t, static_cast<double>(std::max<std::int64_t>(a.kv_heads, 1)));
  const double value = static_cast<double>(p.out_by_tensor) / t + static_cast<double>(p.out_by_kv) / kv +
                       static_cast<double>(p.out_whole);
  if (!ex) return {value, 0};
  T by_tensor{}, by_kv = sum_of(ex, a, p, Sharding::key_value, Sharding::key_value);
  T whole = sum_of(ex, a, p, Sharding::replicated, Sharding::replicated);
  by_tensor = sum_of(ex, a, p, Sharding::column, Sharding::column);
  if (p.out_by_tensor > 0 && by_tensor.value == 0)
    by_tensor = sum_of(ex, a, p, Sharding::vocabulary, Sharding::vocabulary);
  if (p.in_by_tensor) whole = sum_of(ex, a, p, Sharding::row, Sharding::row);
  const auto d = input(ex, p.is_expert ? "parallel.expert_tensor" : "parallel.tensor", degree);
  if (by_tensor.value == 0 && by_kv.value == 0) return {value, whole.node};
  if (by_kv.value == 0 && whole.value == 0)
    return note(ex, divided_formula, value, {{"columns", by_tensor}, {"t", d}});
  return note(ex, columns_formula, value,
              {{"by_tensor", by_tensor},
               {"by_kv", by_kv},
               {"whole", whole},
               {"t", d},
               {"K", input(ex, "model.kv_heads", std::max<std::int64_t>(a.kv_heads, 1))}});
}

Traced<double> product_depth(const Product& p, const Architecture& a, const ParallelPlan& plan, Explain* ex) {
  const std::int64_t degree = !p.in_by_tensor ? 1 : p.is_expert ? plan.expert_tensor : plan.tensor;
  const double value = static_cast<double>(p.in) / static_cast<double>(degree);
  if (!ex) return {value, 0};
  const T size = extent(a, p.parts.front().in_extent, ex);
  if (!p.in_by_tensor) return {value, size.node};
  return note(
      ex, depth_formula, value,
      {{"size", size}, {"t", input(ex, p.is_expert ? "parallel.expert_tensor" : "parallel.tensor", degree)}});
}

}  // namespace ridge
