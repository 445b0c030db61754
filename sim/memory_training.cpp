#include "sim/memory_stage.h"

namespace ridge::detail {
namespace {

inline constexpr Formula host_formula{"memory.host", "host memory of a node for offloaded states", "n * x",
                                      "definition"};

constexpr Moment moments[] = {Moment::loss, Moment::backward, Moment::backward_end, Moment::scatter,
                              Moment::update};

bool happens(Moment m, const StepSizes& c, const StageLayers& stage) {
  if (m == Moment::loss) return stage.outputs > 0;
  return m != Moment::scatter || (c.scatters() && stage.embeddings + stage.outputs > 0);
}

/// Offloaded states of one device.
Traced<Bytes> offloaded(const StepSizes& c, const StageSizes& s) {
  BytesPerElement width{0};
  if (c.offloads_optimizer())
    width += c.recipe.master + optimizer_width(c.recipe, c.p.scenario.optimizer).value;
  if (c.offloads_gradients()) width += c.recipe.gradients;
  if (c.offloads_weights()) width += c.recipe.weights;
  return state_bytes(
      s.trained, s.trained_experts,
      constant(c.ex, "bytes offloaded per parameter", width, "sum of the recipe's offloaded states"),
      state_shards(c.plan, 1, c.ex), c.ex);
}

}  // namespace

MemoryEstimate training_memory(const Prepared& p, const Training& training, const ParallelPlan& plan,
                               Explain* ex) {
  const StepSizes plain(p, training, plan, nullptr);
  const auto groups = partition(p.inventory, plan);
  MemoryEstimate result;
  result.stages.reserve(groups.size());
  std::vector<Moment> worst_moment;
  StageMemory here;
  for (const StageLayers& stage : groups) {
    const StageSizes s = stage_sizes(plain, stage);
    StageMemory worst;
    Moment at = Moment::update;
    for (Moment m : moments) {
      if (!happens(m, plain, stage)) continue;
      here = stage_memory(plain, stage, s, m, std::move(here));
      if (!worst.parts.empty() && here.allocated.value <= worst.allocated.value) continue;
      std::swap(here, worst);
      at = m;
    }
    if (ex) worst_moment.push_back(at);
    result.stages.push_back(std::move(worst));
  }
  if (ex) {
    const StepSizes traced(p, training, plan, ex);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      result.stages[i] = stage_memory(traced, groups[i], stage_sizes(traced, groups[i]), worst_moment[i]);
    }
  }
  finish_estimate(result, p, ex);
  if (plan.offload != Offload::none) {
    const StepSizes common(p, training, plan, ex);
    const auto each = offloaded(common, stage_sizes(common, groups[result.worst]));
    const double n = static_cast<double>(std::min(p.scenario.devices, p.scenario.hardware.node.devices));
    result.host_bytes = note(
        ex, host_formula, n * each.value,
        {{"n", constant(ex, "devices of a node", n, "hardware.node.devices, or fewer when fewer are used")},
         {"x", each}});
  }
  return result;
}

}  // namespace ridge::detail
