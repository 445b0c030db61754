#include "sim/schedule_builder.h"

#include <algorithm>

namespace ridge {
namespace {

struct Entry {
  std::int32_t micro_batch;
  std::int16_t chunk;
  Work work;
  bool paired = false;  ///< runs together with the next entry: both wait for both, both end together
};
using Order = std::vector<Entry>;

struct Shape {
  ScheduleKind kind;
  std::int64_t p, m, v;
};

/// Appends work of the next micro-batch, counting each kind and chunk by itself.
class Writer {
 public:
  explicit Writer(const Shape& s) : m_(s.m) { order_.reserve(static_cast<std::size_t>(3 * s.m * s.v)); }
  void add(Work w, int chunk, std::int64_t times = 1) {
    for (; times > 0; --times) {
      std::int64_t& next = next_[static_cast<std::size_t>(w)][static_cast<std::size_t>(chunk)];
      if (next < m_) put(w, chunk, next);
      ++next;
    }
  }
  void put(Work w, int chunk, std::int64_t micro_batch) {
    order_.push_back({static_cast<std::int32_t>(micro_batch), static_cast<std::int16_t>(chunk), w});
  }
  std::int64_t count(Work w, int chunk) const {
    return next_[static_cast<std::size_t>(w)][static_cast<std::size_t>(chunk)];
  }
  Order take() { return std::move(order_); }

 private:
  std::int64_t m_;
  std::int64_t next_[4][2] = {};
  Order order_;
};

Order order_gpipe(const Shape& s) {
  Writer w(s);
  w.add(Work::forward, 0, s.m);
  w.add(Work::backward, 0, s.m);
  return w.take();
}

Order order_one_f_one_b(const Shape& s, std::int64_t stage) {
  Writer w(s);
  const std::int64_t ahead = std::min(s.m, s.p - 1 - stage);
  w.add(Work::forward, 0, ahead);
  for (std::int64_t i = 0; i < s.m; ++i) {
    if (w.count(Work::forward, 0) < s.m) w.add(Work::forward, 0);
    w.add(Work::backward, 0);
  }
  return w.take();
}

/// Every (chunk, micro-batch) in the order an interleaved stage meets them: p micro-batches a chunk.
std::vector<std::pair<int, std::int64_t>> interleaved_sequence(const Shape& s) {
  std::vector<std::pair<int, std::int64_t>> sequence;
  for (std::int64_t base = 0; base < s.m; base += s.p) {
    for (std::int64_t chunk = 0; chunk < s.v; ++chunk) {
      for (std::int64_t j = base; j < std::min(s.m, base + s.p); ++j) sequence.emplace_back(int(chunk), j);
    }
  }
  return sequence;
}

Order order_interleaved(const Shape& s, std::int64_t stage) {
  const auto sequence = interleaved_sequence(s);
  const std::int64_t all = s.m * s.v, ahead = std::min(all, 2 * (s.p - 1 - stage) + (s.v - 1) * s.p);
  Writer w(s);
  auto forward = [&](std::int64_t k) {
    w.put(Work::forward, sequence[std::size_t(k)].first, sequence[std::size_t(k)].second);
  };
  auto backward = [&](std::int64_t k) {
    w.put(Work::backward, int(s.v) - 1 - sequence[std::size_t(k)].first, sequence[std::size_t(k)].second);
  };
  for (std::int64_t k = 0; k < ahead; ++k) forward(k);
  for (std::int64_t k = ahead; k < all; ++k) forward(k), backward(k - ahead);
  for (std::int64_t k = all - ahead; k < all; ++k) backward(k);
  return w.take();
}

/// zb-h1 (depth 1) and zb-h2 (depth 2): 1F1B with split backward passes; weight gradients `depth i`
/// backward passes late, so that every stage holds equally many micro-batches.
Order order_zero_bubble(const Shape& s, std::int64_t stage, std::int64_t depth) {
  Writer w(s);
  const std::int64_t ahead = std::min(s.m, depth * (s.p - 1 - stage)), late = depth * stage;
  w.add(Work::forward, 0, ahead);
  for (std::int64_t i = 0; i < s.m; ++i) {
    if (w.count(Work::forward, 0) < s.m) w.add(Work::forward, 0);
    w.add(Work::backward_input, 0);
    if (i >= late) w.add(Work::backward_weight, 0);
  }
  w.add(Work::backward_weight, 0, std::min(late, s.m));
  return w.take();
}

void add_backward_pair(Writer& w, int chunk) {
  w.add(Work::backward_input, chunk);
  w.add(Work::backward_weight, chunk);
}

/// The V: chunk 0 runs down the stages, chunk 1 back up.
Order order_zbv(const Shape& s, std::int64_t stage) {
  Writer w(s);
  const std::int64_t filled = std::max(2 * s.p - 1, s.m);
  w.add(Work::forward, 0, 2 * (s.p - stage) - 1);
  for (std::int64_t i = 0; i < stage; ++i) w.add(Work::forward, 1), w.add(Work::forward, 0);
  for (std::int64_t i = stage; i < s.p; ++i) w.add(Work::forward, 1), add_backward_pair(w, 1);
  while (w.count(Work::forward, 1) < w.count(Work::forward, 0) || w.count(Work::forward, 0) < filled) {
    if (w.count(Work::forward, 0) < filled) w.add(Work::forward, 0);
    add_backward_pair(w, 0);
    w.add(Work::forward, 1);
    add_backward_pair(w, 1);
  }
  for (std::int64_t i = 0; i < stage; ++i) w.add(Work::backward_input, 0), w.add(Work::backward_input, 1);
  for (std::int64_t i = stage; i < s.p; ++i) add_backward_pair(w, 0);
  for (int chunk : {1, 0}) {
    while (w.count(Work::backward_weight, chunk) < w.count(Work::backward_input, chunk)) {
      w.add(Work::backward_weight, chunk);
    }
  }
  return w.take();
}

/// Work of one dualpipe stage in its two directions; split backward passes queue their weight part.
class DualPipeWriter {
 public:
  DualPipeWriter(const Shape& s, std::int64_t stage) : near_(stage < s.p / 2 ? 0 : 1), half_(s.m / 2) {}
  void forward(bool far) { put(Work::forward, far, forward_[far]++); }
  void backward(bool far, bool split) {
    const std::int64_t i = backward_[far]++;
    put(split ? Work::backward_input : Work::backward, far, i);
    if (split) waiting_.push_back({far, i});
  }
  /// Forward in one direction and backward in the other, run together.
  void both(bool far) {
    forward(far);
    order_.back().paired = true;
    backward(!far, false);
  }
  void weight() {
    if (first_ == waiting_.size()) return;
    put(Work::backward_weight, waiting_[first_].first, waiting_[first_].second);
    ++first_;
  }
  Order take() { return std::move(order_); }

