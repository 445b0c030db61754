#pragma once
/// The law behind every kernel's time, and its fit to measurements.
///
///   t = t0 + c·u + ((F/(eP·P))^q + (B/(eB·W))^q)^(1/q)
///
///   t0 fixed time          F FLOPs executed   P peak [FLOP/s]   eP fraction of it reached
///   c  time of one unit    B bytes moved      W bandwidth [B/s] eB fraction of it reached
///   u  units (decode: sequences x KV heads)   q sharpness of the corner, 1 (sum) to 16 (maximum)
///
/// It is the law of hardware/roofline.h with c added, so a fit's parameters go into a profile's
/// `achievable` block as they are.
///
/// Fit  minimises sum rho((log t - log t')^2 / s^2), rho(z) = 2 (sqrt(1+z) - 1) (soft L1), s = 0.1, over the
///      logarithms of the parameters, by Levenberg-Marquardt with the loss's weights, from several
///      starts; parameters stay in their boxes.  In absolute time the same law left 36 % mean error on
///      18 944 products where relative weights left 12 %: large products would decide alone.
/// Source  soft L1: Triggs et al. 2000, "Bundle adjustment", section 3.3; damping: Marquardt 1963.

#include "calibrate/fit/measurement.h"

#include <array>
#include <optional>
#include <span>

namespace ridge {

/// What a kernel has to do.
struct Work {
  Flop flops;
  Bytes bytes;
  double units = 0;
};

/// FLOPs and bytes by definition: each operand read once, each result written once, causal attention
/// counted over the pairs that the mask keeps.  Empty for families that are curves over bytes.
std::optional<Work> work_of(const Measurement&);

struct KernelLaw {
  Seconds fixed_time{1e-6};
  double flop_fraction = 1, bandwidth_fraction = 1, exponent = 16;
  Seconds per_unit;
  FlopPerSecond peak{1};
  BytesPerSecond bandwidth{1};
};

Seconds law_time(const KernelLaw&, const Work&);

/// Parameters in the order of KernelLaw.
enum class LawParameter { fixed_time, flop_fraction, bandwidth_fraction, exponent, per_unit };
inline constexpr std::size_t num_law_parameters = 5;

struct LawPoint {
  Work work;
  Seconds time;
};

struct LawFit {
  KernelLaw law;
  double cost = 0;                                 ///< mean of the loss
  std::array<bool, num_law_parameters> is_free{};  ///< the others the points cannot tell
  bool is_converged = false;
};

/// Fits those parameters that the points can tell: the fractions need FLOPs or bytes, the exponent
/// both, the unit's time units.  Fewer than three points leave the law at its textbook values.
LawFit fit_law(std::span<const LawPoint>, FlopPerSecond peak, BytesPerSecond bandwidth);

}  // namespace ridge
