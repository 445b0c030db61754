#pragma once
/// What a stack says of where its numbers come from, put beside where they are written: an explanation
/// then names a launch time "fitted; group vtrain/single", not "preset".
///
/// The width of the interval says it in `interval_source`, "fitted: covers 90 % of ...", which
/// tools/interval_widths writes.

#include "sim/stack.h"

namespace ridge {

/// Changes the origins below "software" that were written in the stack's own files.
/// Errors  a key of `origins` that no stack has.
void apply_stack_origins(const SoftwareStack&, const Node& document, Origins&, Diagnostics&);

}  // namespace ridge
