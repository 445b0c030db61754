#pragma once
/// Plain mirrors of the fitted models with a schema each, so that reading, units and ranges of a profile
/// are the same code as of every other file.

#include "calibrate/io/profile.h"

namespace ridge {

/// Numbers on one line: "0.01, -0.02"; a table of 800 values is then one line, not 800.
struct Numbers {
  std::vector<double> values;
};
void read_value(const Node&, Numbers&, ReadContext&, Range = {});
Node write_value(const Numbers&);
std::string type_text(const Numbers*);

struct AxisRecord {
  std::string name;
  Numbers knots;
};
struct ResidualRecord {
  std::vector<AxisRecord> axes;
  Numbers values;
};
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
  std::string regime;
  std::int64_t points = 0;
  double fraction = 0;
};
struct KernelRecord {
  std::string family, variant, library;
  Seconds fixed_time, per_unit;
  double flop_fraction = 1, bandwidth_fraction = 1, exponent = 1;
  FlopPerSecond peak;
  BytesPerSecond bandwidth;
  ResidualRecord residual;
  std::int64_t fitted_points = 0;
  ErrorRecord fitted, hold_out;
  std::vector<IntervalRecord> intervals;
  std::vector<std::string> objections;
};
struct CurveRecord {
  std::string family, variant, library;
  Numbers sizes_in_bytes, times_in_seconds;
  std::int64_t fitted_points = 0;
  ErrorRecord hold_out;
  std::vector<IntervalRecord> intervals;
  std::vector<std::string> objections;
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
struct ProfileRecord {
  std::int64_t calibration = 0;
  std::string device, base;
  std::map<std::string, std::string> facts;
  std::vector<KernelRecord> kernels;
  std::vector<CurveRecord> curves;
  std::vector<FigureRecord> figures;
  std::vector<TraceRecord> traces;
  std::vector<CounterRecord> counters;
  std::vector<std::string> skipped;
  std::string digest;
};

ProfileRecord record_of(const Profile&);
Profile profile_of(const ProfileRecord&);

template <> struct SchemaOf<AxisRecord> { static const Schema<AxisRecord>& get(); };
template <> struct SchemaOf<ResidualRecord> { static const Schema<ResidualRecord>& get(); };
template <> struct SchemaOf<WorstRecord> { static const Schema<WorstRecord>& get(); };
template <> struct SchemaOf<ErrorRecord> { static const Schema<ErrorRecord>& get(); };
template <> struct SchemaOf<IntervalRecord> { static const Schema<IntervalRecord>& get(); };
template <> struct SchemaOf<KernelRecord> { static const Schema<KernelRecord>& get(); };
template <> struct SchemaOf<CurveRecord> { static const Schema<CurveRecord>& get(); };
template <> struct SchemaOf<FigureRecord> { static const Schema<FigureRecord>& get(); };
template <> struct SchemaOf<TraceRecord> { static const Schema<TraceRecord>& get(); };
template <> struct SchemaOf<CounterRecord> { static const Schema<CounterRecord>& get(); };
template <> struct SchemaOf<ProfileRecord> { static const Schema<ProfileRecord>& get(); };

}  // namespace ridge
