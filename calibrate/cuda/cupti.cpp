#include "calibrate/cuda/cupti.h"

namespace ridge::cuda {
namespace {

constexpr std::uint32_t versions_of_major = 10000;

/// What a person can do about it; empty when nothing is known.
const char* remedy(CUptiResult r) {
  switch (r) {
    case CUPTI_ERROR_INSUFFICIENT_PRIVILEGES:
      return "; the driver keeps them for administrators: load it with NVreg_RestrictProfilingToAdminUsers=0 "
             "or grant CAP_SYS_ADMIN";
    case CUPTI_ERROR_VIRTUALIZED_DEVICE_NOT_SUPPORTED:
    case CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES:
      return "; the hypervisor does not hand the counters on";
    case CUPTI_ERROR_CONFIDENTIAL_COMPUTING_NOT_SUPPORTED: return "; confidential computing forbids it";
    case CUPTI_ERROR_MIG_DEVICE_NOT_SUPPORTED: return "; a slice of a device has no counters of its own";
    case CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED:
    case CUPTI_ERROR_HARDWARE_BUSY: return "; another profiler holds the device";
    default: return "";
  }
}

}  // namespace

Cupti::Cupti() {
  file.get(version, "cuptiGetVersion");
  std::uint32_t found = 0;
  version(&found);
  if (found / versions_of_major != CUPTI_API_VERSION / versions_of_major)
    throw ProbeError("CUPTI " + std::to_string(found) + " was found, " + std::to_string(CUPTI_API_VERSION) +
                     " is needed");
  file.get(result_text, "cuptiGetResultString");
  file.get(register_callbacks, "cuptiActivityRegisterCallbacks");
  file.get(enable_activity, "cuptiActivityEnable");
  file.get(disable_activity, "cuptiActivityDisable");
  file.get(flush, "cuptiActivityFlushAll");
  file.get(next_record, "cuptiActivityGetNextRecord");
  file.get(dropped_records, "cuptiActivityGetNumDroppedRecords");
  file.get(initialize, "cuptiProfilerInitialize");
  file.get(device_supported, "cuptiProfilerDeviceSupported");
  file.get(chip_name, "cuptiDeviceGetChipName");
  file.get(host_initialize, "cuptiProfilerHostInitialize");
  file.get(host_deinitialize, "cuptiProfilerHostDeinitialize");
  file.get(add_metrics, "cuptiProfilerHostConfigAddMetrics");
  file.get(config_size, "cuptiProfilerHostGetConfigImageSize");
  file.get(config, "cuptiProfilerHostGetConfigImage");
  file.get(passes, "cuptiProfilerHostGetNumOfPasses");
  file.get(properties, "cuptiProfilerHostGetMetricProperties");
  file.get(evaluate, "cuptiProfilerHostEvaluateToGpuValues");
  file.get(enable, "cuptiRangeProfilerEnable");
  file.get(disable, "cuptiRangeProfilerDisable");
  file.get(data_size, "cuptiRangeProfilerGetCounterDataSize");
  file.get(initialize_data, "cuptiRangeProfilerCounterDataImageInitialize");
  file.get(set_config, "cuptiRangeProfilerSetConfig");
  file.get(start, "cuptiRangeProfilerStart");
  file.get(stop, "cuptiRangeProfilerStop");
  file.get(push, "cuptiRangeProfilerPushRange");
  file.get(pop, "cuptiRangeProfilerPopRange");
  file.get(decode, "cuptiRangeProfilerDecodeData");
}

void Cupti::check(CUptiResult r, const char* what) const {
  if (r == CUPTI_SUCCESS) return;
  const char* text = nullptr;
  result_text(r, &text);
  throw ProbeError(std::string(what) + ": " + (text ? text : "error " + std::to_string(r)) + remedy(r));
}

const Cupti& cupti() {
  static const Cupti all;
  return all;
}

}  // namespace ridge::cuda
