#include "sim/advice.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace ridge {
namespace {

/// A scenario with one thing changed.
struct Variant {
  std::string change;
  std::vector<std::string> assignments;
  Scenario scenario;
};

std::string assignment(std::string_view key, std::int64_t value) {
  return std::string(key) + '=' + std::to_string(value);
}

/// Collects variants of one scenario.
class Variants {
 public:
  explicit Variants(const Scenario& s) : base_(s), plan_(resolved(s.parallel, s.devices)) {
    base_.origins.clear();
  }

  std::vector<Variant> take() { return std::move(all_); }

  void plan_changes() {
    if (base_.training()) training_changes();
    if (base_.operator_case()) return;
    degree("parallel.tensor", &ParallelPlan::tensor, "tensor parallelism");
    degree("parallel.pipeline", &ParallelPlan::pipeline, "pipeline parallelism");
    if (plan_.context > 1) degree("parallel.context", &ParallelPlan::context, "context parallelism");
    if (plan_.expert > 1) degree("parallel.expert", &ParallelPlan::expert, "expert parallelism");
    trade_tensor_for_pipeline();
  }

  void machine_changes() {
    machine("twice the compute rate", [](Cluster& c) { double_compute(c.device); });
    machine("twice the memory bandwidth", [](Cluster& c) {
      c.device.hbm.bandwidth.value *= 2;
      c.device.l2.bandwidth.value *= 2;
    });
    machine("twice the bandwidth inside a node", [](Cluster& c) { double_tiers(c, true); });
    machine("twice the network bandwidth", [](Cluster& c) { double_tiers(c, false); });
    Variant v{"no host time between kernels", {}, base_};
    Launch& launch = v.scenario.software.launch;
    launch.host_per_kernel = launch.host_per_backward_kernel = launch.host_per_step = Seconds{0};
    launch.host_per_collective = launch.host_per_micro_batch = Seconds{0};
    all_.push_back(std::move(v));
  }

 private:
  static void double_compute(Device& d) {
    for (auto* table : {&d.peaks, &d.vector_peaks})
      for (auto& peak : table->entries)
        if (peak) peak->value *= 2;
  }

  /// Tiers that hold at most one node, or those that join nodes.
  static void double_tiers(Cluster& c, bool is_inside) {
    for (Tier& t : c.tiers.inner_to_outer)
      if ((t.devices > 0 && t.devices <= c.node.devices) == is_inside) t.link.bandwidth.value *= 2;
  }

  void machine(std::string change, const std::function<void(Cluster&)>& apply) {
    Variant v{std::move(change), {}, base_};
    apply(v.scenario.hardware);
    all_.push_back(std::move(v));
  }

  void add(std::string change, std::vector<std::string> assignments,
           const std::function<void(Scenario&)>& apply) {
    Variant v{std::move(change), std::move(assignments), base_};
    apply(v.scenario);
    all_.push_back(std::move(v));
  }

  /// Half and twice a degree; the data-parallel replicas give or take the devices.
  void degree(std::string_view key, std::int64_t ParallelPlan::*member, const std::string& what) {
    const std::int64_t now = plan_.*member;
    for (const std::int64_t next : {now * 2, now / 2}) {
      if (next < 1 || (now > 1 && now % 2 != 0) || next > base_.devices) continue;
      ParallelPlan p = plan_;
      p.*member = next;
      const std::int64_t grid = p.tensor * p.pipeline * p.context;
      if (grid > base_.devices || base_.devices % grid != 0) continue;
      p.data = base_.devices / grid;
      std::vector<std::string> set{assignment(key, next)};
      if (base_.parallel.data > 0 && p.data != base_.parallel.data)
        set.push_back(assignment("parallel.data", p.data));
      p.expert_tensor = base_.parallel.expert_tensor;
      add(what + ' ' + std::to_string(next), std::move(set), [&](Scenario& s) { s.parallel = p; });
    }
  }

  /// Half the tensor ranks, twice the stages, and the other way: each device holds as much as before.
  void trade_tensor_for_pipeline() {
    const auto trade = [this](std::int64_t tensor, std::int64_t pipeline) {
      add("tensor parallelism " + std::to_string(tensor) + ", pipeline " + std::to_string(pipeline),
          {assignment("parallel.tensor", tensor), assignment("parallel.pipeline", pipeline)},
          [=](Scenario& s) {
            s.parallel.tensor = tensor;
            s.parallel.pipeline = pipeline;
          });
    };
    if (plan_.tensor % 2 == 0) trade(plan_.tensor / 2, plan_.pipeline * 2);
    if (plan_.pipeline % 2 == 0) trade(plan_.tensor * 2, plan_.pipeline / 2);
  }

