#include "sim/report/plan_json.h"

#include "sim/answers.h"
#include "sim/report/json_value.h"
#include "sim/report/plan_report.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

template <class Q> Json amount(const Traced<Q>& t) { return json_number(t.value.value()); }

template <class Q> Json parts(const std::vector<Part<Q>>& list) {
  Json j = Json::object();
  for (const auto& p : list) j[std::string(p.name)] = amount(p.amount);
  return j;
}

Json parts_of(const std::vector<Part<double>>& list) {
  Json j = Json::object();
  for (const auto& p : list) j[std::string(p.name)] = json_number(p.amount.value);
  return j;
}

Json answers(const std::vector<AnsweredTime>& list) {
  Json j = Json::array();
  for (const AnsweredTime& a : list)
    j.push_back({{"model", a.model},
                 {"source", words(a.source)},
                 {"seconds", amount(a.time)},
                 {"share", json_number(a.share.value)},
                 {"interval_fraction", json_number(a.interval_fraction.value)}});
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
  j["headroom_bytes"] = amount(m.headroom);
  j["parts"] =
      m.stages.empty() ? Json::object() : parts(m.stages[std::min(m.worst, m.stages.size() - 1)].parts);
  j["stages"] = Json::array();
  for (const StageMemory& s : m.stages)
    j["stages"].push_back({{"key", fmt::format("memory.stages.{}", s.stage)},
                           {"stage", s.stage},
                           {"layers", s.layers.value},
                           {"micro_batches_in_flight", s.micro_batches_in_flight.value},
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
  if (!t.deviations.empty()) j["deviations"] = parts_of(t.deviations);
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
  Json j = Json::array();
  for (const Limit& l : list)
    j.push_back({{"key", fmt::format("limits.{}", name(l.resource))},
                 {"resource", name(l.resource)},
                 {"seconds", amount(l.time)},
                 {"share", json_number(l.share_fraction.value)}});
  return j;
}

Json advice_list(const std::vector<Advice>& list) {
  Json j = Json::array();
  for (const Advice& a : list)
    j.push_back({{"key", fmt::format("advice.{}", j.size())},
                 {"kind", advice_kind_name(a.kind)},
                 {"change", a.change},
                 {"set", a.settings},
                 {"devices", a.devices},
                 {"seconds", json_number(a.time.value())},
                 {"time_fraction", json_number(a.time_fraction)},
                 {"tokens_per_second", json_number(a.rate.value())},
                 {"rate_fraction", json_number(a.rate_fraction)},
                 {"peak_allocated_bytes", json_number(a.peak.value())},
                 {"fits", true}});
  return j;
}

Json to_json(const PlanJsonInput& in) {
  const Scenario& s = in.scenario;
  const bool can_run = verdict_of(in.estimate) != Verdict::cannot_run;
  const Estimate nothing{};
  const Estimate& e = can_run ? in.estimate : nothing;
  Json j = Json::object();
  j["name"] = s.name;
  j["model"] = s.model_name;
  j["hardware"] = s.hardware_name;
  j["software"] = s.software_name;
  j["devices"] = s.devices;
  j["set"] = in.set;
  j["plan"] = plan(in.estimate.plan);
  j["fits"] = in.estimate.fits;
  j["verdict"] = verdict_text(verdict_of(in.estimate));
  j["violations"] = violations(in.estimate.violations);
  j["parameters"] = {{"total", in.estimate.parameters.total.value},
                     {"active", in.estimate.parameters.active.value},
                     {"trainable", in.estimate.parameters.trainable.value}};
  j["memory"] = can_run ? memory(e.memory) : Json::object();
  j["time"] = can_run ? time(e.time) : Json::object();
  if (can_run) throughput(j, e.throughput);
  else j["throughput"] = Json::object();
  j["limits"] = limits(e.limits);
  if (!e.answers.empty()) j["answers"] = answers(e.answers);
  j["advice"] = advice_list(in.advice);
  j["warnings"] = in.estimate.warnings;
  j["notes"] = in.estimate.notes;
  return j;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

void add_rows(const Json& j, const std::string& key, std::string& out) {
  if (j.is_structured()) {
    for (const auto& [name, value] : j.items()) add_rows(value, key.empty() ? name : key + '.' + name, out);
    return;
  }
  out += csv_field(key) + ',';
  if (j.is_string()) out += csv_field(j.get<std::string>());
  else if (!j.is_null()) out += j.dump();
  out += '\n';
}

}  // namespace

std::string plan_json(const PlanJsonInput& in) { return json_text(to_json(in)); }

std::string plan_csv(const PlanJsonInput& in) {
  std::string out = "key,value\n";
  add_rows(to_json(in), "", out);
  return out;
}

}  // namespace ridge
