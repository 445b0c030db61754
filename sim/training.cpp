#include "sim/training.h"

#include "model/flops.h"
#include "sim/collective.h"
#include "sim/finish_time.h"
#include "sim/schedule.h"
#include "sim/stage_time.h"
#include "sim/states.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula micro_batch_count{"training.micro_batches", "micro-batches of a replica in one step", "B / (b * d)", "definition"};
constexpr Formula local_tokens{"training.local_tokens", "tokens of a sequence on one context-parallel rank", "s / c", "definition"};
constexpr Formula batch_tokens{"training.tokens", "tokens of a micro-batch on one device", "b * q", "definition"};
constexpr Formula exposed_formula{"training.exposed", "communication that does not hide behind computation", "comm - share * min(comm, work)",
                                  "definition: at most `share` of it hides, and never more than the work it hides behind"};
constexpr Formula joined{"training.sum", "pieces one after another", "sum(...)", "definition"};
constexpr Formula wire_bytes{"training.wire_bytes", "bytes of a collective over held parameters", "n * x", "definition"};
constexpr Formula optimizer_bytes{"training.optimizer_bytes", "bytes one optimizer step moves", "n / z * (g + 2 * mo + 2 * ma + w) * passes",
                                  "read gradients, states and master weights; write states, master and compute weights"};
constexpr Formula all_elements{"training.elements", "parameters one device updates before sharding", "dense + experts", "definition"};
constexpr Formula memory_time{"training.memory_time", "time to move bytes through device memory", "bytes / (e * W)", "definition"};
constexpr Formula link_time{"training.link_time", "time to move bytes over the host link", "bytes / W", "definition"};
constexpr Formula transfer_bytes{"training.transfer_bytes", "activation bytes from a stage to the next", "tokens * d * a / x",
                                 "Narayanan et al. 2021, arXiv:2104.04473, section 4.1", "x is the tensor degree under sequence parallelism"};
constexpr Formula step_tokens{"training.step_tokens", "tokens of one optimizer step", "B * s", "definition"};
constexpr Formula idle_formula{"training.bubble", "time the busiest stage waits for others", "step - m * busy", "definition"};
constexpr Formula difference{"training.host_wait", "time the device waits for the host", "issued - device", "definition"};

class TrainingTimer {
 public:
  TrainingTimer(const Prepared& p, const ParallelPlan& plan, Estimate& out, Explain* ex, OperatorList* list)
      : p_(p), s_(p.scenario), training_(*p.scenario.training()), plan_(plan), out_(out), ex_(ex), list_(list),
        rates_(rates(p, {s_.precision.compute, s_.precision.attention_compute, Load::sustained, s_.software.attention_flash2}, ex)), links_(links(s_.hardware, plan, ex)) {}

  void run() {
    set_micro_batch();
    time_work();
    stages_ = partition(p_.inventory, plan_);
    for (const StageLayers& stage : stages_) add_stage(stage);
    const auto busiest = std::max_element(groups_.begin(), groups_.end(), [](const StageGroup& a, const StageGroup& b) { return a.times.total() < b.times.total(); });
    worst_ = static_cast<std::size_t>(busiest - groups_.begin());
    add_parts();
    finish();
  }

 private:
  Traced<double> count(std::string_view key, std::int64_t v) { return input(ex_, key, static_cast<double>(v)); }

  void set_micro_batch() {
    const auto s = count("training.sequence_length", training_.sequence_length);
    const auto c = count("parallel.context", plan_.context);
    batch_.sequences = count("training.micro_batch", training_.micro_batch);
    batch_.query_tokens = note(ex_, local_tokens, s.value / c.value, {{"s", s}, {"c", c}});
    batch_.tokens = note(ex_, batch_tokens, batch_.sequences.value * batch_.query_tokens.value, {{"b", batch_.sequences}, {"q", batch_.query_tokens}});
    batch_.new_tokens = s;
    batch_.past = constant(ex_, "no tokens in the cache", 0.0, "a training step starts every sequence");
    batch_.encoder_tokens = s.value;
    batch_.activation = input(ex_, "precision.activations", s_.precision.activations);
    batch_.cache = batch_.activation;
    batch_.weight = input(ex_, "precision.gathered", s_.precision.gathered);
    const auto B = count("training.global_batch", training_.global_batch), d = count("parallel.data", plan_.data);
    const double m = std::max(1.0, B.value / (batch_.sequences.value * d.value));
    micro_batches_ = {std::ceil(m), 0};
    if (ex_) {
      micro_batches_ = note(ex_, rounded_count(), std::ceil(m), {{"B", B}, {"b", batch_.sequences}, {"d", d}});
      ex_->label("pipeline.micro_batches", micro_batches_.node);
    }
  }
  static const Formula& rounded_count() {
    static constexpr Formula f{"training.micro_batches", "micro-batches of a replica in one step", "max(1, ceil(B / (b * d)))", "definition"};
    return f;
  }

