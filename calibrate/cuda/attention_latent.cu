// Attention of one query a sequence over a compressed cache (multi-head latent attention, absorbed form): every head
// scores the same 576 numbers a token and sums their first 512, so 128 heads make matrices of it and the cache is read
// once for 64 heads.  Two warpgroups of Hopper's share a block: the first computes scores and weights, both sum half of
// the columns each; a third fetches.  The tiles of all sequences lie in a row that is cut into equal ranges, one a
// block, whatever the number and length of sequences; those that a cut divides are joined by a second kernel.
// Source  DeepSeek-AI 2024, "DeepSeek-V2", arXiv:2405.04434, section 2.1 (the operator); Osama et al. 2023,
//         "Stream-K", arXiv:2301.03598 (equal ranges).

#include "calibrate/cuda/hopper.cuh"
#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/tensor_map.h"
#include "calibrate/cuda/wgmma.cuh"

#include <algorithm>

namespace ridge::cuda {
namespace {

constexpr int key_size = 576, value_size = 512, heads_at_once = 64, keys = 64, threads = 384, stages = 2;
constexpr int chunks = key_size / 64, chunk_bytes = 64 * 128, tile_bytes = chunks * chunk_bytes;
constexpr int most_ranges = 256, part_size = value_size + 2;

struct Storage {
  unsigned char q[tile_bytes], kv[stages][tile_bytes], weights[chunk_bytes];
  float shrink[heads_at_once], total[heads_at_once];
  Barrier q_full, q_empty, full[stages], empty[stages];
};

struct Problem {
  int keys, heads, batch, ranges;
  int tiles;        // of a sequence
  bool is_divided;  // ranges may end within a sequence
  float scale;
  void* o;
  float*
      parts;  // [ranges, groups of heads, begins a sequence or not, heads at once, sums then highest and total]
};

/// Where range i begins, in tiles of the sequences in a row.
__device__ int begin_of(const Problem& p, int i) {
  if (!p.is_divided) return p.batch * i / p.ranges * p.tiles;
  return p.batch * p.tiles * i / p.ranges;
}

__device__ float* part_of(const Problem& p, int range, int group, bool begins, int row) {
  const int of_range = p.heads / heads_at_once * 2;
  return p.parts +
         (static_cast<std::size_t>(range * of_range + group * 2 + begins) * heads_at_once + row) * part_size;
}

#ifdef RIDGE_IS_HOPPER

enum Names { weights_ready = 1, weights_read = 2, totals_ready = 3 };

/// Tiles of one sequence that a block has in a piece.
struct Piece {
  int sequence, begin, end;
  bool is_whole;
};

/// Calls `one` for the pieces of this block's range in turn.
template <class One> __device__ void each_piece(const Problem& p, One one) {
  const int end = begin_of(p, blockIdx.x + 1);
  for (int at = begin_of(p, blockIdx.x); at < end;) {
    const int sequence = at / p.tiles, first = sequence * p.tiles, last = min(end, first + p.tiles);
    one(Piece{sequence, at - first, last - first, last - at == p.tiles});
    at = last;
  }
}

__device__ void fetch(Storage& s, const CUtensorMap& q, const CUtensorMap& kv, const Problem& p) {
  const auto load = [&](unsigned char* to, const CUtensorMap& map, Barrier* b, int row) {
    arrive_expecting(b, tile_bytes);
    for (int c = 0; c < chunks; ++c) load_box(to + c * chunk_bytes, map, b, c * 64, row);
  };
  Ring<stages> ring;
  Ring<1> queries;
  each_piece(p, [&](const Piece& piece) {
    wait(&s.q_empty, queries.parity ^ 1);
    queries.next();
    load(s.q, q, &s.q_full, piece.sequence * p.heads + blockIdx.y * heads_at_once);
    for (int i = piece.begin; i < piece.end; ++i, ring.next()) {
      wait(&s.empty[ring.slot], ring.parity ^ 1);
      load(s.kv[ring.slot], kv, &s.full[ring.slot], piece.sequence * p.keys + i * keys);
    }
  });
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
__device__ void write_out(const float (&sum)[value_size / 4], const Storage& s, const Problem& p,
                          const Piece& piece, int half) {
  const int row = first_row(), column = half * value_size / 2 + threadIdx.x % 4 * 2;
  const std::size_t first = static_cast<std::size_t>(piece.sequence) * p.heads + blockIdx.y * heads_at_once;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    if (piece.is_whole) {
      bf16* to = static_cast<bf16*>(p.o) + (first + row + 8 * r) * value_size + column;
      const float by = 1 / s.total[row + 8 * r];
#pragma unroll
      for (int i = 2 * r; i < value_size / 4; i += 4)
        *reinterpret_cast<std::uint32_t*>(to + i / 4 * 8) = packed(sum[i] * by, sum[i + 1] * by);
    } else {
      float* to = part_of(p, blockIdx.x, blockIdx.y, piece.begin == 0, row + 8 * r) + column;
#pragma unroll
      for (int i = 2 * r; i < value_size / 4; i += 4)
        *reinterpret_cast<float2*>(to + i / 4 * 8) = make_float2(sum[i], sum[i + 1]);
    }
  }
}

/// Scores, weights, and the first half of the columns.
__device__ void lead(Storage& s, const Problem& p) {
  const std::uint32_t q = shared_address(s.q);
  const bool is_first = threadIdx.x % 128 == 0;
  const int row = first_row();
  float sum[value_size / 4], scores[keys / 2], highest[2], total[2];
  std::uint32_t weights[keys / 16][4];
  Ring<stages> next, now;
  Ring<1> queries;
  const auto hand_over = [&](float2 shrink) {
    store_columns(s.weights, scores, 0, 1, 1);
    if (threadIdx.x % 4 == 0) s.shrink[row] = shrink.x, s.shrink[row + 8] = shrink.y;
    publish_shared();
    named_arrive(weights_ready, 256);
#pragma unroll
    for (int i = 0; i < keys / 4; ++i) weights[i / 4][i % 4] = packed(scores[2 * i], scores[2 * i + 1]);
  };
  each_piece(p, [&](const Piece& piece) {
    highest[0] = highest[1] = -INFINITY;
    total[0] = total[1] = 0;
    wait(&s.q_full, queries.parity);
    queries.next();
    wait(&s.full[next.slot], next.parity);
    wgmma_begin();
    start_scores(scores, q, shared_address(s.kv[next.slot]));
    wgmma_wait<0>();
    wgmma_hold(scores);
    next.next();
    hand_over(soften(scores, highest, total, p, piece.begin));
    int tile = piece.begin;
    for (; tile + 1 < piece.end; ++tile, now.next(), next.next()) {
      wait(&s.full[next.slot], next.parity);
      wgmma_begin();
      start_scores(scores, q, shared_address(s.kv[next.slot]));
      start_sums(sum, weights, shared_address(s.kv[now.slot]), tile > piece.begin);
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
    if (is_first) arrive(&s.q_empty);
    wgmma_begin();
    start_sums(sum, weights, shared_address(s.kv[now.slot]), tile > piece.begin);
    wgmma_wait<0>();
    wgmma_hold(sum);
    if (is_first) arrive(&s.empty[now.slot]);
    now.next();
    named_wait(weights_read, 256);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const float all = row_sum(total[i]);
      if (threadIdx.x % 4 != 0) continue;
      s.total[row + 8 * i] = all;
      if (piece.is_whole) continue;
      float* to = part_of(p, blockIdx.x, blockIdx.y, piece.begin == 0, row + 8 * i) + value_size;
      to[0] = highest[i], to[1] = all;
    }
    named_wait(totals_ready, 256);
    write_out(sum, s, p, piece, 0);
  });
}

/// The second half of the columns.
__device__ void follow(Storage& s, const Problem& p) {
  const int row = first_row();
  float sum[value_size / 4];
  Ring<stages> now;
  each_piece(p, [&](const Piece& piece) {
    for (int tile = piece.begin; tile < piece.end; ++tile, now.next()) {
      named_wait(weights_ready, 256);
      if (tile > piece.begin) shrink_rows(sum, s.shrink[row], s.shrink[row + 8]);
      wait(&s.full[now.slot], now.parity);
      const std::uint64_t weights = tile_descriptor(shared_address(s.weights));
      const std::uint32_t v = shared_address(s.kv[now.slot]) + 4 * chunk_bytes;
      wgmma_begin();
#pragma unroll
      for (int i = 0; i < keys / 16; ++i)
        Wgmma<256>::shared<true>(sum, weights + 2 * i, tile_descriptor(v + i * 2048, 1024, chunk_bytes),
                                 tile > piece.begin || i > 0);
      wgmma_commit();
      wgmma_wait<0>();
      wgmma_hold(sum);
      named_arrive(weights_read, 256);
      if (threadIdx.x % 128 == 0) arrive(&s.empty[now.slot]);
    }
    named_wait(totals_ready, 256);
    write_out(sum, s, p, piece, 1);
  });
}

#endif

__global__ __launch_bounds__(threads, 1) void attend(const __grid_constant__ CUtensorMap q,
                                                     const __grid_constant__ CUtensorMap kv, Problem p) {
#ifdef RIDGE_IS_HOPPER
  extern __shared__ unsigned char shared[];
  Storage& s = *reinterpret_cast<Storage*>((reinterpret_cast<std::uintptr_t>(shared) + 1023) / 1024 * 1024);
  if (threadIdx.x == 0) {
    barrier_init(&s.q_full, 1), barrier_init(&s.q_empty, 1);
    for (int i = 0; i < stages; ++i) barrier_init(&s.full[i], 1), barrier_init(&s.empty[i], 2);
    barriers_ready();
  }
  __syncthreads();
  if (threadIdx.x < 128) {
    give_registers<24>();
    if (threadIdx.x == 0) fetch(s, q, kv, p);
  } else {
    take_registers<240>();
    if (threadIdx.x < 256) lead(s, p);
    else follow(s, p);
  }
#endif
}

/// One block a head and a cut between ranges: the first cut of a sequence joins its parts, a thread four columns.
__global__ void join_parts(Problem p) {
  __shared__ float weights[most_ranges], all;
  const int head = blockIdx.x, cut = blockIdx.y + 1, at = begin_of(p, cut), sequence = at / p.tiles;
  const int begin = sequence * p.tiles, end = begin + p.tiles, first = cut - 1;
  if (at == begin || begin_of(p, first) > begin) return;
  const int last = (end * p.ranges - 1) / (p.batch * p.tiles), count = last - first + 1;
  const auto part = [&](int i) {
    return part_of(p, first + i, head / heads_at_once, i == 0, head % heads_at_once);
  };
  if (threadIdx.x < 32) {
    const int lane = threadIdx.x;
    float highest = -INFINITY, total = 0;
    for (int i = lane; i < count; i += 32) highest = fmaxf(highest, part(i)[value_size]);
    for (int offset = 16; offset > 0; offset /= 2)
      highest = fmaxf(highest, __shfl_xor_sync(~0u, highest, offset));
    for (int i = lane; i < count; i += 32) {
      weights[i] = power_of_two((part(i)[value_size] - highest) * p.scale);
      total += weights[i] * part(i)[value_size + 1];
    }
    for (int offset = 16; offset > 0; offset /= 2) total += __shfl_xor_sync(~0u, total, offset);
    if (lane == 0) all = total;
  }
  __syncthreads();
  float sum[4] = {};
#pragma unroll 4
  for (int i = 0; i < count; ++i) {
    const float2* from = reinterpret_cast<const float2*>(part(i)) + 2 * threadIdx.x;
    const float2 low = from[0], high = from[1];
    sum[0] += weights[i] * low.x, sum[1] += weights[i] * low.y;
    sum[2] += weights[i] * high.x, sum[3] += weights[i] * high.y;
  }
  auto* to = static_cast<bf16*>(p.o) + (static_cast<std::size_t>(sequence) * p.heads + head) * value_size;
  reinterpret_cast<uint2*>(to)[threadIdx.x] =
      make_uint2(packed(sum[0] / all, sum[1] / all), packed(sum[2] / all, sum[3] / all));
}

}  // namespace

AttentionTile latent_tile() { return {heads_at_once, keys}; }

// A block fills a multiprocessor.  Ranges of whole sequences need no joining; where they leave multiprocessors idle,
// ranges that divide sequences are worth it, best as many for each sequence.  In tiles: a piece costs three besides its own,
// writing and joining a part four, the second kernel two.
LatentPlan latent_plan(const AttentionLayout& s, int multiprocessors) {
  const std::int64_t groups = std::max<std::int64_t>(s.heads / heads_at_once, 1),
                     tiles = (s.keys + keys - 1) / keys, all = s.batch * tiles;
  const std::int64_t most = std::clamp<std::int64_t>(multiprocessors / groups, 1, most_ranges);
  const auto over = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  const std::int64_t whole = std::min(s.batch, most);
  LatentPlan best{static_cast<int>(whole), false};
  std::int64_t least = over(s.batch, whole) * (tiles + 3);
  if (all * most >= std::int64_t{1} << 31) return best;
  for (std::int64_t ranges = 2; ranges <= std::min(all, most); ++ranges) {
    const bool is_even = ranges % s.batch == 0;
    const std::int64_t pieces = is_even ? 1 : s.batch / ranges + 2, parts = is_even ? 1 : 2;
    const std::int64_t cost = over(all, ranges) + 3 * pieces + 4 * parts + 2;
    if (cost < least) least = cost, best = {static_cast<int>(ranges), true};
  }
  return best;
}

std::size_t latent_workspace_bytes(const AttentionLayout& s, const LatentPlan& plan) {
  return static_cast<std::size_t>(plan.is_divided ? plan.ranges * s.heads * 2 : 1) * part_size *
         sizeof(float);
}

bool launch_latent(const void* q, const void* kv, void* o, const AttentionLayout& s, void* workspace,
                   const LatentPlan& plan, cudaStream_t stream) {
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
                  static_cast<int>(s.batch),
                  plan.ranges,
                  static_cast<int>((s.keys + keys - 1) / keys),
                  plan.is_divided,
                  1.4426950408889634f / sqrtf(static_cast<float>(key_size)),
                  o,
                  static_cast<float*>(workspace)};
  const dim3 grid(static_cast<unsigned>(plan.ranges), static_cast<unsigned>(s.heads / heads_at_once));
  attend<<<grid, threads, bytes, stream>>>(map(q, s.batch * s.heads), map(kv, s.batch * s.keys), p);
  if (plan.is_divided)
    join_parts<<<dim3(static_cast<unsigned>(s.heads), static_cast<unsigned>(plan.ranges - 1)), value_size / 4,
                 0, stream>>>(p);
  return true;
}

}  // namespace ridge::cuda
