#pragma once
/// What would help: the estimate again with one thing changed, keeping the changes that matter.
///
///   twice the memory bandwidth            12.3 s   -18 %
///   parallel.zero=1                       14.1 s    -6 %   peak 52 GiB
///
/// Two kinds: changes of the plan, which the user can make now and which keep the work of a step
/// equal, and changes of the machine, which show what the time is sensitive to.

#include "sim/estimate.h"
#include "sim/prepare.h"

#include <string>
#include <vector>

namespace ridge {

struct Advice {
  std::string change;                    ///< "no recomputation", "twice the network bandwidth"
  std::vector<std::string> assignments;  ///< for --set; empty for changes of the machine
  Seconds time{};                        ///< headline with the change
  double time_fraction = 1;              ///< of the headline without it
  Bytes peak{};
  bool fits = false;
};

struct AdviceOptions {
  std::size_t at_most = 4;   ///< of each kind
  double least_gain = 0.02;  ///< smaller gains are noise
};

/// Best first, plan changes before machine changes.  For a scenario that does not fit: plan changes
/// with which it does, fastest first, and no machine changes.
/// Pre  `now` is the estimate of `prepared`.
std::vector<Advice> advise(const Prepared& prepared, const Estimate& now, AdviceOptions = {});

}  // namespace ridge
