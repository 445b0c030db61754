#include "calibrate/cuda/peer_reduce.h"

#include <cuda_bf16.h>

namespace ridge::cuda {
namespace {

constexpr int threads = 256, most_blocks = 128;
constexpr int block_chunks = 1024;  // 16-byte chunks of a message that one block sends in a round, at most
static_assert(std::size_t{most_blocks} * block_chunks * 16 >= most_one_shot_bytes);
constexpr unsigned patience = 1u << 24;  // polls; several seconds
constexpr int flag_stride = 2 * most_peers;

/// Two 8-byte words, each of data and round.
struct Words {
  std::uint64_t a, b;
};

__device__ void send(Words* to, Words w) {
  asm volatile("st.relaxed.sys.global.v2.b64 [%0], {%1, %2};" ::"l"(to), "l"(w.a), "l"(w.b) : "memory");
}
__device__ Words receive(const Words* from) {
  Words w;
  asm volatile("ld.relaxed.sys.global.v2.b64 {%0, %1}, [%2];" : "=l"(w.a), "=l"(w.b) : "l"(from) : "memory");
  return w;
}
__device__ Words pack(std::uint32_t x, std::uint32_t y, std::uint32_t round) {
  const std::uint64_t mark = static_cast<std::uint64_t>(round) << 32;
  return {mark | x, mark | y};
}
__device__ bool is_of(Words w, std::uint32_t round) {
  return static_cast<std::uint32_t>(w.a >> 32) == round && static_cast<std::uint32_t>(w.b >> 32) == round;
}

__device__ void release(std::uint32_t* flag, std::uint32_t value) {
  asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(flag), "r"(value) : "memory");
}
__device__ std::uint32_t acquire(const std::uint32_t* flag) {
  std::uint32_t v;
  asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(v) : "l"(flag) : "memory");
  return v;
}
__device__ uint4 load_peer(const uint4* from) {
  uint4 v;
  asm volatile("ld.relaxed.sys.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(from)
               : "memory");
  return v;
}

__device__ void add(float (&sum)[8], uint4 v) {
  const std::uint32_t parts[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    sum[2 * i] += __uint_as_float(parts[i] << 16);
    sum[2 * i + 1] += __uint_as_float(parts[i] & 0xFFFF0000u);
  }
}
__device__ uint4 rounded(const float (&sum)[8]) {
  std::uint32_t parts[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const __nv_bfloat162 p = __floats2bfloat162_rn(sum[2 * i], sum[2 * i + 1]);
    parts[i] = reinterpret_cast<const std::uint32_t&>(p);
  }
  return {parts[0], parts[1], parts[2], parts[3]};
}

/// Where `source`'s chunk lies in a staging area: slots, then sources, then blocks, then chunks of two Words.
__device__ Words* place(std::uint64_t* staging, int ranks, std::uint32_t round, int source, int local) {
  const std::size_t region =
      (static_cast<std::size_t>(round & 1) * ranks + source) * most_blocks + blockIdx.x;
  return reinterpret_cast<Words*>(staging) + (region * block_chunks + local) * 2;
}

template <int ranks_> __device__ uint4 await(const PeerView& v, std::uint32_t round, int source, int local) {
  const Words* from = place(v.staging[v.rank], ranks_, round, source, local);
  Words a = receive(from), b = receive(from + 1);
  for (unsigned polls = 0; !is_of(a, round) || !is_of(b, round); ++polls) {
    if (polls == patience) {
      v.state[most_blocks] = 1;
      break;
    }
    a = receive(from), b = receive(from + 1);
  }
  return {static_cast<std::uint32_t>(a.a), static_cast<std::uint32_t>(a.b), static_cast<std::uint32_t>(b.a),
          static_cast<std::uint32_t>(b.b)};
}

/// One instance a number of devices, so that its loops unroll.
template <int ranks_> __global__ __launch_bounds__(threads) void one_shot(PeerView v, int chunks) {
  const std::uint32_t round = v.state[blockIdx.x] + 1;
  const uint4* in = static_cast<const uint4*>(v.in[v.rank]);
  uint4* out = static_cast<uint4*>(v.out[v.rank]);
  const int step = gridDim.x * threads, first = blockIdx.x * threads + threadIdx.x;
  int local = threadIdx.x;
  for (int i = first; i < chunks; i += step, local += threads) {
    const uint4 mine = in[i];
    const Words a = pack(mine.x, mine.y, round), b = pack(mine.z, mine.w, round);
#pragma unroll
    for (int p = 1; p < ranks_; ++p) {
      const int peer = v.rank + p < ranks_ ? v.rank + p : v.rank + p - ranks_;
      Words* to = place(v.staging[peer], ranks_, round, v.rank, local);
      send(to, a);
      send(to + 1, b);
    }
  }
  local = threadIdx.x;
  for (int i = first; i < chunks; i += step, local += threads) {
    float sum[8] = {};
#pragma unroll
    for (int source = 0; source < ranks_; ++source)
      add(sum, source == v.rank ? in[i] : await<ranks_>(v, round, source, local));
    out[i] = rounded(sum);
  }
  __syncthreads();
  if (threadIdx.x == 0) v.state[blockIdx.x] = round;
}

