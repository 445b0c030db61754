#include "sim/derived_inputs.h"
#include "sim/partition.h"
#include "sim/rank_share.h"
#include "sim/training_timer.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula wire_bytes{"training.wire_bytes", "bytes of a collective over held parameters", "n * x",
                             "definition"};
constexpr Formula unit_bytes{"training.unit_bytes", "bytes of one sharding unit's collective", "n * x / u",
                             "definition: units are taken as equal"};
constexpr Formula sharding_units{"training.units", "sharding units of a stage", "layers + 1",
                                 "PyTorch FSDP: each layer is a unit, embedding and head are the root's"};
constexpr Formula optimizer_width_formula{
    "training.optimizer_width", "bytes of one parameter that an optimizer step moves",
    "(g + x + 2 * mo + 2 * ma + w) * passes",
    "read gradients, states and master weights; write states, master and compute weights"};
constexpr Formula tied_bytes{
    "training.tied_bytes", "bytes of the tied token table's gradient", "n * x",
    "Narayanan et al. 2021, arXiv:2104.04473; Megatron-LM sums it over first and last stage"};
constexpr Formula memory_time{"training.memory_time", "time to move bytes through device memory",
                              "bytes / (e * W)", "definition"};
constexpr Formula link_time{"training.link_time", "time to move bytes over the host link", "bytes / W",
                            "definition"};

}  // namespace

CollectiveCost TrainingTimer::over_parameters(CollectiveKind kind, const HeldElements& held,
                                              std::string_view key, BytesPerElement width,
                                              Traced<double> units) {
  const auto x = input(ex_, key, width);
  auto one = [&](Traced<Elements> n, const GroupLink& link) {
    if (units.value == 1) {
      const auto bytes = note(ex_, wire_bytes, n.value * x.value, {{"n", n}, {"x", x}});
      return collective_cost({kind, bytes}, link, ex_);
    }
    const auto bytes =
        note(ex_, unit_bytes, n.value * x.value / units.value, {{"n", n}, {"x", x}, {"u", units}});
    CollectiveCost cost = collective_cost({kind, bytes}, link, ex_);
    cost.time = repeated(units, cost.time, ex_);
    return cost;
  };
  CollectiveCost dense = one(held.dense, links_.data);
  if (held.experts.value <= Elements{0}) return dense;
  const CollectiveCost experts = one(held.experts, links_.expert_data);
  dense.time = plus(dense.time, experts.time);
  // The less sure of the two answers for both.
  if (experts.answer.source == AnswerSource::preset ||
      (dense.answer.source != AnswerSource::preset && experts.answer.log_sigma > dense.answer.log_sigma))
    dense.answer = experts.answer;
  return dense;
}

void TrainingTimer::add_gathers(Stage& st, const StageLayers& stage) {
  const double share = s_.software.overlap.gather;
  const auto layers = layers_on_stage(s_.model, p_.inventory, plan_, stage, ex_);
  const double count = static_cast<double>(layers.value);
  const auto units = note(ex_, sharding_units, count + 1, {{"layers", Traced<double>{count, layers.node}}});
  const auto gather = over_parameters(CollectiveKind::all_gather, st.held, "precision.gathered",
                                      s_.precision.gathered, units);
  const auto scatter = over_parameters(CollectiveKind::reduce_scatter, trained(st.held),
                                       "precision.gradient_wire", s_.precision.gradient_wire, units);
  const auto forward = exposed(gather.time, "software.overlap.gather", share, st.forward);
  const auto backward =
      exposed(plus(gather.time, scatter.time), "software.overlap.gather", share, st.backward);
  st.gather = plus(forward, backward);
  st.links = ridge::plus(st.links, shown(st.gather, gather), ex_);
  st.all_gather = gather, st.reduce_scatter = scatter;
  st.forward = plus(st.forward, forward);
  st.backward = plus(st.backward, backward);
}

