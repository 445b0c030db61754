#pragma once
/// Tries the changes of sim/advice.h on the text of a scenario, as `--set` would, so that each keeps what
/// it promises: a user who gives the settings gets exactly these figures.
///
/// Two changes of the plan are tried together where that gives more than each alone; for a scenario that
/// does not run, up to three.

#include "sim/advice.h"
#include "sim/io/preset_reader.h"
#include "sim/prepare.h"

#include <vector>

namespace ridge {

struct AdviceOptions {
  std::size_t at_most = 3;   ///< of each kind
  double least_gain = 0.02;  ///< of the time or the rate; smaller ones are noise
};

/// By kind, best first.  For a scenario that does not run or fit: changes with which it does, and none of
/// the machine.  Nothing for a change that makes a plan impossible.
/// Pre  `now` is the estimate of `prepared`, which was read from `document`.
std::vector<Advice> advise(const Node& document, PresetReader&, const Prepared& prepared, const Estimate& now,
                           AdviceOptions = {});

}  // namespace ridge
