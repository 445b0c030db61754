#include "sim/layer_runner.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula product_weights{"operators.copies.weights", "weights of a product", "k * n * c",
                                  "definition"};
constexpr Formula product_inputs{"operators.copies.inputs", "elements of a product's input", "m * k * c",
                                 "definition"};
constexpr Formula product_results{"operators.copies.results", "elements of a product's result", "m * n * c",
                                  "definition"};
constexpr Formula copied_bytes{"operators.copies.bytes", "bytes that copies and sums move", "n * w",
                               "definition"};
constexpr Formula cast_width{"operators.copies.width", "bytes moved to change an element's format", "a + b",
                             "definition: read in one format, written in the other"};
constexpr Formula sum_width{"operators.copies.sum", "bytes moved to add an element to a sum", "a + 2 * g",
                            "definition: read the addend, read and write the sum"};
constexpr Formula fused_sum{"operators.copies.fused_sum",
                            "bytes moved where a product adds to a gradient buffer", "2 * g",
                            "Megatron-LM, fused_weight_gradient_mlp_cuda: read and write the buffer"};

}  // namespace

Traced<double> LayerRunner::weight_elements(const ProductShape& s) {
  return note(ex_, product_weights, s.k.value * s.n.value * s.count.value,
              {{"k", s.k}, {"n", s.n}, {"c", s.count}});
}
Traced<double> LayerRunner::input_elements(const ProductShape& s) {
  return note(ex_, product_inputs, s.m.value * s.k.value * s.count.value,
              {{"m", s.m}, {"k", s.k}, {"c", s.count}});
}
Traced<double> LayerRunner::result_elements(const ProductShape& s) {
  return note(ex_, product_results, s.m.value * s.n.value * s.count.value,
              {{"m", s.m}, {"n", s.n}, {"c", s.count}});
}

void LayerRunner::copy_pass(OperatorPhase phase, std::string_view name, double kernels,
                            Traced<double> elements, Traced<BytesPerElement> width, bool widens) {
  const auto bytes =
      note(ex_, copied_bytes, Bytes{elements.value * width.value.value()}, {{"n", elements}, {"w", width}});
  const auto launches = constant(ex_, "kernels of a copy", kernels, "the software stack");
  const double reached = c_.prepared.scenario.software.widening_efficiency;
  const auto efficiency =
      widens && reached != 1 ? input(ex_, "software.widening_efficiency", reached) : Traced<double>{1.0, 0};
  const KernelCost cost = pass_cost(launches, bytes, c_.rates, ex_, efficiency);
  const auto m = m_, n = n_, k = k_;
  m_ = n_ = k_ = 0;
  if (phase == OperatorPhase::forward) forward(TimeClass::pass, OperatorKind::pass, name, cost, kernels);
  else backward(TimeClass::pass, OperatorKind::pass, name, cost, kernels);
  m_ = m, n_ = n, k_ = k;
}

void LayerRunner::run_copies(const Product& p, const ProductShape& s) {
  if (!c_.has_backward) return;
  const PrecisionRecipe& recipe = c_.prepared.scenario.precision;
  const bool is_packed = c_.prepared.scenario.training()->method == Method::qlora && kind_index_ >= 0;
  if (is_packed) {
    const auto q = quantised_width(ex_);
    const auto width = note(ex_, cast_width, q.value + s.weight.value, {{"a", q}, {"b", s.weight}});
    for (OperatorPhase phase : {OperatorPhase::forward, OperatorPhase::backward})
      copy_pass(phase, "unpack", 1, weight_elements(s), width);
  }
  if (!recipe.cast_per_use) return;
  const auto stored = input(ex_, "precision.weights", recipe.weights);
  const auto width =
      note(ex_, cast_width, stored.value + s.activation.value, {{"a", stored}, {"b", s.activation}});
  if (!is_packed) copy_pass(OperatorPhase::forward, "weight cast", 1, weight_elements(s), width);
  // Row-parallel products read what attention or the activation wrote in the compute format.
  if (c_.prepared.scenario.software.cast_kernels != CastKernels::weights_inputs || p.in_by_tensor) return;
  for (OperatorPhase phase : {OperatorPhase::forward, OperatorPhase::backward})
    copy_pass(phase, "input cast", 1, input_elements(s), width, phase == OperatorPhase::backward);
}

Traced<BytesPerElement> LayerRunner::gradient_result() {
  if (!c_.prepared.scenario.software.persistent_gradients) return c_.batch.activation;
  const auto g = input(ex_, "precision.gradients", c_.prepared.scenario.precision.gradients);
  return note(ex_, fused_sum, 2 * g.value, {{"g", g}});
}

void LayerRunner::run_gradient_copies(const Product&, const ProductShape& s) {
  const PrecisionRecipe& recipe = c_.prepared.scenario.precision;
  if (c_.prepared.scenario.software.persistent_gradients) return;
  const auto g = input(ex_, "precision.gradients", recipe.gradients);
  if (recipe.cast_per_use) {
    copy_pass(OperatorPhase::backward, "gradient cast", 1, weight_elements(s),
              note(ex_, cast_width, s.activation.value + g.value, {{"a", s.activation}, {"b", g}}), true);
  }
  if (!c_.accumulates) return;
  const auto& addend = recipe.cast_per_use ? g : s.activation;
  copy_pass(OperatorPhase::backward, "gradient sum", 1, weight_elements(s),
            note(ex_, sum_width, addend.value + 2 * g.value, {{"a", addend}, {"g", g}}));
}

bool LayerRunner::is_adapted(const Product& p) const {
  return std::ranges::any_of(p.parts, [&](const Tensor& t) { return c_.prepared.adapters.is_adapted(t); });
}

void LayerRunner::run_adapter(const ProductShape& base, std::string_view name) {
  const auto r = input(ex_, "training.lora_rank", static_cast<double>(c_.lora_rank));
  ProductShape down = base, up = base;
  down.n = r, up.k = r;
  const BytesPerElement own = c_.prepared.scenario.software.adapter_input;
  const auto width = own.value() > 0 ? input(ex_, "software.adapter_input", own) : base.activation;
  for (ProductShape* s : {&down, &up}) s->activation = s->weight = s->result = width;
  for (const ProductShape& s : {down, up}) {
    set_shape(s.m.value, s.n.value, s.k.value);
    const KernelCost cost = product_cost(s, c_.adapter ? *c_.adapter : c_.rates, ex_);
    forward(TimeClass::product, OperatorKind::product, name, cost, 1);
    backward(TimeClass::product, OperatorKind::product, name, cost, 1);
    backward(TimeClass::product, OperatorKind::product, name, cost, 1);
  }
  const AdapterKernels& a = c_.prepared.scenario.software.adapters;
  if (a.kernels + a.backward_kernels <= 0) return;
  auto pass = [&](OperatorPhase phase, double kernels, std::string_view in_key, BytesPerElement in,
                  std::string_view out_key, BytesPerElement out) {
    copy_pass(phase, "adapter input", kernels / 2, input_elements(base), input(ex_, in_key, in));
    copy_pass(phase, "adapter result", kernels / 2, result_elements(base), input(ex_, out_key, out));
  };
  pass(OperatorPhase::forward, a.kernels, "software.adapters.input", a.input, "software.adapters.result",
       a.result);
  pass(OperatorPhase::backward, a.backward_kernels, "software.adapters.backward_input", a.backward_input,
       "software.adapters.backward_result", a.backward_result);
}

}  // namespace ridge
