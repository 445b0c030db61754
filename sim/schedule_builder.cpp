#include "sim/schedule_builder.h"

#include "sim/schedule_order.h"

#include <algorithm>

namespace ridge {
namespace {

using namespace detail;

/// How far along the model's path a stage's chunk lies.
std::int64_t position(const Shape& s, std::int64_t stage, int chunk) {
  switch (s.kind) {
    case ScheduleKind::interleaved: return chunk * s.p + stage;
    case ScheduleKind::zbv: return chunk == 0 ? stage : 2 * s.p - 1 - stage;
    case ScheduleKind::dualpipe: return chunk == 0 ? stage : s.p - 1 - stage;
    default: return stage;
  }
}

Seconds duration(Work w, const StageTimes& t) {
  switch (w) {
    case Work::forward: return t.forward.value;
    case Work::backward: return t.backward();
    case Work::backward_input: return t.backward_input.value;
    case Work::backward_weight: return t.backward_weight.value;
  }
  return Seconds{0};
}

/// Runs the orders: each stage in order, each entry once what it needs has arrived.
class Simulation {
 public:
  Simulation(const Shape& s, std::span<const StageTimes> times, Seconds transfer)
      : s_(s), times_(times), transfer_(transfer), length_(s.p * s.v) {
    const std::size_t cells = static_cast<std::size_t>(length_ * s.m);
    forward_.assign(cells, Seconds{-1});
    backward_.assign(cells, Seconds{-1});
    for (std::int64_t i = 0; i < s.p; ++i) orders_.push_back(order_of(s, i));
    result_.stages.resize(static_cast<std::size_t>(s.p));
    for (std::size_t i = 0; i < orders_.size(); ++i) result_.stages[i].reserve(orders_[i].size());
  }

  bool run() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (std::int64_t i = 0; i < s_.p; ++i) moved |= advance(i);
      for (std::int64_t i = s_.p - 1; i >= 0; --i) moved |= advance(i);
    }
    for (std::size_t i = 0; i < orders_.size(); ++i) {
      if (result_.stages[i].size() != orders_[i].size()) return false;
    }
    return true;
  }

  Schedule take() {
    result_.makespan = result_.step = Seconds{0};
    for (const auto& stage : result_.stages) {
      if (stage.empty()) continue;
      result_.makespan = max(result_.makespan, stage.back().end);
      result_.step = max(result_.step, stage.back().end - stage.front().start);
    }
    if (s_.kind != ScheduleKind::zb_h2 && s_.kind != ScheduleKind::zbv) result_.step = result_.makespan;
    return std::move(result_);
  }

 private:
  std::size_t cell(std::int64_t at, std::int64_t micro_batch) const {
    return static_cast<std::size_t>(at * s_.m + micro_batch);
  }

  /// When what an entry needs has arrived; negative while it has not been computed.
  Seconds ready(const Entry& e, std::int64_t at) const {
    if (e.work == Work::backward_weight || (e.work == Work::forward && at == 0)) return Seconds{0};
    const bool turn = e.work != Work::forward && at == length_ - 1;
    const Seconds done = e.work == Work::forward ? forward_[cell(at - 1, e.micro_batch)]
                         : turn                  ? forward_[cell(at, e.micro_batch)]
                                                 : backward_[cell(at + 1, e.micro_batch)];
    const bool stays =
        turn || (s_.kind == ScheduleKind::zbv && at == (e.work == Work::forward ? s_.p : s_.p - 1));
    return done.value() < 0 || stays ? done : done + transfer_;
  }

  bool advance(std::int64_t stage) {
    auto& done = result_.stages[static_cast<std::size_t>(stage)];
    const Order& order = orders_[static_cast<std::size_t>(stage)];
    const std::size_t before = done.size();
    while (done.size() < order.size()) {
      const Entry* e = &order[done.size()];
      const std::size_t together = e->paired ? 2 : 1;
      Seconds start = done.empty() ? Seconds{0} : done.back().end;
      bool all_arrived = true;
      for (std::size_t i = 0; i < together; ++i) {
        const Seconds arrival = ready(e[i], position(s_, stage, e[i].chunk));
        all_arrived = all_arrived && arrival.value() >= 0;
        start = max(start, arrival);
      }
      if (!all_arrived) break;
      for (std::size_t i = 0; i < together; ++i, start = done.back().end) append(done, e[i], stage, start);
      for (std::size_t i = 0; i < together; ++i)
        finish(e[i], position(s_, stage, e[i].chunk), done.back().end);
    }
    return done.size() > before;
  }

  void append(std::vector<ScheduledWork>& done, const Entry& e, std::int64_t stage, Seconds start) const {
    const std::int64_t timed = s_.kind == ScheduleKind::dualpipe ? position(s_, stage, e.chunk) : stage;
    const Seconds takes =
        duration(e.work, times_[static_cast<std::size_t>(timed)]) / static_cast<double>(s_.v);
    done.push_back({start, start + takes, e.micro_batch, e.chunk, e.work});
  }

  void finish(const Entry& e, std::int64_t at, Seconds end) {
    if (e.work == Work::forward) forward_[cell(at, e.micro_batch)] = end;
    else if (e.work != Work::backward_weight) backward_[cell(at, e.micro_batch)] = end;
  }

  Shape s_;
  std::span<const StageTimes> times_;
  Seconds transfer_;
  std::int64_t length_;
  std::vector<Seconds> forward_, backward_;
  std::vector<Order> orders_;
  Schedule result_;
};

std::string unmet(const Shape& s) {
  if (s.p < 1 || s.m < 1) return "a schedule needs at least one stage and one micro-batch";
  if (s.kind == ScheduleKind::interleaved && s.m % s.p != 0) {
    return "interleaved-1f1b needs a multiple of the number of stages in micro-batches";
  }
  if (s.kind != ScheduleKind::dualpipe) return "";
  if (s.p % 2 != 0) return "dualpipe needs an even number of stages";
  if (s.m % 2 != 0) return "dualpipe needs an even number of micro-batches";
  return s.m < 2 * s.p ? "dualpipe needs at least two micro-batches per stage" : "";
}

}  // namespace

tl::expected<Schedule, std::string> build_schedule(ScheduleKind kind, std::span<const StageTimes> stages,
                                                   const PipelineShape& shape) {
  const Shape s{kind, static_cast<std::int64_t>(stages.size()), shape.micro_batches,
                chunks_per_stage(kind, shape.virtual_stages)};
  if (std::string problem = unmet(s); !problem.empty()) return tl::make_unexpected(problem);
  Simulation simulation(s, stages, shape.transfer.value);
  if (!simulation.run()) return tl::make_unexpected(std::string("the schedule waits for itself"));
  return simulation.take();
}

double peak_in_flight(const Schedule& schedule, std::size_t stage, ScheduleKind kind,
                      const PipelineShape& shape) {
  std::int64_t held = 0, most = 0;
  for (const ScheduledWork& w : schedule.stages[stage]) {
    if (w.work == Work::forward) most = std::max(most, ++held);
    else if (w.work != Work::backward_input) --held;
  }
  return static_cast<double>(most) / static_cast<double>(chunks_per_stage(kind, shape.virtual_stages));
}

}  // namespace ridge