  void time_work() {
    const bool is_frozen = training_.method != Method::full;
    const LayerContext c{p_, plan_, rates_, links_, batch_, training_.recompute.value_or(Recompute::none), true, is_frozen,
                         is_frozen ? training_.lora_rank : 0, ex_, list_};
    for (std::size_t k = 0; k < p_.programs.size(); ++k) {
      work_.kinds.push_back(layer_time(p_.programs[k], static_cast<int>(k), static_cast<double>(p_.inventory.layers.count[k]), c));
    }
    work_.embedding = layer_time(p_.embedding, -1, 1, c);
    work_.output = layer_time(p_.output, -1, 1, c);
  }

  Traced<Seconds> exposed(Traced<Seconds> comm, std::string_view key, double share, Traced<Seconds> behind) {
    return note(ex_, exposed_formula, comm.value - share * min(comm.value, behind.value),
                {{"comm", comm}, {"share", input(ex_, key, share)}, {"work", behind}});
  }
  Traced<Seconds> plus(Traced<Seconds> a, Traced<Seconds> b) { return note(ex_, joined, a.value + b.value, {{"a", a}, {"b", b}}); }
  Traced<Seconds> minus(Traced<Seconds> issued, Traced<Seconds> device) {
    return note(ex_, difference, issued.value - device.value, {{"issued", issued}, {"device", device}});
  }

  /// One collective over the parameters a stage holds, dense and expert groups one after the other.
  Traced<Seconds> over_parameters(CollectiveKind kind, const HeldElements& held, std::string_view key, BytesPerElement width) {
    const auto x = input(ex_, key, width);
    auto one = [&](Traced<Elements> n, const GroupLink& link) {
      const auto bytes = note(ex_, wire_bytes, n.value * x.value, {{"n", n}, {"x", x}});
      return collective_time({kind, bytes}, link, ex_);
    };
    Traced<Seconds> dense = one(held.dense, links_.data);
    if (held.experts.value <= Elements{0}) return dense;
    return plus(dense, one(held.experts, links_.expert_data));
  }

  struct Stage {
    StageTime time;
    HeldElements held;
    Traced<Seconds> forward, backward;              ///< of one micro-batch, waits included
    Traced<Seconds> host_forward, host_backward;    ///< waits for the host
    Traced<Seconds> gather, transfer;               ///< exposed, of one micro-batch
  };

  void add_stage(const StageLayers& layers) {
    Stage st;
    st.time = stage_time(work_, layers, ex_);
    st.held = held_elements(p_.inventory, layers, plan_, &training_, ex_);
    const Launch& launch = s_.software.launch;
    const auto issued_forward = issued_time(st.time.forward.device, host_time(launch, HostPhase::forward, st.time.forward.kernels, st.time.forward.collectives, ex_), ex_);
    const PhaseTime& b = st.time.backward;
    const PhaseTime& r = st.time.recompute;
    const auto device_backward = plus(b.device, r.device);
    const auto host_backward = plus(host_time(launch, HostPhase::backward, b.kernels, b.collectives, ex_), host_time(launch, HostPhase::forward, r.kernels, r.collectives, ex_));
    const auto issued_backward = issued_time(device_backward, host_backward, ex_);
    st.host_forward = minus(issued_forward, st.time.forward.device);
    st.host_backward = minus(issued_backward, device_backward);
    st.forward = issued_forward;
    st.backward = issued_backward;
    if (plan_.zero == 3 && plan_.data * plan_.context > 1) add_gathers(st);
    if (plan_.pipeline > 1) add_transfers(st);
    StageGroup group;
    group.count = layers.count;
    group.times.forward = st.forward;
    split_backward(group, st);
    groups_.push_back(group);
    held_.push_back(std::move(st));
  }

