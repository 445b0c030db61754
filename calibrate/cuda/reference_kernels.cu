#include "calibrate/cuda/kernels.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

namespace ridge::cuda {
namespace {

constexpr int threads = 256;

template <class T> __device__ double widened(T x) { return static_cast<double>(static_cast<float>(x)); }

/// Sum over the block, in every thread.
__device__ double block_sum(double x) {
  __shared__ double partial[threads];
  partial[threadIdx.x] = x;
  for (int half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
  }
  __syncthreads();
  const double sum = partial[0];
  __syncthreads();
  return sum;
}

template <class T>
__global__ void product_reference(const T* a, const T* b, std::int64_t k, const std::int64_t* rows,
                                  const std::int64_t* cols, double* out) {
  const T* x = a + rows[blockIdx.x] * k;
  const T* y = b + cols[blockIdx.x] * k;
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < k; i += threads) sum += widened(x[i]) * widened(y[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

/// One row of the output: two passes over the keys, softmax without a running maximum (|q.k| is small for
/// numbers in [-1, 1) scaled by 1/sqrt(d), so exp does not overflow in double).
__global__ void attention_reference(const __nv_bfloat16* q, const __nv_bfloat16* k, const __nv_bfloat16* v,
                                    AttentionLayout s, std::int64_t d_out, const std::int64_t* rows,
                                    double* out) {
  const std::int64_t b = rows[3 * blockIdx.x], h = rows[3 * blockIdx.x + 1], i = rows[3 * blockIdx.x + 2];
  const std::int64_t kv = h / (s.heads / s.kv_heads), d = s.head_dim;
  const __nv_bfloat16* query = q + ((b * s.queries + i) * s.heads + h) * d;
  const std::int64_t first =
      s.is_decode ? (b * s.kv_heads + kv) * s.keys * d : (b * s.keys * s.kv_heads + kv) * d;
  const std::int64_t step = s.is_decode ? d : s.kv_heads * d;
  const std::int64_t visible = s.is_causal && !s.is_decode ? i + 1 + (s.keys - s.queries) : s.keys;
  __shared__ double sums[512];
  for (int c = threadIdx.x; c < d_out; c += threads) sums[c] = 0;
  __syncthreads();
  double total = 0;
  for (std::int64_t j = threadIdx.x; j < visible; j += threads) {
    const __nv_bfloat16* key = k + first + j * step;
    double dot = 0;
    for (std::int64_t c = 0; c < d; ++c) dot += widened(query[c]) * widened(key[c]);
    const double weight = exp(dot / sqrt(static_cast<double>(d)));
    total += weight;
    const __nv_bfloat16* value = v + first + j * step;
    for (std::int64_t c = 0; c < d_out; ++c)
      atomicAdd(&sums[(c + threadIdx.x) % d_out], weight * widened(value[(c + threadIdx.x) % d_out]));
  }
  total = block_sum(total);
  for (int c = threadIdx.x; c < d_out; c += threads) out[blockIdx.x * d_out + c] = sums[c] / total;
}

template <class T>
void product(const void* a, const void* b, std::int64_t k, const std::int64_t* rows, const std::int64_t* cols,
             int samples, double* out, cudaStream_t s) {
  product_reference<<<samples, threads, 0, s>>>(static_cast<const T*>(a), static_cast<const T*>(b), k, rows,
                                                cols, out);
}

}  // namespace

void launch_product_reference(const void* a, const void* b, Fill type, std::int64_t k,
                              const std::int64_t* rows, const std::int64_t* cols, int samples, double* out,
                              cudaStream_t s) {
  switch (type) {
    case Fill::bf16: return product<__nv_bfloat16>(a, b, k, rows, cols, samples, out, s);
    case Fill::fp16: return product<__half>(a, b, k, rows, cols, samples, out, s);
    case Fill::fp32: return product<float>(a, b, k, rows, cols, samples, out, s);
    case Fill::fp8: return product<__nv_fp8_e4m3>(a, b, k, rows, cols, samples, out, s);
    case Fill::int8: return product<std::int8_t>(a, b, k, rows, cols, samples, out, s);
  }
}

void launch_attention_reference(const void* q, const void* k, const void* v, const AttentionLayout& layout,
                                const std::int64_t* rows, int samples, double* out, cudaStream_t s) {
  attention_reference<<<samples, threads, 0, s>>>(
      static_cast<const __nv_bfloat16*>(q), static_cast<const __nv_bfloat16*>(k),
      static_cast<const __nv_bfloat16*>(v), layout, layout.output_dim(), rows, out);
}

}  // namespace ridge::cuda
