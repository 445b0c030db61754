#pragma once
/// Measurements as a file of JSON lines: one object a line, so that a run cut short leaves all it had
/// measured, and ordinary tools can filter it.
///
///   {"run": {"device": "NVIDIA H200", "driver": "580.159", ...}}           first line, optional
///   {"family": "gemm", "variant": "bf16", "sizes": {"k": 4096, "m": 128, "n": 6144},
///    "seconds": 1.43e-05, "low": 1.42e-05, "high": 1.44e-05, "samples": 24, ...}
///   {"observed": {"family": "gemm", "variant": "bf16", "sizes": {...}}, "kernels": ["nvjet_hsh_..."],
///    "tile": [256, 128], "event_seconds": 1.43e-05, "traced_seconds": 1.35e-05,
///    "counted": {"tensor_flops": 6.4e+09, "memory_bytes_read": 5.3e+07, ...}}
///   {"visit": {"family": ...}}    a first visit of a point that a second one will finish
///   {"skipped": "nvls: switched off"}
///   {"failed": "rank 3 on node b: lost"}   until a {"resumed": {}} line: a later attempt may have more luck
///   {"end": {"points": 812}}      last line of a run that was not cut short
///
/// A visit that nothing finished counts as a point.

#include "base/diagnostic.h"
#include "calibrate/fit/observation.h"

namespace ridge {

/// What was true for a whole run: device, driver, library versions, clocks, date, what was skipped.
using RunFacts = std::map<std::string, std::string, std::less<>>;

struct MeasuredRun {
  RunFacts facts;
  Measurements points;
  std::vector<std::string> skipped;  ///< "nvls: switched off"
  std::vector<Observation> observed;
  Measurements visits;              ///< those whose point was not finished
  std::vector<std::string> failed;  ///< ranks of a cluster that were lost
  bool is_ended = false;            ///< the closing line is there
  std::size_t whole_bytes = 0;      ///< of the lines that are whole
};

std::string measurement_line(const Measurement&);
std::string observation_line(const Observation&);
std::string facts_line(const RunFacts&);
std::string skipped_line(std::string_view what_and_why);
std::string visit_line(const Measurement&);
std::string failed_line(std::string_view who_and_why);
std::string resumed_line();
std::string end_line(std::size_t points);

/// A line that is no measurement is an error at its place; a last line cut short is a warning.
MeasuredRun read_measurement_lines(const SourcePtr&, Diagnostics&);

}  // namespace ridge
