#include "calibrate/cuda/kernels.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

namespace ridge::cuda {
namespace {

__device__ std::int64_t nanoseconds() {
  std::int64_t t;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t));
  return t;
}

__global__ void hold(const volatile int* flag) {
  const std::int64_t start = nanoseconds();
  while (*flag == 0 && nanoseconds() - start < 2000000000) __nanosleep(200);
}

__global__ void read_clock(std::int64_t* out) {
  const std::int64_t t0 = nanoseconds(), c0 = clock64();
  std::int64_t t1 = t0;
  while (t1 - t0 < 50000) t1 = nanoseconds();
  const std::int64_t c1 = clock64();
  out[0] = c1 - c0;
  out[1] = t1 - t0;
}

__global__ void nothing() {}

/// A hash of the index: neighbours are unrelated, and no state is kept.
__device__ float uniform(std::uint64_t i, std::uint32_t seed) {
  std::uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u + seed * 0xd1342543de82ef95u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  return static_cast<float>(static_cast<std::uint32_t>(x >> 40)) * (2.0f / 16777216.0f) - 1.0f;
}

template <class T> __device__ T narrowed(float x) { return T(x); }
template <> __device__ __nv_bfloat16 narrowed(float x) { return __float2bfloat16(x); }
template <> __device__ __half narrowed(float x) { return __float2half(x); }
template <> __device__ std::int8_t narrowed(float x) { return static_cast<std::int8_t>(x * 128); }

template <class T> __global__ void fill(T* out, std::size_t n, std::uint32_t seed) {
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step)
    out[i] = narrowed<T>(uniform(i, seed));
}

}  // namespace

void launch_hold(const volatile int* flag, cudaStream_t s) { hold<<<1, 1, 0, s>>>(flag); }
void launch_clock(std::int64_t* clock, cudaStream_t s) { read_clock<<<1, 1, 0, s>>>(clock); }
void launch_empty(cudaStream_t s) { nothing<<<1, 1, 0, s>>>(); }

void launch_fill(void* out, std::size_t n, Fill type, std::uint32_t seed, cudaStream_t s) {
  constexpr int blocks = 2048, threads = 256;
  switch (type) {
    case Fill::bf16: fill<<<blocks, threads, 0, s>>>(static_cast<__nv_bfloat16*>(out), n, seed); break;
    case Fill::fp16: fill<<<blocks, threads, 0, s>>>(static_cast<__half*>(out), n, seed); break;
    case Fill::fp32: fill<<<blocks, threads, 0, s>>>(static_cast<float*>(out), n, seed); break;
    case Fill::fp8: fill<<<blocks, threads, 0, s>>>(static_cast<__nv_fp8_e4m3*>(out), n, seed); break;
    case Fill::int8: fill<<<blocks, threads, 0, s>>>(static_cast<std::int8_t*>(out), n, seed); break;
  }
}

}  // namespace ridge::cuda
