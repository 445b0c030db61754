#pragma once
/// What every back end of calibration offers, and what it is told.
///
///   for (const ProbeInfo& p : backend.probes()) ...      what there is, and how long it takes about
///   backend.run(settings, report);                        all of them, skipping what fails
///
/// A probe checks its kernels on fresh random data against sums in double precision before it times
/// them, and draws its points in a shuffled order, twice unless quick, so that a slow minute does not
/// fall on one corner of the grid.

#include "calibrate/fit/observation.h"
#include "calibrate/fit/robust.h"

#include <functional>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace ridge {

/// A probe or one of its points cannot run; the runner reports it as skipped.
struct ProbeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What an earlier run, cut short, left behind: points that need no measuring again.
struct KnownPoints {
  std::set<std::string, std::less<>> done;                  ///< point_key() of finished points
  std::map<std::string, Measurements, std::less<>> visits;  ///< of points visited, but not finished
  std::set<std::string, std::less<>> wanted;                ///< nothing else is measured; empty: everything
};

/// "gemm|bf16|k=4096 m=1 n=4096|": family, variant, sizes, kernel's label where a figure has one.
std::string point_key(const Measurement&);

struct ProbeSettings {
  bool is_quick = false;
  Seconds budget{170};            ///< for all probes; what is left when it ends is skipped and named
  std::vector<std::string> only;  ///< names of probes; empty: all
  int most_devices = 8;
  int device = 0;        ///< which one of this host
  std::string storage;   ///< folder on the drive to measure; empty: the current one
  int cores = 0;         ///< of a processor to use; 0: all that this process may
  int sharers = 1;       ///< processes that measure on this host at the same time
  double slow_down = 1;  ///< every time is multiplied by it: a rank made slow on purpose, to try the naming
  const KnownPoints* known = nullptr;
  std::function<bool()> is_cancelled;  ///< asked between points; empty: never
};

/// Where a run's results go.
struct ProbeReport {
  std::function<void(const Measurement&)> measured;
  std::function<void(const Measurement&)> visited;  ///< a first visit, before the point is finished
  std::function<void(const std::string& what_and_why)> skipped;
  std::function<void(const std::string& line)> progress;
  std::function<void(const Observation&)> observed;  ///< a further look at a timed point
};

struct ProbeInfo {
  std::string name, what;
  Seconds full, quick;         ///< about, on a current machine
  bool is_extra = false;       ///< runs only when named
  bool has_kept_time = false;  ///< what runs before it ends early enough to leave it its time
};

/// Number of devices and, when there is none, why.
struct DeviceCount {
  int devices = 0;
  std::string why_none;
};

using DeviceFacts = std::map<std::string, std::string, std::less<>>;

/// One kind of device that can be measured.
struct Backend {
  std::string name;  ///< "cuda", "cpu"
  DeviceCount (*count)() = nullptr;
  DeviceFacts (*facts)(const ProbeSettings&) = nullptr;
  std::span<const ProbeInfo> (*probes)() = nullptr;
  bool (*run)(const ProbeSettings&, const ProbeReport&) = nullptr;  ///< false: nothing could be measured
};

/// Those of the back end's probes that the settings ask for.
std::vector<ProbeInfo> chosen_probes(const Backend&, const ProbeSettings&);

/// |got - expected| / |expected| over all entries (Euclidean norms); infinite when one is not a number.
double relative_error(std::span<const double> got, std::span<const double> expected);

/// Seconds that the chosen probes take about.
Seconds estimated_time(const std::vector<ProbeInfo>&, bool is_quick);

}  // namespace ridge
