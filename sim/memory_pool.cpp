#include "sim/memory_pool.h"

#include "sim/derived_inputs.h"
#include "sim/stated.h"

namespace ridge::detail {

namespace {

constexpr std::string_view engines = "documentation of the engine's option";
constexpr Formula device_pool{"memory.pool.device", "share of the device that the engine claims", "f * C",
                              engines};
constexpr Formula free_pool{"memory.pool.free", "share of the free memory that the engine claims",
                            "f * (C - o)", engines};
constexpr Formula beside_pool{"memory.pool.beside", "share of the free memory that the engine claims",
                              "f * (C - o - x)", engines};
constexpr Formula beside_formula{"memory.pool.rest", "what is allocated beside the cache", "a - k",
                                 "definition"};
constexpr Formula with_context{"memory.pool.everything", "what must lie in the pool", "a + o", engines};
constexpr Formula weights_cache{"memory.pool.weights_and_cache", "what must lie in the pool", "w + k",
                                engines};
constexpr Formula slack_formula{"memory.pool.slack", "what the plan leaves of the pool", "pool - inside",
                                "definition", "negative: what is missing"};
constexpr Formula claimed_formula{"memory.reserved.pool", "bytes the engine claims", "max(r, a + slack)",
                                  "definition: what is allocated, and the rest of the pool"};

Traced<Bytes> part_of(const StageMemory& stage, std::string_view name, Explain* ex) {
  for (const auto& part : stage.parts)
    if (part.name == name) return part.amount;
  return constant(ex, "nothing held", Bytes{0}, "definition");
}

/// What a stage's pool is, and what must lie in it.
struct PoolUse {
  Traced<Bytes> pool, inside;
};

PoolUse pool_use(const StageMemory& stage, const Prepared& p, Explain* ex) {
  const Allocator& allocator = p.scenario.software.allocator;
  const auto f = stated(ex, "software.allocator.pool_fraction", allocator.pool_fraction);
  const auto o = stated(ex, "software.allocator.context", allocator.context);
  const auto all = device_capacity(p, ex);
  const auto a = stage.allocated, w = part_of(stage, "weights", ex), k = part_of(stage, "kv_cache", ex);
  const auto beside = [&](Traced<Bytes> x) {
    return note(ex, beside_pool, f.value * (all.value - o.value - x.value),
                {{"f", f}, {"C", all}, {"o", o}, {"x", x}});
  };
  switch (allocator.pool_rule) {
    case PoolRule::everything: break;
    case PoolRule::weights_and_cache:
      return {note(ex, free_pool, f.value * (all.value - o.value), {{"f", f}, {"C", all}, {"o", o}}),
              note(ex, weights_cache, w.value + k.value, {{"w", w}, {"k", k}})};
    case PoolRule::cache_beside_weights: return {beside(w), k};
    case PoolRule::cache_beside_all:
      return {beside(note(ex, beside_formula, a.value - k.value, {{"a", a}, {"k", k}})), k};
  }
  return {note(ex, device_pool, f.value * all.value, {{"f", f}, {"C", all}}),
          note(ex, with_context, a.value + o.value, {{"a", a}, {"o", o}})};
}

}  // namespace

Traced<Bytes> device_capacity(const Prepared& p, Explain* ex) {
  const MemoryLevel& hbm = p.scenario.hardware.device.hbm;
  const auto given =
      stated(ex, hbm.usable.is_known() ? "hardware.device.hbm.usable" : "hardware.device.hbm.capacity",
             memory_capacity(p.scenario.hardware.device));
  return whole_bytes(given, ex);
}

bool has_pool(const Prepared& p) {
  return p.scenario.software.allocator.pool_fraction > 0 && p.scenario.inference() != nullptr;
}

void add_pool(StageMemory& stage, const Prepared& p, Explain* ex) {
  const PoolUse use = pool_use(stage, p, ex);
  const auto slack = note(ex, slack_formula, use.pool.value - use.inside.value,
                          {{"pool", use.pool}, {"inside", use.inside}});
  stage.pool_slack = whole_bytes(slack, ex);
  stage.reserved =
      whole_bytes(note(ex, claimed_formula, max(stage.reserved.value, stage.allocated.value + slack.value),
                       {{"r", stage.reserved}, {"a", stage.allocated}, {"slack", slack}}),
                  ex);
}

}  // namespace ridge::detail
