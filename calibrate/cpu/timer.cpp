#include "calibrate/cpu/timer.h"

#include "calibrate/cpu/host.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace ridge::cpu {
namespace {

constexpr double shortest_sample = 30e-6, lost_at_most = 60e-3;
constexpr int most_repetitions = 10000;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double processor_time() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Sampler {
  const Work& work;
  int repetitions = 1, index = 0;
  double on_core = 0;  // of the last sample
  bool is_disturbed = false;

  double sample() {
    const std::int64_t before = preemptions();
    const double cpu = processor_time(), start = now();
    for (int i = 0; i < repetitions; ++i) work(index++);
    const double wall = now() - start;
    on_core = (processor_time() - cpu) / repetitions;
    is_disturbed = preemptions() != before;
    return wall / repetitions;
  }
};

}  // namespace

Timing time_work(const Work& work, const StopRule& rule, int threads) {
  Sampler s{work};
  double one = s.sample();  // also what touches pages for the first time
  for (int i = 0; i < 3 && one < rule.budget.value() / 4; ++i) one = std::min(one, s.sample());
  s.repetitions =
      std::clamp(static_cast<int>(shortest_sample / std::max(one, 1e-9)) + 1, 1, most_repetitions);
  StopRule scaled = rule;  // its budget is of time spent, its samples are of one repetition
  scaled.budget = rule.budget / static_cast<double>(s.repetitions);
  std::vector<double> good;
  double lost = 0;
  while (!enough_samples(good, scaled)) {
    const double wall = s.sample();
    if (!s.is_disturbed) {
      good.push_back(wall);
      continue;
    }
    lost += wall * s.repetitions;
    if (lost > lost_at_most) good.push_back(threads == 1 ? std::min(wall, s.on_core) : wall);
  }
  return {summarise_samples(good), 0};
}

}  // namespace ridge::cpu
