#pragma once
/// What a device itself tells about a kernel that was timed, and how that compares with what we say of it.
///
/// Timing (measurement.h) sees a kernel from outside.  Two more looks at the same points, each in a pass of
/// its own behind all timing, because both disturb it:
///
///   trace     the kernels' names and their start and end by the device's clock
///   counters  FLOPs of matrix and ordinary units, bytes of memory and L2, share of cycles with a matrix
///             unit at work
///
/// FLOPs  A kernel computes whole tiles, so what is counted is set against the padded sizes:
///
///   product   2 · ceil(m/r)r · ceil(n/c)c · k              r rows, c columns of a tile, or of a cluster of tiles
///   prefill   4 · batch · heads · head_dim · sum over query tiles of r · ceil(seen/c)c
///   decode    4 · batch · kv_heads · head_dim · ceil(group/r)r · ceil(keys/c)c     group = heads / kv_heads
///   latent    2 · batch · ceil(heads/r)r · ceil(keys/c)c · (head_dim + latent_dim)
///   backward  10 · batch · heads · head_dim · sum over key tiles of c · r · (query tiles from one before the diagonal)
///
///   seen      keys that the last query of a tile may see: all, or (causal) up to its own
/// Bytes  by definition, as in law.h: each operand read once, each result written once.  A large product reads
///        more, because its operands do not stay in the cache (product_traffic below).  Bytes can be compared
///        where the data exceed the L2 cache.

#include "calibrate/fit/law.h"

#include <span>

namespace ridge {

/// Sizes that a kernel pads to: m and n of a product, queries and keys of a prefill, query heads of a KV
/// head and keys of a decode.
struct Tile {
  double rows = 1, columns = 1;
  double cluster_rows = 1, cluster_columns = 1;  ///< tiles that are computed together, needed or not
  bool is_grouped_by_columns = false;            ///< neighbouring tiles in time are neighbours in n
};

/// What decides how often a product reads its operands.
struct Chip {
  Bytes l2;
  double multiprocessors = 1;
};

struct Observation {
  Measurement what;                  ///< family, variant, sizes, library; not timed again
  std::vector<std::string> kernels;  ///< of one repetition, the longest first
  Tile tile;
  Seconds event_time;   ///< of the timing pass
  Seconds traced_time;  ///< sum over the kernels of end - start; zero: not traced
  std::map<std::string, double, std::less<>> counted;  ///< by the names below; empty: not counted
};

// Names of counted quantities.
inline constexpr const char *counted_tensor_flops = "tensor_flops", *counted_fma_flops = "fma_flops",
                            *counted_read = "memory_bytes_read", *counted_written = "memory_bytes_written",
                            *counted_l2 = "l2_bytes", *counted_tensor_active = "tensor_active";

/// FLOPs with whole tiles; work_of(m)->flops for a tile of one by one.  Zero for families without FLOPs.
Flop executed_flops(const Measurement&, const Tile&);

/// The tile that the name of a library's product kernel tells: "nvjet_hsh_128x256_64x4_1x2_h_..." computes 128
/// columns by 256 rows (the library sees the transposed product) in clusters of 1 by 2 tiles, its neighbours
/// in time along the rows ("h"; "v": along the columns); one by one when it tells none.
Tile tile_of_name(std::string_view kernel);

/// The tile that the name of a library's attention kernel tells, of which it counts one warpgroup's part: cuDNN's
/// "..._sdpa_sm90_flash_fprop_..._64x128x128_..." has 128 queries by 128 keys, "..._bprop_..._64x64x128_..." 64
/// queries by 128 keys (counted on H200: exactly these); one by one when it tells none.
Tile attention_tile_of_name(std::string_view kernel);

/// Bytes of memory that a product of tiles moves, the operand along whose tiles it is grouped called G, the
/// other O:
///
///   G · p + O · ceil(T_g / w) + result
///
///   S    tiles at work at once: one a multiprocessor    T_g, T_o  tiles along the grouped dimension and the other
///   w    tiles along the grouped dimension that share a pass over O: max(8, S / T_o, K / g), K a sixth of the
///        L2 cache, g bytes of G that one tile needs
///   p    passes over G: 1 when the part of G that w tiles need fits K, else max(1, T_o / (S / min(8, T_g)))
///
/// Assumes  groups of eight tiles, as CUTLASS swizzles them, or as many as the cache keeps; a sixth of it, because
///          its two halves keep copies and results pass through it.
/// Check    against cuBLASLt on H200: 16384 x 512 x 4096 in fp16 reads 143 MB (counted 143), 8192^3 in bf16
///          1 280 MB (counted 1 265), in fp8 537 MB (counted 527); 192 x 192 tiles at 16384^3 read twice what
///          this says, for tiles of one wave drift apart.
Bytes product_traffic(const Measurement&, const Tile&, const Chip&);

/// One line of the profile's table: analysed against counted.
struct CountedKernel {
  std::string family, variant, sizes, kernel;
  Tile tile;
  Flop needed, executed, counted_flops;  ///< by definition; with whole tiles; counted
  double flop_ratio = 0;                 ///< counted / executed; 0: nothing to compare
  Flop fma_flops;                        ///< of the ordinary units
  Bytes memory, moved, counted_memory;   ///< by definition; as analysed; counted
  double memory_ratio = 0;               ///< counted / analysed
  bool is_past_l2 = false;               ///< its data exceed the cache twice
  Bytes l2;
  double tensor_active = 0;  ///< share of cycles, 0 to 1
};
std::vector<CountedKernel> counted_kernels(std::span<const Observation>, const Chip&);

/// How far off the analysis is: |ratio - 1|.
struct CountedFamily {
  std::string family, variant;
  std::int64_t flop_kernels = 0, memory_kernels = 0;
  double flop_error = 0;    ///< largest; of kernels with FLOPs
  double memory_error = 0;  ///< median; of kernels whose data exceed the cache twice
};
std::vector<CountedFamily> counted_families(std::span<const CountedKernel>);

/// Events against the trace for one family and variant.
struct TracedFamily {
  std::string family, variant;
  std::int64_t points = 0;
  Seconds gap;                       ///< median of event time - traced time: what lies between kernels
  double difference = 0, p90 = 0;    ///< of |event / traced - 1|: median, 90th percentile
  std::vector<std::string> kernels;  ///< the most frequent, at most four
};
std::vector<TracedFamily> traced_families(std::span<const Observation>);

}  // namespace ridge
