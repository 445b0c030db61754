#include "hardware/answer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

namespace ridge {
namespace {

constexpr double beyond = 2;

struct Regime {
  std::string_view name;
  double from, up_to;
};
constexpr double none = std::numeric_limits<double>::infinity();
constexpr std::array regimes = {
    Regime{"m <= 64", 0, 64},    Regime{"m 65 - 1024", 64, 1024},      Regime{"m > 1024", 1024, none},
    Regime{"< 20 us", 0, 20e-6}, Regime{"20 - 500 us", 20e-6, 500e-6}, Regime{"> 500 us", 500e-6, none}};

constexpr Formula sigma_formula{"answer.log_sigma", "standard deviation of log(measured / predicted)",
                                "w * log(1 + f) / 1.645",
                                "split conformal 90 % interval: calibrate/fit/conformal.h",
                                "log-normal error; w is 2 beyond what was measured"};

bool is_beyond(AnswerSource s) { return s != AnswerSource::table && s != AnswerSource::curve; }

}  // namespace

bool set_regime(CalibratedInterval& i, std::string name) {
  i.regime = std::move(name);
  const auto* r = std::ranges::find(regimes, std::string_view(i.regime), &Regime::name);
  if (r == regimes.end()) return false;
  i.from = r->from, i.up_to = r->up_to;
  return true;
}

const CalibratedInterval* interval_at(std::span<const CalibratedInterval> all, double measure) {
  const CalibratedInterval* widest = nullptr;
  for (const CalibratedInterval& i : all) {
    if (measure > i.from && measure <= i.up_to) return &i;
    if (!widest || i.log_sigma > widest->log_sigma) widest = &i;
  }
  return widest;
}

Answer answer_from(AnswerSource source, std::string_view model, const CalibratedInterval* interval) {
  const double s = interval ? interval->log_sigma : 0;
  return {source, is_beyond(source) ? beyond * s : s, interval, model};
}

Traced<double> traced_sigma(const Answer& a, Explain* ex) {
  if (!ex || !a.interval) return {a.log_sigma, 0};
  const std::string key = fmt::format("90 % interval of {}, {}", a.model, a.interval->regime);
  const Traced<double> f{a.interval->fraction,
                         ex->input(key, a.interval->fraction, Dim{}, a.interval->origin)};
  const auto w =
      is_beyond(a.source)
          ? constant(ex, "times the interval beyond what was measured", beyond, "assumed: hardware/answer.h")
          : constant(ex, "times the interval between measured points", 1.0, "definition");
  return note(ex, sigma_formula, a.log_sigma, {{"w", w}, {"f", f}});
}

}  // namespace ridge
