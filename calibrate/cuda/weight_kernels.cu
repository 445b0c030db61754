// Products with weights stored in 8 or 4 bits: D[m, n] = X[m, k] · (scale · W[n, k])^T.  Weights go from memory to
// registers, become bf16 there, and are the left operand of mma.sync, so that few rows of X cost few columns of it.
// For many rows they are written out as bf16 once and multiplied by wgmma; a device without it has a kernel that
// widens them tile by tile.
// A lane takes 16 consecutive bytes of a row; which numbers of k that makes a fragment of does not matter, as long as
// the lane takes the same of X.
//   int8   a number a byte, one scale a row
//   int4   q - 8 with a scale for 128 numbers; numbers 2j and 2j + 1 of a word are its nibbles j and j + 4
// Source  Frantar et al. 2024, "MARLIN", arXiv:2408.11743 (weights through registers, interleaved nibbles).

#include "calibrate/cuda/kernels.h"
#include "calibrate/cuda/mma.cuh"
#include "calibrate/cuda/tensor_map.h"

namespace ridge::cuda {
namespace {

constexpr int threads = 256, warps = 8, most_few_rows = 96;

/// A chunk is what four lanes take of a row: 64 bytes.
template <int bits> struct Format {
  static constexpr int of_lane = 128 / bits, chunk = 4 * of_lane, steps = of_lane / 4;
};

struct Operands {
  const bf16* x;
  const std::uint8_t* w;
  const void* scales;  // int8: fp32 a row; int4: bf16 a row and 128 numbers
  bf16* d;
  int m, n, k;
  int splits;    // of k, over blocks
  float* parts;  // [blocks of D][splits][entries of a block]
};

/// Four numbers of a lane's 16 bytes, as two pairs of bf16; those of 4 bits scaled.
template <int bits> __device__ uint2 widen(const uint4& w, int step, __nv_bfloat162 scale) {
  const std::uint32_t words[4] = {w.x, w.y, w.z, w.w};
  if constexpr (bits == 8) {
    const std::uint32_t u = words[step] ^ 0x80808080u;
    float f[4];
#pragma unroll
    for (int i = 0; i < 4; ++i)
      f[i] = __uint_as_float(__byte_perm(u, 0x4B000000u, 0x7540 + i)) - 8388736.0f;  // 2^23 + 128
    return make_uint2(packed(f[0], f[1]), packed(f[2], f[3]));
  } else {
    const std::uint32_t u = words[step / 2] >> (step % 2 * 8);
    const auto pair = [&](std::uint32_t v) {
      v = (v & 0x000F000Fu) | 0x43004300u;  // 128 + q
      const __nv_bfloat162 q =
          __hsub2(reinterpret_cast<const __nv_bfloat162&>(v), __floats2bfloat162_rn(136.0f, 136.0f));
      const __nv_bfloat162 scaled = __hmul2(q, scale);
      return reinterpret_cast<const std::uint32_t&>(scaled);
    };
    return make_uint2(pair(u), pair(u >> 4));
  }
}

template <int bits> __device__ __nv_bfloat162 group_scale(const Operands& o, int row, int chunk) {
  if constexpr (bits == 8) return {};
  const bf16 s = static_cast<const bf16*>(o.scales)[static_cast<std::size_t>(row) * (o.k / 128) + chunk];
  return __bfloat162bfloat162(s);
}
template <int bits> __device__ float row_scale(const Operands& o, int row) {
  return bits == 8 ? static_cast<const float*>(o.scales)[row] : 1.0f;
}

/// What a lane holds of 32 rows of W for a chunk.
template <int bits> struct Weights {
  uint4 w[4];  // rows t / 4 + 8 i
  __nv_bfloat162 scale[4];
  __device__ void load(const Operands& o, int first_row, int chunk) {
    const int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = min(first_row + lane / 4 + 8 * i, o.n - 1);
      const std::size_t at = static_cast<std::size_t>(row) * (o.k * bits / 8) + chunk * 64 + lane % 4 * 16;
      w[i] = __ldg(reinterpret_cast<const uint4*>(o.w + at));
      scale[i] = group_scale<bits>(o, row, chunk);
    }
  }
  /// The left fragments of a step, for both sets of 16 rows.
  __device__ void fragments(std::uint32_t (&a)[2][4], int step) const {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const uint2 v = widen<bits>(w[i], step, scale[i]);
      a[i / 2][i % 2] = v.x;
      a[i / 2][i % 2 + 2] = v.y;
    }
  }
};

constexpr int most_counted = 1 << 14;
/// Blocks of D whose parts are written; the last of them to come sets it back.
__device__ unsigned arrived[most_counted];

