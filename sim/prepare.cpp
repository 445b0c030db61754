#include "sim/prepare.h"

#include <algorithm>

namespace ridge {

Prepared prepare(Scenario scenario) {
  Prepared p;
  p.scenario = std::move(scenario);
  const Scenario& s = p.scenario;
  p.inventory = inventory(s.model);
  for (std::size_t k = 0; k < p.inventory.layers.kinds.size(); ++k) {
    p.programs.push_back(layer_program(s.model, p.inventory, k, s.software));
  }
  p.embedding = embedding_program(s.model, p.inventory, s.software);
  p.output = output_program(s.model, p.inventory, s.software);
  if (s.inference()) p.weights = weight_bytes(s.model, p.inventory, s.formats, s.weight_format);
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
