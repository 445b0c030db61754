#pragma once
/// One evaluation of a training step.  Internal to training.h: training.cpp runs the stages,
/// training_update.cpp what concerns parameters (gathers, reduction, optimizer, offload).

#include "sim/collective.h"
#include "sim/confidence.h"
#include "sim/finish_time.h"
#include "sim/schedule.h"
#include "sim/stage_time.h"
#include "sim/states.h"
#include "sim/training.h"

namespace ridge {

inline constexpr Formula exposed_formula{
    "training.exposed", "communication that does not hide behind computation",
    "comm - share * min(comm, work)",
    "definition: at most `share` of it hides, and never more than the work it hides behind"};
class TrainingTimer {
 public:
  TrainingTimer(const Prepared& p, const ParallelPlan& plan, Estimate& out, Explain* ex, OperatorList* list)
      : p_(p),
        s_(p.scenario),
        training_(*p.scenario.training()),
        plan_(plan),
        out_(out),
        ex_(ex),
        list_(list),
        rates_(rates(p,
                     {s_.precision.compute, s_.precision.attention_compute, Load::sustained,
                      s_.software.attention_flash2, s_.model.head_dim},
                     ex)),
        links_(links(s_.hardware, plan, ex)) {}

  void run();

 private:
  struct Stage {
    StageTime time;
    HeldElements held;
    Traced<Seconds> forward, backward;            ///< of one micro-batch, waits included
    Traced<Seconds> host_forward, host_backward;  ///< waits for the host
    Traced<Seconds> gather, transfer;             ///< exposed, of one micro-batch
    Confidence links;                             ///< of both
    CollectiveCost all_gather, reduce_scatter;    ///< of fully sharded weights, before overlap
  };

  Traced<double> count(std::string_view key, std::int64_t v) {
    return input(ex_, key, static_cast<double>(v));
  }
  Traced<Seconds> exposed(Traced<Seconds> comm, std::string_view key, double share, Traced<Seconds> behind) {
    return note(ex_, exposed_formula, comm.value - share * min(comm.value, behind.value),
                {{"comm", comm}, {"share", input(ex_, key, share)}, {"work", behind}});
  }
  Traced<Seconds> plus(Traced<Seconds> a, Traced<Seconds> b) { return ridge::plus(a, b, ex_); }
  Traced<Seconds> times_m(Traced<Seconds> t) { return repeated(micro_batches_, t, ex_); }

  void set_micro_batch();
  void time_work();
  /// Collectives over the parameters a stage holds, dense and expert groups one after the other: one of all, or
  /// one for each of `units` equal parts, which pays the latency as often.
  CollectiveCost over_parameters(CollectiveKind kind, const HeldElements& held, std::string_view key,
                                 BytesPerElement width, Traced<double> units = {1.0, 0});
  /// The part of a collective that shows.
  Confidence shown(Traced<Seconds> t, const CollectiveCost& of) {
    return confidence_of(KernelClass::collectives, t, of.answer, ex_);
  }
  /// For the operator list: what concerns parameters, `count` times a micro-batch.
  void listed(std::string_view name, OperatorKind, double count, Traced<Seconds>, const Answer&);
  /// Of the step: of each micro-batch, as often as the busiest stage's work fits into the pipeline's time.
  Confidence confidence();
  /// Each micro-batch passes one of the copies of its layers that a device holds.
  void share_copies(StageTime&);
  void add_stage(const StageLayers& layers);
  /// ZeRO-3: weights are gathered for the forward and again for the backward pass, gradients scattered.
  void add_gathers(Stage& st, const StageLayers& stage);
  void add_transfers(Stage& st);
  /// Input- and weight-gradient halves, for schedules that move the latter.
  void split_backward(StageGroup& group, const Stage& st);
  void add_parts();
  void add_bubble(TimeParts& parts);
  /// Gradients after the last micro-batch (ZeRO 0 to 2) and the gather of updated weights (1, 2).
  void add_reduction(TimeParts& parts, const Stage& st);
  /// First and last stage hold a copy of a tied token table each: their gradients become one sum.
  void add_tied_exchange(TimeParts& parts);
  HeldElements trained(const HeldElements& held);
  void add_optimizer(TimeParts& parts, const Stage& st);
  /// The update kernel over `bytes`: the profile's where the stack names it, else plain passes.
  KernelCost update_cost(Traced<Bytes> bytes);
  /// States on the host: gradients go down, weights come up, the host's memory moves the states.
  void add_offload(TimeParts&, const HeldElements& all, Traced<Bytes>, const StateShards&);
  void add_fixed_host(TimeParts& parts);
  /// Forward pass and input gradients of frozen weights, and the adapters' own work.
  Traced<Flop> frozen_flop(Traced<Flop> full, Traced<Tokens> tokens);
  Traced<Flop> executed_flop();
  void finish();

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
  Traced<Seconds> hop_, pipeline_;
  Confidence update_;  ///< of what stands once in a step
};

}  // namespace ridge