/// True in the block that comes last of those that share an entry of `arrived`; then all their parts can be read.
__device__ bool is_last(int entry, int blocks) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    last = atomicAdd(&arrived[entry], 1) == static_cast<unsigned>(blocks - 1);
    if (last) arrived[entry] = 0;
  }
  __syncthreads();
  __threadfence();
  return last;
}

/// Few rows of X: a block has 32 rows of W and a part of k, its warps take chunks in turn and join their sums; the
/// last of the blocks that divide k joins theirs.
template <int bits, int tiles> __global__ __launch_bounds__(threads) void few(Operands o) {
  using F = Format<bits>;
  __shared__ float parts[warps][32][tiles * 8 + 1];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, first = blockIdx.x * 32,
            m0 = blockIdx.y * tiles * 8;
  float sum[2][tiles][4] = {};
  const int all_chunks = o.k / F::chunk, split = blockIdx.z;
  const int begin = all_chunks * split / o.splits, chunks = all_chunks * (split + 1) / o.splits;
  Weights<bits> now, next;
  if (begin + warp < chunks) now.load(o, first, begin + warp);
  for (int c = begin + warp; c < chunks; c += warps) {
    if (c + warps < chunks) next.load(o, first, c + warps);
#pragma unroll
    for (int pair = 0; pair < F::steps / 2; ++pair) {
      uint4 x[tiles];
#pragma unroll
      for (int t = 0; t < tiles; ++t) {
        const int row = m0 + t * 8 + lane / 4;
        const bf16* from =
            o.x + static_cast<std::size_t>(row) * o.k + c * F::chunk + lane % 4 * F::of_lane + pair * 8;
        x[t] = row < o.m ? *reinterpret_cast<const uint4*>(from) : make_uint4(0, 0, 0, 0);
      }
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        std::uint32_t a[2][4];
        now.fragments(a, pair * 2 + half);
#pragma unroll
        for (int t = 0; t < tiles; ++t)
#pragma unroll
          for (int r = 0; r < 2; ++r)
            multiply(sum[r][t], a[r], half ? x[t].z : x[t].x, half ? x[t].w : x[t].y);
      }
    }
    now = next;
  }
#pragma unroll
  for (int r = 0; r < 2; ++r)
#pragma unroll
    for (int t = 0; t < tiles; ++t)
#pragma unroll
      for (int i = 0; i < 4; ++i)
        parts[warp][r * 16 + lane / 4 + i / 2 * 8][t * 8 + lane % 4 * 2 + i % 2] = sum[r][t][i];
  __syncthreads();
  constexpr int entries = 32 * tiles * 8;
  const int block = blockIdx.y * gridDim.x + blockIdx.x;
  float* own = o.parts + static_cast<std::size_t>(block) * o.splits * entries;
  const auto write = [&](int i, float all) {
    const int row = i % 32, column = i / 32;
    if (first + row < o.n && m0 + column < o.m)
      o.d[static_cast<std::size_t>(m0 + column) * o.n + first + row] =
          __float2bfloat16(all * row_scale<bits>(o, first + row));
  };
  for (int i = threadIdx.x; i < entries; i += threads) {
    float all = 0;
    for (int w = 0; w < warps; ++w) all += parts[w][i % 32][i / 32];
    if (o.splits == 1) write(i, all);
    else own[split * entries + i] = all;
  }
  if (o.splits == 1 || !is_last(block, o.splits)) return;
  for (int i = threadIdx.x; i < entries; i += threads) {
    float all = 0;
    for (int s = 0; s < o.splits; ++s) all += __ldcg(&own[s * entries + i]);
    write(i, all);
  }
}

/// How many blocks share a block of D: as many as end soonest.  In steps of a warp: a block costs three besides its
/// own, joining two.
int splits_of(std::int64_t blocks, std::int64_t chunks, std::int64_t at_once) {
  const auto over = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
  int best = 1;
  std::int64_t least = -1;
  for (std::int64_t splits = 1; splits <= 16 && splits * warps <= chunks; ++splits) {
    const std::int64_t steps = over(over(chunks, splits), warps) + 3;
    const std::int64_t cost = over(blocks * splits, at_once) * steps + (splits > 1 ? 2 : 0);
    if (least < 0 || cost < least) least = cost, best = static_cast<int>(splits);
  }
  return best;
}

template <int bits, int tiles> void launch_few(const WeightProduct& p, Operands o, cudaStream_t s) {
  static const int resident = [] {
    int blocks = 1;
    cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, few<bits, tiles>, threads, 0);
    return blocks < 1 ? 1 : blocks;
  }();
  const dim3 grid(static_cast<unsigned>((o.n + 31) / 32),
                  static_cast<unsigned>((o.m + tiles * 8 - 1) / (tiles * 8)));
  const std::int64_t blocks = static_cast<std::int64_t>(grid.x) * grid.y;
  o.splits =
      splits_of(blocks, o.k / Format<bits>::chunk, static_cast<std::int64_t>(resident) * p.multiprocessors);
  const std::int64_t room = static_cast<std::int64_t>(o.n) * o.k * 2;
  if (!p.expanded || blocks > most_counted || blocks * o.splits * 32 * tiles * 8 * 4 > room) o.splits = 1;
  o.parts = static_cast<float*>(p.expanded);
  few<bits, tiles><<<dim3(grid.x, grid.y, static_cast<unsigned>(o.splits)), threads, 0, s>>>(o);
}

