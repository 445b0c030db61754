#include "model/adapters.h"

#include <algorithm>

namespace ridge {

namespace {

constexpr std::string_view lora = "Hu et al. 2021, arXiv:2106.09685, section 4.1";
constexpr Formula whole_formula{"adapter.matrix", "elements of the adapters of one matrix", "r * (in + out)",
                                lora};
constexpr Formula column_formula{"adapter.matrix.column",
                                 "elements of the adapters of one matrix on a device", "r * (in + out / t)",
                                 lora};
constexpr Formula row_formula{"adapter.matrix.row", "elements of the adapters of one matrix on a device",
                              "r * (in / t + out)", lora};
constexpr Formula layer_formula{"adapter.layer", "elements of the adapters of one layer on a device",
                                "sum(...)", "sum over adapted matrices"};
constexpr Formula layers_formula{"adapter.layers", "elements of the adapters of equal layers", "n * x",
                                 "definition"};
constexpr Formula total_formula{"adapter.total", "elements of all adapters", "sum(...)", "sum over layers"};

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

template <class Is> bool any_role(const AdapterTargets& targets, Is is) {
  for (std::size_t i = 0; i < num_tensor_roles; ++i)
    if (targets.roles[i] && is(static_cast<TensorRole>(i))) return true;
  return false;
}

}  // namespace

bool AdapterTargets::has_attention() const { return any_role(*this, is_attention); }
bool AdapterTargets::has_feed_forward() const { return any_role(*this, is_feed_forward); }

AdapterTargets adapter_targets(std::string_view name) {
  AdapterTargets targets;
  while (!name.empty()) {
    const std::string_view word = name.substr(0, name.find('+'));
    name.remove_prefix(std::min(name.size(), word.size() + 1));
    const bool all = word == "all-linear";
    bool is_known = false;
    for (std::size_t i = 0; i < num_tensor_roles; ++i) {
      const auto r = static_cast<TensorRole>(i);
      const bool named = word == role_name(r) && (is_attention(r) || is_feed_forward(r));
      if (!named && !((all || word == "attention") && is_attention(r)) &&
          !((all || word == "feed-forward") && is_feed_forward(r)))
        continue;
      targets.roles[i] = is_known = true;
    }
    if (!is_known) return {};
  }
  return targets;
}

Traced<Elements> adapter_elements(const Architecture& a, const Tensor& w, std::int64_t rank, Traced<double> t,
                                  Explain* ex) {
  const bool is_row = w.sharding == Sharding::row, is_cut = is_row || w.sharding != Sharding::replicated;
  const double r = static_cast<double>(rank), in = static_cast<double>(w.in),
               out = static_cast<double>(w.out);
  const Elements n{is_row ? r * (in / t.value + out) : r * (in + out / (is_cut ? t.value : 1))};
  if (!ex) return {n, 0};
  const auto rows = input(ex, "training.lora_rank", rank);
  const auto from = extent(a, w.in_extent, ex), to = extent(a, w.out_extent, ex);
  if (!is_cut || t.value == 1) return note(ex, whole_formula, n, {{"r", rows}, {"in", from}, {"out", to}});
  return note(ex, is_row ? row_formula : column_formula, n,
              {{"r", rows}, {"in", from}, {"out", to}, {"t", t}});
}

Traced<Elements> adapter_elements(const Architecture& a, const Inventory& inv, std::size_t kind,
                                  const AdapterTargets& targets, std::int64_t rank, Traced<double> t,
                                  Explain* ex) {
  Elements total{0};
  std::vector<Term> terms;
  for (const Tensor& w : tensors_of(inv, static_cast<int>(kind))) {
    if (!targets.is_adapted(w)) continue;
    const auto n = adapter_elements(a, w, rank, t, ex);
    total += n.value;
    if (ex) terms.emplace_back(role_name(w.role), n);
  }
  if (!ex) return {total, 0};
  if (terms.empty()) return constant(ex, "no adapted matrix", Elements{0}, "training.lora_targets");
  return {total, ex->note(layer_formula, total.value(), Elements::dim, terms)};
}

Traced<std::int64_t> adapter_elements(const Architecture& a, const Inventory& inv,
                                      const AdapterTargets& targets, std::int64_t rank, Explain* ex) {
  double total = 0;
  std::vector<Term> terms;
  const Traced<double> whole = constant(ex, "undivided", 1.0, "the whole model");
  for (std::size_t k = 0; k < inv.layers.kinds.size(); ++k) {
    const auto one = adapter_elements(a, inv, k, targets, rank, whole, ex);
    const std::int64_t own = inv.shared_layers ? 1 : inv.layers.count[k];
    total += static_cast<double>(own) * one.value.value();
    if (!ex) continue;
    terms.emplace_back("layers", inv.shared_layers
                                     ? one
                                     : note(ex, layers_formula, static_cast<double>(own) * one.value,
                                            {{"n", layers_of(a, inv.layers, k, ex)}, {"x", one}}));
  }
  const auto n = static_cast<std::int64_t>(total);
  if (!ex) return {n, 0};
  if (terms.empty()) return {0, constant(ex, "no layers to adapt", 0.0, "model.layers").node};
  return {n, ex->note(total_formula, total, Dim{}, terms)};
}

}  // namespace ridge
