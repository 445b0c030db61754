#include "calibrate/cpu/timer.h"

#include "calibrate/cpu/host.h"

#include <algorithm>
#include <chrono>

namespace ridge::cpu {
namespace {

constexpr double shortest_sample = 30e-6, share_for_disturbed = 0.33;
constexpr int most_repetitions = 10000;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Sampler {
  const Work& work;
  int repetitions = 1, index = 0;

  double sample() {
    const double start = now();
    for (int i = 0; i < repetitions; ++i) work(index++);
    return (now() - start) / repetitions;
  }
};

}  // namespace

Timing time_work(const Work& work, const StopRule& rule) {
  Sampler s{work};
  double one = s.sample();  // also what touches pages for the first time
  if (one < rule.budget.value() / 4) one = std::min(one, s.sample());
  s.repetitions =
      std::clamp(static_cast<int>(shortest_sample / std::max(one, 1e-9)) + 1, 1, most_repetitions);
  StopRule scaled = rule;  // its budget is of time spent, its samples are of one repetition
  scaled.budget = rule.budget / static_cast<double>(s.repetitions);
  std::vector<double> good, disturbed;
  double lost = 0;
  while (!enough_samples(good, scaled)) {
    const std::int64_t before = preemptions();
    const double seconds = s.sample();
    const bool is_good = preemptions() == before;
    if (!is_good) lost += seconds * s.repetitions;
    if (is_good || lost > share_for_disturbed * rule.budget.value()) good.push_back(seconds);
    else disturbed.push_back(seconds);
  }
  return {summarise_samples(good), 0};
}

}  // namespace ridge::cpu
