#include "base/quantity_text.h"
#include "sim/layer_runner.h"
#include "sim/traffic.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula class_sum{"time.layer.class", "time of one layer spent on one class of operators",
                            "sum(...)", "definition"};
constexpr Formula phase_sum{"time.layer.phase", "time of one layer in one phase", "sum(...)", "definition"};
constexpr Formula pass_bytes{"operators.pass.bytes", "bytes a pointwise pass moves",
                             "tokens * (read + write)",
                             "definition: what the stack's pass reads and writes per token"};

}  // namespace

LayerTime LayerRunner::run() {
  for (const Step& step : program_.steps) {
    step_ = &step;
    switch (step.kind) {
      case StepKind::pass: run_pass(program_.passes[static_cast<std::size_t>(step.index)]); break;
      case StepKind::product: run_product(program_.products[static_cast<std::size_t>(step.index)]); break;
      case StepKind::core: run_core(program_.cores[static_cast<std::size_t>(step.index)]); break;
      case StepKind::tensor_enter: run_boundary(true); break;
      case StepKind::tensor_exit: run_boundary(false); break;
      case StepKind::dispatch:
      case StepKind::combine: run_expert_exchange(); break;
    }
  }
  finish(forward_, result_.forward, OperatorPhase::forward);
  finish(recompute_, result_.recompute, OperatorPhase::recompute);
  finish(backward_, result_.backward, OperatorPhase::backward);
  return result_;
}

void LayerRunner::forward(TimeClass time_class, OperatorKind kind, std::string_view name,
                          const KernelCost& cost, double kernels) {
  add(forward_, time_class, name, cost);
  book(result_.forward, kind, OperatorPhase::forward, name, cost, kernels);
  if (!c_.has_backward || kind_index_ < 0 || c_.recompute == Recompute::none) return;
  const double share = c_.prepared.scenario.software.selective_products;
  if (c_.recompute == Recompute::selective && kind == OperatorKind::product && share > 0)
    return recompute_share(time_class, name, cost, kernels, share);
  if (c_.recompute == Recompute::selective && !step_->is_selective) return;
  add(recompute_, time_class, name, cost);
  book(result_.recompute, kind, OperatorPhase::recompute, name, cost, kernels);
}

void LayerRunner::recompute_share(TimeClass time_class, std::string_view name, KernelCost cost,
                                  double kernels, double share) {
  static constexpr Formula part{"time.recompute.share", "time of the products that are run again", "x * t",
                                "definition"};
  static constexpr Formula flop_part{"flop.recompute.share", "FLOP of the products that are run again",
                                     "x * f", "definition"};
  cost.time = note(ex_, part, share * cost.time.value,
                   {{"x", input(ex_, "software.selective_products", share)}, {"t", cost.time}});
  cost.flops = note(ex_, flop_part, share * cost.flops.value,
                    {{"x", input(ex_, "software.selective_products", share)}, {"f", cost.flops}});
  add(recompute_, time_class, name, cost);
  book(result_.recompute, OperatorKind::product, OperatorPhase::recompute, name, cost, kernels * share);
}

void LayerRunner::backward(TimeClass time_class, OperatorKind kind, std::string_view name,
                           const KernelCost& cost, double kernels) {
  if (!c_.has_backward) return;
  add(backward_, time_class, name, cost);
  book(result_.backward, kind, OperatorPhase::backward, name, cost, kernels);
}

void LayerRunner::book(PhaseTime& phase, OperatorKind kind, OperatorPhase when, std::string_view name,
                       const KernelCost& cost, double kernels) {
  count_launches(phase, when, kind, name, kernels);
  phase.flops.value += cost.flops.value;
  if (ex_ && cost.flops.value > Flop{0}) flop_terms(when).emplace_back(name, cost.flops);
  bound(phase, when, cost.bound, name, cost.time);
  if (!c_.list) return;
  Operator op;
  op.name = name;
  op.kind = kind;
  op.phase = when;
  op.layer_kind = kind_index_;
  op.count = count_;
  op.kernels = kernels;
  op.flops = cost.flops.value;
  op.bytes = cost.bytes.value;
  op.time = cost.time;
  op.bound = cost.bound;
  op.answer = cost.answer;
  op.m = m_, op.n = n_, op.k = k_;
  c_.list->push_back(op);
}

