#pragma once
/// How far an estimate's time may be off, from how far its kernels may be.
///
///   D_c = sum over the kernels of class c of t s     K = sum of t over kernels that a profile answers
///   s_T^2 = sum over c of (D_c / T)^2 + (((T - K) s_S + K s_C) / T)^2
///
///   t    a kernel's time                s    its profile's log_sigma (hardware/answer.h)
///   c    products, attention, passes, collectives
///   T    the headline                   s_T  standard deviation of log(measured / predicted) of the whole
///   s_S  software.interval_log_sigma    s_C  software.composition_log_sigma, the part of it that is not kernels
///
/// Assumes  errors of one class are alike in every layer of a model (same kernels, same bias): they add up and do
///          not shrink by sqrt(layers); those of different classes are independent.  The stack's part is
///          its own everywhere: whole where no profile answers (host, gaps, waits, kernels of a preset),
///          composition alone where one does.
/// Without a profile K = 0 and D = 0: the stack's own interval.

#include "sim/estimate.h"
#include "sim/layer_time.h"

namespace ridge {

std::string_view name(KernelClass);

/// n times each sum.
Confidence repeated(Traced<double> n, const Confidence&, Explain* ex = nullptr);
Confidence plus(const Confidence&, const Confidence&, Explain* ex = nullptr);

/// Of `t` seconds that one answer is for.
Confidence confidence_of(KernelClass, Traced<Seconds> t, const Answer&, Explain* ex = nullptr);

/// low and high: T exp(-+ 1.645 s_T), and s_T by source.
void set_interval(TimeEstimate&, const Confidence&, const SoftwareStack&, Explain* ex = nullptr);

}  // namespace ridge
