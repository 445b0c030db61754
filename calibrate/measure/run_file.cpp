#include "calibrate/measure/run_file.h"

#include "base/yaml/read_document.h"

#include <filesystem>
#include <fmt/format.h>

namespace ridge {

KnownPoints EarlierRun::known(std::int64_t rank) const {
  KnownPoints known;
  for (const Measurement& m : run.points)
    if (m.rank == rank) known.done.insert(point_key(m));
  for (const Measurement& m : run.visits)
    if (m.rank == rank) known.visits[point_key(m)].push_back(m);
  return known;
}

std::optional<EarlierRun> read_earlier_run(const std::string& path, const RunFacts& facts,
                                           Diagnostics& diagnostics) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const SourcePtr source = read_source(path, diagnostics);
  if (!source) return std::nullopt;
  EarlierRun earlier{read_measurement_lines(source, diagnostics)};
  const Span first{source, 1, 1, 1};
  if (earlier.run.is_ended && earlier.run.failed.empty())
    diagnostics.error("ended-run", "this run was finished: there is nothing to resume", first);
  for (const auto& [key, value] : facts) {
    const auto it = earlier.run.facts.find(key);
    const std::string was = it == earlier.run.facts.end() ? "unknown" : it->second;
    if (was != value)
      diagnostics
          .error("other-run", fmt::format("cannot resume: {} was '{}' and is '{}' now", key, was, value),
                 first)
          .suggestion = "measure into another file";
  }
  return earlier;
}

bool holds_unfinished_run(const std::string& path) {
  if (!std::filesystem::exists(path)) return false;
  Diagnostics ignored;
  const SourcePtr source = read_source(path, ignored);
  if (!source) return false;
  const MeasuredRun run = read_measurement_lines(source, ignored);
  return !run.is_ended && run.points.size() + run.visits.size() > 0;
}

RunFile::RunFile(const std::string& path, const EarlierRun* earlier) {
  if (earlier) {
    std::error_code ignored;
    std::filesystem::resize_file(path, earlier->run.whole_bytes, ignored);
    points_ = earlier->run.points.size();
  }
  out_.open(path, earlier ? std::ios::app : std::ios::trunc);
}

void RunFile::point(const Measurement& m) { point_line(measurement_line(m)); }

void RunFile::point_line(const std::string& text) {
  ++points_;
  line(text);
}

}  // namespace ridge
