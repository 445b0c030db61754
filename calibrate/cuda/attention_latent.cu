// Attention of one query a sequence over a compressed cache (multi-head latent attention, absorbed form): every head
// scores the same 576 numbers a token and sums their first 512, so 128 heads make matrices of it and the cache is read
// once for 64 heads.  Two warpgroups of Hopper's share a block: the first computes scores and weights, both sum half of
// the columns each; a third fetches.  Long caches are split over blocks and joined by a second kernel.
// Source  DeepSeek-AI 2024, "DeepSeek-V2", arXiv:2405.04434, section 2.1 (the operator).

#include "calibrate/cuda/hopper.cuh"
#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/tensor_map.h"
#include "calibrate/cuda/wgmma.cuh"

namespace ridge::cuda {
namespace {

constexpr int key_size = 576, value_size = 512, heads_at_once = 64, keys = 64, threads = 384, stages = 2;
constexpr int chunks = key_size / 64, chunk_bytes = 64 * 128, tile_bytes = chunks * chunk_bytes;
constexpr int most_splits = 64, part_size = value_size + 2;

struct Storage {
  unsigned char q[tile_bytes], kv[stages][tile_bytes], weights[chunk_bytes];
  float shrink[heads_at_once], total[heads_at_once];
  Barrier q_full, full[stages], empty[stages];
};

struct Problem {
  int keys, heads, splits;
  float scale;
  void* o;
  float* parts;  // [batch, heads, splits, sums then highest score and total]
};

#ifdef RIDGE_IS_HOPPER

enum Names { weights_ready = 1, weights_read = 2, totals_ready = 3 };

struct Range {
  int begin, end;  // tiles of keys
};
__device__ Range range_of(const Problem& p) {
  const int tiles = (p.keys + keys - 1) / keys;
  return {tiles * static_cast<int>(blockIdx.x) / p.splits,
          tiles * (static_cast<int>(blockIdx.x) + 1) / p.splits};
}

__device__ void fetch(Storage& s, const CUtensorMap& q, const CUtensorMap& kv, const Problem& p, Range r) {
  const auto load = [&](unsigned char* to, const CUtensorMap& map, Barrier* b, int row) {
    arrive_expecting(b, tile_bytes);
    for (int c = 0; c < chunks; ++c) load_box(to + c * chunk_bytes, map, b, c * 64, row);
  };
  load(s.q, q, &s.q_full, blockIdx.z * p.heads + blockIdx.y * heads_at_once);
  Ring<stages> ring;
  for (int i = r.begin; i < r.end; ++i, ring.next()) {
    wait(&s.empty[ring.slot], ring.parity ^ 1);
    load(s.kv[ring.slot], kv, &s.full[ring.slot], blockIdx.z * p.keys + i * keys);
  }
}

__device__ void start_scores(float (&scores)[keys / 2], std::uint32_t q, std::uint32_t k) {
  asm volatile("" : "+r"(q));  // or the descriptors of all 36 steps are kept in registers between tiles
  const std::uint64_t left = tile_descriptor(q), right = tile_descriptor(k);
#pragma unroll
  for (int i = 0; i < key_size / 16; ++i) {
    const int step = (i / 4 * chunk_bytes + i % 4 * 32) / 16;
    Wgmma<keys>::shared(scores, left + step, right + step, i > 0);
  }
  wgmma_commit();
}

__device__ void start_sums(float (&sum)[value_size / 4], const std::uint32_t (&weights)[keys / 16][4],
                           std::uint32_t v, bool is_added) {
#pragma unroll
  for (int i = 0; i < keys / 16; ++i)
    Wgmma<256>::registers(sum, weights[i], tile_descriptor(v + i * 2048, 1024, chunk_bytes),
                          is_added || i > 0);
  wgmma_commit();
}

/// The row of the tile, of two 8 apart, that this thread's accumulators belong to.
__device__ int first_row() { return threadIdx.x / 32 % 4 * 16 + threadIdx.x % 32 / 4; }

/// Weights of the tile in place of scores; the shrinking of earlier sums goes to shared memory as well.
__device__ float2 soften(float (&scores)[keys / 2], float (&highest)[2], float (&total)[2], const Problem& p,
                         int tile) {
  float shrink[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    float most = highest[r];
#pragma unroll
    for (int i = 2 * r; i < keys / 2; i += 4)
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        if (tile * keys + i / 4 * 8 + threadIdx.x % 4 * 2 + c >= p.keys) scores[i + c] = -INFINITY;
        most = fmaxf(most, scores[i + c]);
      }
    most = row_max(most);
    const float base = most * p.scale;
    shrink[r] = power_of_two(highest[r] * p.scale - base);
    highest[r] = most;
    float sum = 0;
#pragma unroll
    for (int i = 2 * r; i < keys / 2; i += 4)
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        scores[i + c] = power_of_two(fmaf(scores[i + c], p.scale, -base));
        sum += scores[i + c];
      }
    total[r] = total[r] * shrink[r] + sum;
  }
  return make_float2(shrink[0], shrink[1]);
}

