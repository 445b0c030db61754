#pragma once
/// The processor as a device: its memory levels, products through BLAS, passes, attention, and exchanges
/// between its cores.  Always there, so that a laptop is calibrated by the same steps as an accelerator.

#include "calibrate/measure/probe.h"

namespace ridge::cpu {

Backend backend();

}  // namespace ridge::cpu
