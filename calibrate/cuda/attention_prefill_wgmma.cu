// Fused attention over many queries with Hopper's wgmma.  A block keeps 128 queries, 64 in each of two
// warpgroups; a third fetches tiles of keys and values by the copy engine.  Scores of the next tile are computed
// while the weights of this one multiply the values, and the warpgroups take turns at the matrix units, so that
// one's exponentials hide behind the other's products.
// Source  Shah et al. 2024, "FlashAttention-3", arXiv:2407.08608 (algorithm 2, ping-pong scheduling).

#include "calibrate/cuda/hopper.cuh"
#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/tensor_map.h"
#include "calibrate/cuda/wgmma.cuh"

namespace ridge::cuda {
namespace {

constexpr int queries = 128, threads = 384, stages = 2;

/// D head size; keys in a step.  Tiles are chunks of 64 columns, each [rows][128 bytes].
template <int D_, int keys_> struct Shape {
  static constexpr int D = D_, keys = keys_, chunks = (D + 63) / 64;
  static constexpr int q_chunk = queries * 128, k_chunk = keys * 128;
  static constexpr int q_bytes = chunks * q_chunk, k_bytes = chunks * k_chunk;
  static_assert(k_chunk % 1024 == 0, "swizzled tiles start at multiples of 1024 bytes");
};

template <class S> struct Storage {
  unsigned char q[S::q_bytes], k[stages][S::k_bytes], v[stages][S::k_bytes];
  Barrier q_full, k_full[stages], k_empty[stages], v_full[stages], v_empty[stages];
};

struct Work {
  int queries, keys, heads, group;  // group: query heads to a KV head
  int tiles, rows, section;  // tiles of a head; heads of all sequences, and how many take turns at once
  float scale;               // log2(e) / sqrt(d)
  bool is_causal;
};

/// What of the problem a block does.
struct Place {
  int first, head, batch, offset;  // offset: key position of query 0
  int steps, whole;                // steps over the keys; those before `whole` need no mask
};

/// Heads go in sections whose keys and values stay in L2 together, and of a section the tiles with the most keys
/// first, or the last block starts when the others end.
template <class S> __device__ Place place_of(const Work& w) {
  Place p;
  const int of_section = w.section * w.tiles, block = static_cast<int>(blockIdx.x);
  const int row = block / of_section * w.section, heads = min(w.section, w.rows - row),
            within = block % of_section;
  p.first = (w.tiles - 1 - within / heads) * queries;
  p.head = (row + within % heads) % w.heads;
  p.batch = (row + within % heads) / w.heads;
  p.offset = w.keys - w.queries;
  const int seen = w.is_causal ? min(w.keys, p.first + queries + p.offset) : w.keys;
  p.steps = (seen + S::keys - 1) / S::keys;
  p.whole = min(w.keys, w.is_causal ? p.first + p.offset + 1 : w.keys) / S::keys;
  return p;
}

#ifdef RIDGE_IS_HOPPER

template <class S>
__device__ void produce(Storage<S>& s, const CUtensorMap& q, const CUtensorMap& k, const CUtensorMap& v,
                        const Work& w, const Place& p) {
  const auto load = [&](unsigned char* to, const CUtensorMap& map, Barrier* b, int chunk_bytes, int head,
                        int token) {
    arrive_expecting(b, S::chunks * chunk_bytes);
    for (int c = 0; c < S::chunks; ++c) load_box(to + c * chunk_bytes, map, b, c * 64, head, token, p.batch);
  };
  const int kv_head = p.head / w.group;
  load(s.q, q, &s.q_full, S::q_chunk, p.head, p.first);
  Ring<stages> ring;
  for (int step = p.steps - 1; step >= 0; --step, ring.next()) {
    wait(&s.k_empty[ring.slot], ring.parity ^ 1);
    load(s.k[ring.slot], k, &s.k_full[ring.slot], S::k_chunk, kv_head, step * S::keys);
    wait(&s.v_empty[ring.slot], ring.parity ^ 1);
    load(s.v[ring.slot], v, &s.v_full[ring.slot], S::k_chunk, kv_head, step * S::keys);
  }
}

template <class S>
__device__ void start_scores(float (&scores)[S::keys / 2], std::uint32_t q, std::uint32_t k) {
#pragma unroll
  for (int i = 0; i < S::D / 16; ++i)
    Wgmma<S::keys>::shared(scores, tile_descriptor(q + i / 4 * S::q_chunk + i % 4 * 32),
                           tile_descriptor(k + i / 4 * S::k_chunk + i % 4 * 32), i > 0);
  wgmma_commit();
}

template <class S>
__device__ void start_sums(float (&out)[S::D / 2], const std::uint32_t (&weights)[S::keys / 16][4],
                           std::uint32_t v, bool is_added) {
#pragma unroll
  for (int i = 0; i < S::keys / 16; ++i)
    Wgmma<S::D>::registers(out, weights[i], tile_descriptor(v + i * 2048, 1024, S::k_chunk),
                           is_added || i > 0);
  wgmma_commit();
}

/// Keys that do not exist, or come after their query, get no weight.
template <class S>
__device__ void mask(float (&scores)[S::keys / 2], int step, int row, const Work& w, const Place& p) {
  const int first = step * S::keys + threadIdx.x % 4 * 2;
#pragma unroll
  for (int i = 0; i < S::keys / 2; ++i) {
    const int key = first + i / 4 * 8 + i % 2, last = w.is_causal ? row + (i / 2 % 2) * 8 + p.offset : w.keys;
    if (key >= w.keys || key > last) scores[i] = -INFINITY;
  }
}

/// Running maximum and total of the thread's two rows.
struct Rows {
  float highest[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
};

/// Scores become weights; returns by how much earlier sums of the rows shrink.
template <int n> __device__ float2 soften(float (&scores)[n], Rows& rows, float scale) {
  float shrink[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    float highest = rows.highest[r];
#pragma unroll
    for (int i = 2 * r; i < n; i += 4) highest = fmaxf(highest, fmaxf(scores[i], scores[i + 1]));
    highest = row_max(highest);
    const float base = highest == -INFINITY ? 0 : highest * scale;
    shrink[r] = power_of_two(rows.highest[r] * scale - base);
    rows.highest[r] = highest;
    float total = 0;
#pragma unroll
    for (int i = 2 * r; i < n; i += 4)
#pragma unroll
      for (int c = 0; c < 2; ++c) {
        scores[i + c] = power_of_two(fmaf(scores[i + c], scale, -base));
        total += scores[i + c];
      }
    rows.total[r] = rows.total[r] * shrink[r] + total;
  }
  return make_float2(shrink[0], shrink[1]);
}

template <int n> __device__ void pack_weights(std::uint32_t (&to)[n / 8][4], const float (&scores)[n]) {
#pragma unroll
  for (int i = 0; i < n / 2; ++i) to[i / 4][i % 4] = packed(scores[2 * i], scores[2 * i + 1]);
}

template <int n> __device__ void shrink_rows(float (&out)[n], float2 by) {
#pragma unroll
  for (int i = 0; i < n; ++i) out[i] *= i & 2 ? by.y : by.x;
}

template <class S>
__device__ void write_out(Storage<S>& s, const float (&out)[S::D / 2], const Rows& rows, const CUtensorMap& o,
                          const Place& p, int group) {
  const float low = 1 / row_sum(rows.total[0]), high = 1 / row_sum(rows.total[1]);
  unsigned char* to = s.q + group * 64 * 128;
#pragma unroll
  for (int c = 0; c < S::chunks; ++c)
    store_columns(to + c * S::q_chunk, out, c * 32, low, high, S::D - c * 64);
  publish_shared();
  named_wait(3 + group, 128);
  if (threadIdx.x % 128 != 0) return;
  for (int c = 0; c < S::chunks; ++c)
    store_box(o, to + c * S::q_chunk, c * 64, p.head, p.first + group * 64, p.batch);
  commit_stores();
  wait_stores_read();
}

template <class S>
__device__ void consume(Storage<S>& s, const CUtensorMap& o, const Work& w, const Place& p, int group) {
  const std::uint32_t q = shared_address(s.q) + group * 64 * 128;
  const int row = p.first + group * 64 + threadIdx.x / 32 % 4 * 16 + threadIdx.x % 32 / 4;
  const bool is_first = threadIdx.x % 128 == 0;
  float out[S::D / 2], scores[S::keys / 2];
  std::uint32_t weights[S::keys / 16][4];
  Rows rows;
  Ring<stages> k, v;
  if (group == 1) named_arrive(1, 256);
  wait(&s.q_full, 0);
  wait(&s.k_full[0], 0);
  wgmma_begin();
  start_scores<S>(scores, q, shared_address(s.k[0]));
  wgmma_wait<0>();
  wgmma_hold(scores);
  if (is_first) arrive(&s.k_empty[0]);
  k.next();
  int step = p.steps - 1;
  if (step >= p.whole) mask<S>(scores, step, row, w, p);
  soften(scores, rows, w.scale);
  pack_weights(weights, scores);
  bool is_added = false;
  for (--step; step >= 0; --step) {
    wait(&s.k_full[k.slot], k.parity);
    named_wait(1 + group, 256);
    wgmma_begin();
    start_scores<S>(scores, q, shared_address(s.k[k.slot]));
    wait(&s.v_full[v.slot], v.parity);
    start_sums<S>(out, weights, shared_address(s.v[v.slot]), is_added);
    named_arrive(2 - group, 256);
    is_added = true;
    wgmma_wait<1>();
    wgmma_hold(scores);
    if (is_first) arrive(&s.k_empty[k.slot]);
    if (step >= p.whole) mask<S>(scores, step, row, w, p);
    const float2 shrink = soften(scores, rows, w.scale);
    wgmma_wait<0>();
    wgmma_hold(out);
    if (is_first) arrive(&s.v_empty[v.slot]);
    shrink_rows(out, shrink);
    pack_weights(weights, scores);
    k.next();
    v.next();
  }
  if (group == 0) named_wait(1, 256);
  wait(&s.v_full[v.slot], v.parity);
  wgmma_begin();
  start_sums<S>(out, weights, shared_address(s.v[v.slot]), is_added);
  wgmma_wait<0>();
  wgmma_hold(out);
  write_out<S>(s, out, rows, o, p, group);
}

#endif

template <class S>
__global__ __launch_bounds__(threads, 1) void prefill(const __grid_constant__ CUtensorMap q,
                                                      const __grid_constant__ CUtensorMap k,
                                                      const __grid_constant__ CUtensorMap v,
                                                      const __grid_constant__ CUtensorMap o, Work w) {
#ifdef RIDGE_IS_HOPPER
  extern __shared__ unsigned char shared[];
  auto& s = *reinterpret_cast<Storage<S>*>((reinterpret_cast<std::uintptr_t>(shared) + 1023) / 1024 * 1024);
  const int group = threadIdx.x / 128;
  if (threadIdx.x == 0) {
    barrier_init(&s.q_full, 1);
    for (int i = 0; i < stages; ++i) {
      barrier_init(&s.k_full[i], 1), barrier_init(&s.v_full[i], 1);
      barrier_init(&s.k_empty[i], 2), barrier_init(&s.v_empty[i], 2);
    }
    barriers_ready();
  }
  __syncthreads();
  const Place p = place_of<S>(w);
  if (group == 0) {
    give_registers<24>();
    if (threadIdx.x == 0) produce<S>(s, q, k, v, w, p);
  } else {
    take_registers<240>();
    consume<S>(s, o, w, p, group - 1);
  }
#endif
}

/// Equal sections of heads, each of whole KV heads whose keys and values take at most 24 MB, under half of the L2
/// cache.
std::int64_t heads_of_section(const AttentionLayout& x) {
  const std::int64_t kv_bytes = x.keys * x.head_dim * 4, kv_heads = x.batch * x.kv_heads;
  const std::int64_t most = kv_bytes < 24000000 ? 24000000 / kv_bytes : 1;
  const std::int64_t sections = (kv_heads + most - 1) / most;
  return (kv_heads + sections - 1) / sections * (x.heads / x.kv_heads);
}

template <class S>
void launch(const void* q, const void* k, const void* v, void* o, const AttentionLayout& x,
            cudaStream_t stream) {
  constexpr int bytes = sizeof(Storage<S>) + 1024;
  static const bool is_set = [] {
    cudaFuncSetAttribute(prefill<S>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    return true;
  }();
  (void)is_set;
  const auto u = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  const auto map = [&](const void* data, std::int64_t tokens, std::int64_t heads, std::uint32_t rows) {
    const std::uint64_t token = u(heads * x.head_dim);
    return tensor_map(data, {u(x.head_dim), u(heads), u(tokens), u(x.batch)},
                      {u(x.head_dim), token, token * u(tokens)}, {64, 1, rows, 1});
  };
  const std::int64_t group = x.heads / x.kv_heads, tiles = (x.queries + queries - 1) / queries;
  const Work w{static_cast<int>(x.queries),
               static_cast<int>(x.keys),
               static_cast<int>(x.heads),
               static_cast<int>(group),
               static_cast<int>(tiles),
               static_cast<int>(x.batch * x.heads),
               static_cast<int>(heads_of_section(x)),
               1.4426950408889634f / sqrtf(static_cast<float>(x.head_dim)),
               x.is_causal};
  prefill<S><<<static_cast<unsigned>(tiles * x.batch * x.heads), threads, bytes, stream>>>(
      map(q, x.queries, x.heads, queries), map(k, x.keys, x.kv_heads, S::keys),
      map(v, x.keys, x.kv_heads, S::keys), map(o, x.queries, x.heads, 64), w);
}

}  // namespace

bool has_prefill_wgmma(int d) {
  return is_hopper() && (d == 64 || d == 96 || d == 128 || d == 192 || d == 256);
}

AttentionTile prefill_wgmma_tile(int d) { return {queries, d <= 128 ? 128 : d == 192 ? 96 : 80}; }

bool launch_prefill_wgmma(const void* q, const void* k, const void* v, void* o, const AttentionLayout& x,
                          cudaStream_t stream) {
  if (!has_prefill_wgmma(x.head_dim)) return false;
  switch (x.head_dim) {
    case 64: launch<Shape<64, 128>>(q, k, v, o, x, stream); return true;
    case 96: launch<Shape<96, 128>>(q, k, v, o, x, stream); return true;
    case 128: launch<Shape<128, 128>>(q, k, v, o, x, stream); return true;
    case 192: launch<Shape<192, 96>>(q, k, v, o, x, stream); return true;
    default: launch<Shape<256, 80>>(q, k, v, o, x, stream); return true;
  }
}

}  // namespace ridge::cuda
