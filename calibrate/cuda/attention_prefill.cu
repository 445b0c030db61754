// Fused attention over many queries: a block keeps a tile of queries, streams keys and values through shared
// memory and rescales its sums whenever a row's maximum grows.
// Source  Dao 2023, "FlashAttention-2", arXiv:2307.08691 (algorithm 1); Milakov and Gimelshein 2018,
//         arXiv:1805.02867 (online softmax).

#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/mma.cuh"

namespace ridge::cuda {
namespace {

/// D head size; warps x tiles x 16 queries a block; keys a step.
template <int D_, int warps_, int tiles_, int keys_> struct Shape {
  static constexpr int D = D_, warps = warps_, tiles = tiles_, keys = keys_;
  static constexpr int queries = warps * tiles * 16, threads = warps * 32;
  static constexpr int shared_bytes = (queries + 4 * keys) * D * 2;
};

struct Arguments {
  const bf16 *q, *k, *v;
  bf16* o;
  int queries, keys, heads, kv_heads;
  float scale;  // log2(e) / sqrt(d)
  bool is_causal;
};

/// `rows` rows of D elements, `step` elements apart in memory, into a swizzled tile.
template <class S, int rows>
__device__ void load_tile(bf16* tile, const bf16* from, std::int64_t step, int valid) {
  constexpr int chunks = S::D / 8;
#pragma unroll
  for (int i = threadIdx.x; i < rows * chunks; i += S::threads) {
    const int row = i / chunks, chunk = i % chunks;
    const bool exists = row < valid;
    copy_async(tile + chunk_at<S::D>(row, chunk), from + (exists ? row : 0) * step + chunk * 8, exists);
  }
}

template <class S> struct State {
  float out[S::tiles][S::D / 8][4];
  float highest[S::tiles][2], total[S::tiles][2];
};

/// scores = Q · K^T for this warp's queries.
template <class S>
__device__ void score(float (&scores)[S::tiles][S::keys / 8][4], const bf16* q, const bf16* k,
                      int first_row) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int t = 0; t < S::tiles; ++t)
#pragma unroll
    for (int n = 0; n < S::keys / 8; ++n)
#pragma unroll
      for (int c = 0; c < 4; ++c) scores[t][n][c] = 0;
#pragma unroll
  for (int step = 0; step < S::D / 16; ++step) {
    std::uint32_t a[S::tiles][4];
#pragma unroll
    for (int t = 0; t < S::tiles; ++t)
      load_matrices(a[t], q + chunk_at<S::D>(first_row + t * 16 + (lane & 15), step * 2 + (lane >> 4)));
#pragma unroll
    for (int n = 0; n < S::keys / 16; ++n) {
      std::uint32_t b[4];
      load_matrices(
          b, k + chunk_at<S::D>(n * 16 + (lane & 7) + ((lane >> 4) << 3), step * 2 + ((lane >> 3) & 1)));
#pragma unroll
      for (int t = 0; t < S::tiles; ++t) {
        multiply(scores[t][2 * n], a[t], b[0], b[1]);
        multiply(scores[t][2 * n + 1], a[t], b[2], b[3]);
      }
    }
  }
}

/// Hides keys at or beyond `limit` and, of a causal row, those behind its own.
template <class S>
__device__ void mask(float (&scores)[S::tiles][S::keys / 8][4], int first_row, int first_key, int keys,
                     bool is_causal, int offset) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int t = 0; t < S::tiles; ++t)
#pragma unroll
    for (int n = 0; n < S::keys / 8; ++n)
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int key = first_key + n * 8 + (lane & 3) * 2 + (c & 1);
        const int row = first_row + t * 16 + (lane >> 2) + (c >> 1) * 8;
        if (key >= keys || (is_causal && key > row + offset)) scores[t][n][c] = -INFINITY;
      }
}

