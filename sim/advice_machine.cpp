#include "base/quantity_text.h"
#include "sim/advice.h"
#include "sim/kernels.h"

#include <fmt/format.h>
#include <set>

namespace ridge {
namespace {

using Settings = std::vector<std::string>;

/// "hardware.device.hbm.bandwidth=6700GB/s" for twice 3.35 TB/s; nothing for what is unknown.
template <class Q>
void add_twice(std::string_view key, Q rate, std::string_view unit, double size, Settings& out) {
  if (rate.value() > 0)
    out.push_back(fmt::format("{}={}{}", key, format_number(2 * rate.value() / size), unit));
}

Settings twice_the_compute_rate(const Scenario& s) {
  const Device& d = s.hardware.device;
  std::set<std::pair<bool, Precision>> used;
  const auto use = [&](std::string_view name) {
    if (const auto e = matrix_execution(d, precision_named(name)))
      used.emplace(e->on_matrix_unit, e->precision);
  };
  if (s.training()) {
    use(s.precision.compute);
    use(s.precision.attention_compute);
  } else {
    use(s.operator_case() ? std::string_view(s.operator_case()->dtype)
                          : enum_name(s.weight_format.arithmetic));
  }
  Settings out;
  for (const auto& [on_matrix_unit, p] : used)
    if (const auto* peak = (on_matrix_unit ? d.peaks : d.vector_peaks).find(p))
      add_twice(fmt::format("hardware.device.{}.{}", on_matrix_unit ? "peaks" : "vector_peaks", enum_name(p)),
                peak->value, "TFLOP/s", 1e12, out);
  return out;
}

/// Tiers that hold at most one node, or those that join nodes.
Settings twice_the_tiers(const Cluster& c, bool is_inside) {
  Settings out;
  for (const Tier& t : c.tiers.inner_to_outer)
    if ((t.devices > 0 && t.devices <= c.node.devices) == is_inside)
      add_twice(fmt::format("hardware.tiers.{}.link.bandwidth", t.name), t.link.bandwidth.value, "GB/s", 1e9,
                out);
  return out;
}

Settings no_host_time(const Launch& l) {
  Settings out;
  for (const auto& [key, time] : {std::pair{"host_per_kernel", l.host_per_kernel},
                                  {"host_per_backward_kernel", l.host_per_backward_kernel},
                                  {"host_per_step", l.host_per_step},
                                  {"host_per_collective", l.host_per_collective},
                                  {"host_per_micro_batch", l.host_per_micro_batch}})
    if (time.value() > 0) out.push_back(fmt::format("software.launch.{}=0s", key));
  return out;
}

}  // namespace

std::vector<Change> machine_changes(const Scenario& s) {
  std::vector<Change> all;
  const auto add = [&all](std::string label, Settings settings) {
    if (!settings.empty()) all.push_back({AdviceKind::machine, std::move(label), std::move(settings)});
  };
  Settings memory;
  add_twice("hardware.device.hbm.bandwidth", s.hardware.device.hbm.bandwidth.value, "GB/s", 1e9, memory);
  add_twice("hardware.device.l2.bandwidth", s.hardware.device.l2.bandwidth.value, "GB/s", 1e9, memory);
  add("twice the compute rate", twice_the_compute_rate(s));
  add("twice the memory bandwidth", std::move(memory));
  add("twice the bandwidth inside a node", twice_the_tiers(s.hardware, true));
  add("twice the network bandwidth", twice_the_tiers(s.hardware, false));
  add("no host time between kernels", no_host_time(s.software.launch));
  return all;
}

}  // namespace ridge
