#include "calibrate/cli/commands.h"
#include "calibrate/fit/merge.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace ridge::calibrate {
namespace {

/// The second run's own facts stay readable beside the first's: "older: devices 4, driver ...".
std::string facts_line(const std::map<std::string, std::string>& facts) {
  std::string line;
  for (const char* key : {"date", "devices", "driver", "cuda_runtime"})
    if (const auto f = facts.find(key); f != facts.end())
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", key, f->second);
  return line;
}

}  // namespace

int merge(const MergeCommand& c) {
  Diagnostics diagnostics;
  auto first = load_profile(c.first, diagnostics);
  const auto second = load_profile(c.second, diagnostics);
  if (report_problems(diagnostics) || !first || !second) return bad_usage;
  if (!check_device(*second, first->device, diagnostics)) {
    report_problems(diagnostics);
    return bad_usage;
  }
  const std::size_t before = first->models.kernels.size() + first->models.curves.size();
  first->models = merged(std::move(first->models), second->models);
  const std::size_t taken = first->models.kernels.size() + first->models.curves.size() - before;
  std::string from = fmt::format("{}; {}", taken, facts_line(second->facts));
  // Merged before: what comes from there may come from further back.
  if (const auto earlier = second->facts.find("models_of_another_run"); earlier != second->facts.end())
    from += ", which had of yet another " + earlier->second;
  first->facts["models_of_another_run"] = from;
  std::ofstream out(c.out);
  out << profile_text(*first);
  out.close();
  if (!out) {
    fmt::print(stderr, "{}: cannot be written\n", c.out);
    return bad_usage;
  }
  if (c.is_json)
    fmt::print("{}\n", nlohmann::json{{"taken", taken}, {"from", c.second}, {"file", c.out}}.dump(2));
  else fmt::print("{} models of {} are in {}\n", taken, c.second, c.out);
  return done;
}

}  // namespace ridge::calibrate
