#include "sim/training.h"

#include "model/flops.h"
#include "sim/derived_inputs.h"
#include "sim/training_timer.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

constexpr Formula step_tokens{"training.step_tokens", "tokens of one optimizer step", "B * s", "definition"};
constexpr Formula idle_formula{"training.bubble", "time the busiest stage waits for others",
                               "step - m * busy", "definition"};

}  // namespace

void TrainingTimer::run() {
  set_micro_batch();
  time_work();
  stages_ = partition(p_.inventory, plan_);
  for (const StageLayers& stage : stages_) add_stage(stage);
  const auto busiest = std::max_element(
      groups_.begin(), groups_.end(),
      [](const StageGroup& a, const StageGroup& b) { return a.times.total() < b.times.total(); });
  worst_ = static_cast<std::size_t>(busiest - groups_.begin());
  add_parts();
  finish();
}

void TrainingTimer::set_micro_batch() {
  const auto s = count("training.sequence_length", training_.sequence_length);
  const auto c = count("parallel.context", plan_.context);
  batch_.sequences = count("training.micro_batch", training_.micro_batch);
  batch_.query_tokens = local_tokens(s, c, ex_);
  batch_.tokens = batch_tokens(batch_.sequences, batch_.query_tokens, ex_);
  batch_.new_tokens = s;
  batch_.past = constant(ex_, "no tokens in the cache", 0.0, "a training step starts every sequence");
  batch_.encoder_tokens = s;
  batch_.activation = input(ex_, "precision.activations", s_.precision.activations);
  batch_.cache = batch_.activation;
  batch_.weight = input(ex_, "precision.gathered", s_.precision.gathered);
  micro_batches_ = micro_batches_of(training_, plan_, ex_);
  if (ex_) ex_->label("pipeline.micro_batches", micro_batches_.node);
}

void TrainingTimer::time_work() {
  const bool is_frozen = training_.method != Method::full;
  LayerContext c{p_, plan_, rates_, links_, batch_, training_.recompute.value_or(Recompute::none)};
  c.has_backward = true;
  c.is_frozen = is_frozen;
  c.lora_rank = is_frozen ? training_.lora_rank : 0;
  c.accumulates = micro_batches_.value > 1 && plan_.zero < 2;
  c.ex = ex_;
  c.list = list_;
  const std::string& adapters = s_.software.adapters.compute;
  std::optional<Rates> adapter_rates;
  if (is_frozen && !adapters.empty()) {
    adapter_rates = rates(
        p_, {adapters, s_.precision.attention_compute, Load::sustained, s_.software.attention_flash2}, ex_);
    c.adapter = &*adapter_rates;
  }
  for (std::size_t k = 0; k < p_.programs.size(); ++k) {
    work_.kinds.push_back(layer_time(p_.programs[k], static_cast<int>(k),
                                     static_cast<double>(p_.inventory.layers.count[k]), c));
  }
  work_.embedding = layer_time(p_.embedding, -1, 1, c);
  work_.output = layer_time(p_.output, -1, 1, c);
}

void TrainingTimer::add_stage(const StageLayers& layers) {
  Stage st;
  st.time = stage_time(p_, plan_, work_, layers, ex_);
  st.held = held_elements(p_, layers, plan_, ex_);
  share_copies(st.time);
  const Launch& launch = s_.software.launch;
  const auto issued_forward = issued_time(
      st.time.forward.device,
      host_time(launch, HostPhase::forward, st.time.forward.kernels, st.time.forward.collectives, ex_), ex_);
  const PhaseTime& b = st.time.backward;
  const PhaseTime& r = st.time.recompute;
  const auto device_backward = plus(b.device, r.device);
  const auto host_backward = plus(host_time(launch, HostPhase::backward, b.kernels, b.collectives, ex_),
                                  host_time(launch, HostPhase::forward, r.kernels, r.collectives, ex_));
  const auto issued_backward = issued_time(device_backward, host_backward, ex_);
  st.host_forward = host_wait(issued_forward, st.time.forward.device, ex_);
  st.host_backward = host_wait(issued_backward, device_backward, ex_);
  st.forward = issued_forward;
  st.backward = issued_backward;
  if (plan_.zero == 3 && plan_.has_replicas()) add_gathers(st, layers);
  if (plan_.pipeline > 1) add_transfers(st);
  StageGroup group;
  group.count = layers.count;
  group.times.forward = st.forward;
  split_backward(group, st);
  groups_.push_back(group);
  held_.push_back(std::move(st));
}

