#include "sim/states.h"

#include "sim/stated.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr std::string_view zero_paper = "Rajbhandari et al. 2020, arXiv 1910.02054, section 5";

inline constexpr Formula state_formula{"memory.state", "bytes of one model state",
                                       "w * (dense / n + experts / x)", zero_paper,
                                       "shards are equal; padding is left out"};
inline constexpr Formula moments_formula{"states.optimizer.width", "bytes of optimizer states per parameter",
                                         "s * m / 2", "definition: m are two Adam moments"};
inline constexpr Formula replicas_formula{"states.replicas", "ranks that hold the same dense weights",
                                          "d * c", "definition"};
inline constexpr Formula expert_replicas_formula{"states.replicas.experts",
                                                 "ranks that hold the same experts",
                                                 "max(1, d * c * t / (e * et))", "definition"};

double real(std::int64_t n) { return static_cast<double>(n); }
double degree(std::int64_t n) { return real(std::max<std::int64_t>(n, 1)); }

}  // namespace

StateShards state_shards(const ParallelPlan& plan, std::int64_t stage, Explain* ex) {
  if (plan.zero < stage) {
    const auto one = constant(ex, "not sharded", 1.0, zero_paper);
    return {one, one};
  }
  return all_replicas(plan, ex);
}

StateShards all_replicas(const ParallelPlan& plan, Explain* ex) {
  const double replicas = degree(plan.data) * degree(plan.context);
  if (!ex) return {{replicas}, {expert_replicas(plan)}};
  const auto d = stated(ex, "parallel.data", degree(plan.data)),
             c = stated(ex, "parallel.context", degree(plan.context));
  return {note(ex, replicas_formula, replicas, {{"d", d}, {"c", c}}),
          note(ex, expert_replicas_formula, expert_replicas(plan),
               {{"d", d},
                {"c", c},
                {"t", stated(ex, "parallel.tensor", degree(plan.tensor))},
                {"e", stated(ex, "parallel.expert", degree(plan.expert))},
                {"et", stated(ex, "parallel.expert_tensor", degree(plan.expert_tensor))}})};
}

Traced<Bytes> state_bytes(Traced<Elements> dense, Traced<Elements> experts, Traced<BytesPerElement> width,
                          const StateShards& shards, Explain* ex) {
  const Bytes bytes = width.value * (dense.value / shards.dense.value + experts.value / shards.experts.value);
  return note(
      ex, state_formula, bytes,
      {{"w", width}, {"dense", dense}, {"n", shards.dense}, {"experts", experts}, {"x", shards.experts}});
}

Traced<BytesPerElement> quantised_width(Explain* ex) {
  return constant(ex, "bytes of a double-quantised NF4 weight", BytesPerElement{4.127 / 8},
                  "Dettmers et al. 2023, arXiv 2305.14314: 4 + 8/64 + 32/(64 256) bits");
}

Traced<BytesPerElement> optimizer_width(const PrecisionRecipe& recipe, const OptimizerRecipe& optimizer,
                                        Explain* ex) {
  if (optimizer.state_bytes) return stated(ex, "optimizer.state_bytes", *optimizer.state_bytes);
  const BytesPerElement each = recipe.moments / 2.0;
  return note(ex, moments_formula, optimizer.moment_states * each,
              {{"s", stated(ex, "optimizer.moment_states", optimizer.moment_states)},
               {"m", stated(ex, "precision.moments", recipe.moments)}});
}

BytesPerElement bytes_per_parameter(const PrecisionRecipe& r, const OptimizerRecipe& o) {
  return r.weights + r.gradients + r.extra_gradients + r.master + optimizer_width(r, o).value;
}

}  // namespace ridge
