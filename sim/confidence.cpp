#include "sim/confidence.h"

#include "sim/stage_time.h"

#include <cmath>

namespace ridge {
namespace {

constexpr Formula low_formula{"time.low", "lower end of the 90 % interval", "t * exp(-1.645 * s)",
                              "log-normal error; 1.645 is the 95 % point of the normal distribution"};
constexpr Formula high_formula{"time.high", "upper end of the 90 % interval", "t * exp(1.645 * s)",
                               "log-normal error; 1.645 is the 95 % point of the normal distribution"};
constexpr Formula kernel_deviation{
    "confidence.kernel", "time of a kernel, times the deviation of its logarithm", "t * s", "definition"};
constexpr Formula class_deviation{
    "confidence.class", "deviation of the headline that a class of kernels makes", "d / t", "definition",
    "errors of one class are the same in every layer: they add up"};
constexpr Formula stack_deviation{
    "confidence.stack", "deviation of the headline that is the software stack's",
    "((t - k) * all + k * composition) / t",
    "definition: all of the stack's own where no profile answers for the kernels"};
constexpr Formula joined{"confidence.all", "standard deviation of log(measured / predicted)",
                         "sqrt(p ^ 2 + a ^ 2 + v ^ 2 + c ^ 2 + r ^ 2)",
                         "independent errors: variances add up"};

Traced<Seconds> added(Traced<Seconds> a, Traced<Seconds> b, Explain* ex) {
  if (!(a.value > Seconds{0})) return b;
  if (!(b.value > Seconds{0})) return a;
  return plus(a, b, ex);
}

Traced<double> stack_part(Traced<Seconds> t, const Confidence& c, const SoftwareStack& stack, Explain* ex) {
  const auto all = input(ex, "software.interval_log_sigma", stack.interval_log_sigma);
  if (!c.any()) return all;
  const bool is_split = stack.composition_log_sigma >= 0;
  const auto own = is_split ? input(ex, "software.composition_log_sigma", stack.composition_log_sigma) : all;
  const double k = c.known.value / t.value;
  return note(ex, stack_deviation, (1 - k) * all.value + k * own.value,
              {{"t", t}, {"k", c.known}, {"all", all}, {"composition", own}});
}

}  // namespace

std::string_view name(KernelClass c) {
  static constexpr std::string_view names[] = {"products", "attention", "passes", "collectives"};
  return names[static_cast<std::size_t>(c)];
}

Confidence repeated(Traced<double> n, const Confidence& c, Explain* ex) {
  Confidence out;
  for (std::size_t i = 0; i < num_kernel_classes; ++i)
    if (c.deviation[i].value > Seconds{0}) out.deviation[i] = repeated(n, c.deviation[i], ex);
  if (c.any()) out.known = repeated(n, c.known, ex);
  return out;
}

Confidence plus(const Confidence& a, const Confidence& b, Explain* ex) {
  Confidence out;
  for (std::size_t i = 0; i < num_kernel_classes; ++i)
    out.deviation[i] = added(a.deviation[i], b.deviation[i], ex);
  out.known = added(a.known, b.known, ex);
  return out;
}

Confidence confidence_of(KernelClass k, Traced<Seconds> t, const Answer& answer, Explain* ex) {
  Confidence out;
  if (answer.source == AnswerSource::preset || !(t.value > Seconds{0})) return out;
  out.known = t;
  if (answer.log_sigma <= 0) return out;
  const auto s = traced_sigma(answer, ex);
  out.deviation[static_cast<std::size_t>(k)] =
      note(ex, kernel_deviation, t.value * s.value, {{"t", t}, {"s", s}});
  return out;
}

void set_interval(TimeEstimate& time, const Confidence& c, const SoftwareStack& stack, Explain* ex) {
  const Traced<Seconds> t = time.totals.front().amount;
  Traced<double> s = stack_part(t, c, stack, ex);
  if (c.any() && t.value > Seconds{0}) {
    std::array<Traced<double>, num_kernel_classes> of_class{};
    double squares = s.value * s.value;
    for (std::size_t i = 0; i < num_kernel_classes; ++i) {
      const Traced<Seconds> d = c.deviation[i];
      of_class[i] = d.value > Seconds{0}
                        ? note(ex, class_deviation, d.value / t.value, {{"d", d}, {"t", t}})
                        : constant(ex, "no deviation of such kernels", 0.0, "no profile answers for them");
      squares += of_class[i].value * of_class[i].value;
      if (of_class[i].value > 0) time.deviations.push_back({name(static_cast<KernelClass>(i)), of_class[i]});
    }
    time.deviations.push_back({"stack", s});
    s = note(ex, joined, std::sqrt(squares),
             {{"p", of_class[0]}, {"a", of_class[1]}, {"v", of_class[2]}, {"c", of_class[3]}, {"r", s}});
  }
  time.low = note(ex, low_formula, t.value * std::exp(-1.645 * s.value), {{"t", t}, {"s", s}});
  time.high = note(ex, high_formula, t.value * std::exp(1.645 * s.value), {{"t", t}, {"s", s}});
}

}  // namespace ridge