/// Turns scores into weights, and rescales what was summed before.
template <class S>
__device__ void renew(State<S>& s, float (&scores)[S::tiles][S::keys / 8][4], float scale) {
#pragma unroll
  for (int t = 0; t < S::tiles; ++t)
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float highest = s.highest[t][r];
#pragma unroll
      for (int n = 0; n < S::keys / 8; ++n)
        highest = fmaxf(highest, fmaxf(scores[t][n][2 * r], scores[t][n][2 * r + 1]));
      highest = row_max(highest);
      const float base = highest == -INFINITY ? 0 : highest * scale;
      const float shrink = power_of_two(s.highest[t][r] * scale - base);
      float total = 0;
#pragma unroll
      for (int n = 0; n < S::keys / 8; ++n)
#pragma unroll
        for (int c = 2 * r; c < 2 * r + 2; ++c) {
          scores[t][n][c] = power_of_two(fmaf(scores[t][n][c], scale, -base));
          total += scores[t][n][c];
        }
      s.total[t][r] = s.total[t][r] * shrink + total;
      s.highest[t][r] = highest;
#pragma unroll
      for (int n = 0; n < S::D / 8; ++n) {
        s.out[t][n][2 * r] *= shrink;
        s.out[t][n][2 * r + 1] *= shrink;
      }
    }
}

/// out += weights · V
template <class S>
__device__ void accumulate(State<S>& s, const float (&weights)[S::tiles][S::keys / 8][4], const bf16* v) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int step = 0; step < S::keys / 16; ++step) {
    std::uint32_t a[S::tiles][4];
#pragma unroll
    for (int t = 0; t < S::tiles; ++t) {
      const auto &left = weights[t][2 * step], &right = weights[t][2 * step + 1];
      a[t][0] = packed(left[0], left[1]);
      a[t][1] = packed(left[2], left[3]);
      a[t][2] = packed(right[0], right[1]);
      a[t][3] = packed(right[2], right[3]);
    }
#pragma unroll
    for (int n = 0; n < S::D / 16; ++n) {
      std::uint32_t b[4];
      load_matrices_transposed(b, v + chunk_at<S::D>(step * 16 + (lane & 15), 2 * n + (lane >> 4)));
#pragma unroll
      for (int t = 0; t < S::tiles; ++t) {
        multiply(s.out[t][2 * n], a[t], b[0], b[1]);
        multiply(s.out[t][2 * n + 1], a[t], b[2], b[3]);
      }
    }
  }
}

template <class S>
__device__ void store(const State<S>& s, bf16* o, std::int64_t step, int first_row, int valid) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int t = 0; t < S::tiles; ++t)
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float total = row_sum(s.total[t][r]);
      const int row = first_row + t * 16 + (lane >> 2) + r * 8;
      if (row >= valid) continue;
#pragma unroll
      for (int n = 0; n < S::D / 8; ++n)
        *reinterpret_cast<std::uint32_t*>(o + row * step + n * 8 + (lane & 3) * 2) =
            packed(s.out[t][n][2 * r] / total, s.out[t][n][2 * r + 1] / total);
    }
}

