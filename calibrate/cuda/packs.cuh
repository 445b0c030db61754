#pragma once
/// What kernels over rows of bf16 are made of: packs of eight numbers, rows kept in the registers of a block, sums
/// over a block.

#include <cuda_bf16.h>

namespace ridge::cuda {

/// Eight bf16: what one thread loads at once.
struct alignas(16) Pack {
  __nv_bfloat162 x[4];
};

__device__ inline float block_reduce(float x, bool is_max) {
  __shared__ float partial[32];
  const auto join = [&](float a, float b) { return is_max ? fmaxf(a, b) : a + b; };
  for (int offset = 16; offset > 0; offset /= 2) x = join(x, __shfl_xor_sync(~0u, x, offset));
  const int warps = blockDim.x / 32, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  __syncthreads();
  if (lane == 0) partial[warp] = x;
  __syncthreads();
  x = partial[0];
  for (int w = 1; w < warps; ++w) x = join(x, partial[w]);
  return x;
}

/// Both sums over the block at once.
__device__ inline float2 block_sums(float2 x) {
  __shared__ float2 partial[32];
  const auto join = [](float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); };
  for (int offset = 16; offset > 0; offset /= 2)
    x = join(x, make_float2(__shfl_xor_sync(~0u, x.x, offset), __shfl_xor_sync(~0u, x.y, offset)));
  const int warps = blockDim.x / 32, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  __syncthreads();
  if (lane == 0) partial[warp] = x;
  __syncthreads();
  x = partial[0];
  for (int w = 1; w < warps; ++w) x = join(x, partial[w]);
  return x;
}

template <class F> __device__ Pack mapped(const Pack& p, F f) {
  Pack out;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 x = __bfloat1622float2(p.x[i]);
    out.x[i] = __floats2bfloat162_rn(f(x.x, 2 * i), f(x.y, 2 * i + 1));
  }
  return out;
}
template <class F> __device__ void visit(const Pack& p, F f) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float2 x = __bfloat1622float2(p.x[i]);
    f(x.x, 2 * i);
    f(x.y, 2 * i + 1);
  }
}
__device__ inline float entry(const Pack& p, int i) {
  const float2 x = __bfloat1622float2(p.x[i / 2]);
  return i % 2 ? x.y : x.x;
}

constexpr int most_packs = 4;  // per thread: rows up to 1024 * 4 * 8 = 32768 wide

/// f(i, at) for the packs `at` of a row that this thread keeps as its i-th.
template <class F> __device__ void for_packs(int packs, F f) {
#pragma unroll
  for (int i = 0; i < most_packs; ++i) {
    const int at = i * blockDim.x + threadIdx.x;
    if (at < packs) f(i, at);
  }
}

/// Four packs a thread hide the row's latency better than more threads, whose sums have to meet.
inline int row_threads(int packs) {
  const int warps = (packs + 32 * most_packs - 1) / (32 * most_packs);
  return 32 * (warps < 1 ? 1 : warps > 32 ? 32 : warps);
}

inline int grid_blocks(std::size_t packs) {
  const std::size_t blocks = (packs + 255) / 256;
  return static_cast<int>(blocks < 65536 ? blocks : 65536);
}

inline const Pack* in(const void* p) { return static_cast<const Pack*>(p); }
inline Pack* out(void* p) { return static_cast<Pack*>(p); }

}  // namespace ridge::cuda
