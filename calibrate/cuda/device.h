#pragma once
/// Owners of device things, and CUDA's error codes as exceptions that stay inside calibrate/cuda: a probe
/// that fails is caught by the runner and reported as skipped.

#include "calibrate/measure/shared_library.h"

#include <cstddef>
#include <cuda_runtime_api.h>
#include <string>
#include <utility>

namespace ridge::cuda {

inline void check(cudaError_t e, const char* what) {
  if (e != cudaSuccess) throw ProbeError(std::string(what) + ": " + cudaGetErrorString(e));
}
/// After a kernel launch.
inline void check_launch(const char* what) { check(cudaGetLastError(), what); }

/// Makes the device current again that was when this was made, whatever happens meanwhile.
class KeepDevice {
 public:
  KeepDevice() { check(cudaGetDevice(&device_), "device"); }
  ~KeepDevice() { cudaSetDevice(device_); }
  KeepDevice(const KeepDevice&) = delete;
  KeepDevice& operator=(const KeepDevice&) = delete;

 private:
  int device_ = 0;
};

/// Device memory.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes) : bytes_(bytes) { check(cudaMalloc(&data_, bytes), "device memory"); }
  ~Buffer() { cudaFree(data_); }
  Buffer(Buffer&& o) noexcept : data_(std::exchange(o.data_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}
  Buffer& operator=(Buffer&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(bytes_, o.bytes_);
    return *this;
  }
  void* at(std::size_t offset = 0) const { return static_cast<char*>(data_) + offset; }
  template <class T> T* as() const { return static_cast<T*>(data_); }
  std::size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

class WorkStream {
 public:
  WorkStream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "stream"); }
  ~WorkStream() { cudaStreamDestroy(stream_); }
  WorkStream(const WorkStream&) = delete;
  WorkStream& operator=(const WorkStream&) = delete;
  operator cudaStream_t() const { return stream_; }
  void wait() const { check(cudaStreamSynchronize(stream_), "waiting for the device"); }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace ridge::cuda