void LayerRunner::run_pass(const Pass& pass) {
  auto cost = [&](const Traffic& read, const Traffic& write, double kernels, double efficiency,
                  const std::string& kernel) {
    static constexpr Formula all{"operators.keys", "keys a token may see", "past + new", "definition"};
    const Traced<double> past = c_.batch.past, fresh = c_.batch.new_tokens;
    const auto keys = note(ex_, all, past.value + fresh.value, {{"past", past}, {"new", fresh}});
    const TrafficSource source{.key = pass.key};
    const auto r = traced_traffic(read, table_, a_, kind_, plan_, c_.batch.activation, keys, ex_, source);
    const auto w = traced_traffic(write, table_, a_, kind_, plan_, c_.batch.activation, keys, ex_, source);
    const Bytes bytes{c_.batch.tokens.value * (r.value.value() + w.value.value())};
    const auto moved = note(ex_, pass_bytes, bytes, {{"tokens", c_.batch.tokens}, {"read", r}, {"write", w}});
    if (!kernel.empty() && bytes > Bytes{})
      if (const auto own = pass_constants(c_.prepared, kernel, ex_))
        return named_pass_cost(*own, moved, rows_of(pass), c_.rates, ex_);
    return pass_cost(pass_kernels(pass, kernels), moved, c_.rates, ex_, pass_efficiency(pass, efficiency));
  };
  m_ = n_ = k_ = 0;
  forward(TimeClass::pass, OperatorKind::pass, pass.name,
          cost(pass.read, pass.write, pass.kernels, pass.efficiency, pass.kernel), pass.kernels);
  if (!c_.has_backward) return;
  Traffic read = pass.backward_read, write = pass.backward_write;
  if (!read.any) read = joined(pass.write, pass.keep);
  if (!write.any) write = pass.read;
  const double kernels = pass.backward_kernels < 0 ? pass.kernels : pass.backward_kernels;
  const double efficiency = pass.backward_efficiency < 0 ? pass.efficiency : pass.backward_efficiency;
  backward(TimeClass::pass, OperatorKind::pass, pass.name,
           cost(read, write, kernels, efficiency, pass.backward_kernel), kernels);
}

/// Norms work on a token's width, softmax on the scores of one head.
double LayerRunner::rows_of(const Pass& pass) const {
  const auto scores = static_cast<std::size_t>(Width::scores);
  const bool is_over_scores = pass.read.activation_elements[scores] > 0 || pass.read.fixed_bytes[scores] > 0;
  return c_.batch.tokens.value * (is_over_scores ? table_[Width::heads] : 1);
}

Traffic LayerRunner::joined(Traffic a, const Traffic& b) {
  for (std::size_t i = 0; i < num_widths; ++i) {
    a.activation_elements[i] += b.activation_elements[i];
    a.fixed_bytes[i] += b.fixed_bytes[i];
  }
  a.any = true;
  return a;
}

Traced<double> LayerRunner::pass_number(const Pass& pass, std::string_view field, double value) {
  if (!ex_) return {value, 0};
  const Origin stack{Origin::Kind::preset, {}, "software stack " + c_.prepared.scenario.software.name, {}};
  return {value,
          ex_->input(pass.key + std::string(field), value, Dim{}, ex_->origin_of(pass.key + ".name", stack))};
}

Traced<double> LayerRunner::pass_kernels(const Pass& pass, double kernels) {
  return pass_number(pass, kernels == pass.kernels ? ".kernels" : ".backward_kernels", kernels);
}

Traced<double> LayerRunner::pass_efficiency(const Pass& pass, double efficiency) {
  if (efficiency == 1) return {1.0, 0};
  return pass_number(pass, efficiency == pass.efficiency ? ".efficiency" : ".backward_efficiency",
                     efficiency);
}

void LayerRunner::bound(PhaseTime& phase, OperatorPhase when, Bound by, std::string_view name,
                        Traced<Seconds> t) {
  const auto b = static_cast<std::size_t>(by);
  phase.by_bound[b].value += t.value;
  if (ex_) bound_terms(when)[b].emplace_back(name, t);
}

