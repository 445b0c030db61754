#include "base/yaml/read_document.h"
#include "calibrate/cli/commands.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace ridge::calibrate {
namespace {

std::optional<Profile> load(const std::string& path, Diagnostics& diagnostics) {
  const SourcePtr source = read_source(path, diagnostics);
  return source ? read_profile(source, diagnostics) : std::nullopt;
}

/// A prediction where the profile has a model for the family and variant.
std::optional<Seconds> predicted(const Models& models, const Measurement& m) {
  if (const KernelModel* k = models.kernel(m.family, m.variant)) return predict(*k, m);
  if (const CurveModel* c = models.curve(m.family, m.variant)) return predict(*c, m);
  return std::nullopt;
}

void print_group(const std::string& name, const std::vector<Prediction>& all,
                 const std::vector<RegimeInterval>& intervals) {
  const ErrorSummary e = summarise_errors(all);
  fmt::print("{:<58} {:>5} {:>7.1f} {:>7.1f} {:>7.1f} {:>7.1f} {:>8.1f} {:>7.0f}\n", name, e.points,
             100 * e.mean, 100 * e.median, 100 * e.p90, 100 * e.max, 100 * e.bias,
             100 * interval_coverage(all, intervals));
  for (const WorstPoint& w : e.worst)
    if (std::abs(w.error) > 0.2) fmt::print("    {:+.0f} %  {}\n", 100 * w.error, w.what);
}

}  // namespace

int check(const CheckCommand& c) {
  Diagnostics diagnostics;
  const auto profile = load(c.profile, diagnostics);
  const MeasuredRun run = read_measured(c.files, diagnostics);
  if (report_problems(diagnostics) || !profile) return bad_usage;
  std::map<std::string, std::vector<Prediction>> groups;
  std::map<std::string, std::vector<RegimeInterval>> intervals;
  std::map<std::string, int> unknown;
  for (const Measurement& m : run.points) {
    const auto t = predicted(profile->models, m);
    const std::string group = fmt::format("{} {} {}", m.family, m.variant, m.library);
    if (!t) {
      ++unknown[group];
      continue;
    }
    groups[group].push_back({sizes_text(m), regime_of(m, *t), m.time, *t});
    if (const KernelModel* k = profile->models.kernel(m.family, m.variant)) intervals[group] = k->intervals;
    if (const CurveModel* k = profile->models.curve(m.family, m.variant)) intervals[group] = k->intervals;
  }
  fmt::print("{:<58} {:>5} {:>7} {:>7} {:>7} {:>7} {:>8} {:>7}\n", "group", "rows", "mean %", "median", "p90",
             "max", "bias", "inside");
  for (const auto& [name, all] : groups) print_group(name, all, intervals[name]);
  for (const auto& [name, rows] : unknown) fmt::print("{:<58} {:>5} rows without a model\n", name, rows);
  return groups.empty() ? not_accepted : done;
}

int compare(const CompareCommand& c) {
  Diagnostics diagnostics;
  const auto left = load(c.left, diagnostics), right = load(c.right, diagnostics);
  if (report_problems(diagnostics) || !left || !right) return bad_usage;
  fmt::print("{:<22} {:<30} {:>20} {:>18} {:>18}\n", "family", "variant", "t0 us", "eP", "eB");
  for (const KernelModel& a : left->models.kernels) {
    const KernelModel* b = right->models.kernel(a.family, a.variant);
    if (!b) fmt::print("{:<22} {:<30} only in {}\n", a.family, a.variant, c.left);
    else
      fmt::print("{:<22} {:<30} {:>9.2f} {:>10.2f} {:>8.3f} {:>9.3f} {:>8.3f} {:>9.3f}\n", a.family,
                 a.variant, 1e6 * a.law.fixed_time.value(), 1e6 * b->law.fixed_time.value(),
                 a.law.flop_fraction, b->law.flop_fraction, a.law.bandwidth_fraction,
                 b->law.bandwidth_fraction);
  }
  for (const CurveModel& a : left->models.curves) {
    const CurveModel* b = right->models.curve(a.family, a.variant);
    if (!b) {
      fmt::print("{:<22} {:<30} only in {}\n", a.family, a.variant, c.left);
      continue;
    }
    std::vector<Prediction> both;
    for (const Bytes s : a.curve.sizes)
      both.push_back({"", "", curve_time(a.curve, s), curve_time(b->curve, s)});
    const ErrorSummary e = summarise_errors(both);
    fmt::print("{:<22} {:<30} median difference {:.1f} %, bias {:+.1f} %\n", a.family, a.variant,
               100 * e.median, 100 * e.bias);
  }
  return done;
}

}  // namespace ridge::calibrate
