#include "base/quantity_text.h"
#include "calibrate/cli/commands.h"
#include "calibrate/cli/fit_report.h"
#include "calibrate/cli/profile_json.h"
#include "calibrate/io/import_table.h"
#include "calibrate/io/measured_device.h"
#include "hardware/io/preset_directory.h"
#include "hardware/profile.h"

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

void add_observations(Profile& profile, const MeasuredRun& run) {
  profile.traces = traced_families(run.observed);
  profile.counters = counted_kernels(run.observed, chip_of(run.facts));
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

void say(const FitCommand& c, const Profile& profile) {
  if (c.is_json) return fmt::print("{}\n", profile_json(profile).dump(2));
  print_models(profile.models);
  print_observations(profile);
  print_cluster(profile.cluster);
}

/// A processor is fitted against what it was measured to reach: there is no preset of every one.
int fit_processor(const FitCommand& c, const MeasuredRun& run, const MeasuredDevice& device,
                  const ClusterFindings& cluster) {
  if (!c.is_json) fmt::print("\n{} against its own measured limits\n", device.name);
  Models models = fit_models(without_limits(run.points), device.limits(), {.has_table = c.has_table});
  models.skipped.insert(models.skipped.end(), run.skipped.begin(), run.skipped.end());
  Profile profile{device.name,       "cpu", "measured", "",     {run.facts.begin(), run.facts.end()},
                  std::move(models), {},    {},         cluster};
  profile.facts.try_emplace("date", today());
  say(c, profile);
  if (!c.out.empty() && !write_profile(c.out, profile)) return bad_usage;
  if (c.preset_out.empty()) return done;
  if (!(device.bandwidth > BytesPerSecond{}) || device.peaks.empty()) {
    fmt::print(stderr, "no hardware file: {} not measured\n",
               device.peaks.empty() ? "products were" : "the memory's bandwidth was");
    return not_accepted;
  }
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
  if (const auto cut = run.facts.find("cut_short"); cut != run.facts.end())
    fmt::print(stderr, "warning: this run was cut short {}: its profile will say so\n", cut->second);
  std::set<std::string> devices;
  for (const Measurement& m : run.points)
    if (c.device.empty() || m.device == c.device) devices.insert(m.device);
  if (devices.empty() && !run.observed.empty()) {
    Profile looks;
    looks.facts = {run.facts.begin(), run.facts.end()};
    add_observations(looks, run);
    say(c, looks);
    return done;
  }
  if (devices.empty()) {
    fmt::print(stderr, "no measurements{}\n", c.device.empty() ? "" : " of " + c.device);
    return bad_usage;
  }
  if (devices.size() > 1 && !(c.out.empty() && c.preset_out.empty() && !c.is_json)) {
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
    if (!c.is_json) fmt::print("\n{} against preset {}\n", device, base);
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
    say(c, profile);
    if (devices.size() == 1 && status == done) status = write_results(c, std::move(profile));
  }
  return status;
}

}  // namespace ridge::calibrate
