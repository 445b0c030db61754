#include "calibrate/io/profile.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

/// Six digits are beyond what any timing knows, and keep files small and readable.
double rounded(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(x))));
  return scale > 0 && std::isfinite(scale) ? std::round(x * scale) / scale : x;
}

/// Table values are logarithms: four decimals are 0.01 % of a time.
std::vector<double> rounded_logs(const std::vector<double>& all) {
  std::vector<double> out;
  for (const double x : all) out.push_back(std::round(x * 1e4) / 1e4 + 0.0);
  return out;
}

std::vector<double> plain(const std::vector<Bytes>& all) {
  std::vector<double> out;
  for (const Bytes b : all) out.push_back(b.value());
  return out;
}
std::vector<double> plain(const std::vector<Seconds>& all) {
  std::vector<double> out;
  for (const Seconds t : all) out.push_back(rounded(t.value()));
  return out;
}

ErrorRecord record_of(const ErrorSummary& e) {
  ErrorRecord r{e.points,       rounded(e.mean), rounded(e.median),  rounded(e.p90),
                rounded(e.max), rounded(e.bias), rounded(e.coverage)};
  for (const WorstPoint& w : e.worst) r.worst.push_back({w.what, rounded(w.error)});
  return r;
}
ErrorSummary summary_of(const ErrorRecord& r) {
  ErrorSummary e{r.points, r.mean, r.median, r.p90, r.max, r.bias, r.coverage};
  for (const WorstRecord& w : r.worst) e.worst.push_back({w.point, w.error});
  return e;
}

std::vector<IntervalRecord> records_of(const std::vector<RegimeInterval>& all) {
  std::vector<IntervalRecord> out;
  for (const RegimeInterval& i : all) out.push_back({i.regime, i.pool, i.points, rounded(i.fraction)});
  return out;
}
std::vector<RegimeInterval> intervals_of(const std::vector<IntervalRecord>& all) {
  std::vector<RegimeInterval> out;
  for (const IntervalRecord& i : all) out.push_back({i.regime, i.pool, i.points, i.fraction});
  return out;
}

/// Four digits are enough for a plot.
double for_plot(double x) {
  const double scale = std::pow(10.0, 3 - std::floor(std::log10(std::abs(x))));
  return std::isfinite(scale) && scale > 0 ? std::round(x * scale) / scale : x;
}

std::optional<SamplesRecord> record_of(const PlottedPoints& all) {
  if (all.empty()) return std::nullopt;
  SamplesRecord r;
  for (const PlottedPoint& s : all) {
    if (s.size > 0) r.sizes_in_bytes.values.push_back(s.size);
    r.measured_in_seconds.values.push_back(for_plot(s.measured));
    r.predicted_in_seconds.values.push_back(for_plot(s.predicted));
    r.roles.values.push_back(static_cast<double>(s.role));
  }
  if (r.sizes_in_bytes.values.size() != all.size()) r.sizes_in_bytes.values.clear();
  return r;
}

PlottedPoints samples_of(const std::optional<SamplesRecord>& r) {
  PlottedPoints out;
  if (!r) return out;
  const auto &m = r->measured_in_seconds.values, &p = r->predicted_in_seconds.values, &role = r->roles.values;
  for (std::size_t i = 0; i < std::min({m.size(), p.size(), role.size()}); ++i)
    out.push_back({i < r->sizes_in_bytes.values.size() ? r->sizes_in_bytes.values[i] : 0, m[i], p[i],
                   static_cast<PointRole>(static_cast<int>(role[i]))});
  return out;
}

KernelRecord record_of(const KernelModel& m) {
  KernelRecord r{.family = m.family, .variant = m.variant, .library = m.library};
  r.fixed_time = Seconds{rounded(m.law.fixed_time.value())};
  r.per_unit = Seconds{rounded(m.law.per_unit.value())};
  r.flop_fraction = rounded(m.law.flop_fraction);
  r.bandwidth_fraction = rounded(m.law.bandwidth_fraction);
  r.exponent = rounded(m.law.exponent);
  r.peak = m.law.peak, r.bandwidth = m.law.bandwidth;
  if (const BlockSchedule& s = m.schedule; s.is_known())
    r.schedule = {{s.rows, s.columns, s.at_once, s.overhead}};
  r.residual = {m.residual.axes, rounded_logs(m.residual.values)};
  r.fitted_points = m.fitted_points, r.interval_points = m.interval_points;
  r.fitted = record_of(m.fitted), r.hold_out = record_of(m.hold_out);
  r.intervals = records_of(m.intervals);
  r.objections = m.objections;
  r.samples = record_of(m.samples);
  return r;
}

KernelModel model_of(const KernelRecord& r) {
  KernelModel m{.family = r.family, .variant = r.variant, .library = r.library};
  m.law = {r.fixed_time, r.flop_fraction, r.bandwidth_fraction, r.exponent, r.per_unit, r.peak, r.bandwidth};
  if (const std::vector<double>& s = r.schedule.values; s.size() == 4) m.schedule = {s[0], s[1], s[2], s[3]};
  m.residual = r.residual;
  m.fitted_points = r.fitted_points, m.interval_points = r.interval_points;
  m.fitted = summary_of(r.fitted), m.hold_out = summary_of(r.hold_out);
  m.intervals = intervals_of(r.intervals);
  m.objections = r.objections;
  m.samples = samples_of(r.samples);
  return m;
}

CurveRecord record_of(const CurveModel& m) {
  return {m.family,
          m.variant,
          m.library,
          {plain(m.curve.sizes)},
          {plain(m.curve.times)},
          m.fitted_points,
          m.interval_points,
          record_of(m.hold_out),
          records_of(m.intervals),
          m.objections,
          record_of(m.samples)};
}

