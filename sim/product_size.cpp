#include "sim/layer_time.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula columns_formula{
    "operators.product.columns", "columns of a product on one device",
    "by_tensor / t + by_kv / min(t, K) + whole",
    "Shoeybi et al. 2019, arXiv:1909.08053, section 3: column-parallel products"};
constexpr Formula depth_formula{"operators.product.depth",
                                "inner size of a row-parallel product on one device", "size / t",
                                "Shoeybi et al. 2019, arXiv:1909.08053, section 3: row-parallel products"};
constexpr Formula sum_formula{"operators.product.fused_columns", "columns of products that share an input",
                              "sum(...)", "definition"};
constexpr Formula heads_size{"model.size.heads", "width of all heads", "n * e", "definition"};
constexpr Formula latent_heads_size{"model.size.latent_heads", "width of all heads of a latent projection",
                                    "n * (e + x)", "DeepSeek-V2, arXiv:2405.04434, section 2.1"};
constexpr Formula latent_kv_size{"model.size.latent_kv", "width of the compressed key-value projection",
                                 "r + x", "DeepSeek-V2, arXiv:2405.04434, section 2.1"};

using T = Traced<std::int64_t>;

/// Rows (`is_out`) or columns of a tensor, from the architecture's own sizes where the rule is short.
T tensor_size(Explain* ex, const Architecture& a, const Tensor& t, bool is_out) {
  auto in = [&](std::string_view key, std::int64_t v) { return input(ex, key, v); };
  const T d = in("model.hidden_size", a.hidden_size);
  auto heads = [&](std::string_view key, std::int64_t n, std::string_view dim_key, std::int64_t dim) {
    return note(ex, heads_size, n * dim, {{"n", in(key, n)}, {"e", in(dim_key, dim)}});
  };
  auto latent_heads = [&](std::string_view first, std::int64_t e, std::string_view second, std::int64_t x) {
    return note(ex, latent_heads_size, a.heads * (e + x),
                {{"n", in("model.heads", a.heads)}, {"e", in(first, e)}, {"x", in(second, x)}});
  };
  const LatentAttention& l = a.latent;
  const bool is_latent = l.kv_lora_rank > 0;
  T size{0, 0};
  switch (t.role) {
    case TensorRole::q:
    case TensorRole::cross_q:
      if (!is_out) size = d;
      else if (is_latent)
        size = latent_heads("model.latent.nope_head_dim", l.nope_head_dim, "model.latent.rope_head_dim",
                            l.rope_head_dim);
      else size = heads("model.heads", a.heads, "model.head_dim", a.head_dim);
      break;
    case TensorRole::k:
    case TensorRole::v:
    case TensorRole::cross_k:
    case TensorRole::cross_v:
      size = is_out ? heads("model.kv_heads", a.kv_heads, "model.head_dim", a.head_dim) : d;
      break;
    case TensorRole::o:
    case TensorRole::cross_o:
      if (is_out) size = d;
      else if (is_latent) size = heads("model.heads", a.heads, "model.latent.v_head_dim", l.v_head_dim);
      else size = heads("model.heads", a.heads, "model.head_dim", a.head_dim);
      break;
    case TensorRole::q_a: size = is_out ? in("model.latent.q_lora_rank", l.q_lora_rank) : d; break;
    case TensorRole::q_b:
      size = is_out ? latent_heads("model.latent.nope_head_dim", l.nope_head_dim,
                                   "model.latent.rope_head_dim", l.rope_head_dim)
                    : in("model.latent.q_lora_rank", l.q_lora_rank);
      break;
    case TensorRole::kv_a:
      size = is_out ? note(ex, latent_kv_size, l.kv_lora_rank + l.rope_head_dim,
                           {{"r", in("model.latent.kv_lora_rank", l.kv_lora_rank)},
                            {"x", in("model.latent.rope_head_dim", l.rope_head_dim)}})
                    : d;
      break;
    case TensorRole::kv_b:
      size = is_out ? latent_heads("model.latent.nope_head_dim", l.nope_head_dim, "model.latent.v_head_dim",
                                   l.v_head_dim)
                    : in("model.latent.kv_lora_rank", l.kv_lora_rank);
      break;
    case TensorRole::gate:
    case TensorRole::up: size = is_out ? in("model.ffn_hidden_size", a.ffn_hidden_size) : d; break;
    case TensorRole::down: size = is_out ? d : in("model.ffn_hidden_size", a.ffn_hidden_size); break;
    case TensorRole::router: size = is_out ? in("model.moe.experts", a.moe.experts) : d; break;
    case TensorRole::expert_gate:
    case TensorRole::expert_up:
      size = is_out ? in("model.moe.ffn_hidden_size", a.moe.ffn_hidden_size) : d;
      break;
    case TensorRole::expert_down:
      size = is_out ? d : in("model.moe.ffn_hidden_size", a.moe.ffn_hidden_size);
      break;
    case TensorRole::token_embedding:
    case TensorRole::lm_head: size = is_out ? in("model.vocab_size", a.vocab_size) : d; break;
    default: break;
  }
  const std::int64_t exact = is_out ? t.out * (t.is_expert ? 1 : t.copies) : t.in;
  if (size.node != 0 && size.value == exact) return size;
  std::string key = "model.tensor." + std::string(role_name(t.role)) + (is_out ? ".out" : ".in");
  return {exact,
          ex->input(key, static_cast<double>(exact), Dim{},
                    Origin{Origin::Kind::definition, {}, "tensor inventory (ridge model --tensors)", {}})};
}

T sum_of(Explain* ex, const Architecture& a, const Product& p, Sharding from, Sharding to) {
  std::vector<Term> terms;
  std::int64_t total = 0;
  T last{0, 0};
  for (const Tensor& t : p.parts) {
    if (t.sharding < from || t.sharding > to) continue;
    last = tensor_size(ex, a, t, true);
    terms.emplace_back(role_name(t.role), last);
    total += last.value;
  }
  if (terms.size() == 1) return last;
  if (terms.empty())
    return constant(ex, "zero", 0.0, "definition").node ? T{0, constant(ex, "zero", 0.0, "definition").node}
                                                        : T{};
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
  return note(ex, columns_formula, value,
              {{"by_tensor", by_tensor},
               {"by_kv", by_kv},
               {"whole", whole},
               {"t", input(ex, p.is_expert ? "parallel.expert_tensor" : "parallel.tensor", degree)},
               {"K", input(ex, "model.kv_heads", std::max<std::int64_t>(a.kv_heads, 1))}});
}

Traced<double> product_depth(const Product& p, const Architecture& a, const ParallelPlan& plan, Explain* ex) {
  const std::int64_t degree = !p.in_by_tensor ? 1 : p.is_expert ? plan.expert_tensor : plan.tensor;
  const double value = static_cast<double>(p.in) / static_cast<double>(degree);
  if (!ex) return {value, 0};
  const T size = tensor_size(ex, a, p.parts.front(), false);
  if (!p.in_by_tensor) return {value, size.node};
  return note(
      ex, depth_formula, value,
      {{"size", size}, {"t", input(ex, p.is_expert ? "parallel.expert_tensor" : "parallel.tensor", degree)}});
}

}  // namespace ridge
