#pragma once
/// Names of the kernels that ran, and when, by the device's own record of its activity.
///
///   KernelTrace trace;
///   trace.begin();  ...launches, and waiting for them...
///   for (const TracedKernel& k : trace.end()) ...
///
/// Tracing makes launches slower, so nothing is timed by events while one exists.

#include <cstdint>
#include <string>
#include <vector>

namespace ridge::cuda {

struct TracedKernel {
  std::string
      name;  ///< as people write it: "prefill<Shape<128, 4, 2, 64>>", without arguments; "copy", "set"
  std::uint64_t start = 0, end = 0;  ///< ns

  double seconds() const { return 1e-9 * static_cast<double>(end - start); }
};

class KernelTrace {
 public:
  /// Throws ProbeError, saying why, where no trace is to be had.
  KernelTrace();
  ~KernelTrace();
  KernelTrace(const KernelTrace&) = delete;
  KernelTrace& operator=(const KernelTrace&) = delete;

  void begin();
  /// What ran since begin(), by start.  Pre: the device has been waited for.
  std::vector<TracedKernel> end();
};

/// A C++ name without namespaces of ours, return type and arguments; others as they are.
std::string readable_kernel(const char* mangled);

}  // namespace ridge::cuda
