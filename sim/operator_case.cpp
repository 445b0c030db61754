#include "sim/operator_case.h"

#include "sim/collective.h"
#include "sim/confidence.h"
#include "sim/finish_time.h"
#include "sim/kernels.h"
#include "sim/layer_time.h"
#include "sim/operator_passes.h"
#include "sim/stage_time.h"

#include <algorithm>
#include <cmath>

namespace ridge {
namespace {

constexpr Formula copy_bytes{"operator.copy_bytes", "bytes a copy on the device moves", "2 * n",
                             "definition: read once and written once"};
constexpr Formula link_copy{"operator.link_copy", "time of a copy over the host link", "l + n / W",
                            "definition: latency and bandwidth"};
constexpr Formula norm_bytes{"operator.norm_bytes", "bytes a norm moves", "2 * r * h * a",
                             "definition: read once and written once"};
constexpr Formula adam_bytes{"operator.adam_bytes", "bytes of one Adam step", "n * x * 7",
                             "definition: read gradient, moments and weight; write moments and weight"};
constexpr Formula routed{"operator.routed", "tokens each expert of this device gets", "t * k * ep / E",
                         "definition", "balanced routing"};
constexpr Formula local{"operator.local_experts", "experts on this device", "E / ep", "definition"};
constexpr Formula routed_bytes{"operator.routed_bytes", "bytes sent to the experts of a device's tokens",
                               "t * k * h * a", "definition"};
constexpr Formula copies{"operator.expert_hidden", "numbers of a token's copies, one for each of its experts",
                         "k * h", "definition"};
constexpr Formula expert_ffn{"operator.expert_ffn", "feed-forward numbers of a token's experts", "k * f",
                             "definition"};
constexpr Formula limited_share{"operator.limited_share",
                                "share of a kernel's repetitions at the clock that the power limit leaves",
                                "min(1, max(0, (min(D, n * b) - d) / (D - d)))",
                                "definition: benchmarks repeat a kernel n times, or for D"};
constexpr Formula repeated{"operator.repeated", "time of a kernel that is repeated back to back",
                           "b + (l - b) * s",
                           "definition: as in a burst, and at the clock that the power limit leaves"};
constexpr Formula graphed{"operator.graphed",
                          "time of a collective in a graph of such that is replayed at once", "t + h",
                          "definition: beside the device's time what the graph's launch adds for each"};
constexpr Formula gate_up{"operator.gate_up", "columns of the gate and up projections", "2 * f",
                          "definition"};

double bytes_of(std::string_view dtype) {
  if (dtype == "fp64") return 8;
  if (dtype == "fp32" || dtype == "tf32") return 4;
  if (dtype == "fp8" || dtype == "int8") return 1;
  if (dtype == "fp4" || dtype == "int4" || dtype == "nvfp4") return 0.5;
  return 2;
}

KernelClass class_of(OperatorKind kind) {
  switch (kind) {
    case OperatorKind::product: return KernelClass::products;
    case OperatorKind::attention: return KernelClass::attention;
    case OperatorKind::collective: return KernelClass::collectives;
    case OperatorKind::pass:
    case OperatorKind::copy:
    case OperatorKind::optimizer: return KernelClass::passes;
  }
  return KernelClass::passes;
}

class OperatorTimer {
 public:
  OperatorTimer(const Prepared& p, Estimate& out, Explain* ex, OperatorList* list)
      : p_(p),
        s_(p.scenario),
        o_(*p.scenario.operator_case()),
        out_(out),
        ex_(ex),
        list_(list),
        parts_(out.time, ex),
        rates_(rates_under(Load::burst)),
        width_(input(ex, "operator.dtype", BytesPerElement{bytes_of(o_.dtype)})) {}

  void run() {
    check();
    if (!out_.violations.empty()) return;
    if (o_.kind == "gemm")
      product("gemm", count("operator.m", o_.m), count("operator.n", o_.n), count("operator.k", o_.k),
              rates_.one);
    else if (o_.kind == "attention" || o_.kind == "attention_decode") attention();
    else if (o_.kind == "copy") copy();
    else if (o_.kind == "rmsnorm") norm();
    else if (o_.kind == "collective") collective();
    else if (o_.kind == "moe_layer") moe_layer();
    else if (o_.kind == "optimizer") optimizer();
    parts_.finish("seconds");
    set_interval(out_.time, confidence_, s_.software, ex_);
    out_.limits = limits_of(out_.time, by_bound_, ex_);
  }

