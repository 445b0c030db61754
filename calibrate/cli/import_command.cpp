#include "calibrate/cli/commands.h"

#include <fmt/format.h>
#include <fstream>
#include <map>

namespace ridge::calibrate {

int import(const ImportCommand& c) {
  Diagnostics diagnostics;
  MeasuredRun run = read_measured(c.files, diagnostics);
  if (report_problems(diagnostics)) return bad_usage;
  if (!c.device.empty()) run.facts["device"] = c.device;
  std::map<std::string, int> groups;
  for (Measurement& m : run.points) {
    if (!c.device.empty()) m.device = c.device;
    ++groups[fmt::format("{}, {}, {}", m.family, m.variant, m.device.empty() ? "device unknown" : m.device)];
  }
  for (const auto& [name, points] : groups) fmt::print("{:>6} points  {}\n", points, name);
  for (const std::string& s : run.skipped) fmt::print("skipped  {}\n", s);
  if (run.points.empty()) return not_accepted;
  if (c.out.empty()) return done;
  std::ofstream out(c.out);
  out << facts_line(run.facts) << '\n';
  for (const std::string& s : run.skipped) out << skipped_line(s) << '\n';
  for (const Measurement& m : run.points) out << measurement_line(m) << '\n';
  out << end_line(run.points.size()) << '\n';
  out.close();
  if (out) return done;
  fmt::print(stderr, "cannot write {}\n", c.out);
  return bad_usage;
}

}  // namespace ridge::calibrate
