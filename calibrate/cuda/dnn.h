#pragma once
/// Fused attention through cuDNN, the library that frameworks call, opened at run time: the measure of our own
/// kernels, and the only backward pass here.
///
/// The library takes a graph of small operations and finds a fused kernel for it:
///   forward   S = Q K^T · scale, masked above the diagonal, softmax, O = P V; the logarithms of the sums
///   backward  dV = P^T dO, dS = P (dO V^T - rowsum(dO O)), dQ = dS K · scale, dK = dS^T Q · scale
/// Source  cuDNN 9 documentation, "Graph API", attention patterns.

#include "calibrate/cuda/device.h"
#include "calibrate/cuda/kernels.h"

#include <memory>

namespace ridge::cuda {

struct DnnLibrary;

class Dnn {
 public:
  explicit Dnn(cudaStream_t);
  ~Dnn();
  Dnn(const Dnn&) = delete;
  Dnn& operator=(const Dnn&) = delete;

  struct ForwardData {
    const void *q, *k, *v;
    void* o;
    float* log_sums;  ///< [batch, heads, queries]; only when asked for
  };
  struct BackwardData {
    const void *q, *k, *v, *o, *d_o;
    const float* log_sums;
    void *dq, *dk, *dv;
  };

  /// A kernel prepared for one shape; queueing it costs a launch or some.
  class Plan {
   public:
    ~Plan();
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    void queue(const ForwardData&) const;
    void queue(const BackwardData&) const;
    /// "cuDNN engine 6"
    const std::string& kernel() const;

   private:
    friend class Dnn;
    Plan() = default;
    struct Impl;
    std::unique_ptr<Impl> impl_;
  };

  /// Throws ProbeError when the library has no kernel for the shape.  A decode layout with more than one query
  /// head to a KV head goes as that many queries of one head, which is the same sum.
  std::unique_ptr<Plan> prepare_forward(const AttentionLayout&, bool has_log_sums) const;
  std::unique_ptr<Plan> prepare_backward(const AttentionLayout&) const;
  std::string version() const;

 private:
  std::unique_ptr<DnnLibrary> library_;
};

}  // namespace ridge::cuda
