#include "base/quantity_text.h"
#include "sim/memory_pool.h"
#include "sim/validate_plan.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {

namespace {

/// Parts that more sharding, not less work at once, makes smaller.
bool is_state(std::string_view part) {
  static constexpr std::string_view states[] = {
      "weights",          "gathered_weights", "master_weights", "optimizer_states",     "gradients",
      "gradient_buckets", "cast_weights",     "adapters",       "placeholder_gradients"};
  return std::ranges::find(states, part) != std::end(states);
}

std::string memory_remedy(const Prepared& p, const StageMemory& stage) {
  Bytes states{0}, rest{0};
  for (const auto& part : stage.parts) (is_state(part.name) ? states : rest) += part.amount.value;
  const Training* t = p.scenario.training();
  if (!t) {
    return states > rest
               ? "raise parallel.tensor or parallel.pipeline, or store inference.weights in fewer bits"
               : "serve a smaller inference.batch or shorter prompts, or store inference.kv_cache in fewer "
                 "bits";
  }
  if (states > rest) {
    const ParallelPlan& plan = p.scenario.parallel;
    const bool can_shard = plan.zero < 3 && p.scenario.devices > plan.tensor * plan.pipeline;
    return can_shard
               ? fmt::format("states take {}: raise parallel.zero, parallel.tensor or parallel.pipeline",
                             ridge::format(states))
               : fmt::format("states take {}: raise parallel.tensor, parallel.pipeline or devices",
                             ridge::format(states));
  }
  std::string remedy = fmt::format("activations take {}: ", ridge::format(rest));
  if (t->recompute.value_or(Recompute::none) != Recompute::full) remedy += "set training.recompute to full, ";
  if (t->micro_batch > 1) remedy += "lower training.micro_batch, ";
  return remedy + "raise parallel.context, or parallel.tensor with parallel.sequence";
}

std::string_view pool_contents(PoolRule rule) {
  switch (rule) {
    case PoolRule::everything: return "everything it allocates";
    case PoolRule::weights_and_cache: return "weights and cache";
    case PoolRule::cache_beside_weights:
    case PoolRule::cache_beside_all: return "the cache";
  }
  return "";
}

void check_pool(const Prepared& p, const MemoryEstimate& m, std::vector<Violation>& found) {
  const StageMemory& fullest =
      *std::ranges::min_element(m.stages, {}, [](const StageMemory& s) { return s.pool_slack.value; });
  if (!(fullest.pool_slack.value < Bytes{0})) return;
  const Allocator& a = p.scenario.software.allocator;
  found.push_back({"out-of-pool",
                   fmt::format("stage {} lacks {} in the pool of {}: {} must lie in {} of the {}memory{}",
                               fullest.stage, ridge::format(-fullest.pool_slack.value),
                               p.scenario.software_name, pool_contents(a.pool_rule), a.pool_fraction,
                               a.pool_rule == PoolRule::everything ? "" : "free ",
                               a.pool_option.empty() ? "" : " (" + a.pool_option + ")"),
                   fmt::format("raise software.allocator.pool_fraction, or {}", memory_remedy(p, fullest))});
}

}  // namespace

void check_capacity(const Prepared& p, const MemoryEstimate& m, std::vector<Violation>& found) {
  const Bytes needed = m.peak_allocated.value + m.outside.value, capacity = m.capacity.value;
  if (capacity.value() > 0 && needed > capacity) {
    found.push_back({"out-of-memory",
                     fmt::format("stage {} needs {} of {} per device ({} allocated, {} of context)",
                                 m.stages[m.worst].stage, ridge::format(needed), ridge::format(capacity),
                                 ridge::format(m.peak_allocated.value), ridge::format(m.outside.value)),
                     memory_remedy(p, m.stages[m.worst])});
  } else if (detail::has_pool(p)) check_pool(p, m, found);
  const Bytes host = p.scenario.hardware.node.host.memory.capacity.value;
  if (m.host_bytes.value > host && m.host_bytes.value.value() > 0) {
    found.push_back({"out-of-host-memory",
                     fmt::format("offloaded states need {} of host memory per node, which has {}",
                                 ridge::format(m.host_bytes.value),
                                 host.value() > 0 ? ridge::format(host) : "an unknown amount"),
                     "spread over more nodes, set parallel.offload to none, or state "
                     "hardware.node.host.memory.capacity"});
  }
}

std::vector<std::string> plan_notes(const Prepared& p, const ParallelPlan& plan) {
  std::vector<std::string> notes;
  const std::int64_t node = std::max<std::int64_t>(p.scenario.hardware.node.devices, 1);
  if (plan.tensor > node) {
    notes.push_back(fmt::format("tensor parallelism over {} devices leaves nodes of {}", plan.tensor, node));
  }
  if (const Training* t = p.scenario.training()) {
    const std::int64_t m = micro_batches_per_step(*t, plan);
    if (plan.pipeline > 1 && m < plan.pipeline) {
      notes.push_back(fmt::format("{} micro-batches do not fill {} pipeline stages", m, plan.pipeline));
    }
    const std::int64_t layers = static_cast<std::int64_t>(p.inventory.layers.kind_of_layer.size()),
                       chunks = std::max<std::int64_t>(plan.pipeline, 1) * plan.virtual_stages;
    if (plan.virtual_stages > 1 && layers % chunks != 0)
      notes.push_back(fmt::format(
          "{} layers are not {} equal chunks: the schedule takes them as equal, Megatron Core refuses them",
          layers, chunks));
    if (plan.zero > 0 && !plan.has_replicas()) notes.push_back("parallel.zero has no effect on one replica");
  }
  if (plan.sequence && plan.tensor == 1)
    notes.push_back("parallel.sequence has no effect without tensor parallelism");
  return notes;
}

}  // namespace ridge
