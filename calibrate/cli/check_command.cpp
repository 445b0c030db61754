#include "calibrate/cli/commands.h"
#include "calibrate/io/import_table.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace ridge::calibrate {
namespace {

using nlohmann::json;

struct Group {
  std::vector<Prediction> predictions;
  std::vector<RegimeInterval> intervals;
};

/// A prediction where the profile has a model for the family and variant.
std::optional<Seconds> predicted(const Models& models, const Measurement& m, Group& group) {
  if (const KernelModel* k = models.kernel(m.family, m.variant)) {
    group.intervals = k->intervals;
    return predict(*k, m);
  }
  if (const CurveModel* c = models.curve(m.family, m.variant)) {
    group.intervals = c->intervals;
    return predict(*c, m);
  }
  return std::nullopt;
}

/// Measurements name a device as its driver does, as tables do, or by a hardware preset.
bool is_same_device(const Profile& p, const std::string& device) {
  return device.empty() || device == p.device || device == p.base ||
         device_preset_name(device) == device_preset_name(p.device);
}

/// The first device that is not the profile's, or "".
std::string other_device(const Profile& p, const Measurements& points) {
  const auto it =
      std::ranges::find_if(points, [&](const Measurement& m) { return !is_same_device(p, m.device); });
  return it == points.end() ? std::string() : it->device;
}

void print_group(const std::string& name, const Group& g) {
  const ErrorSummary e = summarise_errors(g.predictions);
  fmt::print("{:<58} {:>5} {:>7.1f} {:>7.1f} {:>7.1f} {:>7.1f} {:>8.1f} {:>7.0f}\n", name, e.points,
             100 * e.mean, 100 * e.median, 100 * e.p90, 100 * e.max, 100 * e.bias,
             100 * interval_coverage(g.predictions, g.intervals));
  for (const WorstPoint& w : e.worst)
    if (std::abs(w.error) > 0.2) fmt::print("    {:+.0f} %  {}\n", 100 * w.error, w.what);
}

void print_json(const std::map<std::string, Group>& groups, const std::map<std::string, int>& unknown) {
  json out{{"groups", json::array()}, {"without_a_model", json::object()}};
  for (const auto& [name, g] : groups) {
    const ErrorSummary e = summarise_errors(g.predictions);
    out["groups"].push_back({{"group", name},
                             {"rows", e.points},
                             {"mean", e.mean},
                             {"median", e.median},
                             {"p90", e.p90},
                             {"max", e.max},
                             {"bias", e.bias},
                             {"interval_coverage", interval_coverage(g.predictions, g.intervals)}});
  }
  for (const auto& [name, rows] : unknown) out["without_a_model"][name] = rows;
  fmt::print("{}\n", out.dump(2));
}

}  // namespace

int check(const CheckCommand& c) {
  Diagnostics diagnostics;
  const auto profile = load_profile(c.profile, diagnostics);
  const MeasuredRun run = read_measured(c.files, diagnostics);
  if (report_problems(diagnostics) || !profile) return bad_usage;
  if (const std::string other = other_device(*profile, run.points); !other.empty() && !c.takes_any_device) {
    Diagnostics refusal;
    check_device(*profile, other, refusal);
    report_problems(refusal);
    fmt::print(stderr, "--any-device compares them all the same.\n");
    return bad_usage;
  }
  std::map<std::string, Group> groups;
  std::map<std::string, int> unknown;
  for (const Measurement& m : run.points) {
    const std::string name = fmt::format("{} {} {}", m.family, m.variant, m.library);
    Group found;
    const auto t = predicted(profile->models, m, found);
    if (!t) {
      ++unknown[name];
      continue;
    }
    groups[name].intervals = std::move(found.intervals);
    groups[name].predictions.push_back({sizes_text(m), regime_of(m, *t), m.time, *t});
  }
  if (c.is_json) {
    print_json(groups, unknown);
    return groups.empty() ? not_accepted : done;
  }
  fmt::print("{:<58} {:>5} {:>7} {:>7} {:>7} {:>7} {:>8} {:>7}\n", "group", "rows", "mean %", "median", "p90",
             "max", "bias", "inside");
  for (const auto& [name, g] : groups) print_group(name, g);
  for (const auto& [name, rows] : unknown) fmt::print("{:<58} {:>5} rows without a model\n", name, rows);
  return groups.empty() ? not_accepted : done;
}

}  // namespace ridge::calibrate