template <class S> __global__ __launch_bounds__(S::threads) void prefill(Arguments x) {
  extern __shared__ __align__(128) bf16 shared[];
  bf16 *q = shared, *k = q + S::queries * S::D, *v = k + 2 * S::keys * S::D;
  // The longest rows of tiles first, or the last block starts when the others end.
  const int tile = x.is_causal ? gridDim.x - 1 - blockIdx.x : blockIdx.x;
  const int first = tile * S::queries, head = blockIdx.y, batch = blockIdx.z,
            kv_head = head / (x.heads / x.kv_heads);
  const int offset = x.keys - x.queries;
  const std::int64_t q_step = static_cast<std::int64_t>(x.heads) * S::D,
                     k_step = static_cast<std::int64_t>(x.kv_heads) * S::D;
  const std::int64_t q_start = (static_cast<std::int64_t>(batch) * x.queries + first) * q_step + head * S::D;
  const std::int64_t k_start = static_cast<std::int64_t>(batch) * x.keys * k_step + kv_head * S::D;
  const int seen = x.is_causal ? min(x.keys, first + S::queries + offset) : x.keys;
  const int steps = (seen + S::keys - 1) / S::keys;
  const auto load = [&](bf16* to, const bf16* from, int step) {
    if (step < steps)
      load_tile<S, S::keys>(to + (step & 1) * S::keys * S::D, from + k_start + step * S::keys * k_step,
                            k_step, x.keys - step * S::keys);
    commit_copies();
  };
  load_tile<S, S::queries>(q, x.q + q_start, q_step, x.queries - first);
  load(k, x.k, 0);
  load(v, x.v, 0);
  State<S> s;
#pragma unroll
  for (int t = 0; t < S::tiles; ++t) {
#pragma unroll
    for (int n = 0; n < S::D / 8; ++n)
#pragma unroll
      for (int c = 0; c < 4; ++c) s.out[t][n][c] = 0;
#pragma unroll
    for (int r = 0; r < 2; ++r) s.highest[t][r] = -INFINITY, s.total[t][r] = 0;
  }
  const int warp_row = threadIdx.x / 32 * S::tiles * 16;
  for (int step = 0; step < steps; ++step) {
    load(k, x.k, step + 1);
    wait_copies<2>();  // this step's keys; its values and the next keys may be on their way
    __syncthreads();
    float scores[S::tiles][S::keys / 8][4];
    score<S>(scores, q, k + (step & 1) * S::keys * S::D, warp_row);
    load(v, x.v, step + 1);
    const int first_key = step * S::keys;
    if (first_key + S::keys > x.keys || (x.is_causal && first_key + S::keys - 1 > first + warp_row + offset))
      mask<S>(scores, first + warp_row, first_key, x.keys, x.is_causal, offset);
    renew<S>(s, scores, x.scale);
    wait_copies<2>();  // this step's values
    __syncthreads();
    accumulate<S>(s, scores, v + (step & 1) * S::keys * S::D);
  }
  store<S>(s, x.o + q_start, q_step, warp_row, x.queries - first);
}

template <class S> void launch(const Arguments& x, std::int64_t batch, cudaStream_t stream) {
  cudaFuncSetAttribute(prefill<S>, cudaFuncAttributeMaxDynamicSharedMemorySize, S::shared_bytes);
  const dim3 grid((x.queries + S::queries - 1) / S::queries, x.heads, static_cast<unsigned>(batch));
  prefill<S><<<grid, S::threads, S::shared_bytes, stream>>>(x);
}

template <int D> struct ShapeFor;
template <> struct ShapeFor<64> : Shape<64, 4, 2, 64> {};
template <> struct ShapeFor<128> : Shape<128, 4, 2, 64> {};
template <> struct ShapeFor<256> : Shape<256, 8, 1, 32> {};

template <class S> AttentionTile tile() { return {S::queries, S::keys}; }

}  // namespace

AttentionTile prefill_tile(int head_dim) {
  switch (head_dim) {
    case 64: return tile<ShapeFor<64>>();
    case 128: return tile<ShapeFor<128>>();
    case 256: return tile<ShapeFor<256>>();
    default: return {};
  }
}

bool launch_prefill(const void* q, const void* k, const void* v, void* o, const AttentionLayout& s,
                    cudaStream_t stream) {
  const float scale = 1.4426950408889634f / sqrtf(static_cast<float>(s.head_dim));
  const Arguments x{static_cast<const bf16*>(q),
                    static_cast<const bf16*>(k),
                    static_cast<const bf16*>(v),
                    static_cast<bf16*>(o),
                    static_cast<int>(s.queries),
                    static_cast<int>(s.keys),
                    static_cast<int>(s.heads),
                    static_cast<int>(s.kv_heads),
                    scale,
                    s.is_causal};
  switch (s.head_dim) {
    case 64: launch<ShapeFor<64>>(x, s.batch, stream); return true;
    case 128: launch<ShapeFor<128>>(x, s.batch, stream); return true;
    case 256: launch<ShapeFor<256>>(x, s.batch, stream); return true;
    default: return false;
  }
}

}  // namespace ridge::cuda
