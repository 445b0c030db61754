#include "calibrate/cuda/counter_config.h"
#include "calibrate/cuda/counters.h"
#include "calibrate/fit/observation.h"

#include <algorithm>
#include <cmath>

namespace ridge::cuda {
namespace {

/// A function of the driver, which this program does not link.
template <class F> F* driver_function(const char* name) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult state{};
  check(cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &state), name);
  if (state != cudaDriverEntryPointSuccess) throw ProbeError(std::string("the driver has no ") + name);
  return reinterpret_cast<F*>(found);
}

CUcontext current_context() {
  check(cudaFree(nullptr), "device");
  CUcontext context = nullptr;
  if (driver_function<CUresult(CUcontext*)>("cuCtxGetCurrent")(&context) != CUDA_SUCCESS || !context)
    throw ProbeError("the device has no context");
  return context;
}

std::string chip_of_device() {
  int device = 0;
  check(cudaGetDevice(&device), "device");
  RIDGE_CUPTI_PARAMETERS(CUpti_Device_GetChipName_Params, p);
  p.deviceIndex = static_cast<std::size_t>(device);
  cupti().check(cupti().chip_name(&p), "the chip's name");
  return p.pChipName;
}

/// What of the machine forbids counters, by the library's own answer.
void expect_supported() {
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_DeviceSupported_Params, p);
  p.api = CUPTI_PROFILER_RANGE_PROFILING;
  check(cudaGetDevice(&p.cuDevice), "device");
  if (cupti().device_supported(&p) != CUPTI_SUCCESS) return;  // enabling will tell
  if (p.isSupported == CUPTI_PROFILER_CONFIGURATION_SUPPORTED) return;
  std::string why;
  const auto add = [&](CUpti_Profiler_Support_Level level, const char* what) {
    if (level == CUPTI_PROFILER_CONFIGURATION_UNSUPPORTED || level == CUPTI_PROFILER_CONFIGURATION_DISABLED)
      why += (why.empty() ? "" : ", ") + std::string(what);
  };
  add(p.architecture, "an architecture before 7.0");
  add(p.sli, "SLI");
  add(p.vGpu, "a virtual device");
  add(p.confidentialCompute, "confidential computing");
  add(p.cmp, "a mining device");
  add(p.wsl, "Windows' Linux subsystem");
  if (!why.empty()) throw ProbeError("counters are not to be had: " + why);
}

void wait() { check(cudaDeviceSynchronize(), "counting"); }

}  // namespace

struct CounterSession::Impl {
  struct Group {
    CounterGroup what;
    std::unique_ptr<CounterConfig> config;
    bool is_refused = false;
  };
  std::string chip;
  CUpti_RangeProfiler_Object* profiler = nullptr;
  std::vector<Group> groups;

  std::vector<std::uint8_t> empty_data(Group& g) const;
  void configure(const Group& g, std::vector<std::uint8_t>& data) const;
  void run_passes(const std::function<void()>& work, const std::function<void()>& drain) const;
  void in_range(const char* name, const std::function<void()>& f) const;
  void give_up() const;
};

// Ranges in the order of run_passes().
constexpr std::size_t num_ranges = 2, alone = 0, drained = 1;

CounterSession::CounterSession() : impl_(std::make_unique<Impl>()) {
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Initialize_Params, start);
  cupti().check(cupti().initialize(&start), "the profiler");
  expect_supported();
  impl_->chip = chip_of_device();
  for (CounterGroup& g : counter_groups(impl_->chip)) {
    auto config = std::make_unique<CounterConfig>(impl_->chip);
    config->add(g.metrics);
    impl_->groups.push_back({std::move(g), std::move(config)});
  }
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_Enable_Params, p);
  p.ctx = current_context();
  cupti().check(cupti().enable(&p), "counters");
  impl_->profiler = p.pRangeProfilerObject;
}

CounterSession::~CounterSession() {
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_Disable_Params, p);
  p.pRangeProfilerObject = impl_->profiler;
  cupti().disable(&p);
}

std::string CounterSession::chip() const { return impl_->chip; }

