#pragma once
/// `ridge-calibrate measure`: the probes of one back end into a file of JSON lines.

#include "calibrate/measure/probe.h"

#include <optional>

namespace ridge::calibrate {

struct MeasureCommand {
  std::string out = "measurements.jsonl";
  std::string device = "auto";   ///< auto, cuda, cpu
  std::optional<double> budget;  ///< seconds; 40 in quick mode, else 170
  bool is_quick = false, is_dry = false, is_resumed = false, is_overwriting = false;
  int cores = 0;
  double slow_down = 1;
  std::vector<std::string> only;
  std::string storage;  ///< folder on the drive to measure; empty: the current one
};

int measure(const MeasureCommand&);

}  // namespace ridge::calibrate
