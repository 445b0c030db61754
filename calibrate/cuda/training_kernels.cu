// Passes of a training step: layer norm, what norms, softmax and the gated activation do backwards, and Adam.

#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/packs.cuh"

namespace ridge::cuda {
namespace {

constexpr float tiny = 1e-6f;

__global__ void layernorm(const Pack* x, const Pack* weight, const Pack* bias, Pack* y, int packs) {
  const Pack* row = x + static_cast<std::size_t>(blockIdx.x) * packs;
  Pack kept[most_packs];
  float sum = 0, squares = 0;
  for_packs(packs, [&](int i, int at) {
    kept[i] = row[at];
    visit(kept[i], [&](float v, int) { sum += v; });
  });
  const float mean = block_reduce(sum, false) / (8.0f * packs);
  for_packs(packs,
            [&](int i, int) { visit(kept[i], [&](float v, int) { squares += (v - mean) * (v - mean); }); });
  const float scale = rsqrtf(block_reduce(squares, false) / (8.0f * packs) + tiny);
  Pack* out = y + static_cast<std::size_t>(blockIdx.x) * packs;
  for_packs(packs, [&](int i, int at) {
    const Pack w = weight[at], b = bias[at];
    out[at] = mapped(kept[i], [&](float v, int e) { return (v - mean) * scale * entry(w, e) + entry(b, e); });
  });
}

/// dx of a norm; of a layer norm the mean of x counts as well.  A block takes rows in turn and keeps its part of the
/// weight's gradient, dy · (x - mean) / deviation, until its last.
template <bool has_mean>
__global__ void norm_backward(const Pack* x, const Pack* dy, const Pack* weight, Pack* dx, float4* parts,
                              int rows, int packs) {
  float gradient[most_packs][8] = {};
  for (int r = blockIdx.x; r < rows; r += gridDim.x) {
    const std::size_t first = static_cast<std::size_t>(r) * packs;
    Pack in[most_packs], back[most_packs];
    float2 sums{}, alike{};
    for_packs(packs, [&](int i, int at) {
      in[i] = x[first + at];
      back[i] = dy[first + at];
      visit(in[i], [&](float v, int) { sums.x += v, sums.y += v * v; });
    });
    sums = block_sums(sums);
    const float n = 8.0f * packs, mean = has_mean ? sums.x / n : 0,
                scale = rsqrtf(sums.y / n - mean * mean + tiny);
    for_packs(packs, [&](int i, int at) {
      const Pack w = weight[at];
      visit(in[i], [&](float v, int e) {
        const float g = entry(back[i], e), normed = (v - mean) * scale;
        gradient[i][e] += g * normed;
        alike.x += g * entry(w, e) * normed;
        alike.y += g * entry(w, e);
      });
    });
    alike = block_sums(alike);
    const float along = alike.x / n, shift = has_mean ? alike.y / n : 0;
    for_packs(packs, [&](int i, int at) {
      const Pack w = weight[at];
      dx[first + at] = mapped(in[i], [&](float v, int e) {
        return scale * (entry(back[i], e) * entry(w, e) - shift - (v - mean) * scale * along);
      });
    });
  }
  for_packs(packs, [&](int i, int at) {
    float4* to = parts + (static_cast<std::size_t>(blockIdx.x) * packs + at) * 2;
    to[0] = make_float4(gradient[i][0], gradient[i][1], gradient[i][2], gradient[i][3]);
    to[1] = make_float4(gradient[i][4], gradient[i][5], gradient[i][6], gradient[i][7]);
  });
}

/// Columns of the parts; a block 32 columns, a warp every eighth part.
__global__ void sum_parts(const float* parts, float* sums, int count, int columns) {
  __shared__ float partial[8][32];
  const int column = blockIdx.x * 32 + threadIdx.x % 32, warp = threadIdx.x / 32;
  float sum = 0;
#pragma unroll 4
  for (int i = warp; i < count; i += 8) sum += parts[static_cast<std::size_t>(i) * columns + column];
  partial[warp][threadIdx.x % 32] = sum;
  __syncthreads();
  if (warp > 0) return;
  for (int i = 1; i < 8; ++i) sum += partial[i][threadIdx.x];
  sums[column] = sum;
}

/// dx = y (dy - sum of y dy)
__global__ void softmax_backward(const Pack* y, const Pack* dy, Pack* dx, int packs) {
  const std::size_t first = static_cast<std::size_t>(blockIdx.x) * packs;
  Pack out[most_packs], back[most_packs];
  float sum = 0;
  for_packs(packs, [&](int i, int at) {
    out[i] = y[first + at];
    back[i] = dy[first + at];
    visit(out[i], [&](float v, int e) { sum += v * entry(back[i], e); });
  });
  sum = block_reduce(sum, false);
  for_packs(packs, [&](int i, int at) {
    dx[first + at] = mapped(out[i], [&](float v, int e) { return v * (entry(back[i], e) - sum); });
  });
}

/// Of y = g s(g) u, s the logistic function: dg = dy u s(g) (1 + g (1 - s(g))), du = dy g s(g).
__global__ void silu_mul_backward(const Pack* x, const Pack* dy, Pack* dx, int packs, std::size_t all) {
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all;
       i += static_cast<std::size_t>(gridDim.x) * blockDim.x) {
    const std::size_t row = i / packs, at = i % packs, g = 2 * row * packs + at, u = g + packs;
    const Pack gate = x[g], up = x[u], back = dy[i];
    const auto logistic = [](float v) { return 1 / (1 + __expf(-v)); };
    dx[g] = mapped(gate, [&](float v, int e) {
      const float s = logistic(v);
      return entry(back, e) * entry(up, e) * s * (1 + v * (1 - s));
    });
    dx[u] = mapped(gate, [&](float v, int e) { return entry(back, e) * v * logistic(v); });
  }
}

/// Four parameters a turn.
__global__ void adam(const uint2* gradient, float4* moment, float4* variance, float4* master, uint2* weight,
                     std::size_t all, AdamStep s) {
  const auto next = [&](float g, float& m, float& v, float& w) {
    m = s.beta1 * m + (1 - s.beta1) * g;
    v = s.beta2 * v + (1 - s.beta2) * g * g;
    w -= s.rate * (m * s.correction1 / (sqrtf(fmaxf(v, 0.0f) * s.correction2) + s.epsilon) + s.decay * w);
  };
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all;
       i += static_cast<std::size_t>(gridDim.x) * blockDim.x) {
    const uint2 g = gradient[i];
    const float2 low = __bfloat1622float2(reinterpret_cast<const __nv_bfloat162&>(g.x)),
                 high = __bfloat1622float2(reinterpret_cast<const __nv_bfloat162&>(g.y));
    float4 m = moment[i], v = variance[i], w = master[i];
    next(low.x, m.x, v.x, w.x);
    next(low.y, m.y, v.y, w.y);
    next(high.x, m.z, v.z, w.z);
    next(high.y, m.w, v.w, w.w);
    moment[i] = m, variance[i] = v, master[i] = w;
    const __nv_bfloat162 a = __floats2bfloat162_rn(w.x, w.y), b = __floats2bfloat162_rn(w.z, w.w);
    weight[i] = make_uint2(reinterpret_cast<const unsigned&>(a), reinterpret_cast<const unsigned&>(b));
  }
}

