#include "sim/layer_runner.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

constexpr Formula routed_tokens{"operators.expert.tokens", "tokens one expert processes on average",
                                "tokens * k * ep * etp / (t * E)", "definition",
                                "tokens spread evenly over experts"};
constexpr Formula local_experts{"operators.expert.local", "experts held by one device", "E / ep",
                                "definition"};

}  // namespace

void LayerRunner::run_product(const Product& p) {
  ProductShape s{.m = c_.batch.tokens,
                 .n = product_columns(p, a_, plan_, ex_),
                 .k = product_depth(p, a_, plan_, ex_),
                 .count = c_.rates.one,
                 .activation = c_.batch.activation,
                 .weight = c_.batch.weight};
  double launches = 1;
  if (p.is_expert) launches = route(s, p);
  if (p.is_cross_memory) s.m = {c_.batch.sequences.value * c_.batch.encoder_tokens, c_.batch.tokens.node};
  set_shape(s.m.value, s.n.value, s.k.value);
  const KernelCost ahead = product_cost(s, c_.rates, ex_);
  forward(TimeClass::product, OperatorKind::product, p.name, ahead, launches);
  if (c_.lora_rank > 0 && !p.is_expert && kind_index_ >= 0) run_adapter(s, p.name);
  if (!c_.has_backward) return;
  ProductShape input_gradient = s, weight_gradient = s;
  std::swap(input_gradient.n, input_gradient.k);
  set_shape(input_gradient.m.value, input_gradient.n.value, input_gradient.k.value);
  backward(TimeClass::product, OperatorKind::product, p.name, product_cost(input_gradient, c_.rates, ex_),
           launches);
  if (c_.is_frozen) return;
  weight_gradient = {
      .m = s.k, .n = s.n, .k = s.m, .count = s.count, .activation = s.activation, .weight = s.activation};
  set_shape(weight_gradient.m.value, weight_gradient.n.value, weight_gradient.k.value);
  backward(TimeClass::product, OperatorKind::product, p.name, product_cost(weight_gradient, c_.rates, ex_),
           launches);
}

double LayerRunner::route(ProductShape& s, const Product& p) {
  const double experts = static_cast<double>(p.experts), ep = static_cast<double>(plan_.expert);
  const double etp = static_cast<double>(plan_.expert_tensor), t = static_cast<double>(plan_.tensor);
  const auto k = input(ex_, "model.moe.top_k", static_cast<double>(a_.moe.top_k));
  const auto E = input(ex_, "model.moe.experts", experts);
  const auto ept = input(ex_, "parallel.expert", ep);
  s.count = note(ex_, local_experts, experts / ep, {{"E", E}, {"ep", ept}});
  s.m = note(ex_, routed_tokens, s.m.value * k.value * ep * etp / (t * experts),
             {{"tokens", s.m},
              {"k", k},
              {"ep", ept},
              {"etp", input(ex_, "parallel.expert_tensor", etp)},
              {"t", input(ex_, "parallel.tensor", t)},
              {"E", E}});
  if (s.m.value < 1) touch_fewer_experts(s);
  return c_.prepared.scenario.software.fused_expert_products ? 1 : s.count.value;
}

void LayerRunner::touch_fewer_experts(ProductShape& s) {
  static constexpr Formula touched{"operators.expert.touched", "experts that at least one token reaches",
                                   "n * (1 - (1 - 1 / n) ^ (m * n))",
                                   "balls into bins; MoESD, arXiv:2505.19645", "independent uniform routing"};
  static constexpr Formula per_touched{"operators.expert.tokens_touched",
                                       "tokens of an expert that is reached", "m * n / x", "definition"};
  const Traced<double> n = s.count, m = s.m;
  const double x = std::max(n.value * (1 - std::pow(1 - 1 / n.value, m.value * n.value)), 1e-9);
  s.count =
      note(ex_, touched, n.value * (1 - std::pow(1 - 1 / n.value, m.value * n.value)), {{"n", n}, {"m", m}});
  s.m = note(ex_, per_touched, m.value * n.value / x, {{"m", m}, {"n", n}, {"x", s.count}});
}

void LayerRunner::run_adapter(const ProductShape& base, std::string_view name) {
  const auto r = input(ex_, "training.lora_rank", static_cast<double>(c_.lora_rank));
  ProductShape down = base, up = base;
  down.n = r, up.k = r;
  down.weight = up.weight = base.activation;
  for (const ProductShape& s : {down, up}) {
    set_shape(s.m.value, s.n.value, s.k.value);
    const KernelCost cost = product_cost(s, c_.rates, ex_);
    forward(TimeClass::product, OperatorKind::product, name, cost, 1);
    backward(TimeClass::product, OperatorKind::product, name, cost, 1);
    backward(TimeClass::product, OperatorKind::product, name, cost, 1);
  }
}

}  // namespace ridge
