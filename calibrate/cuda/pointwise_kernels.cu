#include "calibrate/cuda/kernels.h"

#include <cuda_bf16.h>

namespace ridge::cuda {
namespace {

/// Eight bf16: what one thread loads at once.
struct alignas(16) Pack {
  __nv_bfloat162 x[4];
};

__device__ float block_reduce(float x, bool is_max) {
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
__device__ float entry(const Pack& p, int i) {
  const float2 x = __bfloat1622float2(p.x[i / 2]);
  return i % 2 ? x.y : x.x;
}

constexpr int most_packs = 4;  // per thread: rows up to 1024 * 4 * 8 = 32768 wide

/// One block a row; the row stays in registers between the sum and the scaling.
__global__ void rmsnorm(const Pack* x, const Pack* weight, Pack* y, int packs) {
  const Pack* row = x + static_cast<std::size_t>(blockIdx.x) * packs;
  Pack kept[most_packs];
  float squares = 0;
#pragma unroll
  for (int i = 0; i < most_packs; ++i) {
    const int at = i * blockDim.x + threadIdx.x;
    if (at >= packs) break;
    kept[i] = row[at];
    visit(kept[i], [&](float v, int) { squares += v * v; });
  }
  const float scale = rsqrtf(block_reduce(squares, false) / (8.0f * packs) + 1e-6f);
  Pack* out = y + static_cast<std::size_t>(blockIdx.x) * packs;
#pragma unroll
  for (int i = 0; i < most_packs; ++i) {
    const int at = i * blockDim.x + threadIdx.x;
    if (at >= packs) break;
    const Pack w = weight[at];
    out[at] = mapped(kept[i], [&](float v, int e) { return v * scale * entry(w, e); });
  }
}

__global__ void softmax(const Pack* x, Pack* y, int packs) {
  const Pack* row = x + static_cast<std::size_t>(blockIdx.x) * packs;
  Pack kept[most_packs];
  float highest = -INFINITY, total = 0;
#pragma unroll
  for (int i = 0; i < most_packs; ++i) {
    const int at = i * blockDim.x + threadIdx.x;
    if (at >= packs) break;
    kept[i] = row[at];
    visit(kept[i], [&](float v, int) { highest = fmaxf(highest, v); });
  }
  highest = block_reduce(highest, true);
#pragma unroll
  for (int i = 0; i < most_packs; ++i)
    if (i * blockDim.x + threadIdx.x < packs)
      visit(kept[i], [&](float v, int) { total += __expf(v - highest); });
  const float scale = 1 / block_reduce(total, false);
  Pack* out = y + static_cast<std::size_t>(blockIdx.x) * packs;
#pragma unroll
  for (int i = 0; i < most_packs; ++i) {
    const int at = i * blockDim.x + threadIdx.x;
    if (at < packs) out[at] = mapped(kept[i], [&](float v, int) { return __expf(v - highest) * scale; });
  }
}

__global__ void silu_mul(const Pack* x, Pack* y, int packs, std::size_t all) {
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all;
       i += static_cast<std::size_t>(gridDim.x) * blockDim.x) {
    const std::size_t row = i / packs, at = i % packs;
    const Pack gate = x[2 * row * packs + at], up = x[(2 * row + 1) * packs + at];
    y[i] = mapped(gate, [&](float v, int e) { return v / (1 + __expf(-v)) * entry(up, e); });
  }
}

__global__ void add(const Pack* a, const Pack* b, Pack* y, std::size_t all) {
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all;
       i += static_cast<std::size_t>(gridDim.x) * blockDim.x) {
    const Pack left = a[i], right = b[i];
    y[i] = mapped(left, [&](float v, int e) { return v + entry(right, e); });
  }
}

/// Four packs a thread hide the row's latency better than more threads, whose sums have to meet.
int row_threads(int packs) {
  const int warps = (packs + 32 * most_packs - 1) / (32 * most_packs);
  return 32 * (warps < 1 ? 1 : warps > 32 ? 32 : warps);
}

int grid_blocks(std::size_t packs) {
  const std::size_t blocks = (packs + 255) / 256;
  return static_cast<int>(blocks < 65536 ? blocks : 65536);
}

const Pack* in(const void* p) { return static_cast<const Pack*>(p); }
Pack* out(void* p) { return static_cast<Pack*>(p); }

}  // namespace

void launch_rmsnorm(const void* x, const void* weight, void* y, int rows, int hidden, cudaStream_t s) {
  rmsnorm<<<rows, row_threads(hidden / 8), 0, s>>>(in(x), in(weight), out(y), hidden / 8);
}
void launch_softmax(const void* x, void* y, int rows, int width, cudaStream_t s) {
  softmax<<<rows, row_threads(width / 8), 0, s>>>(in(x), out(y), width / 8);
}
void launch_silu_mul(const void* x, void* y, int rows, int width, cudaStream_t s) {
  const std::size_t all = static_cast<std::size_t>(rows) * (width / 8);
  silu_mul<<<grid_blocks(all), 256, 0, s>>>(in(x), out(y), width / 8, all);
}
void launch_add(const void* a, const void* b, void* y, std::size_t elements, cudaStream_t s) {
  add<<<grid_blocks(elements / 8), 256, 0, s>>>(in(a), in(b), out(y), elements / 8);
}

}  // namespace ridge::cuda
