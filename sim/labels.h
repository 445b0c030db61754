#pragma once
/// The keys of an estimate: what `ridge explain KEY` opens.  A key is the path of the number in
/// `ridge plan --json`, with names for the members of lists:
///
///   memory.stages.3.parts.weights     the stage's number             memory.parts.weights.share
///   limits.network.seconds            the resource                   time.parts.products.share
///
/// A share is of the device's capacity for memory and of the headline for time: the percentages of the
/// text report.

#include "sim/estimate.h"

#include <string>

namespace ridge {

void label(const Prepared&, const Estimate&, Explain&);

/// Keys of a change that was tried, under `under` ("advice.2"): seconds, time_fraction, tokens_per_second,
/// rate_fraction, peak_allocated_bytes, devices.  The record is that of `after`.
void label_change(const Estimate& before, const Estimate& after, const std::string& under, Explain&);

}  // namespace ridge
