#include "sim/report/validation.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

Prediction plain(double value) { return {value, std::nullopt, std::nullopt}; }

/// The headline's interval around another figure that grows (+1) or shrinks (-1) with its time.
Prediction with_interval(const TimeEstimate& t, double value, int direction) {
  const double headline = t.totals.empty() ? 0 : t.totals.front().amount.value.value();
  const double low = t.low.value.value() / headline, high = t.high.value.value() / headline;
  if (!(headline > 0) || !(low > 0) || !(high > low)) return plain(value);
  return direction > 0 ? Prediction{value, value * low, value * high}
                       : Prediction{value, value / high, value / low};
}

}  // namespace

std::vector<std::pair<std::string_view, double>> measured_values(const Measured& m) {
  const std::pair<std::string_view, std::optional<double>> all[] = {
      {"step_seconds", m.step_seconds},
      {"tokens_per_second_per_device", m.tokens_per_second_per_device},
      {"tokens_per_second", m.tokens_per_second},
      {"tflops_per_device", m.tflops_per_device},
      {"model_flops_utilization", m.model_flops_utilization},
      {"peak_allocated_bytes", m.peak_allocated_bytes},
      {"peak_reserved_bytes", m.peak_reserved_bytes},
      {"prefill_seconds", m.prefill_seconds},
      {"decode_step_seconds", m.decode_step_seconds},
      {"time_to_first_token", m.time_to_first_token},
      {"time_per_output_token", m.time_per_output_token},
      {"request_seconds", m.request_seconds},
      {"seconds", m.seconds},
      {"parameters", m.parameters},
      {"bytes", m.bytes}};
  std::vector<std::pair<std::string_view, double>> out;
  for (const auto& [name, value] : all)
    if (value) out.emplace_back(name, *value);
  return out;
}

std::optional<Prediction> predicted_value(const Estimate& e, std::string_view metric) {
  for (const auto& total : e.time.totals)
    if (total.name == metric) return with_interval(e.time, total.amount.value.value(), +1);
  const Throughput& t = e.throughput;
  const auto rate = [&](double value) -> std::optional<Prediction> {
    if (!(value > 0)) return std::nullopt;
    return with_interval(e.time, value, -1);
  };
  if (metric == "tokens_per_second") return rate(t.tokens_per_second.value.value());
  if (metric == "tokens_per_second_per_device") return rate(t.tokens_per_second_per_device.value.value());
  if (metric == "tflops_per_device") return rate(t.flops_per_device.value.value() / 1e12);
  if (metric == "model_flops_utilization") return rate(t.model_flops_utilization.value);
  if (metric == "peak_allocated_bytes" && !e.memory.stages.empty())
    return plain(e.memory.peak_allocated.value.value());
  if (metric == "peak_reserved_bytes" && !e.memory.stages.empty())
    return plain(e.memory.peak_reserved.value.value());
  if (metric == "parameters" && e.parameters.total.value > 0)
    return plain(static_cast<double>(e.parameters.total.value));
  return std::nullopt;
}

std::vector<GroupSummary> summarize_groups(const std::vector<ValidationRow>& rows, bool by_metric) {
  std::vector<GroupSummary> groups;
  std::vector<std::vector<Comparison>> comparisons;
  for (const ValidationRow& row : rows) {
    const std::string group = by_metric ? "" : row.group;
    const auto same = [&](const GroupSummary& g) { return g.group == group && g.metric == row.metric; };
    const auto it = std::find_if(groups.begin(), groups.end(), same);
    const auto index = static_cast<std::size_t>(it - groups.begin());
    if (it == groups.end()) {
      groups.push_back({group, row.metric, {}, 0});
      comparisons.emplace_back();
    }
    if (row.error.empty()) comparisons[index].push_back({row.measured, row.predicted, row.inside_interval});
    else ++groups[index].failed;
  }
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i].errors = summarize(comparisons[i]);
  return groups;
}

}  // namespace ridge
