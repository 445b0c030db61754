#pragma once
/// Bytes per token of a pass or of what it keeps, with the architecture's sizes as recorded inputs.
/// Values come from widths.h; this adds the record.

#include "sim/widths.h"

#include <string_view>
#include <vector>

namespace ridge {

/// Where the numbers of a Traffic come from.
struct TrafficSource {
  std::string_view key = {};  ///< a pass that names them: "software.slots.core.0"
  /// Without a key: passes whose `keep` they sum, when recording.
  std::vector<const Pass*> kept_by = {};
  /// And what they hold beside those, or all of them when no pass is given.
  std::string_view rule = "definition";
};

/// sum over widths of width * (elements * a + fixed bytes).
///   attended  keys seen by a query, for the width `scores`
Traced<BytesPerToken> traced_traffic(const Traffic&, const WidthTable&, const Architecture&, const LayerKind&,
                                     const ParallelPlan&, Traced<BytesPerElement> activation,
                                     Traced<double> attended, Explain* ex, const TrafficSource&);

}  // namespace ridge
