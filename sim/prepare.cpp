#include "sim/prepare.h"

#include <algorithm>

namespace ridge {

namespace {

/// What a product's weights take in the scenario's storage format, averaged over the layers of its kind.
void set_stored_bytes(LayerProgram& program, int kind, const Scenario& s, const Inventory& inv) {
  for (Product& product : program.products) {
    for (const Tensor& t : product.parts) {
      double bytes = 0, layers = 0;
      for (std::size_t i = 0; kind >= 0 && i < inv.layers.kind_of_layer.size(); ++i) {
        if (inv.layers.kind_of_layer[i] != kind) continue;
        const std::int64_t offset =
            inv.layers.kinds[static_cast<std::size_t>(kind)].is_encoder ? 0 : inv.layers.encoder_layers;
        bytes += packed_bytes(
            t, packing_of(t, static_cast<std::int64_t>(i) - offset, s.model, s.formats, s.weight_format));
        layers += 1;
      }
      if (layers == 0)
        bytes = packed_bytes(t, packing_of(t, -1, s.model, s.formats, s.weight_format)), layers = 1;
      product.stored_bytes += bytes / layers;
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
  if (!s.inference()) return p;
  p.weights = weight_bytes(s.model, p.inventory, s.formats, s.weight_format);
  for (std::size_t k = 0; k < p.programs.size(); ++k)
    set_stored_bytes(p.programs[k], static_cast<int>(k), s, p.inventory);
  set_stored_bytes(p.embedding, -1, s, p.inventory);
  set_stored_bytes(p.output, -1, s, p.inventory);
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
