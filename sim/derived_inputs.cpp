#include "sim/derived_inputs.h"

#include "sim/stated.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

constexpr Formula replicas{"plan.data", "data-parallel replicas", "max(1, floor(n / (t * p * c)))",
                           "derived when parallel.data is left out"};
constexpr Formula expert_cut{"plan.expert_tensor", "ranks that cut each expert", "t",
                             "derived: engines cut experts like other weights"};
constexpr Formula grid{"plan.devices", "devices of the plan", "t * p * c * d",
                       "derived when devices is left out"};
constexpr Formula batch{"plan.global_batch", "sequences of a step", "b * d * p",
                        "derived when training.global_batch is left out"};
constexpr Formula micro_batch_count{"training.micro_batches", "micro-batches of a replica in one step",
                                    "max(1, floor(B / (b * d)))", "definition"};

double degree(std::int64_t n) { return static_cast<double>(std::max<std::int64_t>(n, 1)); }

class Definitions {
 public:
  Definitions(const Prepared& p, const ParallelPlan& given, const ParallelPlan& plan, Explain& ex)
      : s_(p.scenario), given_(given), plan_(plan), ex_(&ex) {}

  void run() {
    if (s_.operator_case()) return;  // no model, no plan
    define_derived(s_.model, *ex_);
    t_ = stated(ex_, "parallel.tensor", degree(plan_.tensor));
    p_ = stated(ex_, "parallel.pipeline", degree(plan_.pipeline));
    c_ = stated(ex_, "parallel.context", degree(plan_.context));
    if (is_default("devices")) devices();
    if (given_.data <= 0) data();
    if (given_.expert_tensor <= 0) expert_tensor();
    if (const Training* t = s_.training()) training(*t);
  }

 private:
  bool is_default(std::string_view key) const {
    return ex_->origin_of(key).kind == Origin::Kind::default_value;
  }
  template <class Q> void define(std::string_view key, double value, Q found) {
    if (found.value == value) ex_->define(key, found.node);
  }

  void devices() {
    const auto d = given_.data > 0
                       ? stated(ex_, "parallel.data", degree(given_.data))
                       : constant(ex_, "one replica", 1.0, "neither devices nor parallel.data is stated");
    define("devices", static_cast<double>(s_.devices),
           note(ex_, grid, t_.value * p_.value * c_.value * d.value,
                {{"t", t_}, {"p", p_}, {"c", c_}, {"d", d}}));
  }

  void data() {
    const auto n = stated(ex_, "devices", static_cast<double>(s_.devices));
    const double each = std::max(1.0, std::floor(n.value / (t_.value * p_.value * c_.value)));
    define("parallel.data", degree(plan_.data),
           note(ex_, replicas, each, {{"n", n}, {"t", t_}, {"p", p_}, {"c", c_}}));
  }

  void expert_tensor() {
    if (plan_.expert <= 1)
      define("parallel.expert_tensor", degree(plan_.expert_tensor),
             note(ex_, expert_cut, t_.value, {{"t", t_}}));
    else
      define("parallel.expert_tensor", 1.0,
             constant(ex_, "ranks that cut each expert", 1.0,
                      "derived: beside expert parallelism experts stay whole (sim/prepare.h)"));
  }

  void training(const Training& t) {
    const auto d = stated(ex_, "parallel.data", degree(plan_.data));
    const auto b = stated(ex_, "training.micro_batch", degree(t.micro_batch));
    if (is_default("training.global_batch"))
      define("training.global_batch", static_cast<double>(t.global_batch),
             note(ex_, batch, b.value * d.value * p_.value, {{"b", b}, {"d", d}, {"p", p_}}));
    const auto m = micro_batches_of(t, plan_, ex_);
    ex_->define("pipeline.micro_batches", m.node);
  }

  const Scenario& s_;
  const ParallelPlan& given_;
  const ParallelPlan& plan_;
  Explain* ex_;
  Traced<double> t_, p_, c_;
};

}  // namespace

Traced<double> micro_batches_of(const Training& t, const ParallelPlan& plan, Explain* ex) {
  const auto B = stated(ex, "training.global_batch", static_cast<double>(t.global_batch)),
             b = stated(ex, "training.micro_batch", degree(t.micro_batch)),
             d = stated(ex, "parallel.data", degree(plan.data));
  return note(ex, micro_batch_count, std::max(1.0, std::floor(B.value / (b.value * d.value))),
              {{"B", B}, {"b", b}, {"d", d}});
}

Traced<double> replica_sequences(const Inference& i, const ParallelPlan& plan, Explain* ex) {
  static constexpr Formula f{"inference.sequences", "sequences a replica serves", "ceil(B / d)", "definition",
                             "the batch is spread over the replicas"};
  const auto B = stated(ex, "inference.batch", static_cast<double>(i.batch)),
             d = stated(ex, "parallel.data", degree(plan.data));
  return note(ex, f, std::ceil(B.value / d.value), {{"B", B}, {"d", d}});
}

Traced<double> devices_of_node(const Scenario& s, Explain* ex) {
  static constexpr Formula f{"hardware.node.used", "devices of a node that are used", "min(n, m)",
                             "definition"};
  const auto n = stated(ex, "devices", static_cast<double>(s.devices)),
             m = stated(ex, "hardware.node.devices", static_cast<double>(s.hardware.node.devices));
  return note(ex, f, std::min(n.value, m.value), {{"n", n}, {"m", m}});
}

void define_inputs(const Prepared& p, const ParallelPlan& given, const ParallelPlan& plan, Explain& ex) {
  Definitions(p, given, plan, ex).run();
}

}  // namespace ridge
