#include "sim/finish_time.h"

#include <algorithm>
#include <optional>

namespace ridge {
namespace {

constexpr Formula part_sum{"time.part", "time spent on one kind of work", "sum(...)", "definition"};
constexpr Formula headline_sum{"time.headline", "time of what was asked", "sum(...)",
                               "definition: the parts do not overlap"};
constexpr Formula limit_time{"limits.time", "time that a resource accounts for", "sum(...)",
                             "definition: operators by what bounds them, and the parts that are its own"};
constexpr Formula limit_share{"limits.share", "share of the headline", "min(1, t / all)", "definition"};
constexpr Formula rate{"throughput.tokens", "tokens a second", "n / t", "definition"};
constexpr Formula per_device{"throughput.per_device", "tokens a second and device", "r / devices",
                             "definition"};
constexpr Formula flop_rate{"throughput.flops", "model FLOP a second and device", "f / (t * devices)",
                            "definition"};
constexpr Formula executed_rate{"throughput.executed", "executed FLOP a second and device",
                                "f / (t * devices)", "definition"};
constexpr Formula utilization{"throughput.utilization", "share of the peak that does the model's arithmetic",
                              "r / peak", "Chowdhery et al. 2022, arXiv:2204.02311, appendix B"};

}  // namespace

void TimeParts::add(std::string_view name, Traced<Seconds> t) {
  if (t.value <= Seconds{0}) return;
  for (Part<Seconds>& part : to_.parts) {
    if (part.name != name) continue;
    part.amount = note(ex_, part_sum, part.amount.value + t.value, {{"a", part.amount}, {"b", t}});
    return;
  }
  to_.parts.push_back({name, t});
}

void TimeParts::finish(std::string_view key) {
  Seconds total{0};
  std::vector<Term> terms;
  for (const Part<Seconds>& part : to_.parts) {
    total += part.amount.value;
    if (ex_) terms.emplace_back(part.name, part.amount);
  }
  to_.totals.insert(to_.totals.begin(),
                    {key, {total, ex_ ? ex_->note(headline_sum, total.value(), Seconds::dim, terms) : 0}});
}

namespace {

/// Time one resource accounts for: what it bounds, and the parts that are its own.
struct ResourceTime {
  Seconds value{0};
  std::vector<Term> terms;
};

/// The resource a part of the headline is spent on, beside the operators' own bounds.
std::optional<Resource> resource_of(std::string_view part, Resource data, Resource pipeline) {
  if (part == "host") return Resource::host;
  if (part == "pipeline_bubble") return Resource::idle;
  if (part == "optimizer") return Resource::memory;
  if (part == "data_communication" || part == "weight_gathering") return data;
  if (part == "pipeline_transfer") return pipeline;
  if (part == "offload") return Resource::link;
  return std::nullopt;
}

}  // namespace

std::string_view name(Resource r) {
  static constexpr std::string_view names[] = {"compute", "memory", "link", "network", "host", "idle"};
  return names[static_cast<std::size_t>(r)];
}

std::vector<Limit> limits_of(const TimeEstimate& time, const TimeByBound& by_bound, Explain* ex,
                             Resource data, Resource pipeline) {
  static constexpr std::array<Resource, num_bounds> of_bound = {
      Resource::compute, Resource::memory, Resource::link, Resource::network, Resource::host};
  const Traced<Seconds> headline = time.totals.front().amount;
  std::array<ResourceTime, 6> by_resource{};
  const auto add = [&](Resource r, std::string_view what, Traced<Seconds> t) {
    if (t.value <= Seconds{0}) return;
    ResourceTime& to = by_resource[static_cast<std::size_t>(r)];
    to.value += t.value;
    if (ex) to.terms.emplace_back(what, t);
  };
  for (std::size_t b = 0; b < by_bound.size(); ++b) add(of_bound[b], "operators", by_bound[b]);
  for (const Part<Seconds>& p : time.parts)
    if (const auto r = resource_of(p.name, data, pipeline)) add(*r, p.name, p.amount);
  std::vector<Limit> limits;
  for (std::size_t r = 0; r < by_resource.size(); ++r) {
    const ResourceTime& one = by_resource[r];
    if (one.value <= Seconds{0} || headline.value <= Seconds{0}) continue;
    const Traced<Seconds> t{one.value,
                            ex ? ex->note(limit_time, one.value.value(), Seconds::dim, one.terms) : 0};
    limits.push_back(
        {static_cast<Resource>(r), t,
         note(ex, limit_share, std::min(1.0, t.value / headline.value), {{"t", t}, {"all", headline}})});
  }
  std::stable_sort(limits.begin(), limits.end(),
                   [](const Limit& a, const Limit& b) { return a.time.value > b.time.value; });
  return limits;
}

Throughput throughput(const Prepared& p, Traced<Tokens> tokens, Traced<Flop> model_flop,
                      Traced<Flop> executed, Traced<Seconds> time, Traced<FlopPerSecond> peak, Explain* ex) {
  const double n = static_cast<double>(p.scenario.devices);
  const auto devices = input(ex, "devices", n);
  Throughput t;
  t.tokens_per_second = note(ex, rate, tokens.value / time.value, {{"n", tokens}, {"t", time}});
  t.tokens_per_second_per_device =
      note(ex, per_device, t.tokens_per_second.value / n, {{"r", t.tokens_per_second}, {"devices", devices}});
  t.flops_per_device = note(ex, flop_rate, model_flop.value / (time.value * n),
                            {{"f", model_flop}, {"t", time}, {"devices", devices}});
  t.model_flops_utilization = note(ex, utilization, t.flops_per_device.value / peak.value,
                                   {{"r", t.flops_per_device}, {"peak", peak}});
  const auto done = note(ex, executed_rate, executed.value / (time.value * n),
                         {{"f", executed}, {"t", time}, {"devices", devices}});
  t.hardware_flops_utilization =
      note(ex, utilization, done.value / peak.value, {{"r", done}, {"peak", peak}});
  return t;
}

}  // namespace ridge
