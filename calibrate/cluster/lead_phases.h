#pragma once
/// What the leader has the ranks do, phase by phase (driver.h), and what it writes of it.

#include "calibrate/cluster/crew.h"

namespace ridge {

/// False when it was stopped.  `fabric`: null where nothing carries messages; `earlier`: what need not be done
/// again.
bool run_phases(const ClusterRank&, Crew&, RunFile&, const Fabric* fabric, const EarlierRun* earlier);

}  // namespace ridge
