// Gradients of attention in double precision, for sampled rows.

#include "calibrate/cuda/kernels.h"

#include <cuda_bf16.h>

namespace ridge::cuda {
namespace {

constexpr int threads = 256, most_dim = 256;
using bf16 = __nv_bfloat16;

__device__ double widened(bf16 x) { return static_cast<double>(__bfloat162float(x)); }

__device__ double dot(const bf16* a, const bf16* b, int d) {
  double sum = 0;
  for (int c = 0; c < d; ++c) sum += widened(a[c]) * widened(b[c]);
  return sum;
}

/// to += by · from, columns in an order of the thread's own so that they do not queue.
__device__ void add(double* to, double by, const bf16* from, int d) {
  for (int c = 0; c < d; ++c) {
    const int at = (c + threadIdx.x) % d;
    atomicAdd(&to[at], by * widened(from[at]));
  }
}

struct Problem {
  const bf16 *q, *k, *v, *o, *d_o;
  const float* log_sums;
  std::int64_t queries, keys, heads, kv_heads;
  int d;
  bool is_causal;
  __device__ const bf16* query_row(const bf16* x, std::int64_t b, std::int64_t h, std::int64_t i) const {
    return x + ((b * queries + i) * heads + h) * d;
  }
  __device__ const bf16* key_row(const bf16* x, std::int64_t b, std::int64_t h, std::int64_t j) const {
    return x + ((b * keys + j) * kv_heads + h) * d;
  }
  __device__ double score(const bf16* query, const bf16* key) const {
    return dot(query, key, d) / sqrt(double(d));
  }
};

__global__ void query_gradient(Problem p, const std::int64_t* rows, double* out) {
  __shared__ double sums[most_dim], total;
  const std::int64_t b = rows[3 * blockIdx.x], h = rows[3 * blockIdx.x + 1], i = rows[3 * blockIdx.x + 2];
  const std::int64_t kv = h / (p.heads / p.kv_heads);
  const bf16 *q = p.query_row(p.q, b, h, i), *d_o = p.query_row(p.d_o, b, h, i);
  const std::int64_t seen = p.is_causal ? i + 1 + p.keys - p.queries : p.keys;
  for (int c = threadIdx.x; c < p.d; c += threads) sums[c] = 0;
  if (threadIdx.x == 0) total = 0;
  __syncthreads();
  double own = 0;
  for (std::int64_t j = threadIdx.x; j < seen; j += threads) own += exp(p.score(q, p.key_row(p.k, b, kv, j)));
  atomicAdd(&total, own);
  __syncthreads();
  const double row_sum = dot(d_o, p.query_row(p.o, b, h, i), p.d);
  for (std::int64_t j = threadIdx.x; j < seen; j += threads) {
    const bf16* k = p.key_row(p.k, b, kv, j);
    const double weight = exp(p.score(q, k)) / total;
    add(sums, weight * (dot(d_o, p.key_row(p.v, b, kv, j), p.d) - row_sum) / sqrt(double(p.d)), k, p.d);
  }
  __syncthreads();
  double* to = out + blockIdx.x * (p.d + 1);
  for (int c = threadIdx.x; c < p.d; c += threads) to[c] = sums[c];
  if (threadIdx.x == 0) to[p.d] = log(total);
}

__global__ void key_gradient(Problem p, const std::int64_t* rows, double* out) {
  __shared__ double key_sums[most_dim], value_sums[most_dim];
  const std::int64_t b = rows[3 * blockIdx.x], kv = rows[3 * blockIdx.x + 1], j = rows[3 * blockIdx.x + 2];
  const std::int64_t group = p.heads / p.kv_heads,
                     first = p.is_causal ? max(j - (p.keys - p.queries), 0l) : 0;
  for (int c = threadIdx.x; c < p.d; c += threads) key_sums[c] = value_sums[c] = 0;
  __syncthreads();
  const bf16 *k = p.key_row(p.k, b, kv, j), *v = p.key_row(p.v, b, kv, j);
  for (std::int64_t h = kv * group; h < (kv + 1) * group; ++h)
    for (std::int64_t i = first + threadIdx.x; i < p.queries; i += threads) {
      const bf16 *q = p.query_row(p.q, b, h, i), *d_o = p.query_row(p.d_o, b, h, i);
      const double log_sum = static_cast<double>(p.log_sums[(b * p.heads + h) * p.queries + i]);
      const double weight = exp(p.score(q, k) - log_sum);
      const double row_sum = dot(d_o, p.query_row(p.o, b, h, i), p.d);
      add(value_sums, weight, d_o, p.d);
      add(key_sums, weight * (dot(d_o, v, p.d) - row_sum) / sqrt(double(p.d)), q, p.d);
    }
  __syncthreads();
  double* to = out + blockIdx.x * 2 * p.d;
  for (int c = threadIdx.x; c < p.d; c += threads) to[c] = key_sums[c], to[p.d + c] = value_sums[c];
}

Problem problem_of(const AttentionBackwardInputs& x, const AttentionLayout& s) {
  const auto in = [](const void* p) { return static_cast<const bf16*>(p); };
  return {in(x.q),   in(x.k), in(x.v), in(x.o),    in(x.d_o),  x.log_sums,
          s.queries, s.keys,  s.heads, s.kv_heads, s.head_dim, s.is_causal};
}

}  // namespace

void launch_query_gradient_reference(const AttentionBackwardInputs& x, const AttentionLayout& s,
                                     const std::int64_t* rows, int samples, double* out,
                                     cudaStream_t stream) {
  query_gradient<<<samples, threads, 0, stream>>>(problem_of(x, s), rows, out);
}

void launch_key_gradient_reference(const AttentionBackwardInputs& x, const AttentionLayout& s,
                                   const std::int64_t* rows, int samples, double* out, cudaStream_t stream) {
  key_gradient<<<samples, threads, 0, stream>>>(problem_of(x, s), rows, out);
}

}  // namespace ridge::cuda