void LayerRunner::count_launches(PhaseTime& phase, OperatorPhase when, OperatorKind kind,
                                 std::string_view name, double n) {
  const bool is_collective = kind == OperatorKind::collective;
  (is_collective ? phase.collectives : phase.kernels).value += n;
  if (!ex_) return;
  const Pass* pass =
      step_->kind == StepKind::pass ? &program_.passes[static_cast<std::size_t>(step_->index)] : nullptr;
  const Traced<double> launches =
      pass && name == pass->name
          ? pass_kernels(*pass, n)
          : constant(ex_, "launches of " + std::string(name) + ": " + format_number(n), n,
                     "one for each product, attention core, copy or collective (sim/program.h)");
  LaunchTerms& terms = launch_terms_[static_cast<std::size_t>(when)];
  (is_collective ? terms.collectives : terms.kernels).emplace_back(name, launches);
}

void LayerRunner::finish_launches(PhaseTime& phase, OperatorPhase when) {
  static constexpr Formula kernels{"time.layer.kernels", "kernels of a layer in one phase", "sum(...)",
                                   "counted from the layer's program"};
  static constexpr Formula collectives{"time.layer.collectives", "collectives of a layer in one phase",
                                       "sum(...)", "counted from the layer's program"};
  const LaunchTerms& terms = launch_terms_[static_cast<std::size_t>(when)];
  const auto recorded = [&](Traced<double>& n, const Formula& f, const std::vector<Term>& of) {
    n.node = of.empty() ? constant(ex_, "nothing launched", 0.0, "the layer's program").node
                        : ex_->note(f, n.value, Dim{}, of);
  };
  recorded(phase.kernels, kernels, terms.kernels);
  recorded(phase.collectives, collectives, terms.collectives);
}

void LayerRunner::add_gaps(Sums& sums, PhaseTime& phase, OperatorPhase when) {
  static constexpr Formula gaps{"time.layer.gaps", "time between the kernels of a layer", "n * g",
                                "definition: each kernel starts a little after the last one ends"};
  if (phase.kernels.value <= 0) return;
  const auto t =
      note(ex_, gaps, phase.kernels.value * c_.rates.gap.value, {{"n", phase.kernels}, {"g", c_.rates.gap}});
  add(sums, TimeClass::gap, "gaps", t);
  bound(phase, when, Bound::launch, "gaps", t);
}

void LayerRunner::finish_bounds(PhaseTime& phase, BoundTerms& terms) {
  static constexpr Formula bound_sum{
      "time.layer.bound", "time of a layer's operators that one resource bounds", "sum(...)", "definition"};
  for (std::size_t b = 0; b < num_bounds; ++b) {
    Traced<Seconds>& t = phase.by_bound[b];
    t.node =
        terms[b].empty() ? zero_seconds() : ex_->note(bound_sum, t.value.value(), Seconds::dim, terms[b]);
  }
}

void LayerRunner::finish(Sums& sums, PhaseTime& phase, OperatorPhase when) {
  static constexpr Formula flop_sum{"flop.layer", "FLOP that a layer executes in one phase", "sum(...)",
                                    "definition"};
  static constexpr std::array<std::string_view, num_time_classes> names = {
      "product", "attention", "pass", "gap", "tensor", "expert", "context"};
  if (ex_) {
    const std::vector<Term>& flops = flop_terms(when);
    phase.flops.node =
        flops.empty() ? no_flop() : ex_->note(flop_sum, phase.flops.value.value(), Flop::dim, flops);
    finish_launches(phase, when);
  }
  add_gaps(sums, phase, when);
  const Overlap& o = c_.prepared.scenario.software.overlap;
  BoundTerms& bounds = bound_terms(when);
  hide(sums, TimeClass::tensor, TimeClass::product, "software.overlap.tensor", o.tensor, phase, bounds);
  hide(sums, TimeClass::context, TimeClass::attention, "software.overlap.context", o.context, phase, bounds);
  hide(sums, TimeClass::expert, TimeClass::product, "software.overlap.expert", o.expert, phase, bounds);
  if (ex_) finish_bounds(phase, bounds);
  finish_confidence(sums, phase);
  double total = 0;
  std::vector<Term> terms;
  for (std::size_t i = 0; i < num_time_classes; ++i) {
    phase.parts[i] = {Seconds{sums[i].value}, 0};
    total += sums[i].value;
    if (!ex_) continue;
    phase.parts[i].node = sums[i].terms.empty()
                              ? zero_seconds()
                              : ex_->note(class_sum, sums[i].value, Seconds::dim, sums[i].terms);
    terms.emplace_back(names[i], phase.parts[i]);
  }
  phase.device = {Seconds{total}, ex_ ? ex_->note(phase_sum, total, Seconds::dim, terms) : 0};
}

