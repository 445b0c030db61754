#include "sim/rank_share.h"

#include "sim/stated.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr std::string_view megatron = "Shoeybi et al. 2019, arXiv 1909.08053",
                           expert_groups = "Megatron Core: expert and expert-tensor groups",
                           replicated_heads = "key and value heads are replicated beyond K ranks";

constexpr Formula dense_formula{"states.layer.dense", "parameters of a dense part on a device",
                                "r + x / t + y / min(t, K)", megatron, replicated_heads};
constexpr Formula two_divided{"states.tensors.divided", "parameters of these tensors on a device",
                              "r + x / t", megatron};
constexpr Formula whole_table{"states.embedding.whole", "parameters of the embedding, whole on each rank",
                              "r + x", "the software stack: sharded_embedding"};
constexpr Formula table_formula{"states.token_table", "parameters of the token table on a device", "x / t",
                                megatron};
constexpr Formula expert_formula{"states.layer.experts", "parameters of one layer's experts on a device",
                                 "E / (e * et) + R / e", expert_groups};

constexpr Formula dense_bytes{"weights.dense", "stored bytes of a dense part on a device",
                              "r + x / t + y / min(t, K)", megatron, replicated_heads};
constexpr Formula divided_bytes{"weights.divided", "stored bytes of these tensors on a device", "r + x / t",
                                megatron};
constexpr Formula expert_bytes{"weights.experts", "stored bytes of one layer's experts on a device",
                               "E / (e * et) + R / e", expert_groups};
constexpr Formula layer_bytes{"weights.layer", "stored bytes of one layer on a device", "dense + experts",
                              "definition"};
constexpr Formula table_bytes{"weights.token_table", "stored bytes of the token table on a device", "x / t",
                              megatron};

double real(std::int64_t n) { return static_cast<double>(n); }
double degree(std::int64_t n) { return real(std::max<std::int64_t>(n, 1)); }

/// Tensor, expert and expert-tensor degrees as inputs.
struct Degrees {
  Degrees(const ParallelPlan& plan, Explain* ex)
      : t(stated(ex, "parallel.tensor", degree(plan.tensor))),
        e(stated(ex, "parallel.expert", degree(plan.expert))),
        et(stated(ex, "parallel.expert_tensor", degree(plan.expert_tensor))) {}
  Traced<double> t, e, et;
};

Traced<double> kv_heads(const Architecture& a, Explain* ex) {
  return stated(ex, "model.kv_heads", real(std::max<std::int64_t>(1, a.kv_heads)));
}

}  // namespace

double dense_share(const ElementSums& s, double t) {
  return real(s.replicated) + real(s.tensor) / t +
         real(s.key_value) / std::clamp(t, 1.0, std::max(1.0, real(s.kv_heads)));
}
double expert_share(const ElementSums& s, double e, double et) {
  return real(s.expert) / (e * et) + real(s.expert_replicated) / e;
}

double own_layers(const Inventory& inv, std::int32_t n) { return inv.shared_layers ? std::min(n, 1) : n; }

Traced<double> own_layers(const Prepared& p, const ParallelPlan& plan, const StageLayers& stage,
                          std::size_t kind, Explain* ex) {
  if (p.inventory.shared_layers)
    return constant(ex, "sets of weights that all layers share", own_layers(p.inventory, stage.of_kind[kind]),
                    "model.shared_layers");
  return layers_on_stage(p.scenario.model, p.inventory, plan, stage, kind, ex);
}

ElementShare::ElementShare(const Prepared& p, const ParallelPlan& plan, Explain& ex) : p_(p), ex_(&ex) {
  const Degrees d(plan, ex_);
  t_ = d.t, e_ = d.e, et_ = d.et;
}

Traced<Elements> ElementShare::sum(int group, Divider by) {
  const auto n = group_elements(p_.scenario.model, p_.inventory, group, by, ex_);
  return {Elements{real(n.value)}, n.node};
}

