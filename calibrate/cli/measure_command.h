#pragma once
/// `ridge-calibrate measure`: the probes of one back end into a file of JSON lines; started many times at once
/// by mpirun, srun or hand, the ranks of a cluster together (calibrate/cluster/driver.h).

#include "calibrate/cluster/launch.h"
#include "calibrate/measure/probe.h"

#include <optional>

namespace ridge::calibrate {

struct MeasureCommand {
  std::string out = "measurements.jsonl";
  std::string device = "auto";   ///< auto, cuda, cpu
  std::optional<double> budget;  ///< seconds; 40 in quick mode, else 170
  bool is_quick = false, is_dry = false, is_resumed = false, is_overwriting = false;
  bool is_json = false;    ///< what was done, or with is_dry would be, as JSON
  bool is_silent = false;  ///< nothing on standard output: another command has the word
  int cores = 0;
  double slow_down = 1;
  std::vector<std::string> only;
  std::string storage;  ///< folder on the drive to measure; empty: the current one
  // Of a cluster
  LaunchFlags launch;
  std::string rendezvous, node;
  double wait = 60;
  bool is_tcp = false;
  std::vector<std::string> phases;
};

/// Rank and number of ranks are told by the environment that mpirun or srun set, or by flags.
int measure(const MeasureCommand&);

/// This process is alone, or the rank that writes the file.
bool leads(const MeasureCommand&);

}  // namespace ridge::calibrate
