#pragma once
/// Hopper's copy engine and what its users meet at: barriers in shared memory that count arrivals and bytes, and
/// register budgets by role.
/// Source  PTX ISA 8.0: mbarrier, cp.async.bulk.tensor, setmaxnreg.

#include "calibrate/cuda/mma.cuh"

#include <cuda.h>

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define RIDGE_IS_HOPPER 1
#endif

namespace ridge::cuda {

using Barrier = std::uint64_t;

__device__ inline void barrier_init(Barrier* b, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(b)), "r"(arrivals));
}
/// After all inits, before another proxy or another block uses them.
__device__ inline void barriers_ready() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
__device__ inline void arrive(Barrier* b) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(b)) : "memory");
}
__device__ inline void arrive_expecting(Barrier* b, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(b)), "r"(bytes)
               : "memory");
}
/// Until the phase of that parity is over.
__device__ inline void wait(Barrier* b, std::uint32_t parity) {
  asm volatile(
      "{.reg .pred p; again: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1; @p bra over; bra again; "
      "over:}" ::"r"(shared_address(b)),
      "r"(parity)
      : "memory");
}

/// A ring of slots: which one is next, and the parity of its round.
template <int slots> struct Ring {
  int slot = 0;
  std::uint32_t parity = 0;
  __device__ void next() {
    if (++slot == slots) slot = 0, parity ^= 1;
  }
};

__device__ inline void load_box(void* to, const CUtensorMap& map, Barrier* b, int x, int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], "
      "[%2];" ::"r"(shared_address(to)),
      "l"(&map), "r"(shared_address(b)), "r"(x), "r"(y)
      : "memory");
}
__device__ inline void load_box(void* to, const CUtensorMap& map, Barrier* b, int x, int y, int z, int w) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, "
      "%6}], [%2];" ::"r"(shared_address(to)),
      "l"(&map), "r"(shared_address(b)), "r"(x), "r"(y), "r"(z), "r"(w)
      : "memory");
}
__device__ inline void store_box(const CUtensorMap& map, const void* from, int x, int y) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];" ::"l"(&map),
               "r"(shared_address(from)), "r"(x), "r"(y)
               : "memory");
}
__device__ inline void store_box(const CUtensorMap& map, const void* from, int x, int y, int z, int w) {
  asm volatile(
      "cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [%0, {%2, %3, %4, %5}], [%1];" ::"l"(&map),
      "r"(shared_address(from)), "r"(x), "r"(y), "r"(z), "r"(w)
      : "memory");
}
__device__ inline void commit_stores() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
/// Until the engine has read what the stores take.
__device__ inline void wait_stores_read() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }
/// Ordinary stores to shared memory before this are seen by the copy engine and the matrix units after it.
__device__ inline void publish_shared() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

template <int registers> __device__ inline void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
}
template <int registers> __device__ inline void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
}
/// Barriers among some warps of a block; 0 is __syncthreads.
__device__ inline void named_wait(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
__device__ inline void named_arrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

__device__ inline void store_matrices(void* to, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                                      std::uint32_t d) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(shared_address(to)),
               "r"(a), "r"(b), "r"(c), "r"(d)
               : "memory");
}
/// The warpgroup's 64 rows x 64 columns of accumulators d[first ...] as bf16, scaled by row, into a swizzled
/// tile of 128-byte rows.
template <int n>
__device__ inline void store_columns(unsigned char* tile, const float (&d)[n], int first, float low_scale,
                                     float high_scale, int columns = 64) {
  const int lane = threadIdx.x % 32, row = threadIdx.x / 32 % 4 * 16 + lane % 16;
#pragma unroll
  for (int c = 0; c < 64; c += 16) {
    if (c >= columns) break;
    const float* x = d + first + c / 2;
    store_matrices(tile + row * 128 + (((c / 8 + lane / 16) ^ (row & 7)) << 4),
                   packed(x[0] * low_scale, x[1] * low_scale), packed(x[2] * high_scale, x[3] * high_scale),
                   packed(x[4] * low_scale, x[5] * low_scale), packed(x[6] * high_scale, x[7] * high_scale));
  }
}

}  // namespace ridge::cuda
