// The matrix units alone: operands stay in registers (mma.sync) or shared memory (wgmma), sums in registers.

#include "calibrate/cuda/hopper.cuh"
#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/tensor_map.h"
#include "calibrate/cuda/wgmma.cuh"

namespace ridge::cuda {
namespace {

constexpr int warp_threads = 256, tiles = 8;  // mma.sync: warps of 8, tiles of B a warp
constexpr int group_threads = 256, a_rows = 128, b_rows = 256, steps = 4;  // wgmma: two warpgroups

/// A row of an operand is 32 bytes for every type: 16 numbers of 2 bytes, 32 of one, 8 of four.
template <TensorType type> struct Instruction;
#define RIDGE_MMA(name, shape, types, d_type, letter)                                           \
  template <> struct Instruction<TensorType::name> {                                            \
    using Sum = d_type;                                                                         \
    static __device__ void multiply(Sum (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, \
                                    std::uint32_t b1) {                                         \
      asm volatile("mma.sync.aligned." shape ".row.col." types                                  \
                   " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                     \
                   : "+" letter(c[0]), "+" letter(c[1]), "+" letter(c[2]), "+" letter(c[3])     \
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));             \
    }                                                                                           \
  };
RIDGE_MMA(bf16, "m16n8k16", "f32.bf16.bf16.f32", float, "f")
RIDGE_MMA(fp16, "m16n8k16", "f32.f16.f16.f32", float, "f")
RIDGE_MMA(tf32, "m16n8k8", "f32.tf32.tf32.f32", float, "f")
RIDGE_MMA(int8, "m16n8k32", "s32.s8.s8.s32", int, "r")
#if defined(RIDGE_IS_HOPPER)
RIDGE_MMA(fp8, "m16n8k32", "f32.e4m3.e4m3.f32", float, "f")
#else
template <> struct Instruction<TensorType::fp8> {  // not in the code for older devices
  using Sum = float;
  static __device__ void multiply(Sum (&)[4], const std::uint32_t (&)[4], std::uint32_t, std::uint32_t) {}
};
#endif

/// Words of the fragments: row t / 4 (+ 8), word t % 4 (+ 4) of a row, for every type.
template <TensorType type>
__global__ __launch_bounds__(warp_threads) void by_warps(const std::uint32_t* a, const std::uint32_t* b,
                                                         typename Instruction<type>::Sum* d, int iterations) {
  const int lane = threadIdx.x % 32, row = lane / 4, word = lane % 4;
  std::uint32_t left[4], right[tiles][2];
#pragma unroll
  for (int i = 0; i < 4; ++i) left[i] = a[(row + i % 2 * 8) * 8 + word + i / 2 * 4];
  typename Instruction<type>::Sum sum[tiles][4] = {};
#pragma unroll
  for (int t = 0; t < tiles; ++t)
#pragma unroll
    for (int i = 0; i < 2; ++i) right[t][i] = b[(t * 8 + row) * 8 + word + i * 4];
  for (int n = 0; n < iterations; ++n)
#pragma unroll
    for (int t = 0; t < tiles; ++t) Instruction<type>::multiply(sum[t], left, right[t][0], right[t][1]);
  if (blockIdx.x > 0 || threadIdx.x >= 32) {
    // Never true: keeps the products.
    if (sum[0][0] == static_cast<typename Instruction<type>::Sum>(1e9))
      d[0] = sum[1][0] + sum[2][1] + sum[7][3];
    return;
  }
#pragma unroll
  for (int t = 0; t < tiles; ++t)
#pragma unroll
    for (int i = 0; i < 4; ++i) d[(row + i / 2 * 8) * tiles * 8 + t * 8 + word * 2 + i % 2] = sum[t][i];
}

#ifdef RIDGE_IS_HOPPER

template <TensorType type> struct GroupInstruction;
#define RIDGE_GROUP_MMA(name, shape_types, d_type, letter, flags)                                       \
  template <> struct GroupInstruction<TensorType::name> {                                               \
    static __device__ void multiply(d_type (&d)[128], std::uint64_t a, std::uint64_t b, int is_added) { \
      asm volatile("{.reg .pred p; setp.ne.b32 p, %130, 0; wgmma.mma_async.sync.aligned." shape_types   \
                   " {" RIDGE_R15 "}, %128, %129, p" flags ";}"                                         \
                   : RIDGE_D15(letter)                                                                  \
                   : "l"(a), "l"(b), "r"(is_added));                                                    \
    }                                                                                                   \
  };
RIDGE_GROUP_MMA(bf16, "m64n256k16.f32.bf16.bf16", float, "f", ", 1, 1, 0, 0")
RIDGE_GROUP_MMA(fp16, "m64n256k16.f32.f16.f16", float, "f", ", 1, 1, 0, 0")
RIDGE_GROUP_MMA(tf32, "m64n256k8.f32.tf32.tf32", float, "f", ", 1, 1")
RIDGE_GROUP_MMA(fp8, "m64n256k32.f32.e4m3.e4m3", float, "f", ", 1, 1")
RIDGE_GROUP_MMA(int8, "m64n256k32.s32.s8.s8", int, "r", "")

__device__ void load_tile(unsigned char* to, const uint4* from, int rows) {
  for (int i = threadIdx.x; i < rows * 8; i += group_threads)
    *reinterpret_cast<uint4*>(to + i / 8 * 128 + (((i % 8) ^ (i / 8 & 7)) << 4)) = from[i];
}

#endif

template <TensorType type>
__global__ __launch_bounds__(group_threads, 1) void by_groups(const uint4* a, const uint4* b,
                                                              typename Instruction<type>::Sum* d,
                                                              int iterations) {
#ifdef RIDGE_IS_HOPPER
  __shared__ __align__(1024) unsigned char left[a_rows * 128], right[b_rows * 128];
  load_tile(left, a, a_rows);
  load_tile(right, b, b_rows);
  publish_shared();
  __syncthreads();
  const int group = threadIdx.x / 128;
  const std::uint64_t x = tile_descriptor(shared_address(left) + group * 64 * 128),
                      y = tile_descriptor(shared_address(right));
  typename Instruction<type>::Sum sum[b_rows / 2];
  for (int n = 0; n < iterations; ++n) {
    wgmma_begin();
#pragma unroll
    for (int k = 0; k < steps; ++k)
      GroupInstruction<type>::multiply(sum, x + 2 * k, y + 2 * k, n > 0 || k > 0);
    wgmma_commit();
    wgmma_wait<1>();
  }
  wgmma_wait<0>();
  const int row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
#pragma unroll
  for (int i = 0; i < b_rows / 2; ++i) {
    asm volatile("" ::: "memory");
    if (blockIdx.x == 0) d[(row + i / 2 % 2 * 8) * b_rows + column + i / 4 * 8 + i % 2] = sum[i];
  }
#endif
}

template <TensorType type>
void launch(bool is_wgmma, const void* a, const void* b, void* d, int iterations, int blocks,
            cudaStream_t s) {
  auto* sums = static_cast<typename Instruction<type>::Sum*>(d);
  if (is_wgmma)
    by_groups<type><<<blocks, group_threads, 0, s>>>(static_cast<const uint4*>(a),
                                                     static_cast<const uint4*>(b), sums, iterations);
  else
    by_warps<type><<<blocks, warp_threads, 0, s>>>(static_cast<const std::uint32_t*>(a),
                                                   static_cast<const std::uint32_t*>(b), sums, iterations);
}

}  // namespace

bool launch_tensor_rate(TensorType type, bool is_wgmma, const void* a, const void* b, void* d, int iterations,
                        int blocks, cudaStream_t s) {
  if ((is_wgmma || type == TensorType::fp8) && !is_hopper()) return false;
  switch (type) {
    case TensorType::bf16: launch<TensorType::bf16>(is_wgmma, a, b, d, iterations, blocks, s); break;
    case TensorType::fp16: launch<TensorType::fp16>(is_wgmma, a, b, d, iterations, blocks, s); break;
    case TensorType::fp8: launch<TensorType::fp8>(is_wgmma, a, b, d, iterations, blocks, s); break;
    case TensorType::tf32: launch<TensorType::tf32>(is_wgmma, a, b, d, iterations, blocks, s); break;
    case TensorType::int8: launch<TensorType::int8>(is_wgmma, a, b, d, iterations, blocks, s); break;
  }
  return true;
}

double tensor_flops(TensorType type, bool is_wgmma) {
  const double k = type == TensorType::tf32                               ? 8
                   : type == TensorType::bf16 || type == TensorType::fp16 ? 16
                                                                          : 32;
  return is_wgmma ? 2.0 * a_rows * b_rows * k * steps : 2.0 * 16 * 8 * k * tiles * (warp_threads / 32);
}

}  // namespace ridge::cuda