 private:
  void put(Work w, bool far, std::int64_t i) {
    const std::int16_t chunk = static_cast<std::int16_t>(far ? 1 - near_ : near_);
    order_.push_back({static_cast<std::int32_t>(chunk * half_ + i), chunk, w});
  }
  int near_;
  std::int64_t half_;
  std::int64_t forward_[2] = {}, backward_[2] = {};
  std::vector<std::pair<bool, std::int64_t>> waiting_;
  std::size_t first_ = 0;
  Order order_;
};

/// The eight phases of DeepSeek's schedule; `depth` counts stages from the nearer end.
Order order_dualpipe(const Shape& s, std::int64_t stage) {
  const std::int64_t depth = std::min(stage, s.p - 1 - stage), inner = s.p / 2 - depth - 1;
  DualPipeWriter w(s, stage);
  for (std::int64_t i = 0; i < 2 * inner; ++i) w.forward(false);
  for (std::int64_t i = 0; i <= depth; ++i) w.forward(false), w.forward(true);
  for (std::int64_t i = 0; i < inner; ++i) w.backward(true, true), w.weight(), w.forward(true);
  for (std::int64_t i = 0; i < s.m / 2 - s.p + depth + 1; ++i) {
    w.both(false);
    w.both(true);
  }
  for (std::int64_t i = 0; i < inner; ++i) w.backward(true, false), w.both(true);
  bool split = false;
  for (std::int64_t i = 0; i <= depth; ++i) {
    if (2 * i >= depth && depth % 2 == 1 && i == (depth + 1) / 2) split = true;
    w.backward(true, split);
    if (depth % 2 == 0 && i == (depth + 1) / 2) split = true;
    w.backward(false, split);
  }
  for (std::int64_t i = 0; i < inner; ++i) w.weight(), w.backward(false, true);
  for (std::int64_t i = 0; i <= depth; ++i) w.weight();
  return w.take();
}

Order order_of(const Shape& s, std::int64_t stage) {
  switch (s.kind) {
    case ScheduleKind::gpipe: return order_gpipe(s);
    case ScheduleKind::one_f_one_b: return order_one_f_one_b(s, stage);
    case ScheduleKind::interleaved: return order_interleaved(s, stage);
    case ScheduleKind::zb_h1: return order_zero_bubble(s, stage, 1);
    case ScheduleKind::zb_h2: return order_zero_bubble(s, stage, 2);
    case ScheduleKind::zbv: return order_zbv(s, stage);
    case ScheduleKind::dualpipe: return order_dualpipe(s, stage);
  }
  return {};
}

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
