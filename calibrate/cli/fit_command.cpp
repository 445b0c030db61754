#include "base/quantity_text.h"
#include "calibrate/cli/commands.h"
#include "calibrate/io/import_table.h"
#include "calibrate/io/measured_device.h"
#include "hardware/io/preset_directory.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <set>

namespace ridge::calibrate {
namespace {

/// Of the facts' "62914560 B" and "132"; zero and one when they do not say.
Chip chip_of(const RunFacts& facts) {
  const auto number = [&](const char* name, double otherwise) {
    if (const auto it = facts.find(name); it != facts.end())
      std::from_chars(it->second.data(), it->second.data() + it->second.size(), otherwise);
    return otherwise;
  };
  return {Bytes{number("l2", 0)}, number("multiprocessors", 1)};
}

std::string percent(double fraction) { return fmt::format("{:.1f}", 100 * fraction); }

std::optional<Device> read_device(const FitCommand& c, const std::string& base, Diagnostics& diagnostics) {
  const Library library = embedded_library(c.presets);
  auto document = library.find("hardware", base, diagnostics);
  if (!document) {
    auto& d = diagnostics.error("unknown-preset", fmt::format("no hardware preset '{}'", base));
    d.suggestion = nearest(base, library.names("devices"));
    return std::nullopt;
  }
  ReadContext context{.diagnostics = diagnostics, .path = "hardware", .kind = Origin::Kind::preset};
  Cluster cluster = read_cluster(std::move(*document), library, context);
  if (diagnostics.has_errors()) return std::nullopt;
  return std::move(cluster.device);
}

MachineLimits limits_of(const Device& device) {
  return {[&device](std::string_view variant) {
            const std::string wanted = peak_precision(variant);
            for (const auto& [precision, name] : EnumNames<Precision>::names)
              if (name == wanted)
                if (const auto e = matrix_execution(device, precision)) return e->peak;
            return FlopPerSecond{};
          },
          device.hbm.bandwidth.value};
}

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

void add_observations(Profile& profile, const MeasuredRun& run) {
  profile.traces = traced_families(run.observed);
  profile.counters = counted_kernels(run.observed, chip_of(run.facts));
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

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  out.close();
  if (out) return true;
  fmt::print(stderr, "cannot write {}\n", path);
  return false;
}

std::string today() {
  const std::chrono::year_month_day d =
      std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
                     static_cast<unsigned>(d.day()));
}

Models fit_device(const FitCommand& c, const MeasuredRun& run, const std::string& device,
                  const Device& limits) {
  Measurements own;
  for (const Measurement& m : run.points)
    if (m.device == device) own.push_back(m);
  FitOptions options{.has_table = c.has_table};
  options.keeps_samples = c.source.empty();
  Models models = fit_models(own, limits_of(limits), options);
  // A table with many devices says of each what it leaves out.
  for (const std::string& s : run.skipped)
    if (!s.ends_with("no family describes them") || s.find(" of " + device + ':') != std::string::npos)
      models.skipped.push_back(s);
  return models;
}

/// Not what nobody could read again: measurements of impossible size make impossible models.
bool write_profile(const std::string& path, const Profile& profile) {
  const std::string text = profile_text(profile);
  Diagnostics problems;
  if (read_profile(std::make_shared<const Source>(Source{path, text}), problems))
    return write_file(path, text);
  report_problems(problems);
  fmt::print(stderr, "error: these measurements make no usable profile, nothing was written to {}\n", path);
  return false;
}

int write_results(const FitCommand& c, Profile profile) {
  profile.facts.try_emplace("date", today());
  if (!c.out.empty() && !write_profile(c.out, profile)) return bad_usage;
  if (c.preset_out.empty()) return done;
  const std::string text = calibrated_preset(profile, profile.device + ", calibrated", c.out);
  return write_file(c.preset_out, text) ? done : bad_usage;
}

/// A processor is fitted against what it was measured to reach: there is no preset of every one.
int fit_processor(const FitCommand& c, const MeasuredRun& run, const MeasuredDevice& device,
                  const ClusterFindings& cluster) {
  fmt::print("\n{} against its own measured limits\n", device.name);
  Models models = fit_models(without_limits(run.points), device.limits(), {.has_table = c.has_table});
  models.skipped.insert(models.skipped.end(), run.skipped.begin(), run.skipped.end());
  print_models(models);
  print_cluster(cluster);
  Profile profile{device.name,       "cpu", "measured", "",     {run.facts.begin(), run.facts.end()},
                  std::move(models), {},    {},         cluster};
  profile.facts.try_emplace("date", today());
  if (!c.out.empty() && !write_profile(c.out, profile)) return bad_usage;
  if (c.preset_out.empty()) return done;
  const std::string text =
      processor_preset(device, profile, c.out, "ridge-calibrate on " + device.name, profile.facts.at("date"));
  return write_file(c.preset_out, text) ? done : bad_usage;
}

}  // namespace

int fit(const FitCommand& c) {
  Diagnostics diagnostics;
  MeasuredRun run = read_measured(c.files, diagnostics);
  if (report_problems(diagnostics)) return bad_usage;
  const ClusterFindings cluster = cluster_findings(run.points, run.failed);
  if (cluster.contention.points > 0)
    run.facts["time_together_over_alone"] =
        fmt::format("{:.3f}, {} points", cluster.contention.factor, cluster.contention.points);
  run.points = class_points(run.points);
  std::set<std::string> devices;
  for (const Measurement& m : run.points)
    if (c.device.empty() || m.device == c.device) devices.insert(m.device);
  if (devices.empty() && !run.observed.empty()) {
    Profile looks;
    add_observations(looks, run);
    print_observations(looks);
    return done;
  }
  if (devices.empty()) {
    fmt::print(stderr, "no measurements{}\n", c.device.empty() ? "" : " of " + c.device);
    return bad_usage;
  }
  if (devices.size() > 1 && !(c.out.empty() && c.preset_out.empty())) {
    fmt::print(stderr, "a profile is of one device: choose with --device\n");
    return bad_usage;
  }
  if (const auto processor = measured_device(run); processor && c.base.empty())
    return fit_processor(c, run, *processor, cluster);
  int status = done;
  for (const std::string& device : devices) {
    const std::string base = c.base.empty() ? device_preset_name(device) : c.base;
    Diagnostics own;
    const auto limits = read_device(c, base, own);
    if (report_problems(own) || !limits) {
      status = bad_usage;
      continue;
    }
    fmt::print("\n{} against preset {}\n", device, base);
    Profile profile{device,
                    base,
                    c.source.empty() ? "measured" : "imported",
                    c.source,
                    {run.facts.begin(), run.facts.end()},
                    fit_device(c, run, device, *limits),
                    {},
                    {},
                    cluster};
    if (devices.size() == 1) add_observations(profile, run);
    print_models(profile.models);
    print_observations(profile);
    if (devices.size() == 1 && status == done) status = write_results(c, std::move(profile));
  }
  return status;
}

}  // namespace ridge::calibrate
