#pragma once
/// Who answered for a plan's kernels: per model of a calibrated profile, and per kind of operator where presets
/// answered, how much time, and how sure.  For reports on calibrated machines.
///
///   gemm bf16                     between measured points   3.67 ms   61 %   ± 15 %
///   all_reduce 4 devices, bf16    of another group, scaled   112 us    2 %   ± 8 %
///   pass                          preset                     301 us    5 %
///
/// Time is that of one micro-batch, prompt or token through the whole model on one device, update and gaps
/// between kernels left out.

#include "sim/estimate.h"
#include "sim/prepare.h"

namespace ridge {

/// "between measured points", "held at the border", "preset" ...
std::string_view words(AnswerSource);

/// Most time first.  Explain  answers.N.seconds, .share, .interval_fraction (half of the 90 % interval)
std::vector<AnsweredTime> answered_times(const OperatorList&, Explain*);

/// What to know of the profile: of what and when it is, what it refused, where it does not fit this plan.
void add_profile_notes(const Prepared&, Estimate&);

}  // namespace ridge
