#pragma once
/// The probes: small programs that check a kernel, time it over a range of sizes and hand out measurements.
///
///   for (const ProbeInfo& p : probes()) ...      what there is, and how long it takes about
///   run_probes(settings, report);                 all of them on device 0, skipping what fails
///
/// A probe checks its kernels on fresh random data against sums in double precision before it times
/// them, and draws its points in a shuffled order, twice, so that a slow minute does not fall on one
/// corner of the grid.

#include "calibrate/fit/observation.h"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace ridge::cuda {

struct ProbeSettings {
  bool is_quick = false;
  Seconds budget{170};            ///< for all probes; what is left when it ends is skipped and named
  std::vector<std::string> only;  ///< names of probes; empty: all
  int most_devices = 8;
};

/// Where a run's results go.
struct ProbeReport {
  std::function<void(const Measurement&)> measured;
  std::function<void(const std::string& what_and_why)> skipped;
  std::function<void(const std::string& line)> progress;
  std::function<void(const Observation&)> observed;
};

struct ProbeInfo {
  std::string name, what;
  Seconds full, quick;  ///< about, on a current data-centre GPU
};
std::span<const ProbeInfo> probes();

/// Number of devices and, when there is none, why.
struct DeviceCount {
  int devices = 0;
  std::string why_none;
};
DeviceCount count_devices();

/// Name, driver, library versions, clocks and sizes of device 0.
std::map<std::string, std::string, std::less<>> device_facts();

/// False when nothing could be measured.
bool run_probes(const ProbeSettings&, const ProbeReport&);

}  // namespace ridge::cuda