void TrainingTimer::share_copies(StageTime& t) {
  const double copies = static_cast<double>(weight_copies(plan_.schedule));
  if (copies == 1) return;
  static constexpr Formula half{"training.dualpipe", "time of one of the two copies a device holds", "t / n",
                                "DeepSeek-V3, arXiv:2412.19437: micro-batches enter from both ends"};
  const auto n = constant(ex_, "copies of layers on a device", copies,
                          "DeepSeek-V3, arXiv:2412.19437: dualpipe holds two");
  for (PhaseTime* phase : {&t.forward, &t.recompute, &t.backward}) {
    for (auto& part : phase->parts) part = note(ex_, half, part.value / copies, {{"t", part}, {"n", n}});
    phase->device = note(ex_, half, phase->device.value / copies, {{"t", phase->device}, {"n", n}});
    static constexpr Formula half_count{"training.dualpipe_launches",
                                        "launches of one of the two copies a device holds", "k / n",
                                        "DeepSeek-V3, arXiv:2412.19437"};
    for (Traced<double>* k : {&phase->kernels, &phase->collectives})
      *k = note(ex_, half_count, k->value / copies, {{"k", *k}, {"n", n}});
    static constexpr Formula half_flop{"training.dualpipe_flop",
                                       "FLOP of one of the two copies a device holds", "f / n",
                                       "DeepSeek-V3, arXiv:2412.19437"};
    phase->flops = note(ex_, half_flop, phase->flops.value / copies, {{"f", phase->flops}, {"n", n}});
    for (auto& bound : phase->by_bound)
      bound = note(ex_, half, bound.value / copies, {{"t", bound}, {"n", n}});
    for (auto* d :
         {&phase->confidence.deviation[0], &phase->confidence.deviation[1], &phase->confidence.deviation[2],
          &phase->confidence.deviation[3], &phase->confidence.known})
      if (d->value > Seconds{0}) *d = note(ex_, half, d->value / copies, {{"t", *d}, {"n", n}});
  }
}

void TrainingTimer::add_transfers(Stage& st) {
  const auto payload = stage_payload(p_, plan_, batch_, ex_);
  const CollectiveCost message = point_to_point_cost(payload, links_.pipeline, s_.hardware, ex_);
  const Traced<Seconds> hop = message.time;
  const double chunks = static_cast<double>(chunks_per_stage(plan_.schedule, plan_.virtual_stages));
  const auto all = repeated(count("parallel.virtual_stages", static_cast<std::int64_t>(chunks)), hop, ex_);
  const auto forward = exposed(all, "software.overlap.pipeline", s_.software.overlap.pipeline, st.forward);
  const auto backward = exposed(all, "software.overlap.pipeline", s_.software.overlap.pipeline, st.backward);
  st.transfer = plus(forward, backward);
  st.links = ridge::plus(st.links, shown(st.transfer, message), ex_);
  st.forward = plus(st.forward, forward);
  st.backward = plus(st.backward, backward);
  if (hop.value > hop_.value) hop_ = hop;
}

void TrainingTimer::split_backward(StageGroup& group, const Stage& st) {
  static constexpr Formula half{
      "training.backward_half", "half of a stage's backward pass", "b / 2",
      "Qi et al. 2023, arXiv:2401.10241: input and weight gradients cost about the same"};
  group.times.backward_input = note(ex_, half, st.backward.value / 2.0, {{"b", st.backward}});
  group.times.backward_weight = group.times.backward_input;
}