  void training_changes() {
    const Training& t = *base_.training();
    const Recompute now = t.recompute.value_or(Recompute::none);
    for (const auto& [value, name] : EnumNames<Recompute>::names)
      if (value != now)
        add(value == Recompute::none ? "no recomputation" : std::string(name) + " recomputation",
            {"training.recompute=" + std::string(name)},
            [v = value](Scenario& s) { std::get<Training>(s.workload).recompute = v; });
    for (const std::int64_t next : {t.micro_batch * 2, t.micro_batch / 2})
      if (next >= 1 && next != t.micro_batch &&
          t.global_batch % std::max<std::int64_t>(1, next * plan_.data) == 0)
        add("micro-batch " + std::to_string(next), {assignment("training.micro_batch", next)},
            [next](Scenario& s) { std::get<Training>(s.workload).micro_batch = next; });
    sharding_changes();
    if (plan_.tensor % 2 == 0 && now != Recompute::full) less_tensor_more_recomputation();
    if (plan_.pipeline > 1)
      for (const std::int64_t next : {2, 4})
        if (next != plan_.virtual_stages)
          add(std::to_string(next) + " model chunks per stage", {assignment("parallel.virtual_stages", next)},
              [next](Scenario& s) { s.parallel.virtual_stages = next; });
  }

  void less_tensor_more_recomputation() {
    const std::int64_t tensor = plan_.tensor / 2;
    std::vector<std::string> set{assignment("parallel.tensor", tensor), "training.recompute=full"};
    if (base_.parallel.data > 0) set.push_back("parallel.data=0");
    add("tensor parallelism " + std::to_string(tensor) + ", full recomputation", std::move(set),
        [tensor](Scenario& s) {
          s.parallel.tensor = tensor;
          s.parallel.data = 0;
          std::get<Training>(s.workload).recompute = Recompute::full;
        });
  }

  void sharding_changes() {
    static constexpr std::string_view names[] = {
        "nothing sharded over data", "optimizer states sharded (ZeRO-1)", "gradients sharded too (ZeRO-2)",
        "weights sharded too (ZeRO-3)"};
    if (plan_.data > 1)
      for (std::int64_t zero = 0; zero <= 3; ++zero)
        if (zero != plan_.zero)
          add(std::string(names[zero]), {assignment("parallel.zero", zero)},
              [zero](Scenario& s) { s.parallel.zero = zero; });
    if (plan_.tensor > 1 && !plan_.sequence)
      add("sequence parallelism", {"parallel.sequence=true"},
          [](Scenario& s) { s.parallel.sequence = true; });
    if (plan_.offload == Offload::none)
      add("optimizer states in host memory", {"parallel.offload=optimizer"},
          [](Scenario& s) { s.parallel.offload = Offload::optimizer; });
  }

  Scenario base_;
  ParallelPlan plan_;
  std::vector<Variant> all_;
};

Seconds headline(const Estimate& e) {
  return e.time.totals.empty() ? Seconds{0} : e.time.totals.front().amount.value;
}

std::vector<Advice> evaluated(std::vector<Variant> variants, Seconds now) {
  std::vector<Advice> out;
  for (Variant& v : variants) {
    const Estimate e = evaluate(prepare(std::move(v.scenario)));
    const Seconds time = headline(e);
    if (!(time.value() > 0)) continue;
    const double fraction = now.value() > 0 ? time / now : 1;
    out.push_back({std::move(v.change), std::move(v.assignments), time, fraction,
                   e.memory.peak_allocated.value, e.fits});
  }
  std::stable_sort(out.begin(), out.end(), [](const Advice& a, const Advice& b) { return a.time < b.time; });
  return out;
}

void keep(std::vector<Advice> from, std::size_t at_most, const std::function<bool(const Advice&)>& is_worth,
          std::vector<Advice>& out) {
  std::erase_if(from, [&](const Advice& a) { return !is_worth(a); });
  if (from.size() > at_most) from.resize(at_most);
  std::move(from.begin(), from.end(), std::back_inserter(out));
}

}  // namespace

std::vector<Advice> advise(const Prepared& prepared, const Estimate& now, AdviceOptions options) {
  const Seconds time = headline(now);
  std::vector<Advice> out;
  Variants plans(prepared.scenario);
  plans.plan_changes();
  const double enough = 1 - options.least_gain;
  keep(
      evaluated(plans.take(), time), options.at_most,
      [&](const Advice& a) { return a.fits && (!now.fits || a.time_fraction <= enough); }, out);
  if (!now.fits) return out;
  Variants machines(prepared.scenario);
  machines.machine_changes();
  keep(
      evaluated(machines.take(), time), options.at_most,
      [&](const Advice& a) { return a.time_fraction <= enough; }, out);
  return out;
}

}  // namespace ridge