 private:
  Rates rates_under(Load load) const {
    return rates(p_,
                 {o_.dtype, o_.dtype == "fp8" ? "bf16" : std::string_view(o_.dtype), load,
                  o_.implementation == "flash", o_.head_dim},
                 ex_);
  }

  void refuse(std::string code, std::string problem, std::string remedy) {
    out_.violations.push_back({std::move(code), std::move(problem), std::move(remedy)});
  }

  void check() {
    const bool has_products = o_.kind == "gemm" || o_.kind == "moe_layer" || o_.kind.starts_with("attention");
    if (has_products && !rates_.can_compute)
      refuse("precision-unsupported", s_.hardware.device.name + " cannot compute in " + o_.dtype,
             "choose another operator.dtype");
    const bool crosses_host = o_.kind == "copy" && o_.direction.find("host") != std::string::npos;
    if (crosses_host && !(s_.hardware.device.host_link.bandwidth.value > BytesPerSecond{0}))
      refuse("no-host-link", s_.hardware.device.name + " has no link to a host",
             "state hardware.device.host_link.bandwidth");
    const std::int64_t ranks = o_.kind == "collective"  ? s_.devices
                               : o_.kind == "moe_layer" ? o_.expert_parallel
                                                        : 1;
    if (ranks > 1 && !group_link(s_.hardware, ranks, 1).is_joined)
      refuse("not-connected", s_.hardware.name + " does not join " + std::to_string(ranks) + " devices",
             "use fewer devices, or add a tier under hardware.tiers");
  }

  Traced<double> count(std::string_view key, std::int64_t v) {
    return input(ex_, key, static_cast<double>(v));
  }

  void add(std::string_view part, OperatorKind kind, const KernelCost& cost) {
    parts_.add(part, cost.time);
    Traced<Seconds>& bounded = by_bound_[static_cast<std::size_t>(cost.bound)];
    bounded = bounded.value > Seconds{0} ? plus(bounded, cost.time, ex_) : cost.time;
    confidence_ = plus(confidence_, confidence_of(class_of(kind), cost.time, cost.answer, ex_), ex_);
    if (!list_) return;
    Operator op;
    op.name = part, op.kind = kind, op.flops = cost.flops.value, op.bytes = cost.bytes.value,
    op.time = cost.time, op.bound = cost.bound, op.answer = cost.answer;
    list_->push_back(op);
  }

  /// Long products reach the power limit when they are repeated; attention draws less.
  KernelCost repeated_product(const ProductShape& shape) {
    KernelCost burst = product_cost(shape, rates_, ex_);
    if (!s_.hardware.device.achievable.tenth_fraction.is_known()) return burst;
    static constexpr Seconds lasts{0.1}, delay{0.05};
    static constexpr double repetitions = 200;
    const double s = std::clamp(
        (min(lasts, repetitions * burst.time.value) - delay).value() / (lasts - delay).value(), 0.0, 1.0);
    if (s == 0) return burst;
    const auto share = note(
        ex_, limited_share, s,
        {{"D", constant(ex_, "a benchmark's length", lasts, "a tenth of a second (hardware/efficiency.h)")},
         {"n",
          constant(ex_, "a benchmark's repetitions", repetitions, "as many fit it of half a millisecond")},
         {"b", burst.time},
         {"d", constant(ex_, "time until the power limit acts", delay,
                        "measured: clocks of an H200 fall behind 30 to 50 ms of products")}});
    const Traced<Seconds> b = burst.time, l = product_cost(shape, rates_under(Load::tenth), ex_).time;
    burst.time = note(ex_, repeated, b.value + (l.value - b.value) * s, {{"b", b}, {"l", l}, {"s", share}});
    return burst;
  }

  void product(std::string_view part, Traced<double> m, Traced<double> n, Traced<double> k,
               Traced<double> batch) {
    add(part, OperatorKind::product, repeated_product({m, n, k, batch, width_, width_, width_}));
  }

