#include "sim/layer_runner.h"
#include "sim/partition.h"
#include "sim/states.h"

namespace ridge {
namespace {

constexpr Formula exchange_bytes{"operators.tensor.bytes",
                                 "bytes of the layer's output on every tensor-parallel rank",
                                 "tokens * d * a", "Shoeybi et al. 2019, arXiv:1909.08053, section 3"};
constexpr Formula expert_bytes{"operators.expert.bytes", "bytes a device sends to the experts of its tokens",
                               "tokens * k * d * a / t",
                               "DeepSpeed-MoE, arXiv:2201.05596: each token travels to its k experts"};
constexpr Formula ring_bytes{"operators.context.bytes",
                             "bytes of keys and values passed around the context-parallel ring",
                             "(c - 1) * 2 * tokens * kv * a", "Liu et al. 2023, arXiv:2310.01889, section 3"};

constexpr Formula combine_bytes{
    "operators.context.combine_bytes", "bytes of partial outputs with the sum of each softmax",
    "tokens * H * (ev * a + x)", "Yang et al. 2024, arXiv:2411.01783, section 3: merging partial attention",
    "each rank attends with all queries to its share of the cache"};

}  // namespace

void LayerRunner::run_combine(const AttentionShape& s) {
  const auto x = constant(ex_, "bytes of a softmax sum", BytesPerElement{4}, "kept in 32 bit");
  const Bytes payload{c_.batch.tokens.value * s.heads.value *
                      (s.value_dim.value * c_.batch.activation.value.value() + x.value.value())};
  const auto bytes = note(ex_, combine_bytes, payload,
                          {{"tokens", c_.batch.tokens},
                           {"H", s.heads},
                           {"ev", s.value_dim},
                           {"a", c_.batch.activation},
                           {"x", x}});
  forward(TimeClass::context, OperatorKind::collective, "context.combine",
          exchange(CollectiveKind::all_reduce, bytes, c_.links.context), 1);
}

void LayerRunner::run_ring(const AttentionShape& s) {
  static constexpr Formula kv_width{"operators.context.kv", "width of keys on one device", "K * e",
                                    "definition"};
  const auto kv =
      note(ex_, kv_width, s.kv_heads.value * s.key_dim.value, {{"K", s.kv_heads}, {"e", s.key_dim}});
  const auto c = input(ex_, "parallel.context", static_cast<double>(plan_.context));
  const Bytes bytes{(c.value - 1) * 2 * c_.batch.tokens.value * kv.value * c_.batch.activation.value.value()};
  const auto traced = note(ex_, ring_bytes, bytes,
                           {{"c", c}, {"tokens", c_.batch.tokens}, {"kv", kv}, {"a", c_.batch.activation}});
  const KernelCost cost = exchange(CollectiveKind::send_receive, traced, c_.links.context);
  forward(TimeClass::context, OperatorKind::collective, "context.ring", cost, c.value - 1);
  for (int i = 0; i < 2; ++i)
    backward(TimeClass::context, OperatorKind::collective, "context.ring", cost, c.value - 1);
}

KernelCost LayerRunner::exchange(CollectiveKind kind, Traced<Bytes> bytes, const GroupLink& link) {
  KernelCost cost;
  cost.bytes = bytes;
  const Launch& launch = c_.prepared.scenario.software.launch;
  const LaunchMode mode = c_.batch.is_decode ? launch.decode_mode.value_or(launch.mode) : launch.mode;
  const PeerAllReduce& own = c_.prepared.scenario.software.peer_all_reduce;
  const Bytes most = link.ranks == 2 && own.pair_up_to > Bytes{} ? own.pair_up_to : own.up_to;
  const bool by_peers = kind == CollectiveKind::all_reduce && bytes.value <= most;
  const CollectiveCost timed = collective_cost({kind, bytes, mode == LaunchMode::graph, by_peers}, link, ex_);
  cost.time = timed.time;
  cost.answer = timed.answer;
  cost.bound = link.nodes > 1 ? Bound::network : Bound::link;
  m_ = n_ = k_ = 0;
  return cost;
}

void LayerRunner::run_boundary(bool is_enter) {
  if (!is_tensor_parallel_ || (step_->is_expert && plan_.expert_tensor == 1 && a_.moe.shared_experts == 0))
    return;
  const auto d = input(ex_, "model.hidden_size", static_cast<double>(a_.hidden_size));
  const Bytes payload{c_.batch.tokens.value * d.value * c_.batch.activation.value.value()};
  const auto bytes =
      note(ex_, exchange_bytes, payload, {{"tokens", c_.batch.tokens}, {"d", d}, {"a", c_.batch.activation}});
  const GroupLink& link = c_.links.tensor;
  if (!plan_.sequence) {
    if (is_enter)
      backward(TimeClass::tensor, OperatorKind::collective, "tensor.all-reduce",
               exchange(CollectiveKind::all_reduce, bytes, link), 1);
    else
      forward(TimeClass::tensor, OperatorKind::collective, "tensor.all-reduce",
              exchange(CollectiveKind::all_reduce, bytes, link), 1);
    return;
  }
  const KernelCost gather = exchange(CollectiveKind::all_gather, bytes, link),
                   scatter = exchange(CollectiveKind::reduce_scatter, bytes, link);
  forward(TimeClass::tensor, OperatorKind::collective,
          is_enter ? "tensor.all-gather" : "tensor.reduce-scatter", is_enter ? gather : scatter, 1);
  backward(TimeClass::tensor, OperatorKind::collective,
           is_enter ? "tensor.reduce-scatter" : "tensor.all-gather", is_enter ? scatter : gather, 1);
}

void LayerRunner::run_expert_exchange() {
  if (plan_.expert <= 1) return;
  const auto k = input(ex_, "model.moe.top_k", static_cast<double>(a_.moe.top_k));
  const auto d = extent(a_, Extent::expert_width, ex_);
  const auto t = input(ex_, "parallel.tensor", static_cast<double>(plan_.tensor));
  const Bytes payload{c_.batch.tokens.value * k.value * static_cast<double>(d.value) *
                      c_.batch.activation.value.value() / t.value};
  const auto bytes =
      note(ex_, expert_bytes, payload,
           {{"tokens", c_.batch.tokens}, {"k", k}, {"d", d}, {"a", c_.batch.activation}, {"t", t}});
  const KernelCost cost = exchange(CollectiveKind::all_to_all, bytes, c_.links.expert);
  const std::string_view name = step_->kind == StepKind::dispatch ? "expert.dispatch" : "expert.combine";
  forward(TimeClass::expert, OperatorKind::collective, name, cost, 1);
  backward(TimeClass::expert, OperatorKind::collective, name, cost, 1);
}

Links links(const Cluster& cluster, const ParallelPlan& plan, Explain* ex) {
  const RankGroups g = rank_groups(plan);
  const auto link = [&](const RankGroup& group, Traced<double> ranks) {
    GroupLink l = group_link(cluster, group.ranks, group.stride, ex);
    if (ranks.value == static_cast<double>(l.ranks)) l.ranks_node = ranks.node;
    return l;
  };
  const auto degree = [&](std::string_view key, std::int64_t n) {
    return input(ex, key, static_cast<double>(n));
  };
  const StateShards replicas = all_replicas(plan, ex);
  Links l{link(g.tensor, degree("parallel.tensor", plan.tensor)),
          link(g.context, degree("parallel.context", plan.context)),
          link(g.expert, degree("parallel.expert", plan.expert)),
          link(g.replicas, replicas.dense),
          link(g.expert_replicas, replicas.experts),
          nullptr};
  if (plan.pipeline > 1) l.pipeline = tier_between(cluster, g.pipeline.stride);
  return l;
}

}  // namespace ridge
