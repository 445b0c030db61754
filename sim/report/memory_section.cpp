#include "sim/report/memory_section.h"

#include "base/quantity_text.h"
#include "sim/report/figure_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

/// Percentages are of the capacity; bars are drawn against what is longest, so that an excess shows.
Bars memory_bars(const MemoryEstimate& m, const StageMemory& stage, Tone verdict) {
  const double capacity = m.capacity.value.value();
  const double longest = std::max({capacity, stage.allocated.value.value(), m.peak_reserved.value.value()});
  Bars bars;
  const auto add = [&](std::string label, Bytes b, Tone tone, std::string key) {
    const std::string share_key = capacity > 0 ? key + ".share" : "";
    bars.items.push_back({std::move(label), format(b), share(b.value(), longest),
                          percent(share(b.value(), capacity)), tone, std::move(key), exact(b.value()),
                          share_key});
  };
  for (const auto& [name, amount] : stage.parts)
    if (amount.value.value() > 0)
      add(words(name), amount.value, Tone::accent, fmt::format("memory.parts.{}", name));
  bars.items.emplace_back();
  add("allocated", stage.allocated.value, verdict, "memory.peak_allocated_bytes");
  add("reserved", m.peak_reserved.value, verdict, "memory.peak_reserved_bytes");
  if (m.outside.value.value() > 0)
    add("outside the allocator", m.outside.value, Tone::dim, "memory.outside_bytes");
  add("capacity", m.capacity.value, Tone::dim, "memory.capacity_bytes");
  return bars;
}

Cell bytes_cell(Bytes b, std::string key) {
  return {format(b), Tone::plain, exact(b.value()), b.value() > 0 ? std::move(key) : std::string{}};
}

Bytes part_of(const StageMemory& stage, std::string_view name) {
  for (const auto& part : stage.parts)
    if (part.name == name) return part.amount.value;
  return Bytes{0};
}

/// Names of the parts that any stage has, the largest first.
std::vector<std::string_view> part_names(const MemoryEstimate& m) {
  std::vector<std::pair<Bytes, std::string_view>> parts;
  for (const StageMemory& stage : m.stages)
    for (const auto& part : stage.parts) {
      const auto it =
          std::find_if(parts.begin(), parts.end(), [&](const auto& p) { return p.second == part.name; });
      if (it == parts.end()) parts.emplace_back(part.amount.value, part.name);
      else it->first = std::max(it->first, part.amount.value);
    }
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string_view> names;
  for (const auto& [most, name] : parts)
    if (most.value() > 0) names.push_back(name);
  return names;
}

/// One row a stage.  Smaller parts are left out of narrow text first; they are in the bars and in JSON.
Table stage_table(const MemoryEstimate& m) {
  Table t{{{"stage"}, {"layers"}, {"in flight"}}, {}, "stages"};
  const std::vector<std::string_view> names = part_names(m);
  for (std::size_t i = 0; i < names.size(); ++i)
    t.columns.push_back({words(names[i]), Align::right, false, static_cast<int>(i) + 1});
  t.columns.push_back({"allocated"});
  for (const StageMemory& stage : m.stages) {
    const std::string under = fmt::format("memory.stages.{}.", stage.stage);
    const auto counted = [&](std::int64_t n, const char* key) {
      return Cell{std::to_string(n), Tone::plain, {}, under + key};
    };
    std::vector<Cell> row{{std::to_string(stage.stage)},
                          counted(stage.layers.value, "layers"),
                          counted(stage.micro_batches_in_flight.value, "micro_batches_in_flight")};
    for (const auto name : names)
      row.push_back(bytes_cell(part_of(stage, name), fmt::format("{}parts.{}", under, name)));
    row.push_back(bytes_cell(stage.allocated.value, under + "allocated_bytes"));
    t.rows.push_back(std::move(row));
  }
  return t;
}

}  // namespace

void add_memory_section(const Estimate& e, Report& report) {
  const MemoryEstimate& m = e.memory;
  if (m.stages.empty()) return;
  const StageMemory& worst = m.stages[std::min(m.worst, m.stages.size() - 1)];
  const bool has_stages = m.stages.size() > 1;
  Section& section = report.section(
      "Memory per device", has_stages ? fmt::format("pipeline stage {}, which holds most", worst.stage) : "");
  section.add(memory_bars(m, worst, e.fits ? Tone::good : Tone::bad));
  if (has_stages) section.add(stage_table(m));
  if (m.host_bytes.value.value() > 0)
    section.add(
        Facts{{{"host memory", format(m.host_bytes.value), "per node", Tone::plain, "memory.host_bytes"}}});
}

}  // namespace ridge