  void attention() {
    AttentionShape a;
    a.sequences = count("operator.batch", o_.batch);
    a.heads = count("operator.heads", o_.heads);
    a.kv_heads = o_.kv_heads > 0 ? count("operator.kv_heads", o_.kv_heads) : a.heads;
    a.key_dim = a.value_dim = count("operator.head_dim", o_.head_dim);
    a.key_tokens = count("operator.sequence", o_.sequence);
    a.activation = a.cache = width_;
    if (o_.kind == "attention_decode") {
      a.query_tokens = rates_.one;
      a.pairs = a.key_tokens;
      return add("attention", OperatorKind::attention, attention_cost(a, AttentionPass::decode, rates_, ex_));
    }
    a.query_tokens = a.key_tokens;
    MicroBatch batch;
    batch.new_tokens = a.key_tokens;
    batch.past = constant(ex_, "no tokens in the cache", 0.0, "one attention over a whole sequence");
    a.pairs = attention_pairs(batch, LayerKind{.is_causal = o_.causal}, 0, true, ex_);
    if (o_.phase != "backward")
      add("attention", OperatorKind::attention, attention_cost(a, AttentionPass::prefill, rates_, ex_));
    if (o_.phase != "forward")
      add("attention backward", OperatorKind::attention,
          attention_cost(a, AttentionPass::backward, rates_, ex_));
  }

  /// One pass alone is timed again and again on the same arrays: what fits the L2 cache stays there.
  Rates hot(Rates r, Bytes working_set) const {
    const MemoryLevel& l2 = s_.hardware.device.l2;
    const bool is_held = l2.capacity.is_known() && working_set <= l2.capacity.value;
    if (!is_held || !l2.bandwidth.is_known() || l2.bandwidth.value < r.memory.value) return r;
    r.memory = input(ex_, "hardware.device.l2.bandwidth", l2.bandwidth.value);
    return r;
  }

  void copy() {
    const auto n = input(ex_, "operator.bytes", Bytes{static_cast<double>(o_.bytes)});
    if (o_.direction.empty() || o_.direction == "device_to_device") {
      Rates r = hot(rates_, 2.0 * n.value);
      if (r.memory.value > rates_.memory.value)
        r.pointwise.residual = nullptr;  // of data that come from memory
      return add("copy", OperatorKind::copy,
                 pass_cost(rates_.one, note(ex_, copy_bytes, 2.0 * n.value, {{"n", n}}), r, ex_));
    }
    const Link& link = s_.hardware.device.host_link;
    const auto W = host_link_bandwidth(link, ex_);
    const auto l = input(ex_, "hardware.device.host_link.latency", link.latency.value);
    KernelCost cost;
    cost.bytes = n;
    cost.time = note(ex_, link_copy, l.value + n.value / W.value, {{"l", l}, {"n", n}, {"W", W}});
    cost.bound = Bound::link;
    add("copy", OperatorKind::copy, cost);
  }

  void norm() {
    const auto r = count("operator.rows", o_.rows), h = count("operator.hidden", o_.hidden);
    const Bytes moved{2 * r.value * h.value * width_.value.value()};
    const auto bytes = note(ex_, norm_bytes, moved, {{"r", r}, {"h", h}, {"a", width_}});
    const std::string kernel = timed_kernel(Slot::input_norm, "rmsnorm");
    if (!pass_constants(p_, kernel))
      return add("norm", OperatorKind::pass, pass_cost(rates_.one, bytes, rates_, ex_));
    const Rates cold = with_pass(rates_, p_, kernel, ex_);
    const auto cost = [&](const Rates& x) { return named_pass_cost(x.pointwise, bytes, r.value, x, ex_); };
    // What a kernel loses to its rows' length it loses in the cache too, and never more than from memory.
    const KernelCost from_memory = cost(cold), cached = cost(hot(cold, moved));
    add("norm", OperatorKind::pass, cached.time.value < from_memory.time.value ? cached : from_memory);
  }

  /// The kernel that the stack's pass in a slot is, where this device's profile has timed it.
  std::string timed_kernel(Slot slot, std::string_view usual) const {
    const auto found = s_.software.slots.find(std::string(enum_name(slot)));
    if (found != s_.software.slots.end())
      for (const Pass& pass : found->second)
        if (!pass.kernel.empty() && pass_constants(p_, pass.kernel)) return pass.kernel;
    return std::string(usual);
  }

