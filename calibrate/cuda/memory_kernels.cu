#include "calibrate/cuda/kernels.h"

namespace ridge::cuda {
namespace {

constexpr int threads = 512, unroll = 4;

__device__ float sum(float4 x) { return x.x + x.y + x.z + x.w; }
__device__ float4 plus(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }

/// One pass over n float4.  Blocks take neighbouring chunks, and another block's chunk in the next pass, so
/// that a multiprocessor does not meet its own lines again in its L1 and both halves of a split L2 are used.
template <Stream op>
__device__ void one_pass(float4* a, const float4* b, const float4* c, std::size_t n, std::size_t shift,
                         float& kept) {
  const std::size_t chunk = threads * unroll, chunks = (n + chunk - 1) / chunk;
  for (std::size_t i = (blockIdx.x + shift) % gridDim.x; i < chunks; i += gridDim.x) {
    float4 x[unroll], y[unroll];
#pragma unroll
    for (int u = 0; u < unroll; ++u) {
      const std::size_t at = i * chunk + u * threads + threadIdx.x;
      if constexpr (op != Stream::write)
        if (at < n) x[u] = b[at];
      if constexpr (op == Stream::triad)
        if (at < n) y[u] = c[at];
    }
#pragma unroll
    for (int u = 0; u < unroll; ++u) {
      const std::size_t at = i * chunk + u * threads + threadIdx.x;
      if (at >= n) continue;
      if constexpr (op == Stream::read) kept += sum(x[u]);
      if constexpr (op == Stream::write) a[at] = make_float4(1, 2, 3, 4);
      if constexpr (op == Stream::copy) a[at] = x[u];
      if constexpr (op == Stream::triad) a[at] = plus(x[u], y[u]);
    }
  }
}

template <Stream op>
__global__ __launch_bounds__(threads) void stream(float4* a, const float4* b, const float4* c, std::size_t n,
                                                  int passes) {
  float kept = 0;
  for (int p = 0; p < passes; ++p) one_pass<op>(a, b, c, n, static_cast<std::size_t>(p) * 37, kept);
  if constexpr (op == Stream::read)
    if (kept == 12345.678f) a[0].x = kept;  // keeps the loads
}

__global__ void chase(const std::uint32_t* links, std::uint32_t steps, std::uint32_t* end) {
  std::uint32_t at = *end;
  for (std::uint32_t i = 0; i < steps; ++i) at = links[at];
  *end = at;
}

}  // namespace

void launch_stream(Stream op, void* a, const void* b, const void* c, std::size_t bytes, int passes,
                   int blocks, cudaStream_t s) {
  auto* x = static_cast<float4*>(a);
  const auto *y = static_cast<const float4*>(b), *z = static_cast<const float4*>(c);
  const std::size_t n = bytes / 16;
  switch (op) {
    case Stream::read: stream<Stream::read><<<blocks, threads, 0, s>>>(x, y, z, n, passes); break;
    case Stream::write: stream<Stream::write><<<blocks, threads, 0, s>>>(x, y, z, n, passes); break;
    case Stream::copy: stream<Stream::copy><<<blocks, threads, 0, s>>>(x, y, z, n, passes); break;
    case Stream::triad: stream<Stream::triad><<<blocks, threads, 0, s>>>(x, y, z, n, passes); break;
  }
}

void launch_chase(const std::uint32_t* links, std::uint32_t steps, std::uint32_t* end, cudaStream_t s) {
  chase<<<1, 1, 0, s>>>(links, steps, end);
}

}  // namespace ridge::cuda
