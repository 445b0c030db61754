#pragma once
/// Work captured once and replayed, and a stream held until its work is queued: both end what they began when
/// something is thrown between.
///
///   const HeldStream held(flag, stream);    the stream waits
///   queue(...);                             whatever this throws
///   held.release();                         or the end of the scope: it goes on

#include "calibrate/cuda/device.h"

#include <functional>

namespace ridge::cuda {

/// Repetitions of some work captured in a graph, ready to replay.
class GraphReplay {
 public:
  GraphReplay(const std::function<void(int index)>& work, int repetitions, cudaStream_t);
  ~GraphReplay();
  GraphReplay(const GraphReplay&) = delete;
  GraphReplay& operator=(const GraphReplay&) = delete;
  void queue() const;

 private:
  cudaStream_t stream_;
  cudaGraphExec_t replay_ = nullptr;
};

/// Mapped host memory that a holding kernel watches.
class HoldFlag {
 public:
  HoldFlag();
  ~HoldFlag();
  HoldFlag(const HoldFlag&) = delete;
  HoldFlag& operator=(const HoldFlag&) = delete;
  /// Streams that launch_hold() holds go on once it is set.
  volatile int* get() const { return flag_; }
  void set(bool is_released) const { *flag_ = is_released ? 1 : 0; }

 private:
  volatile int* flag_ = nullptr;
};

/// The stream waits from here until release().
class HeldStream {
 public:
  HeldStream(const HoldFlag&, cudaStream_t);
  ~HeldStream() { release(); }
  HeldStream(const HeldStream&) = delete;
  HeldStream& operator=(const HeldStream&) = delete;
  void release() const { flag_->set(true); }

 private:
  const HoldFlag* flag_;
};

}  // namespace ridge::cuda
