// Output of nccl-tests: text and JSON.

#include "base/quantity_text.h"
#include "calibrate/io/tool_text.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <set>

namespace ridge::tool_text {

using nlohmann::json;

namespace {

/// The collective whose program "all_reduce_perf" the text or its file's name mentions.
std::string collective_of(const Source& s) {
  constexpr std::pair<std::string_view, std::string_view> programs[] = {
      {"all_reduce_perf", "all_reduce"},         {"all_gather_perf", "all_gather"},
      {"reduce_scatter_perf", "reduce_scatter"}, {"alltoall_perf", "all_to_all"},
      {"broadcast_perf", "broadcast"},           {"sendrecv_perf", "send_receive"}};
  const auto slash = s.name.rfind('/');
  const std::string file = s.name.substr(slash == std::string::npos ? 0 : slash + 1);
  for (const auto& [program, name] : programs) {
    const std::string stem(program.substr(0, program.size() - 5));
    if (s.text.find(program) != std::string::npos || file.find(stem) != std::string::npos)
      return std::string(name);
  }
  return {};
}

std::string type_name(std::string_view nccl) {
  if (nccl == "float") return "fp32";
  if (nccl == "half") return "fp16";
  if (nccl == "bfloat16") return "bf16";
  if (nccl == "double") return "fp64";
  return std::string(nccl);
}

struct NcclRun {
  std::string collective, device;
  std::size_t ranks = 0;
  std::set<std::string> hosts;
  bool in_graph = false;
};

Measurement nccl_point(const NcclRun& run, double bytes, std::string_view type, double microseconds) {
  Measurement m{.family = run.collective, .sizes = {{"bytes", bytes}}, .time = Seconds{microseconds * 1e-6}};
  m.variant = fmt::format("{} devices, {}, {}{}", run.ranks, type_name(type),
                          run.hosts.size() > 1 ? fmt::format("{} nodes, ", run.hosts.size()) : "",
                          run.in_graph ? "graph" : "eager");
  m.device = run.device;
  m.library = "NCCL (nccl-tests)";
  m.source = "nccl-tests";
  return m;
}

/// "#  Rank  0 Group  0 Pid   6899 on host-a device  0 [0000:04:00] NVIDIA H100 80GB HBM3"
void read_rank(std::string_view line, NcclRun& run) {
  const auto words = words_of(line);
  const auto on = std::ranges::find(words, "on"),
             bracket = std::ranges::find_if(words, [](std::string_view w) { return w.starts_with('['); });
  ++run.ranks;
  if (on != words.end() && on + 1 != words.end()) run.hosts.emplace(on[1]);
  std::string device;
  for (auto w = bracket; w != words.end(); ++w)
    if (w != bracket) device += (device.empty() ? "" : " ") + std::string(*w);
  if (run.device.empty()) run.device = device;
}

/// "# nThread 1 nGpus 8 minBytes 8 ...": 8; zero when it does not tell, or of one: then processes were many.
std::size_t ranks_of_header(std::string_view text) {
  for (const std::string_view line : lines_of(text)) {
    if (!line.starts_with("# nThread")) continue;
    const auto words = words_of(line);
    const auto behind = [&](std::string_view name) {
      const auto it = std::ranges::find(words, name);
      if (it == words.end() || it + 1 == words.end()) return std::size_t{0};
      const auto n = parse_number(it[1]);
      return n && *n >= 1 && *n <= 4096 ? static_cast<std::size_t>(*n) : std::size_t{0};
    };
    const std::size_t all = behind("nThread") * behind("nGpus");
    return all > 1 ? all : 0;
  }
  return 0;
}

/// size count type redop root time algbw busbw #wrong ...
std::optional<Measurement> read_row(const std::vector<std::string_view>& words, const NcclRun& run) {
  if (words.size() < 6) return std::nullopt;
  const auto bytes = parse_number(words[0]), time = parse_number(words[5]);
  if (!bytes || !time || !(*bytes > 0) || !(*time > 0)) return std::nullopt;
  return nccl_point(run, *bytes, words[2], *time);
}

void expect_ranks(const NcclRun& run, const SourcePtr& source, Diagnostics& diagnostics) {
  if (run.ranks > 0) return;
  diagnostics
      .error("unknown-ranks", "the output does not say how many devices took part", Span{source, 1, 1, 1})
      .suggestion = "ridge-calibrate import --ranks N";
}

double time_of(const json& row) {
  for (const char* body : {"out_of_place", "in_place"}) {
    const auto it = row.find(body);
    if (it != row.end() && it->is_object() && number_of(*it, "time") > 0) return number_of(*it, "time");
  }
  return 0;
}

}  // namespace

MeasuredRun nccl_text(const SourcePtr& source, Diagnostics& diagnostics, int ranks) {
  MeasuredRun out;
  NcclRun run{.collective = collective_of(*source), .device = {}, .hosts = {}};
  const std::size_t told = ranks > 0 ? static_cast<std::size_t>(ranks) : ranks_of_header(source->text);
  int number = 0;
  for (const std::string_view line : lines_of(source->text)) {
    ++number;
    const auto words = words_of(line);
    if (words.empty()) continue;
    if (words[0] == "#" && words.size() > 2 && words[1] == "Rank") read_rank(line, run);
    if (const auto at = line.find(" graph: "); line.starts_with("# nThread") && at != std::string_view::npos)
      run.in_graph = line.substr(at + 8, 1) != "0";
    const bool is_row =
        words[0].find_first_not_of("0123456789") == std::string_view::npos && words.size() > 8;
    if (!is_row || words[0] == "0") continue;
    if (run.ranks == 0) run.ranks = told;  // no line for each rank above the table
    if (auto m = read_row(words, run)) out.points.push_back(std::move(*m));
    else
      diagnostics.warning("bad-row", "this row of nccl-tests has no size or time",
                          Span{source, number, 1, 1});
  }
  if (!out.points.empty()) expect_ranks(run, source, diagnostics);
  if (!run.device.empty()) out.facts["device"] = run.device;
  return out;
}

MeasuredRun nccl_json(const json& j, const SourcePtr& source, Diagnostics& diagnostics, int ranks) {
  MeasuredRun out;
  NcclRun run{.collective = collective_of(*source), .device = {}, .hosts = {}};
  const json config = j.contains("config") ? j["config"] : json::object();
  run.in_graph = number_of(config, "graph") != 0;
  for (const json& d : list_of(config, "devices")) {
    ++run.ranks;
    run.hosts.insert(text_of(d, "hostname"));
    if (run.device.empty()) run.device = text_of(d, "device_info");
  }
  if (run.ranks == 0) run.ranks = static_cast<std::size_t>(std::max(ranks, 0));
  expect_ranks(run, source, diagnostics);
  for (const json& row : list_of(j, "results"))
    if (number_of(row, "size") > 0 && time_of(row) > 0)
      out.points.push_back(nccl_point(run, number_of(row, "size"), text_of(row, "type"), time_of(row)));
  if (!run.device.empty()) out.facts["device"] = run.device;
  return out;
}

}  // namespace ridge::tool_text
