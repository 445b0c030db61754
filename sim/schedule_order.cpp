#include "sim/schedule_order.h"

#include <algorithm>
#include <utility>

namespace ridge::detail {
namespace {

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

}  // namespace

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

}  // namespace ridge::detail
