#pragma once
/// Who answers for a kernel's time, and how sure the answer is.
///
///   preset   a law of the presets: class-wide constants, datasheet rates
///   law      a profile's law without its table: grouped, mixed or unaligned products, which no table holds
///   table    law and residual table, between points that were measured
///   held     law and table, beyond the outermost point: the table is held there
///   curve    a measured curve
///   scaled   a measured curve of another number of devices, or of a smaller message, carried over
///
/// Interval  s = w ln(1 + f) / 1.645: standard deviation of log(measured / predicted), from the profile's 90 %
///           interval [t / (1 + f), t (1 + f)] of the kernel's regime (calibrate/fit/conformal.h).
///           w = 1 for table and curve; 2 where the answer goes beyond what was measured (assumed: held products
///           were about twice as wrong as those between points).
/// Regimes   products by rows: m <= 64, 65 - 1024, > 1024; all else by time: < 20 us, 20 - 500 us, > 500 us
/// Not here  how the intervals of many kernels join (sim/confidence.h)

#include "base/explain.h"
#include "base/quantity.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ridge {

enum class AnswerSource : std::uint8_t { preset, law, table, held, curve, scaled };
inline constexpr std::size_t num_answer_sources = 6;

/// 90 % interval of one regime of a calibrated kernel or curve.
struct CalibratedInterval {
  std::string regime;  ///< "m <= 64", "20 - 500 us"
  double from = 0, up_to = 0;
  double fraction = 0;   ///< f
  double log_sigma = 0;  ///< ln(1 + f) / 1.645
  Origin origin;
};

/// The bounds of a regime by its name; rows, or seconds.  False for a name that is none.
bool set_regime(CalibratedInterval&, std::string regime);

/// Of a model's intervals the one that holds `measure` (rows or seconds); where the model has none for it, the
/// widest; null where it has none at all.
const CalibratedInterval* interval_at(std::span<const CalibratedInterval>, double measure);

struct Answer {
  AnswerSource source = AnswerSource::preset;
  double log_sigma = 0;                          ///< s; 0 where a preset answers
  const CalibratedInterval* interval = nullptr;  ///< of the model, which must outlive the answer
  std::string_view model;                        ///< "gemm bf16", "all_reduce 4 devices, bf16, graph"
};

/// Pre  source is not preset
Answer answer_from(AnswerSource, std::string_view model, const CalibratedInterval*);

/// s of an answer, as a record that opens to the profile's line.
Traced<double> traced_sigma(const Answer&, Explain*);

}  // namespace ridge
