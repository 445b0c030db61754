// Time between kernels: launching one by one, a node of a replayed graph, a replay, and waiting.

#include "calibrate/cuda/context.h"

#include <chrono>

namespace ridge::cuda {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

Timing of_samples(const std::vector<double>& seconds) { return {summarise_samples(seconds), 0}; }

void emit(ProbeContext& c, const char* variant, const Timing& t) {
  c.emit({.family = "launch", .variant = variant, .sizes = {}, .library = "ridge"}, t);
}

}  // namespace

void probe_launch(ProbeContext& c) {
  const cudaStream_t s = c.stream();
  std::vector<double> eager, wait, replay;
  for (int round = 0; round < 30; ++round) {
    constexpr int launches = 500;
    check(cudaStreamSynchronize(s), "waiting");
    const auto start = Clock::now();
    for (int i = 0; i < launches; ++i) launch_empty(s);
    eager.push_back(seconds_since(start) / launches);
    check(cudaStreamSynchronize(s), "waiting");
    const auto alone = Clock::now();
    launch_empty(s);
    check(cudaStreamSynchronize(s), "waiting");
    wait.push_back(seconds_since(alone));
  }
  emit(c, "eager", of_samples(eager));
  emit(c, "round_trip", of_samples(wait));
  emit(c, "graph_node", c.timer().time([&](int) { launch_empty(s); }, 200));

  const GraphReplay graph([&](int) { launch_empty(s); }, 100, s);
  for (int round = 0; round < 30; ++round) {
    check(cudaStreamSynchronize(s), "waiting");
    const auto start = Clock::now();
    graph.queue();
    replay.push_back(seconds_since(start));
  }
  check(cudaStreamSynchronize(s), "waiting");
  emit(c, "graph_launch", of_samples(replay));
}

}  // namespace ridge::cuda
