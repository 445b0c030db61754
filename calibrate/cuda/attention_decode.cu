// Fused attention of one query per sequence: keys and values are read once, so it runs at the speed of memory
// if enough is in flight.  The keys of a (sequence, KV head) are split over blocks and warps; each warp
// streams its own tiles, the query heads that share the KV head are the rows of one matrix instruction, and a
// second kernel joins the parts of each query head.
// Source  split keys: Dao et al. 2023, "Flash-Decoding for long-context inference".

#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/mma.cuh"

namespace ridge::cuda {
namespace {

constexpr int warps = 4, threads = warps * 32, tile_keys = 16, stages = 3, rows = 16, most_splits = 256;

template <int D> struct Sizes {
  static constexpr int tile = tile_keys * D;      // elements of a tile of keys, or of values
  static constexpr int warp = stages * 2 * tile;  // elements of shared memory of a warp
  static constexpr int shared_bytes = warps * warp * 2;
  static_assert(warp * 2 >= rows * (D + 2) * 4, "a warp's result fits where its tiles were");
};

struct Arguments {
  const bf16 *q, *k, *v;
  bf16* o;
  float* parts;  // [batch · kv_heads][splits][rows used][D + 2]: sums, highest, total
  int keys, heads, kv_heads, splits;
  float scale;
};

template <int D> __device__ void load_query(std::uint32_t (&a)[D / 16][4], const bf16* q, int group) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int step = 0; step < D / 16; ++step)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = (lane >> 2) + (i & 1) * 8, column = step * 16 + (lane & 3) * 2 + (i >> 1) * 8;
      a[step][i] = row < group ? *reinterpret_cast<const std::uint32_t*>(q + row * D + column) : 0;
    }
}

template <int D> __device__ void load_tile(bf16* to, const bf16* from, int valid) {
  constexpr int chunks = D / 8;
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int i = 0; i < tile_keys * chunks / 32; ++i) {
    const int at = i * 32 + lane, row = at / chunks, chunk = at % chunks;
    const bool exists = row < valid;
    copy_async(to + chunk_at<D>(row, chunk), from + (exists ? row : 0) * D + chunk * 8, exists);
  }
}

template <int D> struct State {
  float out[D / 8][4];
  float highest[2], total[2];
};

template <int D>
__device__ void consume(State<D>& s, const std::uint32_t (&q)[D / 16][4], const bf16* k, const bf16* v,
                        int valid, float scale) {
  const int lane = threadIdx.x % 32;
  float scores[2][4] = {};
#pragma unroll
  for (int step = 0; step < D / 16; ++step) {
    std::uint32_t b[4];
    load_matrices(b, k + chunk_at<D>((lane & 7) + ((lane >> 4) << 3), step * 2 + ((lane >> 3) & 1)));
    multiply(scores[0], q[step], b[0], b[1]);
    multiply(scores[1], q[step], b[2], b[3]);
  }
  std::uint32_t a[4];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    float highest = s.highest[r];
#pragma unroll
    for (int n = 0; n < 2; ++n)
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        if (n * 8 + (lane & 3) * 2 + c >= valid) scores[n][2 * r + c] = -INFINITY;
        highest = fmaxf(highest, scores[n][2 * r + c]);
      }
    highest = row_max(highest);
    const float base = highest * scale, shrink = power_of_two(s.highest[r] * scale - base);
    float total = 0;
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      scores[n][2 * r] = power_of_two(fmaf(scores[n][2 * r], scale, -base));
      scores[n][2 * r + 1] = power_of_two(fmaf(scores[n][2 * r + 1], scale, -base));
      total += scores[n][2 * r] + scores[n][2 * r + 1];
      a[2 * n + r] = packed(scores[n][2 * r], scores[n][2 * r + 1]);
    }
    s.total[r] = s.total[r] * shrink + total;
    s.highest[r] = highest;
#pragma unroll
    for (int n = 0; n < D / 8; ++n) s.out[n][2 * r] *= shrink, s.out[n][2 * r + 1] *= shrink;
  }
#pragma unroll
  for (int n = 0; n < D / 16; ++n) {
    std::uint32_t b[4];
    load_matrices_transposed(b, v + chunk_at<D>(lane & 15, 2 * n + (lane >> 4)));
    multiply(s.out[2 * n], a, b[0], b[1]);
    multiply(s.out[2 * n + 1], a, b[2], b[3]);
  }
}

/// The warp's sums, highest score and total of each row, to shared memory: rows of D + 2.
template <int D> __device__ void put(const State<D>& s, float* to) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    float* row = to + ((lane >> 2) + 8 * r) * (D + 2);
    const float total = row_sum(s.total[r]);
