#include "calibrate/fit/model.h"

#include <fmt/format.h>

namespace ridge {

std::vector<double> table_position(const Measurement& x) {
  if (x.family == "gemm") return {x.size("m"), x.size("n"), x.size("k")};
  const double batch = x.size("batch"), heads = x.size("heads"), kv_heads = x.size("kv_heads", heads);
  const double group = heads / kv_heads, keys = x.size("key_tokens"), queries = x.size("query_tokens");
  if (x.family == "attention_prefill" || x.family == "attention_backward")
    return {batch * heads, queries, keys / queries, group};
  if (x.family == "attention_decode") return {batch * kv_heads, keys, group};
  if (x.family == "attention_latent") return {batch * heads, keys};
  if (const double rows = x.size("rows"); x.family == "pointwise" && rows > 0)
    return {x.size("bytes"), x.size("bytes") / rows};
  return {x.size("bytes")};
}

std::string regime_of(const Measurement& x, Seconds predicted) {
  if (x.family == "gemm") {
    const double m = x.size("m");
    return m <= 64 ? "m <= 64" : m <= 1024 ? "m 65 - 1024" : "m > 1024";
  }
  return predicted < Seconds{20e-6} ? "< 20 us" : predicted <= Seconds{500e-6} ? "20 - 500 us" : "> 500 us";
}

namespace {

constexpr double most_median = 0.10, most_p90 = 0.30;
constexpr std::int64_t least_points = 10, least_pass_points = 7, least_curve_points = 4;

std::vector<std::string> error_objections(const ErrorSummary& e, std::int64_t least) {
  std::vector<std::string> out;
  if (e.points < least)
    out.push_back(fmt::format("only {} points were held out, {} are needed", e.points, least));
  if (e.median > most_median)
    out.push_back(
        fmt::format("hold-out median {:.1f} % exceeds {:.0f} %", 100 * e.median, 100 * most_median));
  if (e.p90 > most_p90)
    out.push_back(
        fmt::format("hold-out 90th percentile {:.1f} % exceeds {:.0f} %", 100 * e.p90, 100 * most_p90));
  return out;
}

}  // namespace

std::vector<std::string> gate_objections(const KernelModel& m) {
  std::vector<std::string> out =
      error_objections(m.hold_out, m.family == "pointwise" ? least_pass_points : least_points);
  constexpr double at_bound = 0.9999;
  const bool has_flops =
      m.law.peak < FlopPerSecond{1e29} && m.family != "pointwise" && m.family != "attention_decode";
  if (has_flops && m.law.flop_fraction >= at_bound)
    out.emplace_back("reaches the whole peak: the peak or the FLOPs are wrong");
  // Attention over many queries moves so few bytes for its FLOPs that they decide nothing.
  const bool has_bytes = m.family != "attention_prefill" && m.family != "attention_backward";
  // A kernel that is never near the bandwidth tells nothing of it: its fraction may lie anywhere.
  constexpr double near = 0.9;
  if (has_bytes && m.law.bandwidth_fraction >= at_bound && m.bandwidth_reached >= near)
    out.emplace_back("reaches the whole memory bandwidth: part of the data came from a cache");
  return out;
}

std::vector<std::string> gate_objections(const CurveModel& m) {
  return error_objections(m.hold_out, least_curve_points);
}

}  // namespace ridge
