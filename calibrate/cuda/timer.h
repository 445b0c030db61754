#pragma once
/// Times work on one stream by the device's own clock.
///
/// Short work is repeated inside a graph, because replayed nodes are separated by about a microsecond
/// where launches are separated by several.  A holding kernel keeps the stream until a batch is queued,
/// so that the host's launching is not in the measurement.  Buffers are rotated by the caller through
/// the index it is given.

#include "calibrate/cuda/device.h"
#include "calibrate/cuda/graph_replay.h"
#include "calibrate/cuda/kernels.h"
#include "calibrate/fit/robust.h"
#include "calibrate/measure/point_runner.h"

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace ridge::cuda {

class DeviceTimer {
 public:
  static constexpr double graph_below = 300e-6;  ///< seconds: shorter work is timed in graphs
  explicit DeviceTimer(cudaStream_t stream);
  ~DeviceTimer();
  DeviceTimer(const DeviceTimer&) = delete;
  DeviceTimer& operator=(const DeviceTimer&) = delete;

  /// Queues one repetition; the index counts repetitions.
  using Work = std::function<void(int index)>;

  /// Seconds of one repetition.  `rotation`: repetitions after which buffers come again.
  Timing time(const Work&, int rotation = 1, const StopRule& = {});

  /// As time, but each repetition is launched by itself: what cannot be captured.
  Timing time_plain(const Work&, const StopRule& = {});

  double read_clock();

  /// Seconds that timed work kept the device at work, since the last call.
  double take_busy() { return std::exchange(busy_, 0.0); }

  /// Until it is taken back with {}: time() and time_plain() hand their work to `look` and time nothing.
  using Look = std::function<void(const Work&, int rotation)>;
  void look(Look look) { look_ = std::move(look); }

 private:
  double estimate(const Work&, int rotation);
  void sample(std::vector<double>& seconds, const std::function<void()>& queue, int repetitions, int batch);
  Timing collect(const std::function<void()>& queue, int repetitions, double estimate, const StopRule&);

  cudaStream_t stream_;
  HoldFlag flag_;
  std::int64_t* clock_ = nullptr;
  std::vector<cudaEvent_t> events_;
  double busy_ = 0;
  Look look_;
};

}  // namespace ridge::cuda
