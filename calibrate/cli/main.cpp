// ridge-calibrate: measures a machine, fits what was measured, says how well.

#include "calibrate/cli/commands.h"
#include "calibrate/cli/measure_command.h"
#include "calibrate/measure/run_file.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

namespace ridge::calibrate {
namespace {

void add_json(CLI::App& app, bool& is_json) { app.add_flag("--json", is_json, "As JSON"); }

void add_measure(CLI::App& app, MeasureCommand& c) {
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
  add_json(app, c.is_json);
}

void add_cluster(CLI::App& app, MeasureCommand& c) {
  const std::string group = "Several ranks (started by mpirun, srun or hand)";
  app.add_option("--rank", c.launch.rank, "This process's number, from 0; else mpirun or srun tell it")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  app.add_option("--ranks", c.launch.ranks, "How many there are")->check(CLI::PositiveNumber)->group(group);
  app.add_option("--rendezvous", c.rendezvous,
                 "File on a shared folder (default: beside --out), or HOST:PORT of rank 0")
      ->group(group);
  app.add_option("--wait", c.wait, "Seconds for all ranks to come")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->group(group);
  app.add_option("--node", c.node, "Name of this rank's node (default: the host's)")->group(group);
  app.add_flag("--tcp", c.is_tcp, "Messages over TCP, even where MPI is there")->group(group);
  app.add_option("--phases", c.phases, "Of: devices, pairs, collectives")
      ->delimiter(',')
      ->check(CLI::IsMember({"devices", "pairs", "collectives"}))
      ->group(group);
  app.add_option("--slow-down", c.slow_down, "Multiplies this rank's times, to try how it is named")
      ->check(CLI::PositiveNumber)
      ->group("");
}

void add_fit(CLI::App& app, FitCommand& c) {
  app.add_option("files", c.files, "Measurements: .jsonl of 'measure', .csv tables")->required();
  app.add_option("--device", c.device, "Device of a table with many");
  app.add_option("--base", c.base, "Hardware preset with the peaks (default: by the device's name)");
  app.add_option("--presets", c.presets, "Folder of presets that go before the program's own");
  app.add_option("--out", c.out, "Profile to write");
  app.add_option("--preset", c.preset_out, "Hardware preset to write, extending the base");
  app.add_flag("!--no-table", c.has_table, "The law alone");
  app.add_option("--source", c.source, "Whose measurements, when they are other people's: marks the profile");
  add_json(app, c.is_json);
}

CLI::App* add_check(CLI::App& app, CheckCommand& c) {
  auto* command = app.add_subcommand("check", "Compare a profile's predictions with other measurements");
  command->add_option("profile", c.profile, "Profile")->required();
  command->add_option("files", c.files, "Measurements: JSON lines, tables, nccl-tests, nvbandwidth")
      ->required();
  command->add_flag("--any-device", c.takes_any_device, "Also measurements of another device");
  add_json(*command, c.is_json);
  return command;
}

CLI::App* add_compare(CLI::App& app, CompareCommand& c) {
  auto* command =
      app.add_subcommand("compare", "How far two profiles lie apart, in parameters and predictions");
  command->add_option("left", c.left, "Profile")->required();
  command->add_option("right", c.right, "Profile")->required();
  add_json(*command, c.is_json);
  return command;
}

CLI::App* add_merge(CLI::App& app, MergeCommand& c) {
  auto* command = app.add_subcommand("merge", "Two profiles of one kind of device as one");
  command->add_option("first", c.first, "Profile whose models win")->required();
  command->add_option("second", c.second, "Profile that gives what the first lacks")->required();
  command->add_option("--out", c.out, "Profile to write")->required();
  add_json(*command, c.is_json);
  return command;
}

CLI::App* add_import(CLI::App& app, ImportCommand& c) {
  auto* command = app.add_subcommand("import", "Take in what nccl-tests, nvbandwidth or tables say");
  command->add_option("files", c.files, "Text or JSON of the tools, .csv tables")->required();
  command->add_option("--out", c.out, "File of JSON lines to write, for 'fit' and 'check'");
  command->add_option("--device", c.device, "Device, where the source does not name it");
  command->add_option("--ranks", c.ranks, "Devices that took part, where the source does not say")
      ->check(CLI::PositiveNumber);
  add_json(*command, c.is_json);
  return command;
}

CLI::App* add_plot(CLI::App& app, PlotCommand& c) {
  auto* command = app.add_subcommand("plot", "Draw measured against fitted for each model, as SVG");
  command->add_option("profile", c.profile, "Profile")->required();
  command->add_option("--out", c.out, "Folder")->capture_default_str();
  add_json(*command, c.is_json);
  return command;
}

struct RunCommand {
  MeasureCommand measuring;
  std::string name = "calibration";
};

/// NAME.jsonl, NAME-profile.yaml and NAME.yaml, a hardware file that `ridge plan` takes.
int measure_and_fit(RunCommand c) {
  c.measuring.out = c.name + ".jsonl";
  c.measuring.is_silent = c.measuring.is_json && !c.measuring.is_dry;
  const int measured = measure(c.measuring);
  if (measured == bad_usage || c.measuring.is_dry || !leads(c.measuring)) return measured;
  if (holds_unfinished_run(c.measuring.out)) {
    std::fprintf(stderr, "nothing was fitted; go on with: ridge-calibrate run --resume --name %s\n",
                 c.name.c_str());
    return not_accepted;
  }
  FitCommand fitting{.files = {c.measuring.out}};
  fitting.out = c.name + "-profile.yaml";
  fitting.preset_out = c.name + ".yaml";
  fitting.is_json = c.measuring.is_json;
  const int fitted = fit(fitting);
  if (fitted != bad_usage && !fitting.is_json)
    std::printf("\n%s is the profile; plan with: --set hardware=%s\n", fitting.out.c_str(),
                fitting.preset_out.c_str());
  return std::max(measured, fitted);
}

int run(int argc, char** argv) {
  CLI::App app{"Measure this machine, fit what was measured, and know the error"};
  app.require_subcommand(1);
  int status = bad_usage;
  RunCommand running;
  auto* run_command = app.add_subcommand("run", "Measure, fit, write the profile and a hardware file");
  add_measure(*run_command, running.measuring);
  add_cluster(*run_command, running.measuring);
  run_command->add_option("--name", running.name, "Stem of the files to write")->capture_default_str();
  run_command->callback([&] { status = measure_and_fit(running); });
  MeasureCommand measuring;
  auto* measure_command = app.add_subcommand("measure", "Time kernels on the devices of this machine");
  measure_command->add_option("--out", measuring.out, "File of JSON lines to write")->capture_default_str();
  add_measure(*measure_command, measuring);
  add_cluster(*measure_command, measuring);
  measure_command->callback([&] { status = measure(measuring); });
#ifdef RIDGE_HAVE_CUDA
  KernelsCommand comparing_kernels;
  auto* kernels_command = app.add_subcommand("kernels", "Compare our kernels with cuBLASLt and cuDNN");
  kernels_command->add_option("--only", comparing_kernels.only, "product, prefill, decode")->delimiter(',');
  add_json(*kernels_command, comparing_kernels.is_json);
  kernels_command->callback([&] { status = kernels(comparing_kernels); });
#endif
  FitCommand fitting;
  auto* fit_command = app.add_subcommand("fit", "Fit measurements and report the error on points held out");
  add_fit(*fit_command, fitting);
  fit_command->callback([&] { status = fit(fitting); });
  CheckCommand checking;
  add_check(app, checking)->callback([&] { status = check(checking); });
  CompareCommand comparing;
  add_compare(app, comparing)->callback([&] { status = compare(comparing); });
  MergeCommand merging;
  add_merge(app, merging)->callback([&] { status = merge(merging); });
  ImportCommand importing;
  add_import(app, importing)->callback([&] { status = import(importing); });
  ShowCommand showing;
  auto* show_command = app.add_subcommand("show", "What a profile holds, and its errors");
  show_command->add_option("profile", showing.profile, "Profile")->required();
  add_json(*show_command, showing.is_json);
  show_command->add_flag("--markdown", showing.is_markdown, "As a Markdown table");
  show_command->callback([&] { status = show(showing); });
  PlotCommand plotting;
  add_plot(app, plotting)->callback([&] { status = plot(plotting); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) { return app.exit(e) == 0 ? done : bad_usage; }
  return status;
}

}  // namespace
}  // namespace ridge::calibrate

int main(int argc, char** argv) { return ridge::calibrate::run(argc, argv); }
