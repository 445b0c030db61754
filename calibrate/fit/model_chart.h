#pragma once
/// Measured against fitted, as charts: the upper panel in times, the lower the error in percent with the
/// interval of each regime.
///
///   kernels   predicted time against measured time, the diagonal is perfect
///   curves    bytes against time

#include "base/chart.h"
#include "calibrate/fit/model.h"

namespace ridge {

/// Two panels; from a model without samples (an imported one) the curve alone, or nothing for a kernel.
std::vector<Chart> model_chart(const KernelModel&);
std::vector<Chart> model_chart(const CurveModel&);

}  // namespace ridge