  /// ZeRO-3: weights are gathered for the forward and again for the backward pass, gradients scattered.
  void add_gathers(Stage& st) {
    const double share = s_.software.overlap.gather;
    const auto gather = over_parameters(CollectiveKind::all_gather, st.held, "precision.gathered", s_.precision.gathered);
    const auto scatter = over_parameters(CollectiveKind::reduce_scatter, st.held, "precision.gradient_wire", s_.precision.gradient_wire);
    const auto forward = exposed(gather, "software.overlap.gather", share, st.forward);
    const auto backward = exposed(plus(gather, scatter), "software.overlap.gather", share, st.backward);
    st.gather = plus(forward, backward);
    st.forward = plus(st.forward, forward);
    st.backward = plus(st.backward, backward);
  }

  void add_transfers(Stage& st) {
    const auto d = count("model.hidden_size", s_.model.hidden_size);
    const auto x = plan_.sequence ? count("parallel.tensor", plan_.tensor) : rates_.one;
    const Bytes bytes{batch_.tokens.value * d.value * batch_.activation.value.value() / x.value};
    const auto payload = note(ex_, transfer_bytes, bytes, {{"tokens", batch_.tokens}, {"d", d}, {"a", batch_.activation}, {"x", x}});
    const auto hop = point_to_point_time(payload, links_.pipeline, s_.hardware, ex_);
    const double chunks = static_cast<double>(chunks_per_stage(plan_.schedule, plan_.virtual_stages));
    const auto all = repeated(count("parallel.virtual_stages", static_cast<std::int64_t>(chunks)), hop, ex_);
    const auto forward = exposed(all, "software.overlap.pipeline", s_.software.overlap.pipeline, st.forward);
    const auto backward = exposed(all, "software.overlap.pipeline", s_.software.overlap.pipeline, st.backward);
    st.transfer = plus(forward, backward);
    st.forward = plus(st.forward, forward);
    st.backward = plus(st.backward, backward);
    if (hop.value > hop_.value) hop_ = hop;
  }

  /// Input- and weight-gradient halves, for schedules that move the latter.
  void split_backward(StageGroup& group, const Stage& st) {
    static constexpr Formula half{"training.backward_half", "half of a stage's backward pass", "b / 2", "Qi et al. 2023, arXiv:2401.10241: input and weight gradients cost about the same"};
    group.times.backward_input = note(ex_, half, st.backward.value / 2.0, {{"b", st.backward}});
    group.times.backward_weight = group.times.backward_input;
  }

  Traced<Seconds> times_m(Traced<Seconds> t) { return repeated(micro_batches_, t, ex_); }

  void add_parts() {
    TimeParts parts(out_.time, ex_);
    const Stage& st = held_[worst_];
    for (std::size_t c = 0; c < num_time_classes; ++c) {
      const auto one = plus(st.time.forward.parts[c], st.time.backward.parts[c]);
      parts.add(part_name(static_cast<TimeClass>(c)), times_m(one));
    }
    parts.add("recompute", times_m(st.time.recompute.device));
    parts.add("host", times_m(plus(st.host_forward, st.host_backward)));
    if (st.gather.value > Seconds{0}) parts.add("weight_gathering", times_m(st.gather));
    if (st.transfer.value > Seconds{0}) parts.add("pipeline_transfer", times_m(st.transfer));
    add_bubble(parts);
    add_reduction(parts, st);
    add_optimizer(parts, st);
    add_fixed_host(parts);
    parts.finish("step_seconds");
  }

  void add_bubble(TimeParts& parts) {
    const StageTimes& t = groups_[worst_].times;
    const PipelineShape shape{static_cast<std::int64_t>(micro_batches_.value), plan_.virtual_stages, {}};
    const auto pipeline = pipeline_time(plan_.schedule, groups_, shape, ex_);
    const auto busy = plus(t.forward, held_[worst_].backward);
    parts.add("pipeline_bubble", note(ex_, idle_formula, pipeline.value - micro_batches_.value * busy.value,
                                      {{"step", pipeline}, {"m", micro_batches_}, {"busy", busy}}));
    out_.time.bubble_fraction = bubble_fraction(pipeline, groups_, shape, ex_);
  }

