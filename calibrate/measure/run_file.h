#pragma once
/// The file of a run: a line is written the moment it is known, and a run cut short goes on from there.
///
/// Resuming  drops a last line without its end, takes finished points and lonely visits for known, and asks that
///           device, libraries and mode are those of the file: points of two machines must not mix.  A run that
///           was ended without some of its ranks can be resumed too.

#include "calibrate/io/measurement_lines.h"
#include "calibrate/measure/probe.h"

#include <fstream>
#include <optional>

namespace ridge {

struct EarlierRun {
  MeasuredRun run;
  /// Of one rank; -1: of a run without ranks.
  KnownPoints known(std::int64_t rank = -1) const;
};

/// Empty when there is no such file; errors when it is no file of a run, was ended, or is of another machine.
/// `facts`: what must agree with it.
std::optional<EarlierRun> read_earlier_run(const std::string& path, const RunFacts& facts, Diagnostics&);

/// True when `path` holds a run without its closing line, which a new one would destroy.
bool holds_unfinished_run(const std::string& path);

class RunFile {
 public:
  /// Anew, or behind the whole lines of an earlier run.
  RunFile(const std::string& path, const EarlierRun*);
  bool is_good() const { return out_.good(); }
  void line(const std::string& text) { out_ << text << std::endl; }
  void point(const Measurement& m);
  void point_line(const std::string& text);
  std::size_t points() const { return points_; }
  void end() { line(end_line(points_)); }

 private:
  std::ofstream out_;
  std::size_t points_ = 0;
};

}  // namespace ridge
