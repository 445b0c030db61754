#pragma once
/// What a probe of the processor works with: threads, loops, random data, and the runner of points.

#include "calibrate/cpu/host.h"
#include "calibrate/cpu/kernels.h"
#include "calibrate/cpu/team.h"
#include "calibrate/cpu/timer.h"

#include <span>

namespace ridge::cpu {

/// Page-aligned memory in large pages where the system has them.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes);
  ~Buffer();
  Buffer(Buffer&& o) noexcept;
  Buffer& operator=(Buffer&& o) noexcept;
  template <class T> T* as(std::size_t offset_bytes = 0) const {
    return reinterpret_cast<T*>(static_cast<char*>(data_) + offset_bytes);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

class Context {
 public:
  Context(const ProbeSettings&, const ProbeReport&);

  PointRunner& runner() { return runner_; }
  Team& team() { return team_; }
  const Kernels& kernels() const { return best_kernels(); }
  const HostFacts& host() const { return host_; }
  bool is_quick() const { return runner_.settings().is_quick; }
  /// Seconds of one repetition of what all threads of the team do, or this one alone.
  Timing time(const Work& work) { return time_work(work, rule(), team_.size()); }
  Timing time_alone(const Work& work) { return time_work(work, rule(), 1); }
  /// The largest working set worth measuring: well beyond the last cache, within an eighth of what is free.
  std::size_t most_bytes() const;
  /// Random floats in [-1, 1), more than twice what the caches hold; read only.
  const Buffer& pool();
  void fill_random(float* to, std::size_t n);
  /// Copies of operands of so many bytes after which the caches have forgotten the first.
  int turns_for(std::size_t bytes) const;
  /// Thread t's share [first, last) of n pieces.
  static std::pair<std::size_t, std::size_t> share(std::size_t n, int thread, int threads);

 private:
  StopRule rule() const;

  PointRunner runner_;
  HostFacts host_;
  Team team_;
  Buffer pool_;
  std::uint64_t random_;
};

/// ProbeError unless the relative error of `got` is below `most`.
void expect_near(std::span<const float> got, std::span<const double> expected, double most, const char* what);

// One function a probe; ProbeError when it cannot run at all.
void probe_dispatch(Context&);
void probe_peak(Context&);
void probe_memory(Context&);
void probe_latency(Context&);
void probe_passes(Context&);
void probe_decode(Context&);
void probe_products(Context&);
void probe_exchanges(Context&);

/// "OpenBLAS 0.3.21 ..., 2 threads", or why there is none.
std::string blas_text();

}  // namespace ridge::cpu
