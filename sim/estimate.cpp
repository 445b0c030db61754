#include "sim/estimate.h"

#include "sim/answers.h"
#include "sim/derived_inputs.h"
#include "sim/inference.h"
#include "sim/labels.h"
#include "sim/memory.h"
#include "sim/operator_case.h"
#include "sim/premises.h"
#include "sim/prepare.h"
#include "sim/states.h"
#include "sim/training.h"
#include "sim/validate_plan.h"

namespace ridge {
namespace {

void count_parameters(const Prepared& p, Estimate& e, Explain* ex) {
  const Scenario& s = p.scenario;
  e.parameters.total = parameters(s.model, p.inventory, ex);
  e.parameters.active = active_parameters(s.model, p.inventory, ex);
  e.parameters.trainable =
      s.training() && s.training()->method == Method::full ? e.parameters.total : Traced<std::int64_t>{};
  if (const Training* t = s.training(); t && t->method != Method::full)
    e.parameters.trainable = adapter_elements(s.model, p.inventory, p.adapters, t->lora_rank, ex);
  else if (!t)
    e.parameters.trainable = {0, constant(ex, "no trained parameters", 0.0, "inference trains nothing").node};
}

void add_notes(const Prepared& p, Estimate& e) {
  e.warnings = doubtful_premises(p);
  e.notes = plan_notes(p, e.plan);
  const Bytes reserved = e.memory.peak_reserved.value + e.memory.outside.value;
  if (e.violations.empty() && p.scenario.training() && reserved > e.memory.capacity.value)
    e.warnings.emplace_back(
        "what is allocated fits, but not what the allocator reserves: it must give cached blocks back, which "
        "costs time and may fail");
  const Training* t = p.scenario.training();
  if (t && !t->recompute) e.notes.emplace_back("training.recompute is not stated: none is assumed");
  for (const std::string& note : p.scenario.software.notes) e.notes.push_back(note);
}

Estimate estimate(const Prepared& p, const ParallelPlan& given, Explain* ex, OperatorList* list) {
  Estimate e;
  const Scenario& s = p.scenario;
  OperatorList own;
  const bool is_calibrated = ex && !s.hardware.profile.empty();
  if (is_calibrated && !list) list = &own;
  e.plan = resolved(given, s.devices);
  if (ex) define_inputs(p, given, e.plan, *ex);
  if (s.operator_case()) {
    time_operator(p, e.plan, e, ex, list);
  } else if (s.training() || s.inference()) {
    e.violations = validate(p, e.plan);
    count_parameters(p, e, ex);
    e.memory = memory(p, e.plan, ex);
    check_capacity(p, e.memory, e.violations);
    add_notes(p, e);
    if (s.training()) time_training(p, e.plan, e, ex, list);
    else time_inference(p, e.plan, e, ex, list);
  }
  if (is_calibrated) {
    e.answers = answered_times(*list, ex);
    add_profile_notes(p, e);
  }
  e.fits = e.violations.empty();
  if (ex) label(p, e, *ex);
  return e;
}

}  // namespace

Estimate evaluate(const Prepared& p, Explain* ex) { return estimate(p, p.scenario.parallel, ex, nullptr); }
Estimate evaluate(const Prepared& p, const ParallelPlan& plan, Explain* ex) {
  return estimate(p, plan, ex, nullptr);
}

OperatorList list_operators(const Prepared& p, const ParallelPlan& plan) {
  OperatorList list;
  list.reserve(256);
  estimate(p, plan, nullptr, &list);
  return list;
}

}  // namespace ridge
