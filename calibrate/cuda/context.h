#pragma once
/// What a probe works with: a stream, a timer, a pool of random data, and where results go.

#include "calibrate/cuda/probes.h"
#include "calibrate/cuda/timer.h"
#include "calibrate/fit/observation.h"
#include "calibrate/measure/point_runner.h"

#include <random>

namespace ridge::cuda {

class ProbeContext {
 public:
  ProbeContext(const ProbeSettings&, const ProbeReport&);

  PointRunner& runner() { return runner_; }
  const ProbeSettings& settings() const { return runner_.settings(); }
  const ProbeReport& report() const { return runner_.report(); }
  cudaStream_t stream() const { return stream_; }
  DeviceTimer& timer() { return timer_; }
  int multiprocessors() const { return multiprocessors_; }
  bool is_out_of_time() const { return runner_.should_stop(); }
  double elapsed() const { return runner_.elapsed(); }

  /// Bytes of the given type, random; kept until another type or a larger size is asked for.
  const Buffer& random_pool(std::size_t bytes, Fill);
  /// Frees the pool.
  void release_pool() { pool_ = Buffer(); }

  using Point = ridge::Point;
  /// Times all points, resting after heavy ones (point_runner.h).
  void run(std::string_view probe, std::vector<Point>);
  void emit(Measurement, const Timing&);

  /// A further look at points that were timed: until it is taken back with nullptr, run() calls `at` for
  /// those that `choose` picks, with the work that the timer was given, and nothing is timed or emitted.
  struct Look {
    std::function<std::vector<std::size_t>(const std::vector<Point>&)> choose;
    std::function<void(const Point&, Seconds event_time, const DeviceTimer::Work&, int rotation)> at;
  };
  void look(const Look* look) { look_ = look; }
  bool is_looking() const { return look_ != nullptr; }

  /// Behind a failure: clears what can be cleared.  A fault of the device cannot: nothing more runs in this process,
  /// which is said once.
  void recover();
  bool is_lost() const { return is_lost_; }

 private:
  void look_at(std::string_view probe, const std::vector<Point>&);
  /// After heavy work the power limit lowers the clock for a while: waits until it is back.
  void rest(double busy_seconds);

  PointRunner runner_;
  WorkStream stream_;
  DeviceTimer timer_;
  Buffer pool_;
  Fill pool_type_ = Fill::bf16;
  int multiprocessors_ = 1;
  double highest_clock_ = 0;
  const Look* look_ = nullptr;
  bool is_lost_ = false;
  std::map<std::string, Seconds, std::less<>> timed_;  // by point_name
  std::mt19937_64 random_{20240607};
};

/// What tells points apart: family, variant and sizes.
std::string point_name(const Measurement&);

/// Copies of a set of operands that together exceed twice a 60 MB cache, six at most.
int rotation_for(double bytes);

// One function a probe; ProbeError when it cannot run at all.
void probe_memory(ProbeContext&);
void probe_near(ProbeContext&);
void probe_tensor_rates(ProbeContext&);
void probe_launch(ProbeContext&);
void probe_products(ProbeContext&);
void probe_row_scales(ProbeContext&);
void probe_sustained(ProbeContext&);
void probe_weights(ProbeContext&);
void probe_prefill(ProbeContext&);
void probe_decode(ProbeContext&);
void probe_latent(ProbeContext&);
void probe_library_attention(ProbeContext&);
void probe_library_decode(ProbeContext&);
void probe_pointwise(ProbeContext&);
void probe_training(ProbeContext&);
void probe_host_copies(ProbeContext&);
void probe_collectives(ProbeContext&);
void probe_peers(ProbeContext&);

/// Runs `probes` again, twice: for the kernels' names and own times, and for what the hardware counts of
/// some.  Where that is refused, says why and goes on.
void observe(ProbeContext&, const std::function<void()>& probes);

}  // namespace ridge::cuda