void LayerRunner::hide(Sums& sums, TimeClass comm, TimeClass work, std::string_view key, double share,
                       PhaseTime& phase, BoundTerms& bounds) {
  static constexpr Formula exposed{
      "time.layer.exposed", "communication that does not hide behind computation",
      "comm - share * min(comm, work)",
      "definition: at most `share` hides, and never more than the work it hides behind"};
  static constexpr Formula whole{"time.layer.communication", "communication of a layer before overlap",
                                 "sum(...)", "definition"};
  static constexpr Formula left{"time.layer.bound.exposed", "time that a link bounds after overlap",
                                "max(0, t - (comm - rest))", "definition"};
  Sum& c = sums[static_cast<std::size_t>(comm)];
  const Sum& w = sums[static_cast<std::size_t>(work)];
  if (c.value <= 0 || share <= 0) return;
  const double rest = c.value - share * std::min(c.value, w.value), hidden = c.value - rest;
  const Traced<Seconds>& network = phase.by_bound[static_cast<std::size_t>(Bound::network)];
  const auto b = static_cast<std::size_t>(network.value.value() >= hidden ? Bound::network : Bound::link);
  const Seconds before = phase.by_bound[b].value, after{std::max(0.0, before.value() - hidden)};
  phase.by_bound[b].value = after;
  if (ex_) {
    const Traced<Seconds> all{Seconds{c.value}, ex_->note(whole, c.value, Seconds::dim, c.terms)};
    const Traced<Seconds> behind{Seconds{w.value}, w.terms.empty()
                                                       ? zero_seconds()
                                                       : ex_->note(whole, w.value, Seconds::dim, w.terms)};
    const auto shown = note(ex_, exposed, Seconds{rest},
                            {{"comm", all}, {"share", input(ex_, key, share)}, {"work", behind}});
    const Traced<Seconds> bounded{before, bounds[b].empty()
                                              ? zero_seconds()
                                              : ex_->note(whole, before.value(), Seconds::dim, bounds[b])};
    c.terms.assign(1, Term("exposed", shown));
    bounds[b].assign(
        1, Term("exposed", note(ex_, left, after, {{"t", bounded}, {"comm", all}, {"rest", shown}})));
  }
  if (c.known > 0) {
    const double left_over = rest / c.value;
    c.deviation *= left_over, c.known *= left_over;
    if (ex_) hide_confidence(c, rest);
  }
  c.value = rest;
}

std::vector<Term>& LayerRunner::flop_terms(OperatorPhase when) {
  return when == OperatorPhase::forward     ? forward_flops_
         : when == OperatorPhase::recompute ? recompute_flops_
                                            : backward_flops_;
}

NodeId LayerRunner::no_flop() {
  return ex_->input("no FLOP", 0, Flop::dim,
                    Origin{Origin::Kind::definition, {}, "nothing that computes is launched", {}});
}

NodeId LayerRunner::zero_seconds() {
  return ex_->input("no such operator", 0, Seconds::dim,
                    Origin{Origin::Kind::definition, {}, "nothing of this class is launched", {}});
}

Traced<double> local_tokens(Traced<double> n, Traced<double> c, Explain* ex) {
  static constexpr Formula f{"operators.local_tokens", "tokens of a sequence on one context-parallel rank",
                             "n / c", "definition"};
  return note(ex, f, n.value / c.value, {{"n", n}, {"c", c}});
}

Traced<double> batch_tokens(Traced<double> b, Traced<double> q, Explain* ex) {
  static constexpr Formula f{"operators.batch_tokens", "tokens of a micro-batch on one device", "b * q",
                             "definition"};
  return note(ex, f, b.value * q.value, {{"b", b}, {"q", q}});
}

LayerTime layer_time(const LayerProgram& program, int kind, double count, const LayerContext& c) {
  return LayerRunner(program, kind, count, c).run();
}

}  // namespace ridge