/// Many rows of X: 128 of them and 128 rows of W a block; X through shared memory, 16-byte pieces in an order that keeps
/// a lane's neighbours together.
template <int bits> struct Tile {
  using F = Format<bits>;
  static constexpr int pieces = F::chunk / 8, step = F::chunk * 2 + 64, bytes = 128 * step;
  static __device__ int place(int piece) { return piece % (pieces / 4) * 4 + piece / (pieces / 4); }

  static __device__ void load(unsigned char* to, const Operands& o, int m0, int chunk) {
#pragma unroll
    for (int i = threadIdx.x; i < 128 * pieces; i += threads) {
      const int row = i / pieces, piece = i % pieces;
      const bool exists = m0 + row < o.m;
      copy_async(to + row * step + place(piece) * 16,
                 o.x + static_cast<std::size_t>(exists ? m0 + row : 0) * o.k + chunk * F::chunk + piece * 8,
                 exists);
    }
    commit_copies();
  }
};

template <int bits> __global__ __launch_bounds__(threads, 1) void many(Operands o) {
  using F = Format<bits>;
  using T = Tile<bits>;
  extern __shared__ __align__(128) unsigned char shared[];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int first = blockIdx.y * 128 + warp / 2 * 32, m0 = blockIdx.x * 128, mine = warp % 2 * 64;
  float sum[2][8][4] = {};
  const int chunks = o.k / F::chunk;
  Weights<bits> now, next;
  T::load(shared, o, m0, 0);
  now.load(o, first, 0);
  for (int c = 0; c < chunks; ++c) {
    if (c + 1 < chunks) {
      T::load(shared + (c + 1) % 2 * T::bytes, o, m0, c + 1);
      next.load(o, first, c + 1);
      wait_copies<1>();
    } else {
      wait_copies<0>();
    }
    __syncthreads();
    const unsigned char* x = shared + c % 2 * T::bytes + (mine + lane / 4) * T::step + lane % 4 * 16;
#pragma unroll
    for (int pair = 0; pair < F::steps / 2; ++pair) {
      uint4 b[8];
#pragma unroll
      for (int t = 0; t < 8; ++t) b[t] = *reinterpret_cast<const uint4*>(x + t * 8 * T::step + pair * 64);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        std::uint32_t a[2][4];
        now.fragments(a, pair * 2 + half);
#pragma unroll
        for (int t = 0; t < 8; ++t)
#pragma unroll
          for (int r = 0; r < 2; ++r)
            multiply(sum[r][t], a[r], half ? b[t].z : b[t].x, half ? b[t].w : b[t].y);
      }
    }
    __syncthreads();
    now = next;
  }
#pragma unroll
  for (int r = 0; r < 2; ++r)
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int row = first + r * 16 + lane / 4 + i / 2 * 8;
      if (row >= o.n) continue;
      const float scale = row_scale<bits>(o, row);
#pragma unroll
      for (int t = 0; t < 8; ++t) {
        const int column = m0 + mine + t * 8 + lane % 4 * 2 + i % 2;
        if (column < o.m)
          o.d[static_cast<std::size_t>(column) * o.n + row] = __float2bfloat16(sum[r][t][i] * scale);
      }
    }
}

/// W as bf16 in memory; a thread 16 bytes at a time.
template <int bits> __global__ void expand(Operands o, uint4* out, std::size_t pieces) {
  using F = Format<bits>;
  const int of_row = o.k / F::of_lane;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * threads + threadIdx.x; i < pieces;
       i += static_cast<std::size_t>(gridDim.x) * threads) {
    const int row = static_cast<int>(i / of_row), piece = static_cast<int>(i % of_row);
    const uint4 w = reinterpret_cast<const uint4*>(o.w)[i];
    __nv_bfloat162 scale = group_scale<bits>(o, row, piece / 4);
    if constexpr (bits == 8) scale = __float2bfloat162_rn(row_scale<bits>(o, row));
    const auto times_scale = [&](std::uint32_t& x) {
      auto& pair = reinterpret_cast<__nv_bfloat162&>(x);
      pair = __hmul2(pair, scale);
    };
    const auto scaled = [&](int step) {
      uint2 v = widen<bits>(w, step, scale);
      if (bits == 8) times_scale(v.x), times_scale(v.y);
      return v;
    };
#pragma unroll
    for (int step = 0; step < F::steps; step += 2) {
      const uint2 low = scaled(step), high = scaled(step + 1);
      out[(i * F::steps + step) / 2] = make_uint4(low.x, low.y, high.x, high.y);
    }
  }
}

