#pragma once
/// The order in which each stage of a pipeline schedule does its work.  Internal to schedule_builder.cpp,
/// which runs the orders against each other.

#include "sim/schedule_builder.h"

#include <cstdint>
#include <vector>

namespace ridge::detail {

struct Entry {
  std::int32_t micro_batch;
  std::int16_t chunk;
  Work work;
  bool paired = false;  ///< runs together with the next entry: both wait for both, both end together
};
using Order = std::vector<Entry>;

struct Shape {
  ScheduleKind kind;
  std::int64_t p, m, v;
};

/// Work of one stage, first to last.
Order order_of(const Shape&, std::int64_t stage);

}  // namespace ridge::detail