void TrainingTimer::add_reduction(TimeParts& parts, const Stage& st) {
  if (!plan_.has_replicas() || plan_.zero == 3) return;
  const CollectiveKind kind = plan_.zero == 0 ? CollectiveKind::all_reduce : CollectiveKind::reduce_scatter;
  auto gradients =
      over_parameters(kind, trained(st.held), "precision.gradient_wire", s_.precision.gradient_wire);
  if (plan_.zero == 2) gradients.time = times_m(gradients.time);
  auto comm = exposed(gradients.time, "software.overlap.data", s_.software.overlap.data,
                      plan_.zero == 2 ? times_m(st.backward) : st.backward);
  if (plan_.zero > 0) {
    const bool narrow = weights_are_master(s_.precision);
    const auto gather = over_parameters(CollectiveKind::all_gather, trained(st.held),
                                        narrow ? "precision.gathered" : "precision.weights",
                                        narrow ? s_.precision.gathered : s_.precision.weights);
    comm = plus(comm, exposed(gather.time, "software.overlap.data", s_.software.overlap.data, st.forward));
  }
  parts.add("data_communication", comm);
  update_ = ridge::plus(update_, shown(comm, gradients), ex_);
  listed("data.gradients", OperatorKind::collective, 1 / micro_batches_.value, gradients.time,
         gradients.answer);
}

void TrainingTimer::add_tied_exchange(TimeParts& parts) {
  const bool has_copies =
      std::ranges::any_of(stages_, [](const StageLayers& s) { return s.token_copies > 0; });
  if (!has_copies || training_.method != Method::full) return;
  const RankGroup pipeline = rank_groups(plan_).pipeline;
  const double share =
      static_cast<double>(p_.inventory.tensors.front().elements()) / static_cast<double>(plan_.tensor);
  const Traced<Elements> n =
      ex_ ? ElementShare(p_, plan_, *ex_).token_table() : Traced<Elements>{Elements{share}, 0};
  const auto x = input(ex_, "precision.gradient_wire", s_.precision.gradient_wire);
  const auto bytes = note(ex_, tied_bytes, n.value * x.value, {{"n", n}, {"x", x}});
  const GroupLink ends = group_link(s_.hardware, 2, (pipeline.ranks - 1) * pipeline.stride, ex_);
  parts.add("pipeline_transfer", collective_time({CollectiveKind::all_reduce, bytes}, ends, ex_));
}

HeldElements TrainingTimer::trained(const HeldElements& held) {
  if (training_.method == Method::full) return held;
  HeldElements adapters = held;
  adapters.dense = held.adapters;
  adapters.experts =
      constant(ex_, "no trained experts", Elements{0}, "low-rank adapters train no expert weights");
  return adapters;
}

void TrainingTimer::add_optimizer(TimeParts& parts, const Stage& st) {
  const PrecisionRecipe& r = s_.precision;
  const HeldElements held = trained(st.held);
  const StateShards shards = state_shards(plan_, 1, ex_);
  const bool has_master = r.master.value() > 0;
  const Traced<BytesPerElement> states = optimizer_width(r, s_.optimizer, ex_);
  const BytesPerElement master = has_master ? r.master : r.weights,
                        write = has_master ? r.weights : BytesPerElement{0};
  const double each = (r.gradients.value() + r.extra_gradients.value() + 2 * states.value.value() +
                       2 * master.value() + write.value()) *
                      s_.software.optimizer_passes;
  const auto width =
      note(ex_, optimizer_width_formula, BytesPerElement{each},
           {{"g", input(ex_, "precision.gradients", r.gradients)},
            {"x", input(ex_, "precision.extra_gradients", r.extra_gradients)},
            {"mo", states},
            {"ma", input(ex_, has_master ? "precision.master" : "precision.weights", master)},
            {"w", has_master ? input(ex_, "precision.weights", write)
                             : constant(ex_, "no second weight copy", write,
                                        "the recipe keeps no separate master weights")},
            {"passes", input(ex_, "software.optimizer_passes", s_.software.optimizer_passes)}});
  const auto bytes = state_bytes(held.dense, held.experts, width, shards, ex_);
  if (plan_.offload != Offload::none) return add_offload(parts, st.held, bytes, shards);
  const KernelCost update = update_cost(bytes);
  parts.add("optimizer", update.time);
  update_ = ridge::plus(update_, confidence_of(KernelClass::passes, update.time, update.answer, ex_), ex_);
  listed("optimizer", OperatorKind::optimizer, 1 / micro_batches_.value, update.time, update.answer);
}