void TrainingTimer::add_parts() {
  TimeParts parts(out_.time, ex_);
  const Stage& st = held_[worst_];
  for (std::size_t c = 0; c < num_time_classes; ++c) {
    const auto one = plus(st.time.forward.parts[c], st.time.backward.parts[c]);
    parts.add(part_name(static_cast<TimeClass>(c)), times_m(one));
  }
  parts.add("recompute", times_m(st.time.recompute.device));
  parts.add("host", times_m(plus(st.host_forward, st.host_backward)));
  if (st.gather.value > Seconds{0}) parts.add("weight_gathering", times_m(st.gather));
  listed("data.all-gather", OperatorKind::collective, 2, st.all_gather.time, st.all_gather.answer);
  listed("data.reduce-scatter", OperatorKind::collective, 1, st.reduce_scatter.time,
         st.reduce_scatter.answer);
  if (st.transfer.value > Seconds{0}) parts.add("pipeline_transfer", times_m(st.transfer));
  add_bubble(parts);
  add_reduction(parts, st);
  add_tied_exchange(parts);
  add_optimizer(parts, st);
  add_fixed_host(parts);
  parts.finish("step_seconds");
}

void TrainingTimer::add_bubble(TimeParts& parts) {
  const StageTimes& t = groups_[worst_].times;
  const PipelineShape shape{static_cast<std::int64_t>(micro_batches_.value), plan_.virtual_stages, {}};
  const auto pipeline = pipeline_time(plan_.schedule, groups_, shape, ex_);
  pipeline_ = pipeline;
  const auto busy = plus(t.forward, held_[worst_].backward);
  parts.add("pipeline_bubble", note(ex_, idle_formula, pipeline.value - micro_batches_.value * busy.value,
                                    {{"step", pipeline}, {"m", micro_batches_}, {"busy", busy}}));
  out_.time.bubble_fraction = bubble_fraction(pipeline, groups_, shape, ex_);
}

Confidence TrainingTimer::confidence() {
  const Stage& st = held_[worst_];
  const StageTime& t = st.time;
  const Confidence each = ridge::plus(ridge::plus(t.forward.confidence, t.backward.confidence, ex_),
                                      ridge::plus(t.recompute.confidence, st.links, ex_), ex_);
  if (!each.any()) return update_;
  static constexpr Formula times{
      "training.pipeline_rounds", "times the busiest stage's work fits into the pipeline's time", "t / busy",
      "definition: waiting for other stages takes longer by what their kernels do"};
  const auto busy = plus(groups_[worst_].times.forward, st.backward);
  const auto n = note(ex_, times, pipeline_.value / busy.value, {{"t", pipeline_}, {"busy", busy}});
  return ridge::plus(repeated(n, each, ex_), update_, ex_);
}

void TrainingTimer::add_fixed_host(TimeParts& parts) {
  const Launch& l = s_.software.launch;
  parts.add("host", input(ex_, "software.launch.host_per_step", l.host_per_step));
  if (l.host_per_micro_batch > Seconds{0})
    parts.add("host", times_m(input(ex_, "software.launch.host_per_micro_batch", l.host_per_micro_batch)));
}

Traced<Flop> TrainingTimer::frozen_flop(Traced<Flop> full, Traced<Tokens> tokens) {
  static constexpr Formula f{"training.frozen_flop", "model FLOP of a step that trains low-rank adapters",
                             "f * 2 / 3 + 6 * a * n",
                             "Hu et al. 2021, arXiv:2106.09685: frozen weights need no weight gradients"};
  const Traced<std::int64_t> a = out_.parameters.trainable;
  return note(ex_, f,
              Flop{full.value.value() * 2 / 3 + 6 * static_cast<double>(a.value) * tokens.value.value()},
              {{"f", full}, {"a", a}, {"n", tokens}});
}