constexpr int chunk = 65536 / 4, chunk_threads = 512;  // in fours

/// A chunk a block; all four arrays in fp32.
__global__ void __launch_bounds__(chunk_threads)
    adam_chunks(const float4* gradient, float4* moment, float4* variance, float4* weight, std::size_t all,
                ChunkedAdamStep s) {
  const auto next = [&](float g, float& m, float& v, float& w) {
    w -= s.rate * s.decay * w;
    m = s.beta1 * m + (1 - s.beta1) * g;
    v = s.beta2 * v + (1 - s.beta2) * g * g;
    const float scale = sqrtf(fabsf(v)) / s.root2 + s.epsilon;
    w -= s.step * m / scale;
  };
  const std::size_t first = static_cast<std::size_t>(blockIdx.x) * chunk;
#pragma unroll 1
  for (int i = threadIdx.x; i < chunk && first + i < all; i += chunk_threads) {
    const float4 g = gradient[first + i];
    float4 m = moment[first + i], v = variance[first + i], w = weight[first + i];
    next(g.x, m.x, v.x, w.x);
    next(g.y, m.y, v.y, w.y);
    next(g.z, m.z, v.z, w.z);
    next(g.w, m.w, v.w, w.w);
    moment[first + i] = m, variance[first + i] = v, weight[first + i] = w;
  }
}

}  // namespace

