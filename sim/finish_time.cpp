#include "sim/finish_time.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

constexpr Formula part_sum{"time.part", "time spent on one kind of work", "sum(...)", "definition"};
constexpr Formula headline_sum{"time.headline", "time of what was asked", "sum(...)",
                               "definition: the parts do not overlap"};
constexpr Formula low_formula{"time.low", "lower end of the 90 % interval", "t * exp(-1.645 * s)",
                              "log-normal error; 1.645 is the 95 % point of the normal distribution"};
constexpr Formula high_formula{"time.high", "upper end of the 90 % interval", "t * exp(1.645 * s)",
                               "log-normal error; 1.645 is the 95 % point of the normal distribution"};
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

void set_interval(TimeEstimate& time, const SoftwareStack& stack, Explain* ex) {
  const Traced<Seconds> t = time.totals.front().amount;
  const auto s = input(ex, "software.interval_log_sigma", stack.interval_log_sigma);
  time.low = note(ex, low_formula, t.value * std::exp(-1.645 * s.value), {{"t", t}, {"s", s}});
  time.high = note(ex, high_formula, t.value * std::exp(1.645 * s.value), {{"t", t}, {"s", s}});
}

std::vector<Limit> limits_of(const TimeEstimate& time, const std::array<Seconds, 5>& by_bound, Resource data,
                             Resource pipeline) {
  const Seconds headline = time.totals.front().amount.value;
  std::array<Seconds, 6> by_resource{};
  auto at = [&](Resource r) -> Seconds& { return by_resource[static_cast<std::size_t>(r)]; };
  at(Resource::compute) = by_bound[static_cast<std::size_t>(Bound::compute)];
  at(Resource::memory) = by_bound[static_cast<std::size_t>(Bound::memory)];
  at(Resource::link) = by_bound[static_cast<std::size_t>(Bound::link)];
  at(Resource::network) = by_bound[static_cast<std::size_t>(Bound::network)];
  at(Resource::host) = by_bound[static_cast<std::size_t>(Bound::launch)];
  for (const Part<Seconds>& p : time.parts) {
    if (p.name == "host") at(Resource::host) += p.amount.value;
    if (p.name == "pipeline_bubble") at(Resource::idle) += p.amount.value;
    if (p.name == "optimizer") at(Resource::memory) += p.amount.value;
    if (p.name == "data_communication" || p.name == "weight_gathering") at(data) += p.amount.value;
    if (p.name == "pipeline_transfer") at(pipeline) += p.amount.value;
    if (p.name == "offload") at(Resource::link) += p.amount.value;
  }
  std::vector<Limit> limits;
  for (std::size_t r = 0; r < by_resource.size(); ++r) {
    if (by_resource[r] <= Seconds{0} || headline <= Seconds{0}) continue;
    limits.push_back({static_cast<Resource>(r), by_resource[r], std::min(1.0, by_resource[r] / headline)});
  }
  std::stable_sort(limits.begin(), limits.end(),
                   [](const Limit& a, const Limit& b) { return a.time > b.time; });
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
