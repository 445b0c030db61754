#include "model/adapters.h"

#include <algorithm>

namespace ridge {

namespace {

constexpr Formula pair_formula{"model.adapter", "elements of the adapters of one matrix over all layers",
                               "r*(out + in)*copies*layers", "Hu et al. 2021, arXiv:2106.09685, section 4.1"};
constexpr Formula total_formula{"model.adapters", "elements of all adapters", "sum(...)",
                                "sum over adapted matrices"};

bool is_attention(TensorRole r) {
  return (r >= TensorRole::q && r <= TensorRole::cross_o && r != TensorRole::qk_norm &&
          r != TensorRole::sinks && r != TensorRole::q_a_norm && r != TensorRole::kv_a_norm) ||
         r == TensorRole::ssm_in || r == TensorRole::ssm_out || r == TensorRole::time_mix ||
         r == TensorRole::time_mix_out;
}

bool is_feed_forward(TensorRole r) {
  return (r >= TensorRole::gate && r <= TensorRole::shared_down && r != TensorRole::router) ||
         (r >= TensorRole::channel_key && r <= TensorRole::channel_receptance);
}

}  // namespace

std::vector<TensorRole> adapter_targets(std::string_view name) {
  std::vector<TensorRole> roles;
  const bool all = name == "all-linear";
  while (!name.empty()) {
    const std::string_view word = name.substr(0, name.find('+'));
    name.remove_prefix(std::min(name.size(), word.size() + 1));
    const std::size_t before = roles.size();
    for (std::size_t i = 0; i < num_tensor_roles; ++i) {
      const auto r = static_cast<TensorRole>(i);
      const bool named = word == role_name(r) && (is_attention(r) || is_feed_forward(r));
      if (named || ((all || word == "attention") && is_attention(r)) ||
          ((all || word == "feed-forward") && is_feed_forward(r)))
        roles.push_back(r);
    }
    if (roles.size() == before) return {};
  }
  return roles;
}

Traced<std::int64_t> adapter_elements(const Inventory& inv, const std::vector<TensorRole>& targets,
                                      std::int64_t rank, Explain* ex) {
  std::int64_t total = 0;
  std::vector<Term> terms;
  const auto number = [&](std::string_view what, std::int64_t n) {
    const std::string key =
        ex ? "model.adapters." + std::string(what) + "_" + std::to_string(n) : std::string{};
    return Traced<std::int64_t>{n, constant(ex, key, static_cast<double>(n), "tensor inventory").node};
  };
  for (const Tensor& t : inv.tensors) {
    if (t.layer_kind < 0 || t.is_vector() ||
        std::find(targets.begin(), targets.end(), t.role) == targets.end())
      continue;
    const std::int64_t layers =
        inv.shared_layers ? 1 : inv.layers.count[static_cast<std::size_t>(t.layer_kind)];
    const std::int64_t n = rank * (t.out + t.in) * t.copies * layers;
    total += n;
    if (!ex) continue;
    terms.emplace_back(role_name(t.role), note(ex, pair_formula, n,
                                               {{"r", input(ex, "training.lora_rank", rank)},
                                                {"out", number("out", t.out)},
                                                {"in", number("in", t.in)},
                                                {"copies", number("copies", t.copies)},
                                                {"layers", number("layers", layers)}}));
  }
  if (!ex) return {total, 0};
  if (terms.empty()) return {0, constant(ex, "model.adapters.none", 0.0, "no matrix is adapted").node};
  return {total, ex->note(total_formula, static_cast<double>(total), Dim{}, terms)};
}

}  // namespace ridge
