#include "sim/prepare.h"

#include <algorithm>

namespace ridge {

namespace {

/// What a product's weights take in the scenario's storage format.
void set_stored_bytes(LayerProgram& program, const Scenario& s, const Inventory& inv) {
  for (Product& product : program.products) {
    for (const Tensor& t : product.parts) {
      product.stored_bytes += tensor_bytes(s.model, inv, t, s.formats, s.weight_format).value.value();
      product.stored_elements += static_cast<double>(t.elements());
    }
  }
}

}  // namespace

Prepared prepare(Scenario scenario) {
  Prepared p;
  p.scenario = std::move(scenario);
  const Scenario& s = p.scenario;
  p.inventory = inventory(s.model);
  for (std::size_t k = 0; k < p.inventory.layers.kinds.size(); ++k) {
    p.programs.push_back(layer_program(s.model, p.inventory, k, s.software, s.precision));
  }
  p.embedding = embedding_program(s.model, p.inventory, s.software, s.precision);
  p.output = output_program(s.model, p.inventory, s.software, s.precision);
  if (const Training* t = s.training(); t && t->method != Method::full)
    p.adapters = adapter_targets(t->lora_targets);
  if (!s.inference()) return p;
  p.weights = weight_bytes(s.model, p.inventory, s.formats, s.weight_format);
  for (LayerProgram& program : p.programs) set_stored_bytes(program, s, p.inventory);
  set_stored_bytes(p.embedding, s, p.inventory);
  set_stored_bytes(p.output, s, p.inventory);
  return p;
}

ParallelPlan resolved(const ParallelPlan& given, std::int64_t devices) {
  ParallelPlan plan = given;
  const std::int64_t model = std::max<std::int64_t>(plan.tensor * plan.pipeline * plan.context, 1);
  if (plan.data <= 0) plan.data = std::max<std::int64_t>(devices / model, 1);
  if (plan.expert_tensor <= 0) plan.expert_tensor = plan.expert > 1 ? 1 : plan.tensor;
  if (plan.schedule == ScheduleKind::one_f_one_b && plan.virtual_stages > 1)
    plan.schedule = ScheduleKind::interleaved;
  return plan;
}

}  // namespace ridge
