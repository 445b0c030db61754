#pragma once
/// Hardware counters of one kernel: FLOPs, bytes of memory and L2, share of cycles with a matrix unit at work.
///
/// Names of counters differ between chips, so each quantity has a few candidates, of which those that the chip
/// knows are added up.  Whether a chip knows a name, and how often a kernel has to run to fill a list, is
/// asked of the library by the chip's name: that needs neither a device nor a driver.
///
/// Memory  What a kernel writes may stay in the L2 cache when it ends.  So it runs twice: alone, which gives
///         what it reads, and followed by a pass over other data that drives its results out of the cache,
///         which gives what it writes.  Both start with a cache full of clean, foreign data.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ridge::cuda {

/// Counters that are collected together, and the quantity that each adds to.
struct CounterGroup {
  std::string name;  ///< "hardware counters", "instruction counters"
  std::vector<std::string> metrics, quantities;
  std::vector<double> factors;  ///< of a metric's value in its quantity
  int passes = 0;               ///< runs of the kernel that fill the list
  bool is_slow = false;         ///< instruments the kernel's instructions
};

/// Groups for a chip ("GH100"); throws ProbeError when the library is missing or does not know the chip.
std::vector<CounterGroup> counter_groups(std::string_view chip);

/// True when the chip has a counter of this name.
bool has_counter(std::string_view chip, const std::string& metric);

/// Runs of the kernel that a list of counters takes; throws ProbeError when they do not go together.
int passes_for(std::string_view chip, const std::vector<std::string>& metrics);

/// Counts on the current device.  While one exists nothing is timed.
class CounterSession {
 public:
  /// Throws ProbeError, saying why, where the counters are refused.
  CounterSession();
  ~CounterSession();
  CounterSession(const CounterSession&) = delete;
  CounterSession& operator=(const CounterSession&) = delete;

  /// Quantities (calibrate/fit/observation.h) of `work`, which is launched several times.  `drain` fills the
  /// cache with clean, foreign data.  Groups that fail are left out and named in `problems`; `has_slow`: the
  /// slow groups as well.
  std::map<std::string, double, std::less<>> count(const std::function<void()>& work,
                                                   const std::function<void()>& drain, bool has_slow,
                                                   std::vector<std::string>& problems);
  std::string chip() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ridge::cuda
