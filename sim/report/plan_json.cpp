#include "sim/report/plan_json.h"

#include "sim/report/json_value.h"

#include <algorithm>

namespace ridge {
namespace {

template <class Q> Json amount(const Traced<Q>& t) { return json_number(t.value.value()); }

template <class Q> Json parts(const std::vector<Part<Q>>& list) {
  Json j = Json::object();
  for (const auto& p : list) j[std::string(p.name)] = amount(p.amount);
  return j;
}

Json plan(const ParallelPlan& p) {
  Json j = Json::object();
  j["data"] = p.data;
  j["tensor"] = p.tensor;
  j["sequence"] = p.sequence;
  j["pipeline"] = p.pipeline;
  j["virtual_stages"] = p.virtual_stages;
  j["schedule"] = enum_name(p.schedule);
  j["context"] = p.context;
  j["expert"] = p.expert;
  j["expert_tensor"] = p.expert_tensor;
  j["zero"] = p.zero;
  j["offload"] = enum_name(p.offload);
  return j;
}

Json violations(const std::vector<Violation>& list) {
  Json j = Json::array();
  for (const Violation& v : list)
    j.push_back({{"code", v.code}, {"problem", v.problem}, {"remedy", v.remedy}});
  return j;
}

Json memory(const MemoryEstimate& m) {
  Json j = Json::object();
  j["peak_allocated_bytes"] = amount(m.peak_allocated);
  j["peak_reserved_bytes"] = amount(m.peak_reserved);
  j["capacity_bytes"] = amount(m.capacity);
  j["outside_bytes"] = amount(m.outside);
  j["host_bytes"] = amount(m.host_bytes);
  j["parts"] =
      m.stages.empty() ? Json::object() : parts(m.stages[std::min(m.worst, m.stages.size() - 1)].parts);
  j["stages"] = Json::array();
  for (const StageMemory& s : m.stages)
    j["stages"].push_back({{"stage", s.stage},
                           {"layers", s.layers},
                           {"micro_batches_in_flight", s.micro_batches_in_flight},
                           {"allocated_bytes", amount(s.allocated)},
                           {"reserved_bytes", amount(s.reserved)},
                           {"parts", parts(s.parts)}});
  return j;
}

Json time(const TimeEstimate& t) {
  Json j = Json::object();
  for (const auto& total : t.totals) j[std::string(total.name)] = amount(total.amount);
  if (!t.totals.empty()) {
    j["low"] = amount(t.low);
    j["high"] = amount(t.high);
  }
  j["parts"] = parts(t.parts);
  j["bubble_fraction"] = json_number(t.bubble_fraction.value);
  return j;
}

/// The figures of throughput stand in their own object and, as short names, at the top.
void throughput(Json& out, const Throughput& t) {
  Json j = Json::object();
  j["tokens_per_second"] = amount(t.tokens_per_second);
  j["tokens_per_second_per_device"] = amount(t.tokens_per_second_per_device);
  j["tflops_per_device"] = json_number(t.flops_per_device.value.value() / 1e12);
  j["model_flops_utilization"] = json_number(t.model_flops_utilization.value);
  j["hardware_flops_utilization"] = json_number(t.hardware_flops_utilization.value);
  out["throughput"] = j;
  for (auto& [key, value] : j.items()) out[key] = value;
}

Json limits(const std::vector<Limit>& list) {
  static constexpr const char* names[] = {"compute", "memory", "link", "network", "host", "idle"};
  Json j = Json::array();
  for (const Limit& l : list)
    j.push_back({{"resource", names[static_cast<std::size_t>(l.resource)]},
                 {"seconds", json_number(l.time.value())},
                 {"share", json_number(l.share_fraction)}});
  return j;
}

Json advice_list(const std::vector<Advice>& list) {
  Json j = Json::array();
  for (const Advice& a : list)
    j.push_back({{"change", a.change},
                 {"set", a.assignments},
                 {"seconds", json_number(a.time.value())},
                 {"time_fraction", json_number(a.time_fraction)},
                 {"peak_allocated_bytes", json_number(a.peak.value())},
                 {"fits", a.fits}});
  return j;
}

}  // namespace

std::string plan_json(const Scenario& s, const Estimate& e, const std::vector<Advice>& advice) {
  Json j = Json::object();
  j["name"] = s.name;
  j["model"] = s.model_name;
  j["hardware"] = s.hardware_name;
  j["software"] = s.software_name;
  j["devices"] = s.devices;
  j["plan"] = plan(e.plan);
  j["fits"] = e.fits;
  j["violations"] = violations(e.violations);
  j["parameters"] = {{"total", e.parameters.total.value},
                     {"active", e.parameters.active.value},
                     {"trainable", e.parameters.trainable.value}};
  j["memory"] = memory(e.memory);
  j["time"] = time(e.time);
  throughput(j, e.throughput);
  j["limits"] = limits(e.limits);
  j["advice"] = advice_list(advice);
  j["notes"] = e.notes;
  return json_text(j);
}

}  // namespace ridge