  /// Gradients after the last micro-batch (ZeRO 0 to 2) and the gather of updated weights (1, 2).
  void add_reduction(TimeParts& parts, const Stage& st) {
    if (plan_.data * plan_.context <= 1 || plan_.zero == 3) return;
    const CollectiveKind kind = plan_.zero == 0 ? CollectiveKind::all_reduce : CollectiveKind::reduce_scatter;
    auto gradients = over_parameters(kind, trained(st.held), "precision.gradient_wire", s_.precision.gradient_wire);
    if (plan_.zero == 2) gradients = times_m(gradients);
    auto comm = exposed(gradients, "software.overlap.data", s_.software.overlap.data, plan_.zero == 2 ? times_m(st.backward) : st.backward);
    if (plan_.zero > 0) {
      const auto gather = over_parameters(CollectiveKind::all_gather, trained(st.held), "precision.weights", s_.precision.weights);
      comm = plus(comm, exposed(gather, "software.overlap.data", s_.software.overlap.data, st.forward));
    }
    parts.add("data_communication", comm);
  }

  HeldElements trained(const HeldElements& held) {
    if (training_.method == Method::full) return held;
    HeldElements adapters = held;
    adapters.dense = held.adapters;
    adapters.experts = constant(ex_, "no trained experts", Elements{0}, "low-rank adapters train no expert weights");
    return adapters;
  }

  void add_optimizer(TimeParts& parts, const Stage& st) {
    const PrecisionRecipe& r = s_.precision;
    const HeldElements held = trained(st.held);
    const auto n = note(ex_, all_elements, held.dense.value + held.experts.value, {{"dense", held.dense}, {"experts", held.experts}});
    const double shards = plan_.zero > 0 ? static_cast<double>(plan_.data * plan_.context) : 1.0;
    const bool has_master = r.master.value() > 0;
    const Traced<BytesPerElement> states = optimizer_width(r, s_.optimizer, ex_);
    const BytesPerElement master = has_master ? r.master : r.weights, write = has_master ? r.weights : BytesPerElement{0};
    const double width = r.gradients.value() + 2 * states.value.value() + 2 * master.value() + write.value();
    const auto bytes = note(ex_, optimizer_bytes, Bytes{n.value.value() / shards * width * s_.software.optimizer_passes},
                            {{"n", n}, {"z", shard_count(shards)},
                             {"g", input(ex_, "precision.gradients", r.gradients)}, {"mo", states},
                             {"ma", input(ex_, has_master ? "precision.master" : "precision.weights", master)},
                             {"w", has_master ? input(ex_, "precision.weights", write) : constant(ex_, "no second weight copy", write, "the recipe keeps no separate master weights")},
                             {"passes", input(ex_, "software.optimizer_passes", s_.software.optimizer_passes)}});
    if (plan_.offload != Offload::none) return add_offload(parts, n, bytes, shards);
    const double fraction = rates_.pointwise.bandwidth_fraction.value;
    parts.add("optimizer", note(ex_, memory_time, bytes.value / (fraction * rates_.memory.value),
                                {{"bytes", bytes}, {"e", rates_.pointwise.bandwidth_fraction}, {"W", rates_.memory}}));
  }

  /// data x context, as far as ZeRO shards the states.
  Traced<double> shard_count(double shards) {
    static constexpr Formula f{"training.shards", "shards of the optimizer states", "d * c", "Rajbhandari et al. 2020, arXiv:1910.02054"};
    if (plan_.zero == 0) return rates_.one;
    return note(ex_, f, shards, {{"d", count("parallel.data", plan_.data)}, {"c", count("parallel.context", plan_.context)}});
  }

