#include "calibrate/cli/commands.h"
#include "calibrate/cli/profile_json.h"

#include <fmt/format.h>

namespace ridge::calibrate {
namespace {

struct Row {
  std::string family, variant, library;
  std::int64_t fitted = 0;
  ErrorSummary e;
  bool is_accepted = true;
};

std::vector<Row> rows_of(const Models& models) {
  std::vector<Row> out;
  for (const KernelModel& m : models.kernels)
    out.push_back({m.family, m.variant, m.library, m.fitted_points, m.hold_out, m.objections.empty()});
  for (const CurveModel& m : models.curves)
    out.push_back({m.family, m.variant, m.library, m.fitted_points, m.hold_out, m.objections.empty()});
  return out;
}

/// "-" where nothing was judged.
std::string percent(const ErrorSummary& e, double fraction, int digits = 1) {
  return e.points == 0 ? "-" : fmt::format("{:.{}f} %", 100 * fraction, digits);
}

void print_markdown(const Profile& p, const std::vector<Row>& rows) {
  const auto date = p.facts.find("date");
  fmt::print("**{}**, {}{}{}\n\n", p.device, p.kind, date == p.facts.end() ? "" : " " + date->second,
             p.source.empty() ? "" : "; " + p.source);
  fmt::print(
      "| kernel | variant | library | fitted | judged | median | 90th percentile | inside |\n"
      "|---|---|---|---:|---:|---:|---:|---:|\n");
  for (const Row& r : rows)
    fmt::print("| {} | {} | {} | {} | {} | {} | {} | {}{} |\n", r.family, r.variant, r.library, r.fitted,
               r.e.points, percent(r.e, r.e.median), percent(r.e, r.e.p90), percent(r.e, r.e.coverage, 0),
               r.is_accepted ? "" : "; not used");
}

void print_text(const Profile& p, const std::vector<Row>& rows) {
  fmt::print("{}, {}{}\n", p.device, p.kind, p.source.empty() ? "" : "; " + p.source);
  for (const auto& [name, value] : p.facts) fmt::print("  {:<22} {}\n", name, value);
  fmt::print("\n{:<20} {:<36} {:>7} {:>7} {:>8} {:>8} {:>7}\n", "kernel", "variant", "fitted", "judged",
             "median", "p90", "inside");
  for (const Row& r : rows)
    fmt::print("{:<20} {:<36} {:>7} {:>7} {:>8} {:>8} {:>7}{}\n", r.family, r.variant, r.fitted, r.e.points,
               percent(r.e, r.e.median), percent(r.e, r.e.p90), percent(r.e, r.e.coverage, 0),
               r.is_accepted ? "" : "  not used");
  for (const std::string& s : p.models.skipped) fmt::print("skipped  {}\n", s);
}

}  // namespace

int show(const ShowCommand& c) {
  Diagnostics diagnostics;
  const auto profile = load_profile(c.profile, diagnostics);
  if (report_problems(diagnostics) || !profile) return bad_usage;
  const std::vector<Row> rows = rows_of(profile->models);
  if (c.is_json) fmt::print("{}\n", profile_json(*profile).dump(2));
  else if (c.is_markdown) print_markdown(*profile, rows);
  else print_text(*profile, rows);
  return done;
}

}  // namespace ridge::calibrate
