#pragma once
/// Bytes per token of a pass or of what it keeps, with the architecture's sizes as recorded inputs.
/// Values come from widths.h; this adds the record.

#include "sim/widths.h"

namespace ridge {

/// sum over widths of width * (elements * a + fixed bytes).
///   attended  keys seen by a query, for the width `scores`
///   key       what the numbers belong to, for their origin: a pass ("software.slots.core.0"), or the stack
Traced<BytesPerToken> traced_traffic(const Traffic&, const WidthTable&, const Architecture&, const LayerKind&,
                                     const ParallelPlan&, Traced<BytesPerElement> activation, Tokens attended,
                                     Explain* ex = nullptr, std::string_view key = "software");

}  // namespace ridge
