#include "calibrate/io/import_tools.h"

#include "base/quantity_text.h"
#include "calibrate/fit/robust.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace ridge {
namespace {

using nlohmann::json;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return out;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return out;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(" \t\r"), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

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

double number_of(const json& j, const char* key) {
  const auto it = j.find(key);
  if (it == j.end()) return 0;
  if (it->is_number()) return it->get<double>();
  if (!it->is_string()) return 0;
  const auto v = parse_number(it->get<std::string>());
  return v ? *v : 0;
}
std::string text_of(const json& j, const char* key) {
  const auto it = j.find(key);
  return it != j.end() && it->is_string() ? it->get<std::string>() : std::string();
}

/// The array under a key; empty when there is something else.
json list_of(const json& j, const char* key) {
  const auto it = j.find(key);
  return it != j.end() && it->is_array() ? *it : json::array();
}

double time_of(const json& row) {
  for (const char* body : {"out_of_place", "in_place"}) {
    const auto it = row.find(body);
    if (it != row.end() && it->is_object() && number_of(*it, "time") > 0) return number_of(*it, "time");
  }
  return 0;
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

/// Family and variant of an nvbandwidth test; empty for those that say nothing about one plain copy.
std::string copy_family(std::string_view test) {
  if (test == "host_to_device_memcpy_ce") return "copy_host_to_device";
  if (test == "device_to_host_memcpy_ce") return "copy_device_to_host";
  if (test == "device_to_device_memcpy_write_ce") return "peer_copy";
  return {};
}

void add_copy(MeasuredRun& out, std::string_view test, std::vector<double> gigabytes, double bytes,
              const std::string& device) {
  std::erase_if(gigabytes, [](double v) { return !(v > 0); });
  const std::string family = copy_family(test);
  if (family.empty() || gigabytes.empty()) {
    if (!test.empty()) out.skipped.push_back(fmt::format("nvbandwidth {}: not used", test));
    return;
  }
  Measurement m{.family = family, .variant = "pinned", .sizes = {{"bytes", bytes}}};
  m.time = Seconds{bytes / (median(gigabytes) * 1e9)};
  m.device = device, m.library = "CUDA (nvbandwidth)", m.source = "nvbandwidth";
  out.points.push_back(std::move(m));
}

constexpr double default_copy = 512.0 * 1024 * 1024;

MeasuredRun bandwidth_text(const SourcePtr& source) {
  MeasuredRun out;
  std::string test, device;
  std::vector<double> cells;
  const auto flush = [&] {
    if (!test.empty()) add_copy(out, test, std::move(cells), default_copy, device);
    test.clear(), cells.clear();
  };
  for (const std::string_view line : lines_of(source->text)) {
    const auto words = words_of(line);
    if (words.empty()) continue;
    if (words[0] == "Running" && words.size() > 1) {
      flush();
      test = words[1].substr(0, words[1].find_last_not_of('.') + 1);
    } else if (words[0] == "Device" && words.size() > 2 && device.empty() && words[1].ends_with(":")) {
      const auto colon = line.find(": ");
      device = line.substr(colon + 2, line.find(" (") - colon - 2);
    } else if (words.size() > 1 && parse_number(words[0]) && line.find('.') != std::string_view::npos) {
      for (std::size_t i = 1; i < words.size(); ++i)
        if (const auto v = parse_number(words[i])) cells.push_back(*v);
    }
  }
  flush();
  if (!device.empty()) out.facts["device"] = device;
  return out;
}

MeasuredRun bandwidth_json(const json& j) {
  MeasuredRun out;
  const json& root = j["nvbandwidth"];
  if (const std::string driver = text_of(root, "Driver Version"); !driver.empty())
    out.facts["driver"] = driver;
  const double megabytes = number_of(root, "bufferSize");
  for (const json& test : list_of(root, "testcases")) {
    std::vector<double> cells;
    for (const json& row : list_of(test, "bandwidth_matrix"))
      for (const json& cell : row)
        if (const auto v =
                cell.is_string() ? parse_number(cell.get<std::string>()) : parse_number(cell.dump()))
          cells.push_back(*v);
    add_copy(out, text_of(test, "name"), std::move(cells),
             megabytes > 0 ? megabytes * 1024 * 1024 : default_copy, {});
  }
  return out;
}

bool is_nccl_text(std::string_view text) {
  return text.find("out-of-place") != std::string_view::npos && text.find("algbw") != std::string_view::npos;
}

}  // namespace

bool is_tool_output(std::string_view text) {
  if (is_nccl_text(text) || text.find("nvbandwidth") != std::string_view::npos) return true;
  return text.starts_with('{') && text.find("\"out_of_place\"") != std::string_view::npos;
}

MeasuredRun import_tool_output(const SourcePtr& source, Diagnostics& diagnostics, int ranks) {
  const auto begin = source->text.find_first_not_of(" \t\r\n");
  const bool is_json = begin != std::string::npos && source->text[begin] == '{';
  MeasuredRun out;
  if (!is_json) {
    out = is_nccl_text(source->text) ? nccl_text(source, diagnostics, ranks) : bandwidth_text(source);
  } else {
    const json j = json::parse(source->text, nullptr, false);
    if (j.is_discarded() || !j.is_object()) {
      diagnostics.error("bad-json", "this is no complete JSON object", Span{source, 1, 1, 1});
      return out;
    }
    const bool is_bandwidth = j.contains("nvbandwidth") && j["nvbandwidth"].is_object();
    out = is_bandwidth ? bandwidth_json(j) : nccl_json(j, source, diagnostics, ranks);
  }
  if (out.points.empty())
    diagnostics.error("no-measurements", "no row of this output can be used", Span{source, 1, 1, 1});
  else if (out.points.front().family.empty())
    diagnostics
        .error("unknown-collective", "the output does not say which collective it timed",
               Span{source, 1, 1, 1})
        .suggestion = "name the file after it, for example all_reduce.txt";
  return out;
}

}  // namespace ridge
