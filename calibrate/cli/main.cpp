// ridge-calibrate: measures a machine, fits what was measured, says how well.

#include "calibrate/cli/commands.h"
#include "calibrate/io/measurement_lines.h"
#ifdef RIDGE_HAVE_CUDA
#include "calibrate/cuda/probes.h"
#endif

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>

namespace ridge::calibrate {
namespace {

constexpr int missed = not_accepted;

#ifdef RIDGE_HAVE_CUDA

struct MeasureOptions {
  std::string out = "measurements.jsonl";
  double budget = 170;
  bool is_quick = false, is_dry = false;
  std::vector<std::string> only;
};

int list_probes(const MeasureOptions& o) {
  double all = 0;
  for (const cuda::ProbeInfo& p : cuda::probes()) {
    if (!o.only.empty() && std::ranges::find(o.only, p.name) == o.only.end()) continue;
    const double seconds = (o.is_quick ? p.quick : p.full).value();
    all += seconds;
    fmt::print("{:<12} about {:>3.0f} s  {}\n", p.name, seconds, p.what);
  }
  fmt::print("{:<12} about {:>3.0f} s\n", "all", all);
  return done;
}

int measure(const MeasureOptions& o) {
  if (o.is_dry) return list_probes(o);
  const cuda::DeviceCount count = cuda::count_devices();
  if (count.devices == 0) {
    fmt::print(stderr, "Nothing to measure here: {}.\n", count.why_none);
    return missed;
  }
  std::ofstream out(o.out);
  if (!out) {
    fmt::print(stderr, "cannot write {}\n", o.out);
    return bad_usage;
  }
  out << facts_line(cuda::device_facts()) << std::endl;
  std::size_t points = 0;
  // Every line is flushed, so that a run cut short leaves what it had.
  const cuda::ProbeReport report{
      [&](const Measurement& m) {
        ++points;
        out << measurement_line(m) << std::endl;
      },
      [&](const std::string& what) {
        out << skipped_line(what) << std::endl;
        fmt::print(stderr, "skipped {}\n", what);
      },
      [](const std::string& line) { fmt::print(stderr, "{}\n", line); },
      [&](const Observation& seen) { out << observation_line(seen) << std::endl; }};
  const bool good = cuda::run_probes({o.is_quick, Seconds{o.budget}, o.only}, report);
  fmt::print("{} points in {}\n", points, o.out);
  return good && points > 0 ? done : missed;
}

void add_measure(CLI::App& app, MeasureOptions& o) {
  app.add_option("--out", o.out, "File of JSON lines to write")->capture_default_str();
  app.add_option("--budget", o.budget, "Seconds for all probes")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_flag("--quick", o.is_quick, "A small grid, one visit: under 40 s");
  app.add_flag("--dry-run", o.is_dry, "Say what would run, and measure nothing");
  app.add_option("--only", o.only, "Names of probes")->delimiter(',');
}

#endif

void add_fit(CLI::App& app, FitCommand& c) {
  app.add_option("files", c.files, "Measurements: .jsonl of 'measure', .csv tables")->required();
  app.add_option("--device", c.device, "Device of a table with many");
  app.add_option("--base", c.base, "Hardware preset with the peaks (default: by the device's name)");
  app.add_option("--presets", c.presets, "Folder of presets")->capture_default_str();
  app.add_option("--out", c.out, "Profile to write");
  app.add_option("--preset", c.preset_out, "Hardware preset to write, extending the base");
  app.add_flag("!--no-table", c.has_table, "The law alone");
}

int run(int argc, char** argv) {
  CLI::App app{"Measure this machine, fit what was measured, and know the error"};
  app.require_subcommand(1);
  int status = bad_usage;
#ifdef RIDGE_HAVE_CUDA
  MeasureOptions measuring;
  auto* measure_command = app.add_subcommand("measure", "Time kernels on the devices of this machine");
  add_measure(*measure_command, measuring);
  measure_command->callback([&] { status = measure(measuring); });
#endif
  FitCommand fitting{.presets = RIDGE_PRESETS_FOLDER};
  auto* fit_command = app.add_subcommand("fit", "Fit measurements and report the error on points held out");
  add_fit(*fit_command, fitting);
  fit_command->callback([&] { status = fit(fitting); });
  CheckCommand checking;
  auto* check_command =
      app.add_subcommand("check", "Compare a profile's predictions with other measurements");
  check_command->add_option("profile", checking.profile, "Profile")->required();
  check_command->add_option("files", checking.files, "Measurements")->required();
  check_command->callback([&] { status = check(checking); });
  CompareCommand comparing;
  auto* compare_command = app.add_subcommand("compare", "Set two profiles side by side");
  compare_command->add_option("left", comparing.left, "Profile")->required();
  compare_command->add_option("right", comparing.right, "Profile")->required();
  compare_command->callback([&] { status = compare(comparing); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) { return app.exit(e) == 0 ? done : bad_usage; }
  return status;
}

}  // namespace
}  // namespace ridge::calibrate

int main(int argc, char** argv) { return ridge::calibrate::run(argc, argv); }
