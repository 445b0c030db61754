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
  if (p.is_cross_memory && c_.batch.is_decode) return;  // the encoder's keys and values are cached
  ProductShape s{.m = c_.batch.tokens,
                 .n = product_columns(p, a_, plan_, ex_),
                 .k = product_depth(p, a_, plan_, ex_),
                 .count = c_.rates.one,
                 .activation = c_.batch.activation,
                 .weight = weight_width(p),
                 .result = c_.batch.activation};
  s.alignment = row_alignment(p, s);
  double launches = 1;
  if (p.is_expert) launches = route(s, p);
  if (p.is_cross_memory) {
    static constexpr Formula encoded{"operators.cross.tokens", "encoder tokens on one device", "b * T",
                                     "definition"};
    s.m = note(ex_, encoded, c_.batch.sequences.value * c_.batch.encoder_tokens.value,
               {{"b", c_.batch.sequences}, {"T", c_.batch.encoder_tokens}});
  }
  set_shape(s.m.value, s.n.value, s.k.value);
  run_copies(p, s);
  const KernelCost ahead = product_cost(s, c_.rates, ex_);
  forward(TimeClass::product, OperatorKind::product, p.name, ahead, launches);
  if (c_.lora_rank > 0 && kind_index_ >= 0 && is_adapted(p)) run_adapter(s, p.name);
  if (!c_.has_backward) return;
  run_gradients(p, s, launches);
}

void LayerRunner::run_gradients(const Product& p, const ProductShape& s, double launches) {
  ProductShape input_gradient = s;
  std::swap(input_gradient.n, input_gradient.k);
  set_shape(input_gradient.m.value, input_gradient.n.value, input_gradient.k.value);
  backward(TimeClass::product, OperatorKind::product, p.name, product_cost(input_gradient, c_.rates, ex_),
           launches);
  if (c_.is_frozen) return;
  const ProductShape weight_gradient{.m = s.k,
                                     .n = s.n,
                                     .k = s.m,
                                     .count = s.count,
                                     .activation = s.activation,
                                     .weight = s.activation,
                                     .result = gradient_result()};
  set_shape(weight_gradient.m.value, weight_gradient.n.value, weight_gradient.k.value);
  backward(TimeClass::product, OperatorKind::product, p.name, product_cost(weight_gradient, c_.rates, ex_),
           launches);
  run_gradient_copies(p, s);
}

/// Rows of the operands hold the product's columns and its depth.
Traced<double> LayerRunner::row_alignment(const Product& p, const ProductShape& s) {
  const AlignmentFit& fit = c_.prepared.scenario.hardware.device.achievable.unaligned;
  const SoftwareStack& stack = c_.prepared.scenario.software;
  const bool is_padded =
      stack.pads_vocabulary && !p.parts.empty() && p.parts.front().sharding == Sharding::vocabulary;
  auto starts_on = [&](double elements, double bytes) {
    return std::fmod(elements * s.activation.value.value(), bytes) == 0;
  };
  auto both_start_on = [&](double bytes) {
    return (is_padded || starts_on(s.n.value, bytes)) && starts_on(s.k.value, bytes);
  };
  if (stack.at_peak || !fit.less.is_known() || both_start_on(16)) return {1.0, 0};
  return both_start_on(4)
             ? input(ex_, "hardware.device.achievable.unaligned.four_bytes", fit.four_bytes.value)
             : input(ex_, "hardware.device.achievable.unaligned.less", fit.less.value);
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
  touch_experts(s, k, E);
  return c_.prepared.scenario.software.fused_expert_products ? 1 : s.count.value;
}

void LayerRunner::touch_experts(ProductShape& s, Traced<double> k, Traced<double> E) {
  static constexpr Formula touched{"operators.expert.touched", "experts that at least one token reaches",
                                   "n * (1 - (1 - k / E) ^ (m * E / k))",
                                   "MoESD, arXiv:2505.19645: E (1 - (1 - k/E)^B) for B tokens",
                                   "independent uniform routing"};
  static constexpr Formula per_touched{"operators.expert.tokens_touched",
                                       "tokens of an expert that is reached", "m * n / x", "definition"};
  const Traced<double> n = s.count, m = s.m;
  const double x = n.value * (1 - std::pow(1 - k.value / E.value, m.value * E.value / k.value));
  if (x <= 0) return;
  s.count = note(ex_, touched, x, {{"n", n}, {"k", k}, {"E", E}, {"m", m}});
  s.m = note(ex_, per_touched, m.value * n.value / x, {{"m", m}, {"n", n}, {"x", s.count}});
}

/// Bytes of one weight as stored: those of this product's own packing where a format is given.
Traced<BytesPerElement> LayerRunner::weight_width(const Product& p) {
  static constexpr Formula stored{"operators.product.weight_width",
                                  "bytes of one stored weight, scales included", "bytes / elements",
                                  "definition"};
  if (p.stored_bytes <= 0) return c_.batch.weight;
  const BytesPerElement width{p.stored_bytes / p.stored_elements};
  if (!ex_) return {width, 0};
  static constexpr Formula bytes_sum{"operators.product.stored_bytes", "bytes of weights stored side by side",
                                     "sum(...)", "definition"};
  static constexpr Formula elements_sum{"operators.product.stored_elements", "weights stored side by side",
                                        "sum(...)", "definition"};
  const Scenario& s = c_.prepared.scenario;
  std::vector<Term> packed, counted;
  for (const Tensor& t : p.parts) {
    packed.emplace_back(role_name(t.role),
                        tensor_bytes(a_, c_.prepared.inventory, t, s.formats, s.weight_format, ex_));
    counted.emplace_back(role_name(t.role), tensor_elements(a_, t, ex_));
  }
  const Traced<Bytes> bytes{Bytes{p.stored_bytes}, ex_->note(bytes_sum, p.stored_bytes, Bytes::dim, packed)};
  const Traced<Elements> elements{Elements{p.stored_elements},
                                  ex_->note(elements_sum, p.stored_elements, Elements::dim, counted)};
  return note(ex_, stored, width, {{"bytes", bytes}, {"elements", elements}});
}

}  // namespace ridge
