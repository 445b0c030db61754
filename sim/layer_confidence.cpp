#include "sim/confidence.h"
#include "sim/layer_runner.h"

namespace ridge {
namespace {

constexpr Formula deviation_sum{"confidence.layer.deviation",
                                "deviation of a layer's kernels of one class in one phase", "sum(...)",
                                "definition: errors of one class add up"};
constexpr Formula known_sum{"confidence.layer.known", "time of a layer's kernels that a profile answers",
                            "sum(...)", "definition"};
constexpr Formula shown_part{"confidence.layer.exposed",
                             "the part of it that does not hide behind computation", "d * rest / comm",
                             "definition"};

KernelClass class_of(TimeClass c) {
  switch (c) {
    case TimeClass::product: return KernelClass::products;
    case TimeClass::attention: return KernelClass::attention;
    case TimeClass::pass:
    case TimeClass::gap: return KernelClass::passes;
    case TimeClass::tensor:
    case TimeClass::expert:
    case TimeClass::context: return KernelClass::collectives;
  }
  return KernelClass::passes;
}

}  // namespace

void LayerRunner::add_known(Sums& sums, TimeClass time_class, std::string_view name, const KernelCost& cost) {
  Sum& s = sums[static_cast<std::size_t>(time_class)];
  const KernelClass k = class_of(time_class);
  const Confidence one = confidence_of(k, cost.time, cost.answer, ex_);
  const Traced<Seconds> d = one.deviation[static_cast<std::size_t>(k)];
  s.deviation += d.value.value();
  s.known += one.known.value.value();
  if (!ex_) return;
  if (d.value > Seconds{0}) s.deviation_terms.emplace_back(name, d);
  if (one.any()) s.known_terms.emplace_back(name, one.known);
}

void LayerRunner::hide_confidence(Sum& s, double rest) {
  const Traced<Seconds> shown{Seconds{rest}, s.terms.front().node};
  const Traced<Seconds> all{Seconds{s.value}, ex_->edges(shown.node).front().node};
  const auto part = [&](double value, std::vector<Term>& terms, const Formula& sum) {
    if (terms.empty()) return;
    const double before = value * s.value / rest;
    const Traced<Seconds> d{Seconds{before}, ex_->note(sum, before, Seconds::dim, terms)};
    terms.assign(1, Term("exposed",
                         note(ex_, shown_part, Seconds{value}, {{"d", d}, {"rest", shown}, {"comm", all}})));
  };
  part(s.deviation, s.deviation_terms, deviation_sum);
  part(s.known, s.known_terms, known_sum);
}

void LayerRunner::finish_confidence(Sums& sums, PhaseTime& phase) {
  std::array<std::vector<Term>, num_kernel_classes> deviation_terms;
  std::vector<Term> known_terms;
  Confidence& c = phase.confidence;
  for (std::size_t i = 0; i < num_time_classes; ++i) {
    const Sum& s = sums[i];
    if (s.known <= 0) continue;
    const auto k = static_cast<std::size_t>(class_of(static_cast<TimeClass>(i)));
    c.known.value += Seconds{s.known};
    c.deviation[k].value += Seconds{s.deviation};
    if (!ex_) continue;
    known_terms.insert(known_terms.end(), s.known_terms.begin(), s.known_terms.end());
    deviation_terms[k].insert(deviation_terms[k].end(), s.deviation_terms.begin(), s.deviation_terms.end());
  }
  if (!ex_ || !c.any()) return;
  c.known.node = ex_->note(known_sum, c.known.value.value(), Seconds::dim, known_terms);
  for (std::size_t k = 0; k < num_kernel_classes; ++k)
    if (!deviation_terms[k].empty())
      c.deviation[k].node =
          ex_->note(deviation_sum, c.deviation[k].value.value(), Seconds::dim, deviation_terms[k]);
}

}  // namespace ridge
