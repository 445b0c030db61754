// D[m, n] = A[m, k] · W[n, k]^T with wgmma: one warpgroup's thread fills a ring of tiles by the copy engine, two
// warpgroups multiply, a persistent grid walks the tiles of D in groups whose operands stay in L2.  Clusters of two
// blocks that share the tile of W by multicast were tried and ran 15 % slower on an H200.

#include "calibrate/cuda/hopper.cuh"
#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/tensor_map.h"
#include "calibrate/cuda/wgmma.cuh"

namespace ridge::cuda {
namespace {

constexpr int tile_m = 128, tile_n = 256, tile_k = 64, stages = 4, threads = 384;
constexpr int a_bytes = tile_m * tile_k * 2, w_bytes = tile_n * tile_k * 2, stage_bytes = a_bytes + w_bytes;
constexpr int out_bytes = 64 * 64 * 2;

struct Storage {
  unsigned char stage[stages][stage_bytes];
  unsigned char out[2][2][out_bytes];  // of each warpgroup: two boxes of 64 columns
  Barrier full[stages], empty[stages];
};
constexpr int shared_bytes = sizeof(Storage) + 1024;

struct Tiles {
  int rows, columns, steps;  // tiles down and across D; steps of tile_k
};

#ifdef RIDGE_IS_HOPPER

constexpr int half_box = w_bytes / 2, group_rows = 16;

/// Columns of tiles within groups of rows.
__device__ void find(const Tiles& t, int i, int& row, int& column) {
  const int in_group = group_rows * t.columns, first = i / in_group * group_rows;
  const int height = min(group_rows, t.rows - first), at = i % in_group;
  row = first + at % height;
  column = at / height;
}

__device__ void produce(Storage& s, const CUtensorMap& a, const CUtensorMap& w, Tiles tiles) {
  Ring<stages> ring;
  for (int i = blockIdx.x; i < tiles.rows * tiles.columns; i += gridDim.x) {
    int row, column;
    find(tiles, i, row, column);
    const int m = row * tile_m, n = column * tile_n;
    for (int step = 0; step < tiles.steps; ++step, ring.next()) {
      unsigned char* to = s.stage[ring.slot];
      Barrier* full = &s.full[ring.slot];
      wait(&s.empty[ring.slot], ring.parity ^ 1);
      arrive_expecting(full, stage_bytes);
      load_box(to, a, full, step * tile_k, m);
      load_box(to + a_bytes, w, full, step * tile_k, n);
      load_box(to + a_bytes + half_box, w, full, step * tile_k, n + tile_n / 2);
    }
  }
}

__device__ void write_out(Storage& s, const float (&sum)[tile_n / 2], const CUtensorMap& d, int m, int n,
                          int group) {
  for (int half = 0; half < 2; ++half) {
    if (threadIdx.x % 128 == 0) wait_stores_read();
    named_wait(1 + group, 128);
    if (half == 0) {
      store_columns(s.out[group][0], sum, 0, 1, 1);
      store_columns(s.out[group][1], sum, 32, 1, 1);
    } else {
      store_columns(s.out[group][0], sum, 64, 1, 1);
      store_columns(s.out[group][1], sum, 96, 1, 1);
    }
    publish_shared();
    named_wait(1 + group, 128);
    if (threadIdx.x % 128 == 0) {
      store_box(d, s.out[group][0], n + half * 128, m + group * 64);
      store_box(d, s.out[group][1], n + half * 128 + 64, m + group * 64);
      commit_stores();
    }
  }
}

__device__ void consume(Storage& s, const CUtensorMap& d, Tiles tiles, int group) {
  const bool is_first = threadIdx.x % 128 == 0;
  Ring<stages> ring;
  float sum[tile_n / 2];
  for (int i = blockIdx.x; i < tiles.rows * tiles.columns; i += gridDim.x) {
    int row, column;
    find(tiles, i, row, column);
    Barrier* last = nullptr;
    for (int step = 0; step < tiles.steps; ++step, ring.next()) {
      const std::uint32_t at = shared_address(s.stage[ring.slot]);
      const std::uint64_t a = tile_descriptor(at + group * 64 * 128), w = tile_descriptor(at + a_bytes);
      wait(&s.full[ring.slot], ring.parity);
      wgmma_begin();
#pragma unroll
      for (int k = 0; k < tile_k / 16; ++k)
        Wgmma<tile_n>::shared(sum, a + 2 * k, w + 2 * k, step > 0 || k > 0);
      wgmma_commit();
      wgmma_wait<1>();
      if (last && is_first) arrive(last);
      last = &s.empty[ring.slot];
    }
    wgmma_wait<0>();
    wgmma_hold(sum);
    if (is_first) arrive(last);
    write_out(s, sum, d, row * tile_m, column * tile_n, group);
  }
  if (is_first) wait_stores_read();
}

#endif

__global__ __launch_bounds__(threads, 1) void product(const __grid_constant__ CUtensorMap a,
                                                      const __grid_constant__ CUtensorMap w,
                                                      const __grid_constant__ CUtensorMap d, Tiles tiles) {
#ifdef RIDGE_IS_HOPPER
  extern __shared__ unsigned char shared[];
  Storage& s = *reinterpret_cast<Storage*>((reinterpret_cast<std::uintptr_t>(shared) + 1023) / 1024 * 1024);
  const int group = threadIdx.x / 128;
  if (threadIdx.x == 0) {
    for (int i = 0; i < stages; ++i) barrier_init(&s.full[i], 1), barrier_init(&s.empty[i], 2);
    barriers_ready();
  }
  __syncthreads();
  if (group == 0) {
    give_registers<40>();
    if (threadIdx.x == 0) produce(s, a, w, tiles);
  } else {
    take_registers<232>();
    consume(s, d, tiles, group - 1);
  }
#endif
}

}  // namespace

bool launch_product(const void* a, const void* w, void* d, std::int64_t m, std::int64_t n, std::int64_t k,
                    int multiprocessors, cudaStream_t stream) {
  if (!is_hopper() || n % 8 != 0 || k % 8 != 0) return false;
  static const bool is_set = [] {
    cudaFuncSetAttribute(product, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
    return true;
  }();
  (void)is_set;
  const auto map = [](const void* data, std::int64_t rows, std::int64_t columns, std::uint32_t box_rows) {
    const auto width = static_cast<std::uint64_t>(columns);
    return tensor_map(data, {width, static_cast<std::uint64_t>(rows)}, {width}, {64, box_rows});
  };
  const auto tiles_of = [](std::int64_t size, int tile) {
    return static_cast<int>((size + tile - 1) / tile);
  };
  const Tiles tiles{tiles_of(m, tile_m), tiles_of(n, tile_n), tiles_of(k, tile_k)};
  const int wanted = tiles.rows * tiles.columns;
  const int blocks = wanted < multiprocessors ? wanted : multiprocessors;
  product<<<blocks, threads, shared_bytes, stream>>>(map(a, m, k, tile_m), map(w, n, k, tile_n / 2),
                                                     map(d, m, n, 64), tiles);
  return true;
}

}  // namespace ridge::cuda
