#include "calibrate/cuda/counter_config.h"

namespace ridge::cuda {

CounterConfig::CounterConfig(std::string_view chip) {
  const std::string name(chip);
  // Fails without a driver, which the host's side does not need.
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Initialize_Params, start);
  cupti().initialize(&start);
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Host_Initialize_Params, p);
  p.profilerType = CUPTI_PROFILER_TYPE_RANGE_PROFILER;
  p.pChipName = name.c_str();
  cupti().check(cupti().host_initialize(&p), ("counters of chip '" + name + "'").c_str());
  host_ = p.pHostObject;
}

CounterConfig::~CounterConfig() {
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Host_Deinitialize_Params, p);
  p.pHostObject = host_;
  cupti().host_deinitialize(&p);
}

bool CounterConfig::has(const std::string& metric) const {
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Host_GetMetricProperties_Params, p);
  p.pHostObject = host_;
  p.pMetricName = metric.c_str();
  return cupti().properties(&p) == CUPTI_SUCCESS;
}

int CounterConfig::add(const std::vector<std::string>& metrics) {
  metrics_ = metrics;
  names_.clear();
  for (const std::string& m : metrics_) {
    if (!has(m)) throw ProbeError("the chip has no counter " + m);
    names_.push_back(m.c_str());
  }
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Host_ConfigAddMetrics_Params, a);
  a.pHostObject = host_, a.ppMetricNames = names_.data(), a.numMetrics = names_.size();
  cupti().check(cupti().add_metrics(&a), "adding counters");
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Host_GetConfigImageSize_Params, s);
  s.pHostObject = host_;
  cupti().check(cupti().config_size(&s), "planning the counters");
  image_.resize(s.configImageSize);
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Host_GetConfigImage_Params, g);
  g.pHostObject = host_, g.configImageSize = image_.size(), g.pConfigImage = image_.data();
  cupti().check(cupti().config(&g), "planning the counters");
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Host_GetNumOfPasses_Params, n);
  n.configImageSize = image_.size(), n.pConfigImage = image_.data();
  cupti().check(cupti().passes(&n), "planning the counters");
  return static_cast<int>(n.numOfPasses);
}

std::vector<double> CounterConfig::values(const std::vector<std::uint8_t>& data, std::size_t range) const {
  std::vector<double> out(names_.size());
  RIDGE_CUPTI_PARAMETERS(CUpti_Profiler_Host_EvaluateToGpuValues_Params, p);
  p.pHostObject = host_;
  p.pCounterDataImage = data.data(), p.counterDataImageSize = data.size();
  p.rangeIndex = range;
  p.ppMetricNames = names_.data(), p.numMetrics = names_.size();
  p.pMetricValues = out.data();
  cupti().check(cupti().evaluate(&p), "reading the counters");
  return out;
}

}  // namespace ridge::cuda
