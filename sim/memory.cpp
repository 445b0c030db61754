#include "sim/memory.h"

#include "sim/derived_inputs.h"
#include "sim/memory_pool.h"
#include "sim/stated.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace ridge {
namespace {

inline constexpr Formula allocated_formula{"memory.allocated", "bytes a device of the stage holds",
                                           "sum(...)", "definition"};
inline constexpr Formula reserved_formula{"memory.reserved", "bytes the allocator claims",
                                          "allocated * (1 + f)", "the software stack's allocator"};
inline constexpr Formula peak_formula{"memory.peak", "most that a device holds", "max(...)", "definition"};

inline constexpr Formula headroom_formula{"memory.headroom", "device memory to spare",
                                          "capacity - peak - outside", "definition",
                                          "negative: what is missing"};
inline constexpr Formula pool_headroom_formula{"memory.headroom.pool", "device memory to spare",
                                               "min(device, pool)", "definition: the tighter of both"};
inline constexpr Formula whole_formula{
    "memory.whole", "whole bytes", "floor(x + 0.5)",
    "definition: nearest; shares and averages of layers need not be whole"};

/// Share that the allocator claims beyond what is allocated.
Traced<double> fragmentation(const Prepared& p, std::int64_t zero, Explain* ex) {
  const Allocator& a = p.scenario.software.allocator;
  if (p.scenario.training() && zero >= 2 && a.sharded_fragmentation > 0) {
    return stated(ex, "software.allocator.sharded_fragmentation", a.sharded_fragmentation);
  }
  return stated(ex, "software.allocator.fragmentation", a.fragmentation);
}

std::vector<Term> terms_of(const std::vector<Part<Bytes>>& parts) {
  std::vector<Term> terms;
  for (const auto& part : parts) terms.emplace_back(part.name, part.amount);
  return terms;
}

template <class Get> Traced<Bytes> largest(const MemoryEstimate& m, Get get, Explain* ex) {
  Bytes most{0};
  for (const StageMemory& s : m.stages) most = max(most, get(s).value);
  if (!ex) return {most, 0};
  static constexpr std::string_view symbols[] = {"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"};
  std::vector<Term> terms;
  for (const StageMemory& s : m.stages)
    terms.emplace_back(symbols[std::min<std::size_t>(terms.size(), 7)], get(s));
  return {most, ex->note(peak_formula, most.value(), Bytes::dim, terms)};
}

}  // namespace

std::int64_t micro_batches_per_step(const Training& t, const ParallelPlan& plan) {
  return static_cast<std::int64_t>(micro_batches_of(t, plan).value);
}

MemoryEstimate memory(const Prepared& p, const ParallelPlan& plan, Explain* ex) {
  if (const Training* t = p.scenario.training()) return detail::training_memory(p, *t, plan, ex);
  if (const Inference* i = p.scenario.inference()) return detail::inference_memory(p, *i, plan, ex);
  MemoryEstimate none;
  none.stages.emplace_back();
  none.capacity = detail::device_capacity(p, ex);
  return none;
}

namespace detail {

Traced<Bytes> whole_bytes(Traced<Bytes> x, Explain* ex) {
  const double whole = std::floor(x.value.value() + 0.5);
  if (whole == x.value.value()) return x;
  return note(ex, whole_formula, Bytes{whole}, {{"x", x}});
}

void add_part(StageMemory& stage, std::string_view name, Traced<Bytes> amount, Explain* ex) {
  const auto whole = whole_bytes(amount, ex);
  if (whole.value > Bytes{0}) stage.parts.push_back({name, whole});
}

void finish_stage(StageMemory& stage, const Prepared& p, std::int64_t zero, Explain* ex) {
  Bytes sum{0};
  for (const auto& part : stage.parts) sum += part.amount.value;
  stage.allocated = {sum,
                     ex ? ex->note(allocated_formula, sum.value(), Bytes::dim, terms_of(stage.parts)) : 0};
  const auto f = fragmentation(p, zero, ex);
  stage.reserved = whole_bytes(
      note(ex, reserved_formula, sum * (1 + f.value), {{"allocated", stage.allocated}, {"f", f}}), ex);
  if (has_pool(p)) add_pool(stage, p, ex);
}

namespace {

/// Where an engine's pool binds, the stage with least left in it decides.
Traced<Bytes> headroom(const MemoryEstimate& m, const Prepared& p, Explain* ex) {
  const auto whole = note(ex, headroom_formula, m.capacity.value - m.peak_allocated.value - m.outside.value,
                          {{"capacity", m.capacity}, {"peak", m.peak_allocated}, {"outside", m.outside}});
  if (!has_pool(p) || m.stages.empty()) return whole;
  const StageMemory& fullest =
      *std::ranges::min_element(m.stages, {}, [](const StageMemory& s) { return s.pool_slack.value; });
  return note(ex, pool_headroom_formula, min(whole.value, fullest.pool_slack.value),
              {{"device", whole}, {"pool", fullest.pool_slack}});
}

}  // namespace

void finish_estimate(MemoryEstimate& m, const Prepared& p, Explain* ex) {
  for (std::size_t i = 1; i < m.stages.size(); ++i) {
    if (m.stages[i].allocated.value > m.stages[m.worst].allocated.value) m.worst = i;
  }
  m.peak_allocated = largest(
      m, [](const StageMemory& s) { return s.allocated; }, ex);
  m.peak_reserved = largest(
      m, [](const StageMemory& s) { return s.reserved; }, ex);
  m.capacity = device_capacity(p, ex);
  m.outside = stated(ex, "software.allocator.context", p.scenario.software.allocator.context);
  m.headroom = headroom(m, p, ex);
  if (m.host_bytes.node == 0) m.host_bytes = constant(ex, "no host memory", Bytes{0}, "nothing is offloaded");
}

}  // namespace detail

}  // namespace ridge
