#include "calibrate/cli/fit_report.h"

#include "base/quantity_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ridge::calibrate {
namespace {

std::string percent(double fraction) { return fmt::format("{:.1f}", 100 * fraction); }

std::string mark(const std::vector<std::string>& objections) {
  std::string out;
  for (const std::string& o : objections) out += (out.empty() ? "NOT ACCEPTED: " : "; ") + o;
  return out;
}

/// Of all held-out points: how many, and the share inside the intervals that their other half sets.
void print_coverage(const Models& models) {
  double inside = 0, points = 0;
  const auto add = [&](const ErrorSummary& e) {
    inside += e.coverage * static_cast<double>(e.points);
    points += static_cast<double>(e.points);
  };
  for (const KernelModel& m : models.kernels) add(m.hold_out);
  for (const CurveModel& m : models.curves) add(m.hold_out);
  if (points > 0)
    fmt::print("intervals hold {:.1f} % of {:.0f} held-out points, each judged by the other half's\n",
               100 * inside / points, points);
}

}  // namespace

void print_models(const Models& models) {
  fmt::print("{:<22} {:<34} {:>7} {:>8} {:>6} {:>6} {:>5} {:>7} {:>5} {:>6} {:>6} {:>6} {:>6} {:>6}\n",
             "family", "variant", "fitted", "t0 us", "eP", "eB", "q", "c ns", "held", "mean%", "med%", "p90%",
             "bias%", "cover%");
  for (const KernelModel& m : models.kernels)
    fmt::print(
        "{:<22} {:<34} {:>7} {:>8.2f} {:>6.3f} {:>6.3f} {:>5.1f} {:>7.2f} {:>5} {:>6} {:>6} {:>6} {:>6} "
        "{:>6} {}\n",
        m.family, m.variant, m.fitted_points, 1e6 * m.law.fixed_time.value(), m.law.flop_fraction,
        m.law.bandwidth_fraction, m.law.exponent, 1e9 * m.law.per_unit.value(), m.hold_out.points,
        percent(m.hold_out.mean), percent(m.hold_out.median), percent(m.hold_out.p90),
        percent(m.hold_out.bias), percent(m.hold_out.coverage), mark(m.objections));
  for (const CurveModel& m : models.curves)
    fmt::print("{:<22} {:<34} {:>7} {:>42} {:>6} {:>6} {:>6} {:>6} {:>6} {}\n", m.family, m.variant,
               m.fitted_points, m.hold_out.points, percent(m.hold_out.mean), percent(m.hold_out.median),
               percent(m.hold_out.p90), percent(m.hold_out.bias), percent(m.hold_out.coverage),
               mark(m.objections));
  for (const MeasuredFigure& f : models.figures)
    fmt::print("{:<22} {:<34} {}\n", f.family, f.variant, format(f.time));
  for (const std::string& s : models.skipped) fmt::print("skipped  {}\n", s);
  print_coverage(models);
}

void print_observations(const Profile& p) {
  if (!p.traces.empty())
    fmt::print("\n{:<22} {:<34} {:>7} {:>8} {:>7} {:>7}  {}\n", "events against trace", "", "points",
               "gap us", "med%", "p90%", "kernels");
  for (const TracedFamily& t : p.traces)
    fmt::print("{:<22} {:<34} {:>7} {:>8.2f} {:>7} {:>7}  {}\n", t.family, t.variant, t.points,
               1e6 * t.gap.value(), percent(t.difference), percent(t.p90), fmt::join(t.kernels, ", "));
  if (!p.counters.empty())
    fmt::print("\n{:<22} {:<14} {:>10} {:>10} {:>7} {:>10} {:>10} {:>7} {:>10} {:>7}  {}\n", "counted", "",
               "GFLOP", "counted", "ratio", "MB", "counted", "ratio", "L2 MB", "matrix%", "sizes, kernel");
  for (const CountedKernel& k : p.counters)
    fmt::print(
        "{:<22} {:<14} {:>10.2f} {:>10.2f} {:>7.4f} {:>10.1f} {:>10.1f} {:>6.3f}{} {:>10.1f} {:>7}  {}; {}\n",
        k.family, k.variant, 1e-9 * k.executed.value(), 1e-9 * k.counted_flops.value(), k.flop_ratio,
        1e-6 * k.moved.value(), 1e-6 * k.counted_memory.value(), k.memory_ratio, k.is_past_l2 ? " " : "*",
        1e-6 * k.l2.value(), percent(k.tensor_active), k.sizes, k.kernel);
  std::vector<CountedKernel> together = p.counters;
  for (CountedKernel& k : together) k.family = "all", k.variant = "together";
  std::vector<CountedFamily> families = counted_families(p.counters);
  std::ranges::copy(counted_families(together), std::back_inserter(families));
  for (const CountedFamily& f : families)
    fmt::print(
        "{:<22} {:<14} FLOPs off by {} % at most ({} kernels), bytes past L2 off by {} % in the median "
        "({})\n",
        f.family, f.variant, percent(f.flop_error), f.flop_kernels, percent(f.memory_error),
        f.memory_kernels);
}

void print_cluster(const ClusterFindings& c) {
  if (c.is_empty()) return;
  fmt::print("\n{:<22} {:<14} {:>8} {:>10}\n", "rank", "node", "points", "speed");
  for (const RankSpeed& r : c.ranks)
    fmt::print("{:<22} {:<14} {:>8} {:>10.3f}{}\n", r.rank, r.node, r.points, r.speed,
               r.is_straggler ? "  STRAGGLER" : "");
  if (c.contention.points > 0)
    fmt::print("together {:.3f} of the time alone, {} points\n", c.contention.factor, c.contention.points);
  for (const LinkTier& t : c.tiers)
    fmt::print("tier {:<17} latency {} (spread {} %), {} one way (spread {} %), {} directed pairs\n", t.name,
               format(t.latency), percent(t.latency_spread), format(t.bandwidth), percent(t.bandwidth_spread),
               t.pairs);
  for (const std::string& s : c.suspects) fmt::print("suspect  {}\n", s);
  for (const AlgorithmChoice& a : c.choices) {
    std::string text;
    for (const AlgorithmChoice::From& f : a.from)
      text += fmt::format("{}{} from {}", text.empty() ? "" : ", ", f.algorithm, format(f.size));
    fmt::print("fastest  {} of {}: {}\n", a.family, a.group, text);
  }
  for (const std::string& f : c.failed) fmt::print("FAILED   {}\n", f);
}

}  // namespace ridge::calibrate
