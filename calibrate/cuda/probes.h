#pragma once
/// The probes of NVIDIA devices: a back end (calibrate/measure/probe.h).

#include "calibrate/measure/probe.h"

namespace ridge::cuda {

std::span<const ProbeInfo> probes();

/// Number of devices and, when there is none, why.
DeviceCount count_devices();

/// Name, driver, library versions, clocks and sizes of the chosen device.
DeviceFacts device_facts(const ProbeSettings&);

/// False when nothing could be measured.
bool run_probes(const ProbeSettings&, const ProbeReport&);

Backend backend();

}  // namespace ridge::cuda
