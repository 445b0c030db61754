#pragma once
/// A processor has no datasheet that holds for it: its limits are what the probes themselves reached.
///
///   peaks       highest rate of multiply-adds in registers or of a product, per precision
///   bandwidth   highest rate at which any pass moved a working set of twice the last cache, or cold operands
///   latency     of dependent loads in the largest working set
///
/// Fits are relative to these limits, and the hardware file that is written states them as measured.

#include "calibrate/io/measurement_lines.h"
#include "calibrate/io/profile.h"

namespace ridge {

struct MeasuredDevice {
  std::string name;
  std::int64_t cores = 0;
  std::map<std::string, FlopPerSecond, std::less<>> peaks;  ///< by precision
  Bytes memory, cache;
  BytesPerSecond bandwidth, cache_bandwidth;
  Seconds latency, cache_latency;  ///< zero: not measured

  MachineLimits limits() const;
};

/// Empty unless the run's facts say that a processor was measured.
std::optional<MeasuredDevice> measured_device(const MeasuredRun&);

/// The points that models are fitted to: without those that only tell a limit.
Measurements without_limits(const Measurements&);

/// A hardware file of that processor, complete by itself: limits, and under `achievable` the constants of the
/// accepted models; what was not accepted keeps the figures of the class `cpu`.  Of a cluster also its nodes
/// and the links between ranks: the device is then what one rank used.  `path`: of the profile, whose tables and
/// curves plans then use; empty: the constants alone.
std::string processor_preset(const MeasuredDevice&, const Profile&, const std::string& path,
                             const std::string& citation, const std::string& date);

}  // namespace ridge
