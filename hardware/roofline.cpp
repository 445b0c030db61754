#include "hardware/roofline.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

double time_term(double work, double rate) { return work > 0 ? work / rate : 0; }

template <class Q>
Traced<Q> figure(const Sourced<Q>& s, std::string_view key, std::string_view member, Q fallback,
                 Explain* ex) {
  const Q value = s.is_known() ? s.value : fallback;
  if (!ex) return {value, 0};
  std::string path(key);
  path += '.';
  path += member;
  if constexpr (std::is_same_v<Q, double>)
    return {value, ex->input(path, value, Dim{},
                             {s.kind, {}, s.is_known() ? s.citation : "textbook roofline", s.date})};
  else
    return {value, ex->input(path, value.value(), Q::dim,
                             {s.kind, {}, s.is_known() ? s.citation : "textbook roofline", s.date})};
}

}  // namespace

Traced<Seconds> roofline_time(Traced<Flop> flops, Traced<Bytes> bytes, Traced<FlopPerSecond> peak,
                              Traced<BytesPerSecond> bandwidth, Explain* ex) {
  const double compute = time_term(flops.value.value(), peak.value.value());
  const double memory = time_term(bytes.value.value(), bandwidth.value.value());
  const Seconds value{std::fmax(compute, memory)};
  if (!ex) return {value, 0};
  if (!(flops.value > Flop{})) return note(ex, memory_time_formula, value, {{"B", bytes}, {"W", bandwidth}});
  if (!(bytes.value > Bytes{})) return note(ex, compute_time_formula, value, {{"F", flops}, {"P", peak}});
  return note(ex, roofline_time_formula, value, {{"F", flops}, {"P", peak}, {"B", bytes}, {"W", bandwidth}});
}

KernelConstants kernel_constants(const KernelFit& fit, std::string_view key, Explain* ex) {
  return {figure(fit.fixed_time, key, "fixed_time", Seconds{0}, ex),
          figure(fit.flop_fraction, key, "flop_fraction", 1.0, ex),
          figure(fit.bandwidth_fraction, key, "bandwidth_fraction", 1.0, ex),
          figure(fit.exponent, key, "exponent", 16.0, ex),
          fit.residual.name.empty() ? nullptr : &fit.residual};
}

Traced<Seconds> calibrated_time(Traced<Seconds> law, const KernelConstants& k, std::span<const double> at,
                                Explain* ex) {
  if (!k.residual || !k.residual->table) return law;
  const ResidualTable& table = *k.residual->table;
  const double r = std::exp(residual_at(table, at));
  if (!ex) return {law.value * r, 0};
  std::string key = k.residual->name + ", measured / law at ";
  for (std::size_t i = 0; i < at.size(); ++i)
    key += fmt::format("{}{} {:g}", i == 0 ? "" : ", ", table.axes[i].name, at[i]);
  const Traced<double> ratio{r, ex->input(key, r, Dim{}, k.residual->origin)};
  return note(ex, calibrated_time_formula, law.value * r, {{"t", law}, {"r", ratio}});
}

Answer answer_at(const KernelConstants& k, std::span<const double> at, Seconds t) {
  if (!k.residual) return {};
  const CalibratedTable& c = *k.residual;
  if (!c.table) return answer_of_law(k, c.is_by_rows ? at[0] : 0, t);
  const double measure = c.is_by_rows ? at[0] : t.value();
  return answer_from(is_between(*c.table, at) ? AnswerSource::table : AnswerSource::held, c.name,
                     interval_at(c.intervals, measure));
}

Answer answer_of_law(const KernelConstants& k, double rows, Seconds t) {
  if (!k.residual) return {};
  const CalibratedTable& c = *k.residual;
  return answer_from(AnswerSource::law, c.name, interval_at(c.intervals, c.is_by_rows ? rows : t.value()));
}

Traced<Seconds> kernel_time(Traced<Flop> flops, Traced<Bytes> bytes, Traced<FlopPerSecond> peak,
                            Traced<BytesPerSecond> bandwidth, const KernelConstants& k, Explain* ex) {
  const double compute = time_term(flops.value.value(), k.flop_fraction.value * peak.value.value());
  const double memory = time_term(bytes.value.value(), k.bandwidth_fraction.value * bandwidth.value.value());
  const double longer = std::fmax(compute, memory), shorter = std::fmin(compute, memory),
               q = k.exponent.value;
  // The larger term is taken out, so that microseconds to the 16th power do not underflow.
  const double joined = shorter > 0 ? longer * std::pow(1 + std::pow(shorter / longer, q), 1 / q) : longer;
  const Seconds value = k.fixed_time.value + Seconds{joined};
  if (!ex) return {value, 0};
  if (!(flops.value > Flop{}))
    return note(ex, streaming_time_formula, value,
                {{"t0", k.fixed_time}, {"B", bytes}, {"eB", k.bandwidth_fraction}, {"W", bandwidth}});
  if (!(bytes.value > Bytes{}))
    return note(ex, arithmetic_time_formula, value,
                {{"t0", k.fixed_time}, {"F", flops}, {"eP", k.flop_fraction}, {"P", peak}});
  return note(ex, compute >= memory ? kernel_time_compute_formula : kernel_time_memory_formula, value,
              {{"t0", k.fixed_time},
               {"F", flops},
               {"eP", k.flop_fraction},
               {"P", peak},
               {"B", bytes},
               {"eB", k.bandwidth_fraction},
               {"W", bandwidth},
               {"q", k.exponent}});
}

FlopPerSecond attainable(FlopPerByte intensity, FlopPerSecond peak, BytesPerSecond bandwidth) {
  return min(peak, intensity * bandwidth);
}

FlopPerByte ridge_point(FlopPerSecond peak, BytesPerSecond bandwidth) { return peak / bandwidth; }

namespace {

void add_ridges(std::vector<Ridge>& out, const Device& device, std::string against,
                BytesPerSecond bandwidth) {
  if (!(bandwidth > BytesPerSecond{})) return;
  for (const auto& [precision, name] : EnumNames<Precision>::names) {
    const auto* peak = device.peaks.find(precision);
    if (!peak) peak = device.vector_peaks.find(precision);
    if (peak)
      out.push_back({against, precision, peak->value, bandwidth, ridge_point(peak->value, bandwidth)});
  }
}

}  // namespace

std::vector<Ridge> ridge_points(const Cluster& cluster) {
  std::vector<Ridge> out;
  const Device& d = cluster.device;
  add_ridges(out, d, "shared_memory", d.shared_memory.bandwidth.value);
  add_ridges(out, d, "l2", d.l2.bandwidth.value);
  add_ridges(out, d, "hbm", d.hbm.bandwidth.value);
  add_ridges(out, d, "host_link", d.host_link.bandwidth.value);
  for (const Tier& t : cluster.tiers.inner_to_outer)
    add_ridges(out, d, "tiers." + t.name, tier_bandwidth(cluster, t).value);
  return out;
}

}  // namespace ridge
