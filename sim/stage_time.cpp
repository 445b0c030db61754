#include "sim/stage_time.h"

#include "sim/confidence.h"

namespace ridge {
namespace {

constexpr Formula repeated_formula{"time.repeated", "time of equal pieces of work one after another", "n * t",
                                   "definition"};
constexpr Formula class_formula{"time.stage.class", "time of a stage spent on one class of operators",
                                "sum(...)", "definition"};
constexpr Formula bound_formula{"time.stage.bound", "time of a stage's operators that one resource bounds",
                                "sum(...)", "definition"};
constexpr Formula phase_formula{"time.stage.phase", "device time of a stage in one phase", "sum(...)",
                                "definition"};

constexpr Formula repeated_flop{"flop.repeated", "FLOP of equal layers", "n * f", "definition"};
constexpr Formula flop_formula{"flop.stage", "FLOP that a stage executes in one phase", "sum(...)",
                               "definition"};

struct Piece {
  std::string_view name;
  Traced<double> count;
  const LayerTime* time;
};

/// Kernels or collectives of all pieces.
Traced<double> launches(const std::vector<Piece>& pieces, PhaseTime LayerTime::*phase,
                        Traced<double> PhaseTime::*what, Explain* ex) {
  static constexpr Formula repeated_count{"launches.repeated", "launches of equal layers", "n * x",
                                          "definition"};
  static constexpr Formula all{"launches.stage", "launches of a stage in one phase", "sum(...)",
                               "definition"};
  double total = 0;
  std::vector<Term> terms;
  for (const Piece& p : pieces) {
    const Traced<double> one = (p.time->*phase).*what;
    total += p.count.value * one.value;
    if (ex && one.value > 0)
      terms.emplace_back(p.name,
                         note(ex, repeated_count, p.count.value * one.value, {{"n", p.count}, {"x", one}}));
  }
  if (!ex) return {total, 0};
  if (terms.empty()) return constant(ex, "nothing launched", 0.0, "the layer's program");
  return {total, ex->note(all, total, Dim{}, terms)};
}

PhaseTime summed(const std::vector<Piece>& pieces, PhaseTime LayerTime::*phase, Explain* ex) {
  PhaseTime total;
  SecondsSum device(ex);
  for (std::size_t c = 0; c < num_time_classes; ++c) {
    SecondsSum sum(ex);
    for (const Piece& p : pieces) sum.add(p.name, repeated(p.count, (p.time->*phase).parts[c], ex));
    total.parts[c] = sum.total(class_formula);
    device.add(part_name(static_cast<TimeClass>(c)), total.parts[c]);
  }
  std::vector<Term> flops;
  for (const Piece& p : pieces) {
    const PhaseTime& t = p.time->*phase;
    total.flops.value += p.count.value * t.flops.value;
    if (ex)
      flops.emplace_back(
          p.name, note(ex, repeated_flop, p.count.value * t.flops.value, {{"n", p.count}, {"f", t.flops}}));
  }
  total.kernels = launches(pieces, phase, &PhaseTime::kernels, ex);
  total.collectives = launches(pieces, phase, &PhaseTime::collectives, ex);
  for (std::size_t b = 0; b < num_bounds; ++b) {
    SecondsSum sum(ex);
    for (const Piece& p : pieces)
      if ((p.time->*phase).by_bound[b].value > Seconds{0})
        sum.add(p.name, repeated(p.count, (p.time->*phase).by_bound[b], ex));
    total.by_bound[b] = sum.total(bound_formula);
  }
  for (const Piece& p : pieces)
    if (const Confidence& c = (p.time->*phase).confidence; c.any())
      total.confidence = plus(total.confidence, repeated(p.count, c, ex), ex);
  if (ex) total.flops.node = ex->note(flop_formula, total.flops.value.value(), Flop::dim, flops);
  total.device = device.total(phase_formula);
  return total;
}

}  // namespace

std::string_view part_name(TimeClass c) {
  switch (c) {
    case TimeClass::product: return "products";
    case TimeClass::attention: return "attention";
    case TimeClass::pass: return "pointwise";
    case TimeClass::gap: return "kernel_gaps";
    case TimeClass::tensor: return "tensor_communication";
    case TimeClass::expert: return "expert_communication";
    case TimeClass::context: return "context_communication";
  }
  return "other";
}

Traced<Seconds> plus(Traced<Seconds> a, Traced<Seconds> b, Explain* ex) {
  static constexpr Formula joined{"time.sum", "pieces one after another", "sum(...)", "definition"};
  return note(ex, joined, a.value + b.value, {{"a", a}, {"b", b}});
}

Traced<Bytes> stage_payload(const Prepared& p, const ParallelPlan& plan, const MicroBatch& batch,
                            Explain* ex) {
  static constexpr Formula payload{"pipeline.payload", "activation bytes from a stage to the next",
                                   "tokens * d * a / x",
                                   "Narayanan et al. 2021, arXiv:2104.04473, section 4.1",
                                   "x is the tensor degree under sequence parallelism"};
  const auto d = input(ex, "model.hidden_size", static_cast<double>(p.scenario.model.hidden_size));
  const auto x = plan.sequence ? input(ex, "parallel.tensor", static_cast<double>(plan.tensor))
                               : constant(ex, "ranks that share the tokens outside products", 1.0,
                                          "parallel.sequence is false");
  const Bytes bytes{batch.tokens.value * d.value * batch.activation.value.value() / x.value};
  return note(ex, payload, bytes, {{"tokens", batch.tokens}, {"d", d}, {"a", batch.activation}, {"x", x}});
}

Traced<Seconds> repeated(Traced<double> n, Traced<Seconds> t, Explain* ex) {
  return note(ex, repeated_formula, n.value * t.value, {{"n", n}, {"t", t}});
}

StageTime stage_time(const Prepared& p, const ParallelPlan& plan, const WorkTimes& work,
                     const StageLayers& stage, Explain* ex) {
  std::vector<Piece> pieces;
  pieces.reserve(work.kinds.size() + 2);
  const Traced<double> one =
      constant(ex, "embedding or head of a stage", 1.0, "sim/partition.h: each stands once");
  for (std::int32_t i = 0; i < stage.embeddings; ++i) pieces.push_back({"embedding", one, &work.embedding});
  for (std::size_t k = 0; k < work.kinds.size(); ++k) {
    if (stage.of_kind[k] == 0) continue;
    const auto count = layers_on_stage(p.scenario.model, p.inventory, plan, stage, k, ex);
    pieces.push_back({"layers", count, &work.kinds[k]});
  }
  for (std::int32_t i = 0; i < stage.outputs; ++i) pieces.push_back({"head", one, &work.output});
  StageTime t;
  t.forward = summed(pieces, &LayerTime::forward, ex);
  t.recompute = summed(pieces, &LayerTime::recompute, ex);
  t.backward = summed(pieces, &LayerTime::backward, ex);
  return t;
}

}  // namespace ridge
