/// Process start to exit of `ridge plan` on a preset.

#include <benchmark/benchmark.h>
#include <cstdlib>

namespace {

#ifdef RIDGE_EXECUTABLE
void startup_plan(benchmark::State& state) {
  for (auto _ : state) {
    if (std::system(RIDGE_EXECUTABLE " plan llama-3-70b-64-h100 > /dev/null") != 0) {
      state.SkipWithError("ridge plan failed");
      break;
    }
  }
}
BENCHMARK(startup_plan)->Unit(benchmark::kMillisecond)->UseRealTime();
#endif

}  // namespace
