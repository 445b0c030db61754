#pragma once
/// CUPTI's functions, found at run time; included by what talks to it, not by what uses that.

#include "calibrate/cuda/device.h"

#include <cupti.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_range_profiler.h>
#include <cupti_target.h>

namespace ridge::cuda {

struct Cupti {
  SharedLibrary file{"libcupti.so.13", "/usr/local/cuda/lib64/libcupti.so.13",
                     "/usr/local/cuda/lib/libcupti.so.13",
                     "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so.13"};
  // trace
  decltype(&cuptiGetVersion) version;
  decltype(&cuptiGetResultString) result_text;
  decltype(&cuptiActivityRegisterCallbacks) register_callbacks;
  decltype(&cuptiActivityEnable) enable_activity;
  decltype(&cuptiActivityDisable) disable_activity;
  decltype(&cuptiActivityFlushAll) flush;
  decltype(&cuptiActivityGetNextRecord) next_record;
  decltype(&cuptiActivityGetNumDroppedRecords) dropped_records;
  // counters, host side: need no device
  decltype(&cuptiProfilerInitialize) initialize;
  decltype(&cuptiProfilerDeviceSupported) device_supported;
  decltype(&cuptiDeviceGetChipName) chip_name;
  decltype(&cuptiProfilerHostInitialize) host_initialize;
  decltype(&cuptiProfilerHostDeinitialize) host_deinitialize;
  decltype(&cuptiProfilerHostConfigAddMetrics) add_metrics;
  decltype(&cuptiProfilerHostGetConfigImageSize) config_size;
  decltype(&cuptiProfilerHostGetConfigImage) config;
  decltype(&cuptiProfilerHostGetNumOfPasses) passes;
  decltype(&cuptiProfilerHostGetMetricProperties) properties;
  decltype(&cuptiProfilerHostEvaluateToGpuValues) evaluate;
  // counters, on the device
  decltype(&cuptiRangeProfilerEnable) enable;
  decltype(&cuptiRangeProfilerDisable) disable;
  decltype(&cuptiRangeProfilerGetCounterDataSize) data_size;
  decltype(&cuptiRangeProfilerCounterDataImageInitialize) initialize_data;
  decltype(&cuptiRangeProfilerSetConfig) set_config;
  decltype(&cuptiRangeProfilerStart) start;
  decltype(&cuptiRangeProfilerStop) stop;
  decltype(&cuptiRangeProfilerPushRange) push;
  decltype(&cuptiRangeProfilerPopRange) pop;
  decltype(&cuptiRangeProfilerDecodeData) decode;

  /// Throws ProbeError when the library is missing or of another major version.
  Cupti();
  /// Throws ProbeError: what failed, why, and what would help.
  void check(CUptiResult, const char* what) const;
};

/// The library, opened once.  Throws ProbeError.
const Cupti& cupti();

/// A parameter structure of CUPTI with its size filled in; all else zero.
#define RIDGE_CUPTI_PARAMETERS(type, name) \
  type name{};                             \
  name.structSize = type##_STRUCT_SIZE

}  // namespace ridge::cuda
