#pragma once
/// cuDNN's graph of operations: descriptors with an owner, tensors by number, and the search for a kernel.

#include "calibrate/cuda/device.h"

#include <array>
#include <cudnn.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ridge::cuda {

struct DnnLibrary {
  SharedLibrary file{"libcudnn.so.9", "libcudnn.so"};
  decltype(&cudnnCreate) create;
  decltype(&cudnnDestroy) destroy;
  decltype(&cudnnSetStream) set_stream;
  decltype(&cudnnGetVersion) version;
  decltype(&cudnnGetLastErrorString) last_error;
  decltype(&cudnnBackendCreateDescriptor) create_descriptor;
  decltype(&cudnnBackendDestroyDescriptor) destroy_descriptor;
  decltype(&cudnnBackendSetAttribute) set;
  decltype(&cudnnBackendGetAttribute) get;
  decltype(&cudnnBackendFinalize) finalize;
  decltype(&cudnnBackendExecute) execute;
  cudnnHandle_t handle = nullptr;

  explicit DnnLibrary(cudaStream_t);
  ~DnnLibrary();
  /// Throws ProbeError with the library's own words.
  void check(cudnnStatus_t, const char* what) const;
};

class DnnDescriptor {
 public:
  DnnDescriptor(const DnnLibrary&, cudnnBackendDescriptorType_t);
  ~DnnDescriptor();
  DnnDescriptor(DnnDescriptor&& o) noexcept
      : library_(o.library_), descriptor_(std::exchange(o.descriptor_, nullptr)) {}
  DnnDescriptor& operator=(DnnDescriptor&& o) noexcept {
    std::swap(library_, o.library_);
    std::swap(descriptor_, o.descriptor_);
    return *this;
  }

  DnnDescriptor& set(cudnnBackendAttributeName_t, cudnnBackendAttributeType_t, std::int64_t count,
                     const void*);
  DnnDescriptor& set(cudnnBackendAttributeName_t, const DnnDescriptor&);
  DnnDescriptor& finish(const char* what);
  cudnnBackendDescriptor_t get() const { return descriptor_; }
  const DnnLibrary& library() const { return *library_; }

 private:
  const DnnLibrary* library_;
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

/// A finalised execution plan with its workspace.
struct DnnPlan {
  DnnDescriptor plan;
  Buffer workspace;
  std::string kernel;
  /// Tensors' numbers and data, number 0 left out; scalars' data are on the host.
  void queue(std::initializer_list<std::pair<std::size_t, const void*>>) const;
};

class DnnGraph {
 public:
  using Sizes = std::array<std::int64_t, 4>;
  using Tensor = std::size_t;  // 0: none

  explicit DnnGraph(const DnnLibrary& library) : library_(library) {}

  /// In memory; its number is what queue() is told.
  Tensor tensor(const Sizes& dims, const Sizes& steps, cudnnDataType_t);
  /// Between operations only; packed.
  Tensor inner(const Sizes& dims, cudnnDataType_t = CUDNN_DATA_FLOAT);
  Tensor inner(const Sizes& dims, const Sizes& steps, cudnnDataType_t);
  /// One number on the host.
  Tensor scalar();

  void multiply(Tensor a, Tensor b, Tensor c);
  void pointwise(cudnnPointwiseMode_t, Tensor x, Tensor b, Tensor y, Tensor choice = 0, int axis = -1,
                 cudnnDataType_t computed = CUDNN_DATA_FLOAT);
  void reduce(cudnnReduceTensorOp_t, Tensor x, Tensor y);
  void reshape(Tensor x, Tensor y);

  /// The first kernel of the library's heuristic that can be built.
  DnnPlan plan() const;

 private:
  Tensor add(const Sizes&, const Sizes&, cudnnDataType_t, bool is_virtual, bool is_by_value);
  const DnnDescriptor& at(Tensor t) const { return tensors_[t - 1]; }

  const DnnLibrary& library_;
  std::vector<DnnDescriptor> tensors_, operations_;
};

DnnGraph::Sizes packed_steps(const DnnGraph::Sizes&);

}  // namespace ridge::cuda
