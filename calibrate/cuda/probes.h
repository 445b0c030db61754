#pragma once
/// The probes of NVIDIA devices: a back end (calibrate/measure/probe.h).

#include "calibrate/measure/probe.h"

namespace ridge::cuda {

std::span<const ProbeInfo> probes();

/// Number of devices and, when there is none, why.
DeviceCount count_devices();

/// Name, driver, library versions, clocks and sizes of the chosen device.
DeviceFacts device_facts(const ProbeSettings&);

/// Our kernel and a library's on the same shape.
struct KernelComparison {
  std::string kernel, shape;  ///< "prefill wgmma", "batch=4 heads=32 ..."
  std::string library;        ///< what it is compared with
  Seconds ours, theirs;
  double flops = 0, bytes = 0;  ///< by definition
  double share() const { return theirs / ours; }
  double target = 0;       ///< least share wanted; 0: none
  std::string why_missed;  ///< not timed, and why
};
/// Checks and times our products and attention kernels beside cuBLASLt and cuDNN.  `only`: "product",
/// "prefill", "decode"; empty: all.
void compare_kernels(const std::vector<std::string>& only,
                     const std::function<void(const KernelComparison&)>&);

/// False when nothing could be measured.
bool run_probes(const ProbeSettings&, const ProbeReport&);

Backend backend();

}  // namespace ridge::cuda