#pragma unroll
    for (int n = 0; n < D / 8; ++n) {
      row[n * 8 + (lane & 3) * 2] = s.out[n][2 * r];
      row[n * 8 + (lane & 3) * 2 + 1] = s.out[n][2 * r + 1];
    }
    if ((lane & 3) == 0) row[D] = s.highest[r], row[D + 1] = total;
  }
}

/// Weights that join `count` parts of a row, `step` floats apart, found by one warp; returns the row's total and
/// leaves its highest score in `highest`.
template <int D>
__device__ float find_weights(const float* parts, int count, std::size_t step, float scale, float* weights,
                              float& highest) {
  const int lane = threadIdx.x % 32;
  highest = -INFINITY;
  for (int i = lane; i < count; i += 32) highest = fmaxf(highest, parts[i * step + D]);
  for (int offset = 16; offset > 0; offset /= 2)
    highest = fmaxf(highest, __shfl_xor_sync(~0u, highest, offset));
  float total = 0;
  for (int i = lane; i < count; i += 32) {
    const float own = parts[i * step + D],
                weight = own == -INFINITY ? 0 : power_of_two((own - highest) * scale);
    weights[i] = weight;
    total += weight * parts[i * step + D + 1];
  }
  for (int offset = 16; offset > 0; offset /= 2) total += __shfl_xor_sync(~0u, total, offset);
  return total;
}

/// Joined rows of a (sequence, KV head), handed to `give(row, column, sum)`; weights: rows x count floats.
template <int D, class Give>
__device__ void join(const float* parts, int count, std::size_t step, int group, float scale, float* weights,
                     float* totals, float* highest, Give give) {
  for (int row = threadIdx.x / 32; row < group; row += warps) {
    float most;
    const float total =
        find_weights<D>(parts + row * (D + 2), count, step, scale, weights + row * count, most);
    if (threadIdx.x % 32 == 0) totals[row] = total, highest[row] = most;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < group * D; i += threads) {
    const int row = i / D, c = i % D;
    const float* from = parts + row * (D + 2) + c;
    float sum = 0;
#pragma unroll 4
    for (int p = 0; p < count; ++p) sum += weights[row * count + p] * from[p * step];
    give(row, c, sum);
  }
}

template <int D> __global__ __launch_bounds__(threads) void decode(Arguments x) {
  extern __shared__ __align__(128) bf16 shared[];
  const int group = x.heads / x.kv_heads, split = blockIdx.x, pair = blockIdx.y;
  const int batch = pair / x.kv_heads, kv_head = pair % x.kv_heads, warp = threadIdx.x / 32;
  const std::size_t first_head = static_cast<std::size_t>(batch) * x.heads + kv_head * group;
  const bf16 *k = x.k + static_cast<std::size_t>(pair) * x.keys * D,
             *v = x.v + static_cast<std::size_t>(pair) * x.keys * D;
  const int tiles = (x.keys + tile_keys - 1) / tile_keys;
  const int begin = static_cast<int>(static_cast<std::int64_t>(tiles) * split / x.splits);
  const int end = static_cast<int>(static_cast<std::int64_t>(tiles) * (split + 1) / x.splits);
  const int mine = max(0, (end - begin - warp + warps - 1) / warps);

  bf16* buffer = shared + warp * Sizes<D>::warp;
  const auto load = [&](int i) {
    if (i < mine) {
      const int key = (begin + warp + i * warps) * tile_keys;
      bf16* to = buffer + (i % stages) * 2 * Sizes<D>::tile;
      load_tile<D>(to, k + static_cast<std::size_t>(key) * D, x.keys - key);
      load_tile<D>(to + Sizes<D>::tile, v + static_cast<std::size_t>(key) * D, x.keys - key);
    }
    commit_copies();
  };
  for (int i = 0; i < stages - 1; ++i) load(i);
  std::uint32_t q[D / 16][4];
  load_query<D>(q, x.q + first_head * D, group);
  State<D> s{};
  s.highest[0] = s.highest[1] = -INFINITY;
  for (int i = 0; i < mine; ++i) {
    load(i + stages - 1);
    wait_copies<stages - 1>();
    __syncwarp();
    const bf16* tile = buffer + (i % stages) * 2 * Sizes<D>::tile;
    consume<D>(s, q, tile, tile + Sizes<D>::tile, x.keys - (begin + warp + i * warps) * tile_keys, x.scale);
    __syncwarp();
  }
  wait_copies<0>();
  __syncwarp();
  put<D>(s, reinterpret_cast<float*>(buffer));
  __syncthreads();

  __shared__ float weights[rows * warps], totals[rows], highest[rows];
  const auto* here = reinterpret_cast<const float*>(shared);
  constexpr std::size_t warp_step = Sizes<D>::warp / 2;
  const std::size_t part = static_cast<std::size_t>(group) * (D + 2);
  float* parts = x.parts + static_cast<std::size_t>(pair) * x.splits * part;
  const auto finish = [&](int row, int c, float sum) {
    x.o[first_head * D + row * D + c] = __float2bfloat16(sum / totals[row]);
  };
  if (x.splits == 1) return join<D>(here, warps, warp_step, group, x.scale, weights, totals, highest, finish);
  join<D>(here, warps, warp_step, group, x.scale, weights, totals, highest, [&](int row, int c, float sum) {
    float* to = parts + split * part + row * (D + 2);
    to[c] = sum;
    if (c == 0) to[D] = highest[row], to[D + 1] = totals[row];
  });
}

