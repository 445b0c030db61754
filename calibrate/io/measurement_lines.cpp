#include "calibrate/io/measurement_lines.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace ridge {
namespace {

using nlohmann::json;

void put_unless_zero(json& j, const char* key, double value) {
  if (value != 0) j[key] = value;
}
void put_unless_empty(json& j, const char* key, const std::string& value) {
  if (!value.empty()) j[key] = value;
}

double number(const json& j, const char* key, double otherwise = 0) {
  const auto it = j.find(key);
  return it != j.end() && it->is_number() ? it->get<double>() : otherwise;
}
std::int64_t whole(const json& j, const char* key) {
  return static_cast<std::int64_t>(std::fmin(std::fmax(number(j, key, -1), -1), 1e9));
}
std::string text(const json& j, const char* key) {
  const auto it = j.find(key);
  return it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
}
bool flag(const json& j, const char* key) {
  const auto it = j.find(key);
  return it != j.end() && it->is_boolean() && it->get<bool>();
}

Measurement measurement(const json& j) {
  Measurement m;
  m.family = text(j, "family"), m.variant = text(j, "variant");
  if (const auto sizes = j.find("sizes"); sizes != j.end() && sizes->is_object())
    for (const auto& [name, value] : sizes->items())
      if (value.is_number()) m.sizes[name] = value.get<double>();
  m.time = Seconds{number(j, "seconds")};
  m.low = Seconds{number(j, "low")}, m.high = Seconds{number(j, "high")};
  m.samples = static_cast<std::int64_t>(std::fmin(std::fmax(number(j, "samples", 1), 0), 1e15));
  m.spread = number(j, "spread"), m.revisit_difference = number(j, "revisit_difference");
  m.clock = Hertz{number(j, "clock_hz")};
  m.is_throttled = flag(j, "throttled"), m.is_held_out = flag(j, "held_out");
  m.device = text(j, "device"), m.library = text(j, "library");
  m.kernel = text(j, "kernel"), m.source = text(j, "source");
  m.rank = whole(j, "rank"), m.peer = whole(j, "peer"), m.node = text(j, "node");
  return m;
}

Observation observation(const json& what, const json& j) {
  Observation o{.what = measurement(what)};
  o.event_time = Seconds{number(j, "event_seconds")}, o.traced_time = Seconds{number(j, "traced_seconds")};
  if (const auto kernels = j.find("kernels"); kernels != j.end() && kernels->is_array())
    for (const json& k : *kernels)
      if (k.is_string()) o.kernels.push_back(k.get<std::string>());
  if (const auto tile = j.find("tile"); tile != j.end() && tile->is_array() && tile->size() == 2 &&
                                        (*tile)[0].is_number() && (*tile)[1].is_number())
    o.tile = {std::fmax((*tile)[0].get<double>(), 1), std::fmax((*tile)[1].get<double>(), 1)};
  if (const auto counted = j.find("counted"); counted != j.end() && counted->is_object())
    for (const auto& [name, value] : counted->items())
      if (value.is_number()) o.counted[name] = value.get<double>();
  return o;
}

void read_facts(const json& run, RunFacts& facts) {
  for (const auto& [key, value] : run.items())
    facts[key] = value.is_string() ? value.get<std::string>() : value.dump();
}

/// Empty when the line is good, else what is wrong with it.
std::string read_line(const std::string& line, MeasuredRun& run) {
  const json j = json::parse(line, nullptr, false);
  if (j.is_discarded() || !j.is_object()) return "is no JSON object";
  if (const auto facts = j.find("run"); facts != j.end() && facts->is_object()) {
    read_facts(*facts, run.facts);
    return {};
  }
  if (const std::string skipped = text(j, "skipped"); !skipped.empty()) {
    run.skipped.push_back(skipped);
    return {};
  }
  if (const auto what = j.find("observed"); what != j.end() && what->is_object()) {
    run.observed.push_back(observation(*what, j));
    return run.observed.back().what.family.empty() ? "names no family" : "";
  }
  if (const std::string failed = text(j, "failed"); !failed.empty()) {
    run.failed.push_back(failed);
    return {};
  }
  if (j.contains("resumed")) {
    run.failed.clear();
    return {};
  }
  if (const auto end = j.find("end"); end != j.end() && end->is_object()) {
    run.is_ended = true;
    return {};
  }
  const auto visit = j.find("visit");
  const bool is_visit = visit != j.end() && visit->is_object();
  Measurement m = measurement(is_visit ? *visit : j);
  if (m.family.empty()) return "names no family";
  if (!(m.time > Seconds{})) return "has no time in seconds";
  if (m.device.empty()) m.device = run.facts.contains("device") ? run.facts.at("device") : "";
  run.is_ended = false;
  (is_visit ? run.visits : run.points).push_back(std::move(m));
  return {};
}

/// Leaves the visits whose point nothing finished.
void drop_finished_visits(MeasuredRun& run) {
  const auto name = [](const Measurement& m) {
    return m.family + '|' + m.variant + '|' + sizes_text(m) + '|' + std::to_string(m.rank);
  };
  std::set<std::string> done;
  for (const Measurement& m : run.points) done.insert(name(m));
  std::erase_if(run.visits, [&](const Measurement& m) { return done.contains(name(m)); });
}

json measurement_json(const Measurement& m) {
  json j{{"family", m.family},
         {"variant", m.variant},
         {"sizes", m.sizes},
         {"seconds", m.time.value()},
         {"samples", m.samples}};
  put_unless_zero(j, "low", m.low.value());
  put_unless_zero(j, "high", m.high.value());
  put_unless_zero(j, "spread", m.spread);
  put_unless_zero(j, "revisit_difference", m.revisit_difference);
  put_unless_zero(j, "clock_hz", m.clock.value());
  if (m.is_throttled) j["throttled"] = true;
  if (m.is_held_out) j["held_out"] = true;
  put_unless_empty(j, "device", m.device);
  put_unless_empty(j, "library", m.library);
  put_unless_empty(j, "kernel", m.kernel);
  put_unless_empty(j, "source", m.source);
  if (m.rank >= 0) j["rank"] = m.rank;
  if (m.peer >= 0) j["peer"] = m.peer;
  put_unless_empty(j, "node", m.node);
  return j;
}

std::string line_of(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string measurement_line(const Measurement& m) { return line_of(measurement_json(m)); }

std::string visit_line(const Measurement& m) { return line_of({{"visit", measurement_json(m)}}); }

std::string observation_line(const Observation& o) {
  json what{{"family", o.what.family}, {"variant", o.what.variant}, {"sizes", o.what.sizes}};
  put_unless_empty(what, "library", o.what.library);
  json j{{"observed", std::move(what)}, {"kernels", o.kernels}};
  if (o.tile.rows > 1 || o.tile.columns > 1) j["tile"] = {o.tile.rows, o.tile.columns};
  put_unless_zero(j, "event_seconds", o.event_time.value());
  put_unless_zero(j, "traced_seconds", o.traced_time.value());
  if (!o.counted.empty()) j["counted"] = o.counted;
  return line_of(j);
}

std::string facts_line(const RunFacts& facts) { return line_of({{"run", facts}}); }

std::string skipped_line(std::string_view what_and_why) {
  return line_of({{"skipped", std::string(what_and_why)}});
}

std::string failed_line(std::string_view who_and_why) {
  return line_of({{"failed", std::string(who_and_why)}});
}

std::string resumed_line() { return line_of({{"resumed", json::object()}}); }

std::string end_line(std::size_t points) { return line_of({{"end", {{"points", points}}}}); }

MeasuredRun read_measurement_lines(const SourcePtr& source, Diagnostics& diagnostics) {
  MeasuredRun run;
  const std::string& all = source->text;
  int number = 0;
  for (std::size_t from = 0; from < all.size();) {
    std::size_t end = all.find('\n', from);
    const bool is_cut = end == std::string::npos;
    if (is_cut) end = all.size();
    const std::string line = all.substr(from, end - from);
    from = end + 1;
    if (!is_cut) run.whole_bytes = from;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string problem = read_line(line, run);
    if (problem.empty()) continue;
    const Span span{source, number, 1, 1};
    if (is_cut) diagnostics.warning("cut-short", "the last line was cut short and is left out", span);
    else diagnostics.error("bad-measurement", "this line " + problem, span);
  }
  drop_finished_visits(run);
  return run;
}

}  // namespace ridge
