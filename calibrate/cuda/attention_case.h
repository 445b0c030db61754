#pragma once
/// One attention shape with its operands in the random pool: checks kernels on it, and times them.

#include "calibrate/cuda/context.h"

#include <functional>

namespace ridge::cuda {

class AttentionCase {
 public:
  /// Throws ProbeError when the operands exceed the pool.
  AttentionCase(ProbeContext&, const AttentionLayout&);

  /// Queues one pass over the operands.
  using Kernel = std::function<void(const void* q, const void* k, const void* v, void* o)>;

  /// Whole output rows against double sums, the first and the last among them; throws ProbeError when wrong.
  void expect_right(const Kernel&);
  Timing time(const Kernel&);
  /// One pass over the first operands.
  void queue_first(const Kernel&) const;

  const AttentionLayout& layout() const { return layout_; }
  ProbeContext& context() const { return *context_; }
  void* output() const { return out_.at(); }
  std::size_t query_bytes() const { return q_; }
  std::size_t key_bytes() const { return k_; }
  std::size_t output_bytes() const { return o_; }

 private:
  ProbeContext* context_;
  AttentionLayout layout_;
  std::size_t q_, k_, o_, set_;
  int turns_;
  Buffer out_;
};

/// The sizes a measurement of the layout has; its variant is "bf16-d128", with `by` appended.
Measurement described(const AttentionLayout&, std::string_view by = "");

/// Rows (batch, head, token) to check: the first, the last, and random ones.
std::vector<std::int64_t> sampled_rows(std::int64_t batch, std::int64_t heads, std::int64_t tokens,
                                       int samples);

/// `rows` of [batch, tokens, heads, size] bf16 numbers, widened.
std::vector<double> fetch_rows(const void* from, const std::vector<std::int64_t>& rows, std::int64_t heads,
                               std::int64_t tokens, std::int64_t size);

/// Our own kernel for many queries: with wgmma where the device has it.
void queue_prefill(const AttentionLayout&, const void* q, const void* k, const void* v, void* o,
                   cudaStream_t);
/// Its name: "wgmma" or "mma.sync".
const char* prefill_kernel(int head_dim);

/// Our own kernel for one query a sequence, with the memory that it needs.
class DecodeKernel {
 public:
  DecodeKernel(ProbeContext&, const AttentionLayout&);
  void queue(const void* q, const void* k, const void* v, void* o) const;

 private:
  ProbeContext* context_;
  AttentionLayout layout_;
  int splits_;
  Buffer workspace_;
};

}  // namespace ridge::cuda
