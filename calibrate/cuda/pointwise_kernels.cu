#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/packs.cuh"

namespace ridge::cuda {
namespace {

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
