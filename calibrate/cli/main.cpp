// ridge-calibrate: measures a machine, fits what was measured, says how well.

#include "calibrate/cli/commands.h"
#include "calibrate/cli/measure_command.h"

#include <CLI/CLI.hpp>

namespace ridge::calibrate {
namespace {

void add_measure(CLI::App& app, MeasureCommand& c) {
  app.add_option("--out", c.out, "File of JSON lines to write")->capture_default_str();
  app.add_option("--device", c.device, "What to measure: cuda, cpu, or auto, the GPU where there is one")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "cuda", "cpu"}));
  app.add_option("--cores", c.cores, "Cores of a processor to use (all)")->check(CLI::PositiveNumber);
  app.add_option("--budget", c.budget, "Seconds for all probes (170; quick 40)")->check(CLI::PositiveNumber);
  app.add_flag("--quick", c.is_quick, "A small grid, one visit: under 40 s");
  app.add_flag("--dry-run", c.is_dry, "Say what would run and how long, and measure nothing");
  app.add_flag("--resume", c.is_resumed, "Go on with a run that was cut short, measuring nothing twice");
  app.add_flag("--overwrite", c.is_overwriting, "Replace a run that was cut short");
  app.add_option("--only", c.only, "Names of probes")->delimiter(',');
  app.add_option("--storage", c.storage, "Folder on the drive to measure (the current one)");
}

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
  MeasureCommand measuring;
  auto* measure_command = app.add_subcommand("measure", "Time kernels on the devices of this machine");
  add_measure(*measure_command, measuring);
  measure_command->callback([&] { status = measure(measuring); });
#ifdef RIDGE_HAVE_CUDA
  KernelsCommand comparing_kernels;
  auto* kernels_command = app.add_subcommand("kernels", "Compare our kernels with cuBLASLt and cuDNN");
  kernels_command->add_option("--only", comparing_kernels.only, "product, prefill, decode")->delimiter(',');
  kernels_command->callback([&] { status = kernels(comparing_kernels); });
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
