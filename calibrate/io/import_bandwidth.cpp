// Output of nvbandwidth: text and JSON.

#include "base/quantity_text.h"
#include "calibrate/fit/robust.h"
#include "calibrate/io/tool_text.h"

#include <fmt/format.h>

namespace ridge::tool_text {

using nlohmann::json;

namespace {

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

}  // namespace

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

}  // namespace ridge::tool_text