std::vector<std::uint8_t> CounterSession::Impl::empty_data(Group& g) const {
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_GetCounterDataSize_Params, s);
  s.pRangeProfilerObject = profiler;
  s.pMetricNames = g.config->names().data(), s.numMetrics = g.config->names().size();
  s.maxNumOfRanges = num_ranges, s.maxNumRangeTreeNodes = num_ranges;
  cupti().check(cupti().data_size(&s), "room for counters");
  std::vector<std::uint8_t> data(s.counterDataSize);
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_CounterDataImage_Initialize_Params, i);
  i.pRangeProfilerObject = profiler;
  i.counterDataSize = data.size(), i.pCounterData = data.data();
  cupti().check(cupti().initialize_data(&i), "room for counters");
  return data;
}

void CounterSession::Impl::configure(const Group& g, std::vector<std::uint8_t>& data) const {
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_SetConfig_Params, p);
  p.pRangeProfilerObject = profiler;
  p.configSize = g.config->image().size(), p.pConfig = g.config->image().data();
  p.counterDataImageSize = data.size(), p.pCounterDataImage = data.data();
  p.range = CUPTI_UserRange, p.replayMode = CUPTI_UserReplay;
  p.maxRangesPerPass = num_ranges;
  p.numNestingLevels = 1, p.minNestingLevel = 1, p.targetNestingLevel = 1;
  cupti().check(cupti().set_config(&p), "choosing the counters");
}

void CounterSession::Impl::in_range(const char* name, const std::function<void()>& f) const {
  wait();
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_PushRange_Params, push);
  push.pRangeProfilerObject = profiler;
  push.pRangeName = name;
  cupti().check(cupti().push(&push), "a counted range");
  f();
  wait();
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_PopRange_Params, pop);
  pop.pRangeProfilerObject = profiler;
  cupti().check(cupti().pop(&pop), "a counted range");
}

/// Leaves a range and a pass that broke off, so that the next group can start.
void CounterSession::Impl::give_up() const {
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_PopRange_Params, pop);
  pop.pRangeProfilerObject = profiler;
  cupti().pop(&pop);
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_Stop_Params, stop);
  stop.pRangeProfilerObject = profiler;
  cupti().stop(&stop);
}

void CounterSession::Impl::run_passes(const std::function<void()>& work,
                                      const std::function<void()>& drain) const {
  constexpr int most_passes = 64;
  for (int pass = 0; pass < most_passes; ++pass) {
    RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_Start_Params, start);
    start.pRangeProfilerObject = profiler;
    cupti().check(cupti().start(&start), "counting");
    drain();
    in_range("alone", work);
    drain();
    in_range("drained", [&] {
      work();
      drain();
    });
    RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_Stop_Params, stop);
    stop.pRangeProfilerObject = profiler;
    cupti().check(cupti().stop(&stop), "counting");
    if (stop.isAllPassSubmitted) break;
  }
  RIDGE_CUPTI_PARAMETERS(CUpti_RangeProfiler_DecodeData_Params, p);
  p.pRangeProfilerObject = profiler;
  cupti().check(cupti().decode(&p), "decoding the counters");
}

std::map<std::string, double, std::less<>> CounterSession::count(const std::function<void()>& work,
                                                                 const std::function<void()>& drain,
                                                                 bool has_slow,
                                                                 std::vector<std::string>& problems) {
  std::map<std::string, double, std::less<>> out;
  for (Impl::Group& g : impl_->groups) {
    if (g.is_refused || (g.what.is_slow && !has_slow)) continue;
    try {
      std::vector<std::uint8_t> data = impl_->empty_data(g);
      impl_->configure(g, data);
      impl_->run_passes(work, drain);
      const auto first = g.config->values(data, alone), second = g.config->values(data, drained);
      // Not to be given up like a pass that broke off: that one is over, and ending it again breaks the next.
      if (std::ranges::none_of(first, [](double v) { return std::isfinite(v); })) {
        g.is_refused = true;
        problems.push_back(g.what.name + ": the library gives no numbers for them");
        continue;
      }
      for (std::size_t i = 0; i < first.size(); ++i) {
        const std::string& quantity = g.what.quantities[i];
        const double value = quantity == counted_written ? second[i] : first[i];
        if (std::isfinite(value)) out[quantity] += g.what.factors[i] * value;
      }
    } catch (const ProbeError& e) {
      impl_->give_up();
      g.is_refused = true;
      problems.push_back(g.what.name + ": " + e.what());
    }
  }
  return out;
}

}  // namespace ridge::cuda