  /// States on the host: gradients go down, weights come up, the host's memory moves the states.
  void add_offload(TimeParts& parts, Traced<Elements> n, Traced<Bytes> bytes, double shards) {
    static constexpr Formula offload_bytes{"training.offload_bytes", "bytes over the host link in one step", "n / z * (g + w * x)",
                                           "Ren et al. 2021, arXiv:2101.06840: gradients down, weights up"};
    static constexpr Formula host_share{"training.host_bandwidth", "host memory bandwidth of one device's share", "W / k", "definition"};
    const PrecisionRecipe& r = s_.precision;
    const bool has_parameters = plan_.offload == Offload::optimizer_parameters;
    const double visits = has_parameters ? 2 * micro_batches_.value : 1;
    const ComputeNode& node = s_.hardware.node;
  const Link& host_link = s_.hardware.device.host_link;
    const double sharing = static_cast<double>(std::min(node.devices, s_.devices));
    const auto moved = note(ex_, offload_bytes, Bytes{n.value.value() / shards * (r.gradients.value() + r.weights.value() * visits)},
                            {{"n", n}, {"z", shard_count(shards)}, {"g", input(ex_, "precision.gradients", r.gradients)},
                             {"w", input(ex_, "precision.weights", r.weights)}, {"x", constant(ex_, "times weights come up in a step", visits, "once after the update, or once for each forward and backward pass when parameters live on the host")}});
    if (host_link.bandwidth.value > BytesPerSecond{0}) {
      const auto link = host_link_bandwidth(host_link, ex_);
      parts.add("offload", note(ex_, link_time, moved.value / link.value, {{"bytes", moved}, {"W", link}}));
    }
    const BytesPerSecond memory = node.host.memory.bandwidth.value;
    if (memory <= BytesPerSecond{0}) return;
    const auto share = note(ex_, host_share, memory / sharing, {{"W", input(ex_, "hardware.node.host.memory.bandwidth", memory)}, {"k", constant(ex_, "devices that share a host", sharing, "the fewer of devices and devices per node")}});
    parts.add("optimizer", note(ex_, link_time, bytes.value / share.value, {{"bytes", bytes}, {"W", share}}));
  }

  void add_fixed_host(TimeParts& parts) {
    const Launch& l = s_.software.launch;
    parts.add("host", input(ex_, "software.launch.host_per_step", l.host_per_step));
    if (l.host_per_micro_batch > Seconds{0}) parts.add("host", times_m(input(ex_, "software.launch.host_per_micro_batch", l.host_per_micro_batch)));
  }

  void finish() {
    set_interval(out_.time, s_.software, ex_);
    std::array<Seconds, 5> by_bound{};
    const StageTime& t = held_[worst_].time;
    for (std::size_t b = 0; b < by_bound.size(); ++b)
      by_bound[b] = micro_batches_.value * (t.forward.by_bound[b] + t.backward.by_bound[b] + t.recompute.by_bound[b]);
    out_.limits = limits_of(out_.time, by_bound);
    Flop executed{0};
    for (std::size_t i = 0; i < held_.size(); ++i) {
      const StageTime& s = held_[i].time;
      executed += (s.forward.flops + s.backward.flops + s.recompute.flops) * static_cast<double>(stages_[i].count);
    }
    executed *= micro_batches_.value * static_cast<double>(plan_.tensor * plan_.context * plan_.data);
    const auto B = count("training.global_batch", training_.global_batch), s = count("training.sequence_length", training_.sequence_length);
    const auto tokens = note(ex_, step_tokens, Tokens{B.value * s.value}, {{"B", B}, {"s", s}});
    const TokenBatch all{.sequences = training_.global_batch, .tokens = training_.sequence_length, .past = 0, .encoder_tokens = training_.sequence_length};
    const auto model_flop = training_flop(s_.model, p_.inventory, all, ex_);
    out_.throughput = throughput(p_, tokens, model_flop, executed, out_.time.totals.front().amount, rates_.product_peak, ex_);
  }

  const Prepared& p_;
  const Scenario& s_;
  const Training& training_;
  const ParallelPlan& plan_;
  Estimate& out_;
  Explain* ex_;
  OperatorList* list_;
  Rates rates_;
  Links links_;
  MicroBatch batch_;
  Traced<double> micro_batches_;
  WorkTimes work_;
  std::vector<StageLayers> stages_;
  std::vector<StageGroup> groups_;
  std::vector<Stage> held_;
  std::size_t worst_ = 0;
  Traced<Seconds> hop_;
};

}  // namespace

void time_training(const Prepared& p, const ParallelPlan& plan, Estimate& out, Explain* ex, OperatorList* list) {
  TrainingTimer(p, plan, out, ex, list).run();
}

}  // namespace ridge
