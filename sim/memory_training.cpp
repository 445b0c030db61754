#include "sim/derived_inputs.h"
#include "sim/memory_stage.h"

#include <algorithm>
#include <string_view>
#include <utility>

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

/// Bytes of a parameter that stay on the host.
Traced<BytesPerElement> offloaded_width(const StepSizes& c) {
  static constexpr Formula widths{"memory.offloaded.width", "bytes of one parameter's offloaded states",
                                  "sum(...)", "Ren et al. 2021, arXiv 2101.06840, section 4"};
  std::vector<std::pair<std::string_view, Traced<BytesPerElement>>> states = {
      {"master", c.width("precision.master", c.recipe.master)},
      {"moments", optimizer_width(c.recipe, c.p.scenario.optimizer, c.ex)}};
  if (c.offloads_gradients())
    states.emplace_back("gradients", c.width("precision.gradients", c.recipe.gradients));
  if (c.offloads_weights()) states.emplace_back("weights", c.width("precision.weights", c.recipe.weights));
  BytesPerElement sum{0};
  std::vector<Term> terms;
  for (const auto& [name, width] : states) {
    sum += width.value;
    if (c.ex) terms.emplace_back(name, width);
  }
  return {sum, c.ex ? c.ex->note(widths, sum.value(), BytesPerElement::dim, terms) : 0};
}

/// Offloaded states of one device.
Traced<Bytes> offloaded(const StepSizes& c, const StageSizes& s) {
  return state_bytes(s.trained, s.trained_experts, offloaded_width(c), state_shards(c.plan, 1, c.ex), c.ex);
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
    const auto n = devices_of_node(p.scenario, ex);
    result.host_bytes =
        whole_bytes(note(ex, host_formula, n.value * each.value, {{"n", n}, {"x", each}}), ex);
  }
  return result;
}

}  // namespace ridge::detail