void launch_layernorm(const void* x, const void* weight, const void* bias, void* y, int rows, int hidden,
                      cudaStream_t s) {
  layernorm<<<rows, row_threads(hidden / 8), 0, s>>>(in(x), in(weight), in(bias), out(y), hidden / 8);
}
// One round of blocks, for some more would wait for the others' end; no more than eight a multiprocessor, whose parts are
// summed afterwards.
int norm_backward_blocks(bool has_mean, int rows, int hidden) {
  int device = 0, multiprocessors = 1, resident = 1;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device);
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(
      &resident, has_mean ? norm_backward<true> : norm_backward<false>, row_threads(hidden / 8), 0);
  const int most = multiprocessors * (resident < 1 ? 1 : resident > 8 ? 8 : resident);
  return rows < most ? rows : most;
}
void launch_norm_backward(bool has_mean, const void* x, const void* dy, const void* weight, void* dx,
                          float* d_weight, void* parts, int rows, int hidden, cudaStream_t s) {
  const int blocks = norm_backward_blocks(has_mean, rows, hidden), packs = hidden / 8;
  const auto kernel = has_mean ? norm_backward<true> : norm_backward<false>;
  kernel<<<blocks, row_threads(packs), 0, s>>>(in(x), in(dy), in(weight), out(dx),
                                               static_cast<float4*>(parts), rows, packs);
  sum_parts<<<hidden / 32, 256, 0, s>>>(static_cast<const float*>(parts), d_weight, blocks, hidden);
}
void launch_softmax_backward(const void* y, const void* dy, void* dx, int rows, int width, cudaStream_t s) {
  softmax_backward<<<rows, row_threads(width / 8), 0, s>>>(in(y), in(dy), out(dx), width / 8);
}
void launch_silu_mul_backward(const void* x, const void* dy, void* dx, int rows, int width, cudaStream_t s) {
  const std::size_t all = static_cast<std::size_t>(rows) * (width / 8);
  silu_mul_backward<<<grid_blocks(all), 256, 0, s>>>(in(x), in(dy), out(dx), width / 8, all);
}
void launch_adam(const void* gradient, void* moment, void* variance, void* master, void* weight,
                 std::size_t elements, const AdamStep& step, cudaStream_t s) {
  adam<<<grid_blocks(elements / 4), 256, 0, s>>>(
      static_cast<const uint2*>(gradient), static_cast<float4*>(moment), static_cast<float4*>(variance),
      static_cast<float4*>(master), static_cast<uint2*>(weight), elements / 4, step);
}
void launch_adam_chunks(const void* gradient, void* moment, void* variance, void* weight,
                        std::size_t elements, const ChunkedAdamStep& step, cudaStream_t s) {
  constexpr std::size_t most = 320;  // chunks that fit the arguments of a launch
  const std::size_t all = elements / 4, chunks = (all + chunk - 1) / chunk;
  for (std::size_t done = 0; done < chunks; done += most) {
    const std::size_t at = done * chunk, blocks = chunks - done < most ? chunks - done : most;
    adam_chunks<<<static_cast<unsigned>(blocks), chunk_threads, 0, s>>>(
        static_cast<const float4*>(gradient) + at, static_cast<float4*>(moment) + at,
        static_cast<float4*>(variance) + at, static_cast<float4*>(weight) + at, all - at, step);
  }
}

}  // namespace ridge::cuda
