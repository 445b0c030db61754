#pragma once
/// One estimate for programs.  Keys are the contract's; bytes and counts are whole numbers, times are
/// seconds, and what is not a finite number is null.  Of a plan that cannot run there is neither memory
/// nor time; that of one that does not fit would hold if memory sufficed.
///
///   {"name": ..., "fits": true, "verdict": "fits", "violations": [], "parameters": {"total": ..., ...},
///    "memory": {"peak_allocated_bytes": ..., "parts": {...}, "stages": [...]},
///    "time": {"step_seconds": ..., "low": ..., "high": ..., "parts": {...}},
///    "throughput": {"tokens_per_second": ..., ...}, "limits": [...], "advice": [...], "notes": [...]}
///
/// Members of lists state what their numbers are called: {"key": "limits.network", "seconds": ...} is
/// opened by `ridge explain limits.network.seconds`.

#include "sim/advice.h"

#include <string>
#include <vector>

namespace ridge {

struct PlanJsonInput {
  const Scenario& scenario;
  const Estimate& estimate;
  const std::vector<Advice>& advice;
  const std::vector<std::string>& set;  ///< "key=value" laid over the scenario
};

std::string plan_json(const PlanJsonInput&);
/// The same as rows "key,value": "time.step_seconds,31.48".
std::string plan_csv(const PlanJsonInput&);

}  // namespace ridge
