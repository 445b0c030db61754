#include "calibrate/cli/commands.h"

#include <array>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace ridge::calibrate {

namespace {

/// Points by family, variant and device.
using Groups = std::map<std::array<std::string, 3>, int>;

void print_text(const MeasuredRun& run, const Groups& groups) {
  for (const auto& [name, points] : groups)
    fmt::print("{:>6} points  {}, {}, {}\n", points, name[0], name[1],
               name[2].empty() ? "device unknown" : name[2]);
  for (const std::string& s : run.skipped) fmt::print("skipped  {}\n", s);
}

void print_json(const ImportCommand& c, const MeasuredRun& run, const Groups& groups) {
  nlohmann::json out{{"points", run.points.size()},
                     {"groups", nlohmann::json::array()},
                     {"skipped", run.skipped},
                     {"file", c.out}};
  for (const auto& [name, points] : groups)
    out["groups"].push_back(
        {{"family", name[0]}, {"variant", name[1]}, {"device", name[2]}, {"points", points}});
  fmt::print("{}\n", out.dump(2));
}

}  // namespace

int import(const ImportCommand& c) {
  Diagnostics diagnostics;
  MeasuredRun run = read_measured(c.files, diagnostics, c.ranks);
  if (report_problems(diagnostics)) return bad_usage;
  if (!c.device.empty()) run.facts["device"] = c.device;
  Groups groups;
  for (Measurement& m : run.points) {
    if (!c.device.empty()) m.device = c.device;
    ++groups[{m.family, m.variant, m.device}];
  }
  if (c.is_json) print_json(c, run, groups);
  else print_text(run, groups);
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
