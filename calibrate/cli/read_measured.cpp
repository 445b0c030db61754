#include "base/yaml/read_document.h"
#include "calibrate/cli/commands.h"
#include "calibrate/io/import_table.h"
#include "calibrate/io/import_tools.h"

#include <cstdio>
#include <fmt/format.h>

namespace ridge::calibrate {

MeasuredRun read_measured(const std::vector<std::string>& files, Diagnostics& diagnostics, int ranks) {
  MeasuredRun all;
  for (const std::string& file : files) {
    const SourcePtr source = read_source(file, diagnostics);
    if (!source) continue;
    MeasuredRun one;
    if (file.ends_with(".csv")) {
      ImportedTable table = import_table(source, diagnostics);
      one.points = std::move(table.points);
      for (const auto& [what, rows] : table.left_out)
        one.skipped.push_back(fmt::format("{}: {} rows, no family describes them", what, rows));
    } else if (is_tool_output(source->text)) {
      one = import_tool_output(source, diagnostics, ranks);
    } else {
      one = read_measurement_lines(source, diagnostics);
      one.points.insert(one.points.end(), one.visits.begin(), one.visits.end());
      // Only runs of `measure` have a closing line.
      if (one.facts.contains("mode") && !one.is_ended)
        one.facts["cut_short"] = fmt::format("behind {} points", one.points.size());
    }
    all.facts.merge(one.facts);
    all.points.insert(all.points.end(), one.points.begin(), one.points.end());
    all.observed.insert(all.observed.end(), one.observed.begin(), one.observed.end());
    all.failed.insert(all.failed.end(), one.failed.begin(), one.failed.end());
    all.skipped.insert(all.skipped.end(), one.skipped.begin(), one.skipped.end());
  }
  return all;
}

std::optional<Profile> load_profile(const std::string& path, Diagnostics& diagnostics) {
  const SourcePtr source = read_source(path, diagnostics);
  return source ? read_profile(source, diagnostics) : std::nullopt;
}

bool report_problems(const Diagnostics& diagnostics) {
  if (!diagnostics.empty()) std::fputs(render(diagnostics).c_str(), stderr);
  return diagnostics.has_errors();
}

}  // namespace ridge::calibrate
