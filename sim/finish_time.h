#pragma once
/// What training and inference share at the end: parts that sum to the headline, the interval, the
/// limits, throughput and utilisation.

#include "sim/estimate.h"
#include "sim/layer_time.h"
#include "sim/prepare.h"

#include <array>
#include <string_view>

namespace ridge {

/// Gathers named durations; the headline is their sum by construction.
class TimeParts {
 public:
  TimeParts(TimeEstimate& to, Explain* ex) : to_(to), ex_(ex) { to_.parts.reserve(16); }
  /// Adds to the part of that name, or starts it.  Zero durations start nothing.
  void add(std::string_view name, Traced<Seconds> t);
  /// Sets the headline under its contract key: the sum of the parts.
  void finish(std::string_view key);

 private:
  TimeEstimate& to_;
  Explain* ex_;
};

/// Shares of resources from device time by bound and from idle and host parts.
/// `data` and `pipeline` say whether those groups stay inside a node (link) or leave it (network).
std::vector<Limit> limits_of(const TimeEstimate&, const TimeByBound&, Explain* ex,
                             Resource data = Resource::network, Resource pipeline = Resource::network);

/// Tokens and model FLOP over a duration.
Throughput throughput(const Prepared&, Traced<Tokens> tokens, Traced<Flop> model_flop, Traced<Flop> executed,
                      Traced<Seconds> time, Traced<FlopPerSecond> peak, Explain* ex);

}  // namespace ridge