Traced<Elements> ElementShare::dense(int group) {
  const auto r = sum(group, Divider::none), x = sum(group, Divider::tensor),
             y = sum(group, Divider::kv_heads);
  if (y.value.value() == 0)
    return note(ex_, two_divided, r.value + x.value / t_.value, {{"r", r}, {"x", x}, {"t", t_}});
  const auto K = kv_heads(p_.scenario.model, ex_);
  return note(ex_, dense_formula, r.value + x.value / t_.value + y.value / std::min(t_.value, K.value),
              {{"r", r}, {"x", x}, {"t", t_}, {"y", y}, {"K", K}});
}

Traced<Elements> ElementShare::experts(std::size_t kind) {
  const int group = static_cast<int>(kind);
  const auto E = sum(group, Divider::experts), R = sum(group, Divider::expert_ranks);
  return note(ex_, expert_formula, E.value / (e_.value * et_.value) + R.value / e_.value,
              {{"E", E}, {"e", e_}, {"et", et_}, {"R", R}});
}

Traced<Elements> ElementShare::embedding(bool is_table_sharded) {
  if (is_table_sharded) return dense(embedding_group);
  const auto r = sum(embedding_group, Divider::none), x = sum(embedding_group, Divider::tensor);
  return note(ex_, whole_table, r.value + x.value, {{"r", r}, {"x", x}});
}

Traced<Elements> ElementShare::token_table() {
  const auto n = tensor_elements(p_.scenario.model, p_.inventory.tensors.front(), ex_);
  const Traced<Elements> x{Elements{real(n.value)}, n.node};
  return note(ex_, table_formula, x.value / t_.value, {{"x", x}, {"t", t_}});
}

Traced<Bytes> stored_share(const Prepared& p, const ParallelPlan& plan, int group, Explain* ex) {
  const WeightBytes& w = p.weights;
  const ByteSums& sums = group == embedding_group ? w.embedding
                         : group == output_group  ? w.output
                                                  : w.of_kind[static_cast<std::size_t>(group)];
  const ShardingDegrees degrees{std::max<std::int64_t>(plan.tensor, 1),
                                std::max<std::int64_t>(plan.expert, 1),
                                std::max<std::int64_t>(plan.expert_tensor, 1)};
  if (!ex) return {sums.per_rank(degrees), 0};
  const Degrees d(plan, ex);
  const Scenario& s = p.scenario;
  const auto sum = [&](Divider by) {
    return group_bytes(s.model, p.inventory, group, by, s.formats, s.weight_format, ex);
  };
  const auto r = sum(Divider::none), x = sum(Divider::tensor), y = sum(Divider::kv_heads);
  const auto K = kv_heads(s.model, ex);
  const Bytes plain = r.value + x.value / d.t.value;
  const Bytes all = plain + y.value / std::min(d.t.value, K.value);
  const Traced<Bytes> dense =
      y.value.value() == 0 ? note(ex, divided_bytes, plain, {{"r", r}, {"x", x}, {"t", d.t}})
                           : note(ex, dense_bytes, all, {{"r", r}, {"x", x}, {"t", d.t}, {"y", y}, {"K", K}});
  if (sums.expert + sums.expert_replicated == 0) return dense;
  const auto E = sum(Divider::experts), R = sum(Divider::expert_ranks);
  const auto experts = note(ex, expert_bytes, E.value / (d.e.value * d.et.value) + R.value / d.e.value,
                            {{"E", E}, {"e", d.e}, {"et", d.et}, {"R", R}});
  return note(ex, layer_bytes, dense.value + experts.value, {{"dense", dense}, {"experts", experts}});
}

Traced<Bytes> stored_table_share(const Prepared& p, const ParallelPlan& plan, Explain* ex) {
  const Scenario& s = p.scenario;
  const auto x =
      tensor_bytes(s.model, p.inventory, p.inventory.tensors.front(), s.formats, s.weight_format, ex);
  const auto t = stated(ex, "parallel.tensor", degree(plan.tensor));
  return note(ex, table_bytes, x.value / t.value, {{"x", x}, {"t", t}});
}

}  // namespace ridge
