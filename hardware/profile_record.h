#pragma once
/// A calibrated profile as its file has it: laws, residual tables and curves that ridge-calibrate fitted to
/// one machine, their errors, and where it all comes from.
///
///   calibration: 2                      version of this format
///   device: NVIDIA H200                 that was measured
///   base: hgx-h200                      preset it was fitted against
///   facts: {driver: 580.159.04, ...}    driver, libraries, clocks, date
///   kernels: [{family: gemm, variant: bf16, fixed_time: 3.41 us, flop_fraction: 0.76, ...,
///              residual: {axes: [...], values: [...]}, hold_out: {...}, intervals: [...]}]
///   curves:  [{family: all_reduce, variant: "4 devices, bf16, graph", sizes_in_bytes: ..., ...}]
///   traces:   [{family: gemm, variant: bf16, points: 460, gap: 0.9 us, kernels: [...]}]
///   counters: [{family: gemm, kernel: "nvjet_...", executed: 1.1 TFLOP, counted_flops: ..., flop_ratio: 1}]
///   ranks, tiers, suspect_links, failed_ranks, choices      of a cluster (calibrate/fit/cluster.h)
///   skipped: ["NVLink multicast: ..."]
///   digest: 8c1f0a35d2e94b17            of everything above, to notice edits
///
/// Errors  a cut file, a digest that does not fit, another version, impossible values: refused at the line.
/// Not here  which figure of the hardware each model becomes (profile.h), how it was fitted (calibrate/).

#include "hardware/numbers.h"
#include "hardware/residual_table.h"
#include "hardware/time_curve.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ridge {

inline constexpr std::int64_t profile_version = 2;

struct WorstRecord {
  std::string point;
  double error = 0;
};
struct ErrorRecord {
  std::int64_t points = 0;
  double mean = 0, median = 0, p90 = 0, max = 0, bias = 0, coverage = 0;
  std::vector<WorstRecord> worst;
};
struct IntervalRecord {
  std::string regime, pool;
  std::int64_t points = 0;
  double fraction = 0;
};
/// Measured points in short, to plot: role 0 fitted, 1 set the interval, 2 judged.
struct SamplesRecord {
  Numbers sizes_in_bytes, measured_in_seconds, predicted_in_seconds, roles;
};
struct KernelRecord {
  std::string family, variant, library;
  Seconds fixed_time, per_unit;
  double flop_fraction = 1, bandwidth_fraction = 1, exponent = 1;
  FlopPerSecond peak;
  BytesPerSecond bandwidth;
  Numbers
      schedule;  ///< rows, columns, blocks at once, overhead: the law's FLOPs are those of whole tiles in turns
  ResidualTable residual;
  std::int64_t fitted_points = 0, interval_points = 0;
  ErrorRecord fitted, hold_out;
  std::vector<IntervalRecord> intervals;
  std::vector<std::string> objections;  ///< empty: accepted
  std::optional<SamplesRecord> samples;
};
struct CurveRecord {
  std::string family, variant, library;
  Numbers sizes_in_bytes, times_in_seconds;
  std::int64_t fitted_points = 0, interval_points = 0;
  ErrorRecord hold_out;
  std::vector<IntervalRecord> intervals;
  std::vector<std::string> objections;
  std::optional<SamplesRecord> samples;
};
struct FigureRecord {
  std::string family, variant;
  Seconds time;
};
struct TraceRecord {
  std::string family, variant;
  std::int64_t points = 0;
  Seconds gap;
  double difference = 0, p90 = 0;
  std::vector<std::string> kernels;
};
struct CounterRecord {
  std::string family, variant, sizes, kernel;
  Numbers tile;
  Flop needed, executed, counted_flops;
  double flop_ratio = 0;
  Flop fma_flops;
  Bytes memory, moved, counted_memory;
  double memory_ratio = 0;
  bool is_past_l2 = false;
  Bytes l2;
  double tensor_active = 0;
};
/// Of a cluster: how fast a rank is against an ordinary one, what a tier of links carries between two ranks,
/// and which algorithm of a collective is fastest from which size on.
struct RankRecord {
  std::int64_t rank = 0;
  std::string node;
  double speed = 1;
  bool is_straggler = false;
};
struct TierRecord {
  std::string name;  ///< node | network
  std::int64_t pairs = 0;
  Seconds latency;
  BytesPerSecond bandwidth;  ///< one direction
  double latency_spread = 0, bandwidth_spread = 0;
};
struct ChoiceRecord {
  std::string family, group;
  Numbers from_bytes;
  std::vector<std::string> algorithms;
};
struct ProfileRecord {
  std::int64_t calibration = profile_version;
  std::string device, base, kind = "measured", source;
  std::map<std::string, std::string> facts;
  std::vector<KernelRecord> kernels;
  std::vector<CurveRecord> curves;
  std::vector<FigureRecord> figures;
  std::vector<TraceRecord> traces;
  std::vector<CounterRecord> counters;
  std::vector<RankRecord> ranks;
  std::vector<TierRecord> tiers;
  std::vector<std::string> suspect_links, failed_ranks;
  std::vector<ChoiceRecord> choices;
  std::vector<std::string> skipped;
  std::string digest;
};

TimeCurve curve_of(const CurveRecord&);

/// Names of the residual table's axes for a family:
///   gemm               m, n, k
///   attention_prefill  batch·heads, query tokens, key tokens / query tokens, heads / kv_heads
///   attention_backward as attention_prefill
///   attention_decode   batch·kv_heads, key tokens, heads / kv_heads
///   attention_latent   batch·heads, key tokens
///   pointwise          bytes, and bytes of a row where the pass works on whole rows
///   anything else      bytes
std::vector<std::string> table_axes(std::string_view family);

/// Of the tree without its digest, so that comments and line breaks do not count and values do.
std::string profile_digest(const Node& profile);

/// Empty when the tree is no usable profile; the diagnostics say why, at the lines.
std::optional<ProfileRecord> read_profile_record(const Node&, Diagnostics&);

/// Tree of a profile with its digest.
Node profile_node(const ProfileRecord&);

template <> struct SchemaOf<WorstRecord> { static const Schema<WorstRecord>& get(); };
template <> struct SchemaOf<ErrorRecord> { static const Schema<ErrorRecord>& get(); };
template <> struct SchemaOf<IntervalRecord> { static const Schema<IntervalRecord>& get(); };
template <> struct SchemaOf<SamplesRecord> { static const Schema<SamplesRecord>& get(); };
template <> struct SchemaOf<KernelRecord> { static const Schema<KernelRecord>& get(); };
template <> struct SchemaOf<CurveRecord> { static const Schema<CurveRecord>& get(); };
template <> struct SchemaOf<FigureRecord> { static const Schema<FigureRecord>& get(); };
template <> struct SchemaOf<TraceRecord> { static const Schema<TraceRecord>& get(); };
template <> struct SchemaOf<CounterRecord> { static const Schema<CounterRecord>& get(); };
template <> struct SchemaOf<RankRecord> { static const Schema<RankRecord>& get(); };
template <> struct SchemaOf<TierRecord> { static const Schema<TierRecord>& get(); };
template <> struct SchemaOf<ChoiceRecord> { static const Schema<ChoiceRecord>& get(); };
template <> struct SchemaOf<ProfileRecord> { static const Schema<ProfileRecord>& get(); };

}  // namespace ridge