template <int bits> void launch_expand(const WeightProduct& p, const Operands& o, cudaStream_t s) {
  const std::size_t pieces = static_cast<std::size_t>(p.n) * p.k / Format<bits>::of_lane;
  expand<bits><<<p.multiprocessors * 8, threads, 0, s>>>(o, static_cast<uint4*>(p.expanded), pieces);
}

template <int bits> bool expand_and_multiply(const WeightProduct& p, const Operands& o, cudaStream_t s) {
  if (!p.expanded || !is_hopper() || p.n % 8 != 0) return false;
  launch_expand<bits>(p, o, s);
  return launch_product(p.x, p.expanded, p.d, p.m, p.n, p.k, p.multiprocessors, s);
}

template <int bits> void launch(const WeightProduct& p, const Operands& o, cudaStream_t s) {
  const auto blocks = [](int size, int tile) { return static_cast<unsigned>((size + tile - 1) / tile); };
  if (o.m <= 8) return launch_few<bits, 1>(p, o, s);
  if (o.m <= 16) return launch_few<bits, 2>(p, o, s);
  if (o.m <= most_few_rows) return launch_few<bits, 4>(p, o, s);
  if (expand_and_multiply<bits>(p, o, s)) return;
  constexpr int bytes = 2 * Tile<bits>::bytes;
  cudaFuncSetAttribute(many<bits>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  many<bits><<<dim3(blocks(o.m, 128), blocks(o.n, 128)), threads, bytes, s>>>(o);
}

template <int bits>
__global__ void reference(Operands o, const std::int64_t* rows, const std::int64_t* cols, double* out) {
  __shared__ double partial[threads];
  const std::int64_t m = rows[blockIdx.x], n = cols[blockIdx.x];
  double sum = 0;
  for (int i = threadIdx.x; i < o.k; i += threads) {
    double w;
    if constexpr (bits == 8) {
      w = static_cast<double>(reinterpret_cast<const std::int8_t*>(o.w)[n * o.k + i]) *
          static_cast<double>(static_cast<const float*>(o.scales)[n]);
    } else {
      const std::uint32_t word = reinterpret_cast<const std::uint32_t*>(o.w)[(n * o.k + i) / 8];
      const int nibble = i % 8 / 2 + i % 2 * 4;
      w = (static_cast<double>(word >> (4 * nibble) & 15u) - 8) *
          static_cast<double>(
              __bfloat162float(static_cast<const bf16*>(o.scales)[n * (o.k / 128) + i / 128]));
    }
    sum += w * static_cast<double>(__bfloat162float(o.x[m * o.k + i]));
  }
  partial[threadIdx.x] = sum;
  for (int half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
  }
  if (threadIdx.x == 0) out[blockIdx.x] = partial[0];
}

Operands operands(const WeightProduct& p) {
  return {static_cast<const bf16*>(p.x),
          static_cast<const std::uint8_t*>(p.w),
          p.scales,
          static_cast<bf16*>(p.d),
          static_cast<int>(p.m),
          static_cast<int>(p.n),
          static_cast<int>(p.k),
          1,
          nullptr};
}

}  // namespace

bool launch_weight_product(const WeightProduct& p, cudaStream_t s) {
  if (p.k % 128 != 0 || (p.bits != 8 && p.bits != 4)) return false;
  if (p.bits == 8) launch<8>(p, operands(p), s);
  else launch<4>(p, operands(p), s);
  return true;
}

bool launch_weight_expansion(const WeightProduct& p, cudaStream_t s) {
  if (p.m <= most_few_rows || !p.expanded || p.k % 128 != 0 || (p.bits != 8 && p.bits != 4)) return false;
  if (p.bits == 8) launch_expand<8>(p, operands(p), s);
  else launch_expand<4>(p, operands(p), s);
  return true;
}

ProductTile weight_tile(std::int64_t rows) {
  if (rows <= 8) return {8, 32};
  if (rows <= 16) return {16, 32};
  if (rows <= most_few_rows) return {32, 32};
  return is_hopper() ? ProductTile{128, 256} : ProductTile{128, 128};
}

void launch_weight_reference(const WeightProduct& p, const std::int64_t* rows, const std::int64_t* cols,
                             int samples, double* out, cudaStream_t s) {
  if (p.bits == 8) reference<8><<<samples, threads, 0, s>>>(operands(p), rows, cols, out);
  else reference<4><<<samples, threads, 0, s>>>(operands(p), rows, cols, out);
}

}  // namespace ridge::cuda
