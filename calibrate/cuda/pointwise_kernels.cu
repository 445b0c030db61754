#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/packs.cuh"

namespace ridge::cuda {
namespace {

constexpr float tiny = 1e-6f;
constexpr int looped_threads = 128;

/// One block a row; the row stays in registers between the sum and the scaling.  All loads are under way before the
/// first is used.
__global__ void rmsnorm(const Pack* x, const Pack* weight, Pack* y, int packs) {
  const Pack* row = x + static_cast<std::size_t>(blockIdx.x) * packs;
  Pack kept[most_packs], w[most_packs];
  float squares = 0;
  for_packs(packs, [&](int i, int at) { kept[i] = row[at]; });
  for_packs(packs, [&](int i, int at) { w[i] = weight[at]; });
  for_packs(packs, [&](int i, int) { visit(kept[i], [&](float v, int) { squares += v * v; }); });
  const float scale = rsqrtf(block_reduce(squares, false) / (8.0f * packs) + tiny);
  Pack* out = y + static_cast<std::size_t>(blockIdx.x) * packs;
  for_packs(packs, [&](int i, int at) {
    out[at] = mapped(kept[i], [&](float v, int e) { return v * scale * entry(w[i], e); });
  });
}

/// Four bf16.
struct alignas(8) Half {
  __nv_bfloat162 x[2];
};

/// As frameworks have it: 128 threads a row whatever its length, in plain loops that wait for one load of eight bytes
/// after the other and read the row again from the cache.
__global__ void __launch_bounds__(looped_threads)
    rmsnorm_looped(const Half* x, const Half* weight, Half* y, int halves) {
  const std::size_t first = static_cast<std::size_t>(blockIdx.x) * halves;
  float squares = 0;
#pragma unroll 1
  for (int i = threadIdx.x; i < halves; i += looped_threads) {
    const Half in = x[first + i];
    for (const __nv_bfloat162 pair : in.x) {
      const float2 v = __bfloat1622float2(pair);
      squares += v.x * v.x + v.y * v.y;
    }
  }
  const float scale = rsqrtf(block_reduce(squares, false) / (4.0f * halves) + tiny);
#pragma unroll 1
  for (int i = threadIdx.x; i < halves; i += looped_threads) {
    const Half in = x[first + i], w = weight[i];
    Half out;
    for (int e = 0; e < 2; ++e) {
      const float2 v = __bfloat1622float2(in.x[e]), g = __bfloat1622float2(w.x[e]);
      out.x[e] = __floats2bfloat162_rn(v.x * scale * g.x, v.y * scale * g.y);
    }
    y[first + i] = out;
  }
}

__global__ void softmax(const Pack* x, Pack* y, int packs) {
  const Pack* row = x + static_cast<std::size_t>(blockIdx.x) * packs;
  Pack kept[most_packs];
  float highest = -INFINITY, total = 0;
  for_packs(packs, [&](int i, int at) { kept[i] = row[at]; });
  for_packs(packs, [&](int i, int) { visit(kept[i], [&](float v, int) { highest = fmaxf(highest, v); }); });
  highest = block_reduce(highest, true);
  for_packs(packs, [&](int i, int) { visit(kept[i], [&](float v, int) { total += __expf(v - highest); }); });
  const float scale = 1 / block_reduce(total, false);
  Pack* out = y + static_cast<std::size_t>(blockIdx.x) * packs;
  for_packs(packs, [&](int i, int at) {
    out[at] = mapped(kept[i], [&](float v, int) { return __expf(v - highest) * scale; });
  });
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

}  // namespace

void launch_rmsnorm(const void* x, const void* weight, void* y, int rows, int hidden, cudaStream_t s) {
  rmsnorm<<<rows, row_threads(hidden / 8), 0, s>>>(in(x), in(weight), out(y), hidden / 8);
}
void launch_rmsnorm_looped(const void* x, const void* weight, void* y, int rows, int hidden, cudaStream_t s) {
  rmsnorm_looped<<<rows, looped_threads, 0, s>>>(
      static_cast<const Half*>(x), static_cast<const Half*>(weight), static_cast<Half*>(y), hidden / 4);
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