/// Meets the same block of every other device: what each wrote before, all see behind it.
__device__ void meet(const PeerView& v, std::uint32_t round) {
  __syncthreads();
  const int peer = threadIdx.x;
  if (peer < v.ranks && peer != v.rank) {
    const int block = blockIdx.x * flag_stride;
    release(v.flags[peer] + block + v.rank, round);
    const std::uint32_t* mine = v.flags[v.rank] + block + peer;
    // A faster peer may be a meeting ahead.
    for (unsigned polls = 0; static_cast<int>(acquire(mine) - round) < 0; ++polls)
      if (polls == patience) {
        v.state[most_blocks] = 1;
        break;
      }
  }
  __syncthreads();
}

__global__ __launch_bounds__(threads) void two_shot(PeerView v, int chunks) {
  std::uint32_t* rounds = v.state + most_blocks + 1;
  const std::uint32_t round = rounds[blockIdx.x] + 1;
  const int share = chunks / v.ranks, begin = share * v.rank;
  meet(v, round);
  for (int i = begin + blockIdx.x * threads + threadIdx.x; i < begin + share; i += gridDim.x * threads) {
    uint4 parts[most_peers];
#pragma unroll
    for (int r = 0; r < most_peers; ++r)
      if (r < v.ranks) parts[r] = load_peer(static_cast<const uint4*>(v.in[r]) + i);
    float sum[8] = {};
#pragma unroll
    for (int r = 0; r < most_peers; ++r)
      if (r < v.ranks) add(sum, parts[r]);
    const uint4 result = rounded(sum);
#pragma unroll
    for (int r = 0; r < most_peers; ++r)
      if (r < v.ranks) static_cast<uint4*>(v.out[r])[i] = result;
  }
  meet(v, round + 1);
  if (threadIdx.x == 0) rounds[blockIdx.x] = round + 1;
}

int blocks_for(std::size_t chunks) {
  const std::size_t wanted = (chunks + threads - 1) / threads;
  return static_cast<int>(wanted < 1 ? 1 : wanted > most_blocks ? most_blocks : wanted);
}

}  // namespace

std::size_t peer_staging_bytes(int ranks) {
  return 2 * static_cast<std::size_t>(ranks) * most_blocks * block_chunks * 2 * sizeof(Words);
}
std::size_t peer_flag_bytes() { return std::size_t{most_blocks} * flag_stride * sizeof(std::uint32_t); }
std::size_t peer_state_bytes() { return (2 * std::size_t{most_blocks} + 1) * sizeof(std::uint32_t); }
std::size_t peer_failure_offset() { return std::size_t{most_blocks} * sizeof(std::uint32_t); }

cudaError_t prepare_peer_kernels() {
  cudaFuncAttributes a;
  const void* kernels[] = {
      reinterpret_cast<const void*>(one_shot<2>), reinterpret_cast<const void*>(one_shot<3>),
      reinterpret_cast<const void*>(one_shot<4>), reinterpret_cast<const void*>(one_shot<5>),
      reinterpret_cast<const void*>(one_shot<6>), reinterpret_cast<const void*>(one_shot<7>),
      reinterpret_cast<const void*>(one_shot<8>), reinterpret_cast<const void*>(two_shot)};
  for (const void* kernel : kernels)
    if (const cudaError_t e = cudaFuncGetAttributes(&a, kernel); e != cudaSuccess) return e;
  return cudaSuccess;
}

void launch_peer_one_shot(const PeerView& v, std::size_t bytes, cudaStream_t stream) {
  const std::size_t chunks = bytes / 16;
  const int blocks = blocks_for(chunks), n = static_cast<int>(chunks);
  switch (v.ranks) {
    case 2: one_shot<2><<<blocks, threads, 0, stream>>>(v, n); break;
    case 3: one_shot<3><<<blocks, threads, 0, stream>>>(v, n); break;
    case 4: one_shot<4><<<blocks, threads, 0, stream>>>(v, n); break;
    case 5: one_shot<5><<<blocks, threads, 0, stream>>>(v, n); break;
    case 6: one_shot<6><<<blocks, threads, 0, stream>>>(v, n); break;
    case 7: one_shot<7><<<blocks, threads, 0, stream>>>(v, n); break;
    case 8: one_shot<8><<<blocks, threads, 0, stream>>>(v, n); break;
    default: break;
  }
}

void launch_peer_two_shot(const PeerView& v, std::size_t bytes, cudaStream_t stream) {
  const std::size_t chunks = bytes / 16, share = chunks / static_cast<std::size_t>(v.ranks);
  two_shot<<<blocks_for(share), threads, 0, stream>>>(v, static_cast<int>(chunks));
}

}  // namespace ridge::cuda