/// One block a query head: joins its splits.
template <int D> __global__ void join_heads(Arguments x) {
  __shared__ float weights[most_splits], total;
  const int group = x.heads / x.kv_heads, row = blockIdx.x, pair = blockIdx.y;
  const std::size_t part = static_cast<std::size_t>(group) * (D + 2);
  const float* from = x.parts + static_cast<std::size_t>(pair) * x.splits * part + row * (D + 2);
  if (threadIdx.x < 32) {
    float highest;
    const float sum = find_weights<D>(from, x.splits, part, x.scale, weights, highest);
    if (threadIdx.x == 0) total = sum;
  }
  __syncthreads();
  float sum = 0;
#pragma unroll 8
  for (int p = 0; p < x.splits; ++p) sum += weights[p] * from[p * part + threadIdx.x];
  const std::size_t batch = pair / x.kv_heads, head = pair % x.kv_heads * group + row;
  x.o[(batch * x.heads + head) * D + threadIdx.x] = __float2bfloat16(sum / total);
}

template <int D> void launch(const Arguments& x, std::int64_t pairs, cudaStream_t stream) {
  cudaFuncSetAttribute(decode<D>, cudaFuncAttributeMaxDynamicSharedMemorySize, Sizes<D>::shared_bytes);
  decode<D><<<dim3(x.splits, static_cast<unsigned>(pairs)), threads, Sizes<D>::shared_bytes, stream>>>(x);
  if (x.splits > 1)
    join_heads<D><<<dim3(x.heads / x.kv_heads, static_cast<unsigned>(pairs)), D, 0, stream>>>(x);
}

}  // namespace

// Two blocks fit a multiprocessor; some waves of them even out, but a block wants 32 tiles to be worth it.
int decode_splits(const AttentionLayout& s, int multiprocessors) {
  const std::int64_t pairs = s.batch * s.kv_heads, resident = 2 * multiprocessors;
  if (pairs >= 2 * resident) return 1;
  const std::int64_t wanted = (2 * resident + pairs - 1) / pairs;
  const std::int64_t most = (s.keys + 32 * tile_keys - 1) / (32 * tile_keys);
  const std::int64_t splits = wanted < most ? wanted : most;
  return static_cast<int>(splits < 1 ? 1 : splits > most_splits ? most_splits : splits);
}

AttentionTile decode_tile() { return {rows, tile_keys}; }

std::size_t decode_workspace_bytes(const AttentionLayout& s, int splits) {
  const std::size_t group = static_cast<std::size_t>(s.heads / s.kv_heads);
  return static_cast<std::size_t>(s.batch * s.kv_heads) * splits * group * (s.head_dim + 2) * 4;
}

bool launch_decode(const void* q, const void* k, const void* v, void* o, const AttentionLayout& s,
                   void* workspace, int splits, cudaStream_t stream) {
  if (s.heads / s.kv_heads > rows) return false;
  const float scale = 1.4426950408889634f / sqrtf(static_cast<float>(s.head_dim));
  const Arguments x{static_cast<const bf16*>(q),
                    static_cast<const bf16*>(k),
                    static_cast<const bf16*>(v),
                    static_cast<bf16*>(o),
                    static_cast<float*>(workspace),
                    static_cast<int>(s.keys),
                    static_cast<int>(s.heads),
                    static_cast<int>(s.kv_heads),
                    splits,
                    scale};
  if (s.head_dim == 64) launch<64>(x, s.batch * s.kv_heads, stream);
  else if (s.head_dim == 128) launch<128>(x, s.batch * s.kv_heads, stream);
  else return false;
  return true;
}

}  // namespace ridge::cuda
