// The levels nearer than L2: what a multiprocessor reads from its registers, its shared memory and its L1.

#include "calibrate/cuda/kernels.h"

namespace ridge::cuda {
namespace {

constexpr int threads = 1024;

__device__ std::uint32_t sum(uint4 x) { return x.x + x.y + x.z + x.w; }

__device__ std::uint32_t load_sum(const uint4* p) {
  uint4 x;
  asm volatile("ld.global.ca.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
               : "l"(p));
  return sum(x);
}

/// All threads' words, in thread 0.
__device__ void put_sum(std::uint32_t own, std::uint32_t* sums) {
  for (int offset = 16; offset > 0; offset /= 2) own += __shfl_xor_sync(~0u, own, offset);
  if (threadIdx.x % 32 == 0) atomicAdd(&sums[blockIdx.x], own);
}

template <NearLevel level>
__global__ __launch_bounds__(threads, 1) void read(const uint4* data, int packs, int passes,
                                                   std::uint32_t* sums) {
  extern __shared__ uint4 kept[];
  const uint4* own = data + static_cast<std::size_t>(blockIdx.x) * packs;
  if constexpr (level == NearLevel::shared) {
    for (int i = threadIdx.x; i < packs; i += threads) kept[i] = own[i];
    __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = 0;
  std::uint32_t total = 0;
  for (int p = 0; p < passes; ++p) {
#pragma unroll 4
    for (int i = threadIdx.x; i < packs; i += threads) {
      if constexpr (level == NearLevel::shared) {
        asm volatile("" ::: "memory");
        total += sum(kept[i]);
      } else {
        total += load_sum(own + i);
      }
    }
  }
  __syncthreads();
  put_sum(total, sums);
}

template <int registers>
__global__ __launch_bounds__(threads, 1) void turn(float step, int passes, float* out) {
  float x[registers];
#pragma unroll
  for (int i = 0; i < registers; ++i) x[i] = static_cast<float>(i + 1) / registers;
  for (int p = 0; p < passes; ++p)
#pragma unroll
    for (int i = 0; i < registers; ++i) x[i] = fmaf(step, x[(i + 1) % registers], x[i]);
  if (blockIdx.x == 0 && threadIdx.x == 0) {
#pragma unroll
    for (int i = 0; i < registers; ++i) out[i] = x[i];
    return;
  }
  float total = 0;
#pragma unroll
  for (int i = 0; i < registers; ++i) total += x[i];
  if (total == -1.0f) out[0] = total;  // never: keeps the work
}

template <NearLevel level>
bool launch(const std::uint32_t* data, std::size_t bytes, int passes, int blocks, std::uint32_t* sums,
            cudaStream_t s) {
  const int shared = level == NearLevel::shared ? static_cast<int>(bytes) : 0;
  cudaFuncSetAttribute(read<level>, cudaFuncAttributeMaxDynamicSharedMemorySize, shared);
  // L1 takes what shared memory leaves of the same array.
  cudaFuncSetAttribute(
      read<level>, cudaFuncAttributePreferredSharedMemoryCarveout,
      level == NearLevel::shared ? cudaSharedmemCarveoutMaxShared : cudaSharedmemCarveoutMaxL1);
  read<level><<<blocks, threads, shared, s>>>(reinterpret_cast<const uint4*>(data),
                                              static_cast<int>(bytes / 16), passes, sums);
  return true;
}

}  // namespace

bool launch_near_read(NearLevel level, const std::uint32_t* data, std::size_t bytes, int passes, int blocks,
                      std::uint32_t* sums, cudaStream_t s) {
  return level == NearLevel::shared ? launch<NearLevel::shared>(data, bytes, passes, blocks, sums, s)
                                    : launch<NearLevel::l1>(data, bytes, passes, blocks, sums, s);
}

void launch_register_read(int registers, float step, int passes, int blocks, float* out, cudaStream_t s) {
  switch (registers) {
    case 8: return turn<8><<<blocks, threads, 0, s>>>(step, passes, out);
    case 12: return turn<12><<<blocks, threads, 0, s>>>(step, passes, out);
    case 16: return turn<16><<<blocks, threads, 0, s>>>(step, passes, out);
    case 20: return turn<20><<<blocks, threads, 0, s>>>(step, passes, out);
    case 24: return turn<24><<<blocks, threads, 0, s>>>(step, passes, out);
    case 28: return turn<28><<<blocks, threads, 0, s>>>(step, passes, out);
    case 32: return turn<32><<<blocks, threads, 0, s>>>(step, passes, out);
    case 40: return turn<40><<<blocks, threads, 0, s>>>(step, passes, out);
    default: return turn<48><<<blocks, threads, 0, s>>>(step, passes, out);
  }
}

}  // namespace ridge::cuda
