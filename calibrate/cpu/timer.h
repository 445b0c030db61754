#pragma once
/// Times work by the host's monotonic clock.
///
/// Short work is repeated until a sample lasts long enough for the clock.  A sample during which the
/// scheduler took a core away is thrown out and taken again; when that would cost more than a third of
/// the budget the machine is simply busy, and disturbed samples count too.

#include "calibrate/measure/point_runner.h"

#include <functional>

namespace ridge::cpu {

/// Does one repetition; the index counts repetitions.
using Work = std::function<void(int index)>;

/// Seconds of one repetition.
Timing time_work(const Work&, const StopRule&);

}  // namespace ridge::cpu