Traced<Flop> TrainingTimer::executed_flop() {
  static constexpr Formula stages{"training.stage_flop", "FLOP of one micro-batch on equal stages",
                                  "n * (f + b + r)", "definition"};
  static constexpr Formula sum{"training.pipeline_flop",
                               "FLOP of one micro-batch on one device of each stage", "sum(...)",
                               "definition"};
  static constexpr Formula all{"training.executed_flop", "FLOP executed on all devices", "m * f * t * c * d",
                               "definition"};
  Flop one{0};
  std::vector<Term> terms;
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const StageTime& s = held_[i].time;
    const double n = static_cast<double>(stages_[i].count);
    const Flop each = n * (s.forward.flops.value + s.backward.flops.value + s.recompute.flops.value);
    one += each;
    if (!ex_) continue;
    const auto equal = constant(ex_, "equal stages: " + std::to_string(stages_[i].count), n,
                                "sim/partition.h: neighbouring stages that hold the same");
    terms.emplace_back(
        "stages",
        note(ex_, stages, each,
             {{"n", equal}, {"f", s.forward.flops}, {"b", s.backward.flops}, {"r", s.recompute.flops}}));
  }
  const Traced<Flop> f{one, ex_ ? ex_->note(sum, one.value(), Flop::dim, terms) : 0};
  const double ranks = static_cast<double>(plan_.tensor * plan_.context * plan_.data);
  return note(ex_, all, micro_batches_.value * f.value * ranks,
              {{"m", micro_batches_},
               {"f", f},
               {"t", count("parallel.tensor", plan_.tensor)},
               {"c", count("parallel.context", plan_.context)},
               {"d", count("parallel.data", plan_.data)}});
}

void TrainingTimer::finish() {
  set_interval(out_.time, confidence(), s_.software, ex_);
  static constexpr Formula bounded{"training.bound", "time of a step's operators that one resource bounds",
                                   "m * (f + b + r)", "definition"};
  TimeByBound by_bound{};
  const StageTime& t = held_[worst_].time;
  for (std::size_t i = 0; i < by_bound.size(); ++i) {
    const auto f = t.forward.by_bound[i], b = t.backward.by_bound[i], r = t.recompute.by_bound[i];
    by_bound[i] = note(ex_, bounded, micro_batches_.value * (f.value + b.value + r.value),
                       {{"m", micro_batches_}, {"f", f}, {"b", b}, {"r", r}});
  }
  const bool data_leaves_node = links_.data.nodes > 1;
  const bool pipeline_leaves_node = links_.pipeline && links_.pipeline->devices != s_.hardware.node.devices;
  out_.limits = limits_of(out_.time, by_bound, ex_, data_leaves_node ? Resource::network : Resource::link,
                          pipeline_leaves_node ? Resource::network : Resource::link);
  const Traced<Flop> executed = executed_flop();
  const auto B = count("training.global_batch", training_.global_batch),
             s = count("training.sequence_length", training_.sequence_length);
  const auto tokens = note(ex_, step_tokens, Tokens{B.value * s.value}, {{"B", B}, {"s", s}});
  const TokenBatch all{.sequences = training_.global_batch,
                       .tokens = training_.sequence_length,
                       .past = 0,
                       .encoder_tokens = training_.sequence_length,
                       .sequences_node = B.node,
                       .tokens_node = s.node,
                       .past_node = batch_.past.node,
                       .encoder_node = s.node};
  Traced<Flop> model_flop = training_flop(s_.model, p_.inventory, all, ex_);
  if (training_.method != Method::full) model_flop = frozen_flop(model_flop, tokens);
  out_.throughput =
      throughput(p_, tokens, model_flop, executed, out_.time.totals.front().amount, rates_.product_peak, ex_);
}

void time_training(const Prepared& p, const ParallelPlan& plan, Estimate& out, Explain* ex,
                   OperatorList* list) {
  TrainingTimer(p, plan, out, ex, list).run();
}

}  // namespace ridge
