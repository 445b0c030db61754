#pragma once
/// Times work by the host's monotonic clock.
///
/// Short work is repeated until a sample lasts long enough for the clock.  A sample during which the
/// scheduler took a core away is thrown out and taken again; when that has cost too much the machine is
/// simply busy: then disturbed samples count too, those of one thread by the time it had a core.

#include "calibrate/measure/point_runner.h"

#include <functional>

namespace ridge::cpu {

/// Does one repetition; the index counts repetitions.
using Work = std::function<void(int index)>;

/// Seconds of one repetition by so many threads.
Timing time_work(const Work&, const StopRule&, int threads);

}  // namespace ridge::cpu