  void exchange(std::string_view part, CollectiveKind kind, Traced<Bytes> bytes, std::int64_t ranks,
                Seconds graph_launch = Seconds{}) {
    const GroupLink link = group_link(s_.hardware, ranks, 1, ex_);
    KernelCost cost;
    cost.bytes = bytes;
    const CollectiveCost timed = collective_cost({kind, bytes, o_.launch == "graph"}, link, ex_);
    cost.time = timed.time;
    if (graph_launch > Seconds{})
      cost.time =
          note(ex_, graphed, timed.time.value + graph_launch,
               {{"t", timed.time}, {"h", input(ex_, "software.launch.graph_per_collective", graph_launch)}});
    cost.answer = timed.answer;
    cost.bound = link.nodes > 1 ? Bound::network : Bound::link;
    add(part, OperatorKind::collective, cost);
  }

  void collective() {
    CollectiveKind kind = CollectiveKind::all_reduce;
    if (o_.collective == "all_gather") kind = CollectiveKind::all_gather;
    else if (o_.collective == "reduce_scatter") kind = CollectiveKind::reduce_scatter;
    else if (o_.collective == "all_to_all") kind = CollectiveKind::all_to_all;
    else if (o_.collective == "broadcast") kind = CollectiveKind::broadcast;
    else if (o_.collective == "send_receive") kind = CollectiveKind::send_receive;
    exchange("collective", kind, input(ex_, "operator.bytes", Bytes{static_cast<double>(o_.bytes)}),
             s_.devices, o_.launch == "graph" ? s_.software.launch.graph_per_collective : Seconds{});
  }

  void moe_layer() {
    const auto t = count("operator.tokens", o_.tokens), k = count("operator.top_k", o_.top_k),
               h = count("operator.hidden", o_.hidden);
    const auto f = count("operator.ffn", o_.ffn),
               E = count("operator.experts", std::max<std::int64_t>(o_.experts, 1));
    const auto ep = count("operator.expert_parallel", o_.expert_parallel);
    const auto m =
        note(ex_, routed, t.value * k.value * ep.value / E.value, {{"t", t}, {"k", k}, {"ep", ep}, {"E", E}});
    const auto experts = note(ex_, local, E.value / ep.value, {{"E", E}, {"ep", ep}});
    const ExpertWidths widths{h, note(ex_, expert_ffn, k.value * f.value, {{"k", k}, {"f", f}}),
                              note(ex_, copies, k.value * h.value, {{"k", k}, {"h", h}}), E};
    const auto passes = [&](Slot slot) {
      for (const PassCost& p : expert_passes(s_, slot, widths, t, width_, rates_, ex_))
        add(p.name, OperatorKind::pass, p.cost);
    };
    product("router", t, E, h, rates_.one);
    passes(Slot::router);
    const auto bytes = note(ex_, routed_bytes, Bytes{t.value * k.value * h.value * width_.value.value()},
                            {{"t", t}, {"k", k}, {"h", h}, {"a", width_}});
    exchange("dispatch", CollectiveKind::all_to_all, bytes, o_.expert_parallel);
    passes(Slot::before_up);
    product("gate_up", m, note(ex_, gate_up, 2 * f.value, {{"f", f}}), h, experts);
    for (const Slot slot : {Slot::activation, Slot::before_down}) passes(slot);
    product("down", m, h, f, experts);
    exchange("combine", CollectiveKind::all_to_all, bytes, o_.expert_parallel);
    passes(Slot::after_down);
  }

  void optimizer() {
    const auto n = input(ex_, "operator.parameters", Elements{static_cast<double>(o_.parameters)});
    const Bytes bytes{n.value.value() * width_.value.value() * 7};
    const std::string& own = s_.software.optimizer_kernel;
    const Rates r = with_pass(rates_, p_, !own.empty() && pass_constants(p_, own) ? own : "adamw", ex_);
    const double e = s_.software.optimizer_efficiency;
    add("optimizer", OperatorKind::optimizer,
        pass_cost(rates_.one, note(ex_, adam_bytes, bytes, {{"n", n}, {"x", width_}}), r, ex_,
                  e == 1 ? rates_.one : input(ex_, "software.optimizer_efficiency", e)));
  }

  const Prepared& p_;
  const Scenario& s_;
  const OperatorCase& o_;
  Estimate& out_;
  Explain* ex_;
  OperatorList* list_;
  TimeParts parts_;
  Rates rates_;
  Traced<BytesPerElement> width_;
  TimeByBound by_bound_{};
  Confidence confidence_;
};

}  // namespace

void time_operator(const Prepared& p, const ParallelPlan&, Estimate& out, Explain* ex, OperatorList* list) {
  OperatorTimer(p, out, ex, list).run();
}

}  // namespace ridge