void TrainingTimer::listed(std::string_view name, OperatorKind kind, double count, Traced<Seconds> t,
                           const Answer& answer) {
  if (!list_ || !(t.value > Seconds{0})) return;
  Operator o;
  o.name = name, o.kind = kind, o.phase = OperatorPhase::update, o.count = count, o.time = t;
  o.bound = kind == OperatorKind::optimizer ? Bound::memory
            : links_.data.nodes > 1         ? Bound::network
                                            : Bound::link;
  o.answer = answer;
  list_->push_back(o);
}

KernelCost TrainingTimer::update_cost(Traced<Bytes> bytes) {
  if (const std::string& kernel = s_.software.optimizer_kernel; !kernel.empty() && bytes.value > Bytes{})
    if (const auto own = pass_constants(p_, kernel, ex_)) return named_pass_cost(*own, bytes, 0, rates_, ex_);
  static constexpr Formula reached{"training.optimizer_fraction",
                                   "fraction of the bandwidth the optimizer reaches", "device * stack",
                                   "definition: the achievable fraction of passes, the stack's efficiency"};
  const auto& pass = rates_.pointwise.bandwidth_fraction;
  const auto e =
      note(ex_, reached, pass.value * s_.software.optimizer_efficiency,
           {{"device", pass},
            {"stack", input(ex_, "software.optimizer_efficiency", s_.software.optimizer_efficiency)}});
  KernelCost cost;
  cost.time = note(ex_, memory_time, bytes.value / (e.value * rates_.memory.value),
                   {{"bytes", bytes}, {"e", e}, {"W", rates_.memory}});
  cost.answer = answer_of_law(rates_.pointwise, 0, cost.time.value);
  return cost;
}

void TrainingTimer::add_offload(TimeParts& parts, const HeldElements& all, Traced<Bytes> bytes,
                                const StateShards& shards) {
  static constexpr Formula weight_visits{"training.offload_weights",
                                         "bytes of a weight that come up in a step", "w * x",
                                         "Ren et al. 2021, arXiv:2101.06840"};
  static constexpr Formula offload_bytes{"training.offload_bytes", "bytes over the host link in one step",
                                         "down + up",
                                         "Ren et al. 2021, arXiv:2101.06840: gradients down, weights up"};
  static constexpr Formula host_share{"training.host_bandwidth",
                                      "host memory bandwidth of one device's share", "W / k", "definition"};
  const PrecisionRecipe& r = s_.precision;
  const bool has_parameters = plan_.offload == Offload::optimizer_parameters;
  static constexpr Formula twice{"training.offload_visits", "times weights come up in a step", "2 * m",
                                 "Ren et al. 2021: for each forward and each backward pass"};
  const auto visits = has_parameters
                          ? note(ex_, twice, 2 * micro_batches_.value, {{"m", micro_batches_}})
                          : constant(ex_, "times weights come up in a step", 1.0, "once after the update");
  const ComputeNode& node = s_.hardware.node;
  const Link& host_link = s_.hardware.device.host_link;
  const auto sharing = devices_of_node(s_, ex_);
  const HeldElements held = trained(all);
  const HeldElements& rising = has_parameters ? all : held;  // frozen weights come up as well
  const auto each = note(ex_, weight_visits, r.weights * visits.value,
                         {{"w", input(ex_, "precision.weights", r.weights)}, {"x", visits}});
  const auto down =
      state_bytes(held.dense, held.experts, input(ex_, "precision.gradients", r.gradients), shards, ex_);
  const auto up = state_bytes(rising.dense, rising.experts, each, shards, ex_);
  const auto moved = note(ex_, offload_bytes, down.value + up.value, {{"down", down}, {"up", up}});
  if (host_link.bandwidth.value > BytesPerSecond{0}) {
    const auto link = host_link_bandwidth(host_link, ex_);
    parts.add("offload", note(ex_, link_time, moved.value / link.value, {{"bytes", moved}, {"W", link}}));
  }
  const BytesPerSecond memory = node.host.memory.bandwidth.value;
  if (memory <= BytesPerSecond{0}) return;
  const auto share = note(ex_, host_share, memory / sharing.value,
                          {{"W", input(ex_, "hardware.node.host.memory.bandwidth", memory)}, {"k", sharing}});
  parts.add("optimizer", note(ex_, link_time, bytes.value / share.value, {{"bytes", bytes}, {"W", share}}));
}

}  // namespace ridge
