#include "sim/labels.h"

#include "sim/prepare.h"
#include "sim/stated.h"

#include <fmt/format.h>

namespace ridge {
namespace {

constexpr Formula share_formula{"report.share", "part of a whole", "x / all", "definition"};
constexpr Formula tera_formula{"report.tera", "the same in units of 10^12", "r / 10 ^ 12", "definition"};

class Labels {
 public:
  Labels(const Prepared& p, const Estimate& e, Explain& ex) : p_(p), e_(e), ex_(&ex) {}

  void run() {
    plan();
    put("parameters.total", e_.parameters.total);
    put("parameters.active", e_.parameters.active);
    put("parameters.trainable", e_.parameters.trainable);
    memory();
    time();
    throughput();
    for (const Limit& l : e_.limits) {
      put(fmt::format("limits.{}.seconds", name(l.resource)), l.time);
      put(fmt::format("limits.{}.share", name(l.resource)), l.share_fraction);
    }
    answers();
  }

 private:
  template <class T> void put(std::string_view key, Traced<T> t) { ex_->label(key, t.node); }

  template <Dim D> void share(const std::string& key, Traced<Quantity<D>> x, Traced<Quantity<D>> all) {
    if (x.node == 0 || all.node == 0 || !(all.value.value() > 0)) return;
    put(key + ".share", note(ex_, share_formula, x.value / all.value, {{"x", x}, {"all", all}}));
  }

  void plan() {
    const ParallelPlan& p = e_.plan;
    const std::pair<std::string_view, std::int64_t> degrees[] = {
        {"data", p.data},         {"tensor", p.tensor},
        {"pipeline", p.pipeline}, {"context", p.context},
        {"expert", p.expert},     {"expert_tensor", p.expert_tensor},
        {"zero", p.zero},         {"virtual_stages", p.virtual_stages}};
    put("devices", stated(ex_, "devices", static_cast<double>(p_.scenario.devices)));
    for (const auto& [name, value] : degrees)
      put(fmt::format("plan.{}", name),
          stated(ex_, fmt::format("parallel.{}", name), static_cast<double>(value)));
  }

  void parts(const std::string& under, const std::vector<Part<Bytes>>& list) {
    for (const auto& part : list) put(fmt::format("{}.parts.{}", under, part.name), part.amount);
  }

  void memory() {
    const MemoryEstimate& m = e_.memory;
    put("memory.peak_allocated_bytes", m.peak_allocated);
    put("memory.peak_reserved_bytes", m.peak_reserved);
    put("memory.capacity_bytes", m.capacity);
    put("memory.outside_bytes", m.outside);
    put("memory.host_bytes", m.host_bytes);
    put("memory.headroom_bytes", m.headroom);
    share("memory.peak_allocated_bytes", m.peak_allocated, m.capacity);
    share("memory.peak_reserved_bytes", m.peak_reserved, m.capacity);
    share("memory.outside_bytes", m.outside, m.capacity);
    share("memory.capacity_bytes", m.capacity, m.capacity);
    share("memory.headroom_bytes", m.headroom, m.capacity);
    if (m.worst < m.stages.size()) {
      parts("memory", m.stages[m.worst].parts);
      for (const auto& part : m.stages[m.worst].parts)
        share(fmt::format("memory.parts.{}", part.name), part.amount, m.capacity);
    }
    for (const StageMemory& stage : m.stages) {
      const std::string under = fmt::format("memory.stages.{}", stage.stage);
      put(under + ".layers", stage.layers);
      put(under + ".micro_batches_in_flight", stage.micro_batches_in_flight);
      put(under + ".allocated_bytes", stage.allocated);
      put(under + ".reserved_bytes", stage.reserved);
      parts(under, stage.parts);
    }
  }

  void time() {
    const TimeEstimate& t = e_.time;
    for (const auto& total : t.totals) put(fmt::format("time.{}", total.name), total.amount);
    put("time.low", t.low);
    put("time.high", t.high);
    put("time.bubble_fraction", t.bubble_fraction.node != 0 ? t.bubble_fraction
                                                            : constant(ex_, "no pipeline bubble", 0.0,
                                                                       "a training step alone has one"));
    for (const auto& part : t.parts) {
      const std::string key = fmt::format("time.parts.{}", part.name);
      put(key, part.amount);
      if (!t.totals.empty()) share(key, part.amount, t.totals.front().amount);
    }
  }

  void answers() {
    for (const auto& d : e_.time.deviations) put(fmt::format("time.deviations.{}", d.name), d.amount);
    for (std::size_t i = 0; i < e_.answers.size(); ++i) {
      const AnsweredTime& a = e_.answers[i];
      put(fmt::format("answers.{}.seconds", i), a.time);
      put(fmt::format("answers.{}.share", i), a.share);
      put(fmt::format("answers.{}.interval_fraction", i), a.interval_fraction);
    }
  }

  void throughput() {
    const Throughput& t = e_.throughput;
    put("throughput.tokens_per_second", t.tokens_per_second);
    put("throughput.tokens_per_second_per_device", t.tokens_per_second_per_device);
    put("throughput.flops_per_device", t.flops_per_device);
    put("throughput.model_flops_utilization", t.model_flops_utilization);
    put("throughput.hardware_flops_utilization", t.hardware_flops_utilization);
    if (t.flops_per_device.node != 0)
      put("throughput.tflops_per_device",
          note(ex_, tera_formula, t.flops_per_device.value.value() / 1e12, {{"r", t.flops_per_device}}));
  }

  const Prepared& p_;
  const Estimate& e_;
  Explain* ex_;
};

}  // namespace

void label_change(const Estimate& before, const Estimate& after, const std::string& under, Explain& ex) {
  const auto unchanged = [&](std::string_view key, auto t) {
    const Origin origin{
        Origin::Kind::definition, {}, "ridge explain " + std::string(key) + " of the scenario", {}};
    return decltype(t){t.value, ex.input(std::string(key) + " without the change", t.value.value(),
                                         decltype(t.value)::dim, origin)};
  };
  const auto put = [&](const char* key, NodeId node) { ex.label(under + "." + key, node); };
  const auto compare = [&](const char* key, auto now, auto then, std::string_view name) {
    if (!(then.value.value() > 0) || now.node == 0) return;
    put(key,
        note(&ex, share_formula, now.value / then.value, {{"x", now}, {"all", unchanged(name, then)}}).node);
  };
  if (!after.time.totals.empty() && !before.time.totals.empty()) {
    const auto& total = before.time.totals.front();
    put("seconds", after.time.totals.front().amount.node);
    compare("time_fraction", after.time.totals.front().amount, total.amount,
            fmt::format("time.{}", total.name));
  }
  put("tokens_per_second", after.throughput.tokens_per_second.node);
  compare("rate_fraction", after.throughput.tokens_per_second, before.throughput.tokens_per_second,
          "throughput.tokens_per_second");
  put("peak_allocated_bytes", after.memory.peak_allocated.node);
  put("devices", ex.find("devices"));
}

void label(const Prepared& p, const Estimate& e, Explain& ex) { Labels(p, e, ex).run(); }

}  // namespace ridge