__device__ void shrink_rows(float (&sum)[value_size / 4], float low, float high) {
#pragma unroll
  for (int i = 0; i < value_size / 4; ++i) sum[i] *= i & 2 ? high : low;
}

/// Half of the columns to memory: divided by the totals, or as a part with them.
__device__ void write_out(const float (&sum)[value_size / 4], const Storage& s, const Problem& p, int half) {
  const int row = first_row();
  const std::size_t first = static_cast<std::size_t>(blockIdx.z) * p.heads + blockIdx.y * heads_at_once;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const std::size_t head = first + row + 8 * r;
    const int column = half * value_size / 2 + threadIdx.x % 4 * 2;
    if (p.splits == 1) {
      bf16* to = static_cast<bf16*>(p.o) + head * value_size + column;
      const float by = 1 / s.total[row + 8 * r];
#pragma unroll
      for (int i = 2 * r; i < value_size / 4; i += 4)
        *reinterpret_cast<std::uint32_t*>(to + i / 4 * 8) = packed(sum[i] * by, sum[i + 1] * by);
    } else {
      float* to = p.parts + (head * p.splits + blockIdx.x) * part_size + column;
#pragma unroll
      for (int i = 2 * r; i < value_size / 4; i += 4)
        *reinterpret_cast<float2*>(to + i / 4 * 8) = make_float2(sum[i], sum[i + 1]);
    }
  }
}

/// Scores, weights, and the first half of the columns.
__device__ void lead(Storage& s, const Problem& p, Range r) {
  const std::uint32_t q = shared_address(s.q);
  const bool is_first = threadIdx.x % 128 == 0;
  const int row = first_row();
  float sum[value_size / 4], scores[keys / 2], highest[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
  std::uint32_t weights[keys / 16][4];
  Ring<stages> next, now;
  const auto hand_over = [&](float2 shrink) {
    store_columns(s.weights, scores, 0, 1, 1);
    if (threadIdx.x % 4 == 0) s.shrink[row] = shrink.x, s.shrink[row + 8] = shrink.y;
    publish_shared();
    named_arrive(weights_ready, 256);
#pragma unroll
    for (int i = 0; i < keys / 4; ++i) weights[i / 4][i % 4] = packed(scores[2 * i], scores[2 * i + 1]);
  };
  wait(&s.q_full, 0);
  wait(&s.full[0], 0);
  wgmma_begin();
  start_scores(scores, q, shared_address(s.kv[0]));
  wgmma_wait<0>();
  wgmma_hold(scores);
  next.next();
  hand_over(soften(scores, highest, total, p, r.begin));
  int tile = r.begin;
  for (; tile + 1 < r.end; ++tile, now.next(), next.next()) {
    wait(&s.full[next.slot], next.parity);
    wgmma_begin();
    start_scores(scores, q, shared_address(s.kv[next.slot]));
    start_sums(sum, weights, shared_address(s.kv[now.slot]), tile > r.begin);
    wgmma_wait<1>();
    wgmma_hold(scores);
    const float2 shrink = soften(scores, highest, total, p, tile + 1);
    wgmma_wait<0>();
    wgmma_hold(sum);
    if (is_first) arrive(&s.empty[now.slot]);
    shrink_rows(sum, shrink.x, shrink.y);
    named_wait(weights_read, 256);
    hand_over(shrink);
  }
  wgmma_begin();
  start_sums(sum, weights, shared_address(s.kv[now.slot]), tile > r.begin);
  wgmma_wait<0>();
  wgmma_hold(sum);
  named_wait(weights_read, 256);
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const float all = row_sum(total[i]);
    if (threadIdx.x % 4 != 0) continue;
    s.total[row + 8 * i] = all;
    if (p.splits == 1) continue;
    const std::size_t head =
        static_cast<std::size_t>(blockIdx.z) * p.heads + blockIdx.y * heads_at_once + row + 8 * i;
    float* to = p.parts + (head * p.splits + blockIdx.x) * part_size + value_size;
    to[0] = highest[i], to[1] = all;
  }
  named_wait(totals_ready, 256);
  write_out(sum, s, p, 0);
}

/// The second half of the columns.
__device__ void follow(Storage& s, const Problem& p, Range r) {
  const int row = first_row();
  float sum[value_size / 4];
  Ring<stages> now;
  for (int tile = r.begin; tile < r.end; ++tile, now.next()) {
    named_wait(weights_ready, 256);
    if (tile > r.begin) shrink_rows(sum, s.shrink[row], s.shrink[row + 8]);
    wait(&s.full[now.slot], now.parity);
    const std::uint64_t weights = tile_descriptor(shared_address(s.weights));
    const std::uint32_t v = shared_address(s.kv[now.slot]) + 4 * chunk_bytes;
    wgmma_begin();
#pragma unroll
    for (int i = 0; i < keys / 16; ++i)
      Wgmma<256>::shared<true>(sum, weights + 2 * i, tile_descriptor(v + i * 2048, 1024, chunk_bytes),
                               tile > r.begin || i > 0);
    wgmma_commit();
    wgmma_wait<0>();
    wgmma_hold(sum);
    named_arrive(weights_read, 256);
    if (threadIdx.x % 128 == 0) arrive(&s.empty[now.slot]);
  }
  named_wait(totals_ready, 256);
  write_out(sum, s, p, 1);
}

