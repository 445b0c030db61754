#pragma once
/// One estimate for programs.  Keys are the contract's; bytes and counts are whole numbers, times are
/// seconds, and what is not a finite number is null.
///
///   {"name": ..., "fits": true, "violations": [], "parameters": {"total": ..., ...},
///    "memory": {"peak_allocated_bytes": ..., "parts": {...}, "stages": [...]},
///    "time": {"step_seconds": ..., "low": ..., "high": ..., "parts": {...}},
///    "throughput": {"tokens_per_second": ..., ...}, "limits": [...], "advice": [...], "notes": [...]}

#include "sim/advice.h"

#include <string>
#include <vector>

namespace ridge {

std::string plan_json(const Scenario&, const Estimate&, const std::vector<Advice>& = {});

}  // namespace ridge