CurveModel model_of(const CurveRecord& r) {
  CurveModel m{.family = r.family, .variant = r.variant, .library = r.library};
  m.curve = curve_of(r);
  m.fitted_points = r.fitted_points, m.interval_points = r.interval_points;
  m.hold_out = summary_of(r.hold_out);
  m.intervals = intervals_of(r.intervals);
  m.objections = r.objections;
  m.samples = samples_of(r.samples);
  return m;
}

TraceRecord record_of(const TracedFamily& t) {
  return {t.family,       t.variant, t.points, Seconds{rounded(t.gap.value())}, rounded(t.difference),
          rounded(t.p90), t.kernels};
}
TracedFamily family_of(const TraceRecord& r) {
  return {r.family, r.variant, r.points, r.gap, r.difference, r.p90, r.kernels};
}

CounterRecord record_of(const CountedKernel& c) {
  const auto flop = [](Flop f) { return Flop{rounded(f.value())}; };
  const auto bytes = [](Bytes b) { return Bytes{rounded(b.value())}; };
  return {c.family,
          c.variant,
          c.sizes,
          c.kernel,
          {{c.tile.rows, c.tile.columns, c.tile.cluster_rows, c.tile.cluster_columns}},
          flop(c.needed),
          flop(c.executed),
          flop(c.counted_flops),
          rounded(c.flop_ratio),
          flop(c.fma_flops),
          bytes(c.memory),
          bytes(c.moved),
          bytes(c.counted_memory),
          rounded(c.memory_ratio),
          c.is_past_l2,
          bytes(c.l2),
          rounded(c.tensor_active)};
}
CountedKernel counted_of(const CounterRecord& r) {
  const std::vector<double>& t = r.tile.values;
  return {r.family,
          r.variant,
          r.sizes,
          r.kernel,
          t.size() == 4 ? Tile{t[0], t[1], t[2], t[3]} : Tile{},
          r.needed,
          r.executed,
          r.counted_flops,
          r.flop_ratio,
          r.fma_flops,
          r.memory,
          r.moved,
          r.counted_memory,
          r.memory_ratio,
          r.is_past_l2,
          r.l2,
          r.tensor_active};
}

void put_cluster(const ClusterFindings& c, ProfileRecord& r) {
  for (const RankSpeed& s : c.ranks) r.ranks.push_back({s.rank, s.node, rounded(s.speed), s.is_straggler});
  for (const LinkTier& t : c.tiers)
    r.tiers.push_back({t.name, t.pairs, Seconds{rounded(t.latency.value())},
                       BytesPerSecond{rounded(t.bandwidth.value())}, rounded(t.latency_spread),
                       rounded(t.bandwidth_spread)});
  r.suspect_links = c.suspects;
  r.failed_ranks = c.failed;
  for (const AlgorithmChoice& a : c.choices) {
    ChoiceRecord choice{a.family, a.group, {}, {}};
    for (const AlgorithmChoice::From& f : a.from) {
      choice.from_bytes.values.push_back(f.size.value());
      choice.algorithms.push_back(f.algorithm);
    }
    r.choices.push_back(std::move(choice));
  }
}

ClusterFindings cluster_of(const ProfileRecord& r) {
  ClusterFindings c;
  for (const RankRecord& s : r.ranks) c.ranks.push_back({s.rank, s.node, 0, s.speed, s.is_straggler});
  for (const TierRecord& t : r.tiers)
    c.tiers.push_back({t.name, t.latency, t.bandwidth, t.pairs, t.latency_spread, t.bandwidth_spread});
  c.suspects = r.suspect_links, c.failed = r.failed_ranks;
  for (const ChoiceRecord& choice : r.choices) {
    AlgorithmChoice a{choice.family, choice.group, {}};
    for (std::size_t i = 0; i < std::min(choice.from_bytes.values.size(), choice.algorithms.size()); ++i)
      a.from.push_back({Bytes{choice.from_bytes.values[i]}, choice.algorithms[i]});
    c.choices.push_back(std::move(a));
  }
  return c;
}

}  // namespace

ProfileRecord record_of(const Profile& p) {
  ProfileRecord r{profile_version, p.device, p.base, p.kind, p.source, p.facts};
  for (const KernelModel& m : p.models.kernels) r.kernels.push_back(record_of(m));
  for (const CurveModel& m : p.models.curves) r.curves.push_back(record_of(m));
  for (const MeasuredFigure& f : p.models.figures)
    r.figures.push_back({f.family, f.variant, Seconds{rounded(f.time.value())}});
  for (const TracedFamily& t : p.traces) r.traces.push_back(record_of(t));
  for (const CountedKernel& k : p.counters) r.counters.push_back(record_of(k));
  put_cluster(p.cluster, r);
  r.skipped = p.models.skipped;
  return r;
}

Profile profile_of(const ProfileRecord& r) {
  Profile p{r.device, r.base, r.kind, r.source, r.facts, {}, {}, {}, {}};
  for (const KernelRecord& k : r.kernels) p.models.kernels.push_back(model_of(k));
  for (const CurveRecord& c : r.curves) p.models.curves.push_back(model_of(c));
  for (const FigureRecord& f : r.figures) p.models.figures.push_back({f.family, f.variant, f.time});
  for (const TraceRecord& t : r.traces) p.traces.push_back(family_of(t));
  for (const CounterRecord& k : r.counters) p.counters.push_back(counted_of(k));
  p.cluster = cluster_of(r);
  p.models.skipped = r.skipped;
  return p;
}

}  // namespace ridge