#endif

__global__ __launch_bounds__(threads, 1) void attend(const __grid_constant__ CUtensorMap q,
                                                     const __grid_constant__ CUtensorMap kv, Problem p) {
#ifdef RIDGE_IS_HOPPER
  extern __shared__ unsigned char shared[];
  Storage& s = *reinterpret_cast<Storage*>((reinterpret_cast<std::uintptr_t>(shared) + 1023) / 1024 * 1024);
  if (threadIdx.x == 0) {
    barrier_init(&s.q_full, 1);
    for (int i = 0; i < stages; ++i) barrier_init(&s.full[i], 1), barrier_init(&s.empty[i], 2);
    barriers_ready();
  }
  __syncthreads();
  const Range r = range_of(p);
  if (threadIdx.x < 128) {
    give_registers<24>();
    if (threadIdx.x == 0) fetch(s, q, kv, p, r);
  } else {
    take_registers<240>();
    if (threadIdx.x < 256) lead(s, p, r);
    else follow(s, p, r);
  }
#endif
}

/// One block a head joins its parts.
__global__ void join_parts(Problem p) {
  __shared__ float weights[most_splits];
  __shared__ float all;
  const std::size_t head = static_cast<std::size_t>(blockIdx.y) * p.heads + blockIdx.x;
  const float* from = p.parts + head * p.splits * part_size;
  if (threadIdx.x == 0) {
    float highest = -INFINITY, total = 0;
    for (int i = 0; i < p.splits; ++i) highest = fmaxf(highest, from[i * part_size + value_size]);
    for (int i = 0; i < p.splits; ++i) {
      weights[i] = power_of_two((from[i * part_size + value_size] - highest) * p.scale);
      total += weights[i] * from[i * part_size + value_size + 1];
    }
    all = total;
  }
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < p.splits; ++i) sum += weights[i] * from[i * part_size + threadIdx.x];
  static_cast<bf16*>(p.o)[head * value_size + threadIdx.x] = __float2bfloat16(sum / all);
}

}  // namespace

AttentionTile latent_tile() { return {heads_at_once, keys}; }

// A block fills a multiprocessor: the split that ends soonest, a block costing two tiles besides its own.
int latent_splits(const AttentionLayout& s, int multiprocessors) {
  const std::int64_t blocks = s.batch * s.heads / heads_at_once, tiles = (s.keys + keys - 1) / keys;
  int best = 1;
  std::int64_t least = -1;
  for (int splits = 1; splits <= most_splits && splits <= tiles; ++splits) {
    const std::int64_t waves = (blocks * splits + multiprocessors - 1) / multiprocessors;
    const std::int64_t cost = waves * ((tiles + splits - 1) / splits + 2) + (splits > 1 ? 2 : 0);
    if (least < 0 || cost < least) least = cost, best = splits;
  }
  return best;
}

std::size_t latent_workspace_bytes(const AttentionLayout& s, int splits) {
  return static_cast<std::size_t>(s.batch * s.heads) * splits * part_size * sizeof(float);
}

bool launch_latent(const void* q, const void* kv, void* o, const AttentionLayout& s, void* workspace,
                   int splits, cudaStream_t stream) {
  if (!is_hopper() || s.head_dim != key_size || s.latent_dim != value_size || s.heads % heads_at_once != 0)
    return false;
  constexpr int bytes = sizeof(Storage) + 1024;
  static const bool is_set = [] {
    cudaFuncSetAttribute(attend, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    return true;
  }();
  (void)is_set;
  const auto map = [&](const void* data, std::int64_t rows) {
    return tensor_map(data, {key_size, static_cast<std::uint64_t>(rows)}, {key_size}, {64, 64});
  };
  const Problem p{static_cast<int>(s.keys),
                  static_cast<int>(s.heads),
                  splits,
                  1.4426950408889634f / sqrtf(static_cast<float>(key_size)),
                  o,
                  static_cast<float*>(workspace)};
  const dim3 grid(splits, static_cast<unsigned>(s.heads / heads_at_once), static_cast<unsigned>(s.batch));
  attend<<<grid, threads, bytes, stream>>>(map(q, s.batch * s.heads), map(kv, s.batch * s.keys), p);
  if (splits > 1)
    join_parts<<<dim3(static_cast<unsigned>(s.heads), static_cast<unsigned>(s.batch)), value_size, 0,
                 stream>>>(p);
  return true;
}

}  // namespace ridge::cuda
