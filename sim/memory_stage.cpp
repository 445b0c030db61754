#include "sim/memory_stage.h"

#include "sim/schedule.h"

namespace ridge::detail {
namespace {

inline constexpr Formula layers_kept{"memory.activations.layers", "activations of equal layers", "n * x",
                                     "definition"};
inline constexpr Formula stage_kept{"memory.activations.stage",
                                    "activations one micro-batch keeps on a stage", "sum(...)", "definition"};
inline constexpr Formula largest_of{"memory.largest", "largest of the layers", "max(...)", "definition"};

Traced<Bytes> largest(const StepSizes& c, const StageLayers& stage, Traced<Bytes> LayerActivations::*field) {
  Traced<Bytes> most{};
  bool any = false;
  for (std::size_t k = 0; k < c.p.programs.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0) continue;
    const Traced<Bytes> one = c.layers[k].*field;
    most = any ? note(c.ex, largest_of, max(most.value, one.value), {{"a", most}, {"b", one}}) : one;
    any = true;
  }
  return any ? most : constant(c.ex, "no layer", Bytes{0}, "definition");
}

Traced<Bytes> kept_by_stage(const StepSizes& c, const StageLayers& stage) {
  Bytes sum{0};
  for (std::size_t k = 0; k < c.p.programs.size() && k < max_layer_kinds; ++k) {
    sum += c.layers[k].kept.value * stage.of_kind[k];
  }
  if (!c.ex) return {sum, 0};
  std::vector<Term> terms;
  for (std::size_t k = 0; k < c.p.programs.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0) continue;
    const double n = stage.of_kind[k];
    const auto count = layers_on_stage(c.p.scenario.model, c.p.inventory, c.plan, stage, k, c.ex);
    terms.emplace_back(kind_symbols[k], note(c.ex, layers_kept, c.layers[k].kept.value * n,
                                             {{"n", count}, {"x", c.layers[k].kept}}));
  }
  if (terms.empty()) return constant(c.ex, "no layer", Bytes{0}, "definition");
  return {sum, c.ex->note(stage_kept, sum.value(), Bytes::dim, terms)};
}

}  // namespace

StepSizes::StepSizes(const Prepared& prepared, const Training& t, const ParallelPlan& pl, Explain* e)
    : p(prepared), training(t), plan(pl), ex(e) {
  for (std::size_t k = 0; k < p.programs.size() && k < max_layer_kinds; ++k) {
    layers[k] = layer_activations(p, k, plan, load, ex);
  }
  embedding = embedding_activations(p, plan, load, ex);
  loss = loss_activations(p, plan, load, ex);
  waiting = waiting_loss(p, plan, load, ex);
  optimizer_shards = state_shards(plan, 1, ex);
  gradient_shards = state_shards(plan, 2, ex);
  weight_shards = state_shards(plan, weights_are_master(recipe) ? 1 : 3, ex);
}

StageSizes stage_sizes(const StepSizes& c, const StageLayers& stage) {
  StageSizes s;
  s.held = held_elements(c.p, stage, c.plan, c.ex, c.stack.sharded_embedding);
  const bool is_full = c.training.method == Method::full;
  s.trained = is_full ? s.held.dense : s.held.adapters;
  s.trained_experts = is_full ? s.held.experts : constant(c.ex, "frozen experts", Elements{0}, "definition");
  const PipelineShape shape{.micro_batches = c.micro_batches, .virtual_stages = c.plan.virtual_stages};
  s.in_flight = micro_batches_in_flight(c.plan.schedule, stage.first, c.stages, shape, c.ex);
  s.kept = kept_by_stage(c, stage);
  s.layer_kept = largest(c, stage, &LayerActivations::kept);
  s.recomputed = largest(c, stage, &LayerActivations::recomputed);
  s.gradients = largest(c, stage, &LayerActivations::gradients);
  return s;
}

}  // namespace ridge::detail
