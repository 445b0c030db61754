#include "calibrate/cuda/timer.h"

#include <algorithm>

namespace ridge::cuda {
namespace {

constexpr int most_in_batch = 5;  // the stopping rule asks for ten samples at least
constexpr double graph_length = 400e-6;

}  // namespace

DeviceTimer::DeviceTimer(cudaStream_t stream) : stream_(stream), events_(most_in_batch + 1) {
  void* p = nullptr;
  check(cudaHostAlloc(&p, 64, cudaHostAllocMapped), "mapped host memory");
  clock_ = static_cast<std::int64_t*>(p);
  for (cudaEvent_t& e : events_) check(cudaEventCreate(&e), "event");
}

DeviceTimer::~DeviceTimer() {
  for (const cudaEvent_t e : events_) cudaEventDestroy(e);
  cudaFreeHost(clock_);
}

double DeviceTimer::read_clock() {
  launch_clock(clock_, stream_);
  check(cudaStreamSynchronize(stream_), "reading the clock");
  return clock_[1] > 0 ? 1e9 * static_cast<double>(clock_[0]) / static_cast<double>(clock_[1]) : 0;
}

double DeviceTimer::estimate(const Work& work, int rotation) {
  for (int i = 0; i < std::max(rotation, 2); ++i) work(i);
  check(cudaStreamSynchronize(stream_), "warming up");
  constexpr int repetitions = 3;
  check(cudaEventRecord(events_[0], stream_), "event");
  for (int i = 0; i < repetitions; ++i) work(i);
  check(cudaEventRecord(events_[1], stream_), "event");
  check(cudaStreamSynchronize(stream_), "warming up");
  float ms = 0;
  check(cudaEventElapsedTime(&ms, events_[0], events_[1]), "event");
  busy_ += 2e-3 * static_cast<double>(ms);
  return std::max(1e-3 * static_cast<double>(ms) / repetitions, 1e-7);
}

void DeviceTimer::sample(std::vector<double>& seconds, const std::function<void()>& queue, int repetitions,
                         int batch) {
  const HeldStream held(flag_, stream_);
  check(cudaEventRecord(events_[0], stream_), "event");
  for (int i = 1; i <= batch; ++i) {
    queue();
    check(cudaEventRecord(events_[static_cast<std::size_t>(i)], stream_), "event");
  }
  held.release();
  check(cudaStreamSynchronize(stream_), "timing");
  for (std::size_t i = 1; i <= static_cast<std::size_t>(batch); ++i) {
    float ms = 0;
    check(cudaEventElapsedTime(&ms, events_[i - 1], events_[i]), "event");
    busy_ += 1e-3 * static_cast<double>(ms);
    seconds.push_back(1e-3 * static_cast<double>(ms) / repetitions);
  }
}

Timing DeviceTimer::collect(const std::function<void()>& queue, int repetitions, double estimate,
                            const StopRule& rule) {
  const double one = estimate * repetitions;
  const int batch = one > 5e-3 ? 1 : most_in_batch;
  std::vector<double> seconds, ignored;
  sample(ignored, queue, repetitions, one > 5e-3 ? 1 : 2);
  // The rule's budget is for device time, the samples are for one repetition.
  StopRule scaled = rule;
  scaled.budget = rule.budget / static_cast<double>(repetitions);
  while (!enough_samples(seconds, scaled)) sample(seconds, queue, repetitions, batch);
  Timing t;
  t.seconds = summarise_samples(seconds);
  t.clock_hz = read_clock();
  return t;
}

Timing DeviceTimer::time(const Work& work, int rotation, const StopRule& rule) {
  if (look_) return look_(work, rotation), Timing{};
  const double one = estimate(work, rotation);
  if (one >= DeviceTimer::graph_below) return time_plain(work, rule);
  int repetitions = static_cast<int>(graph_length / one);
  repetitions = std::clamp(repetitions, std::max(rotation, 4), 200);
  repetitions = (repetitions + rotation - 1) / rotation * rotation;
  const GraphReplay replay(work, repetitions, stream_);
  return collect([&] { replay.queue(); }, repetitions, one, rule);
}

Timing DeviceTimer::time_plain(const Work& work, const StopRule& rule) {
  if (look_) return look_(work, 1), Timing{};
  int index = 0;
  const double one = estimate(work, 1);
  return collect([&] { work(index++); }, 1, one, rule);
}

}  // namespace ridge::cuda
