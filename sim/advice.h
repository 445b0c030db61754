#pragma once
/// What could help: changes of a scenario, each as settings that a user can give again, and what came
/// of them.  This is the list of what to try; sim/io/advise.h tries it.
///
///   experts over 8 devices       --set parallel.expert=8         20.5 s   -35 %
///   weights in fp8               --set inference.weights=fp8     14.1 ms  -46 %

#include "sim/estimate.h"

#include <string>
#include <vector>

namespace ridge {

/// What a change leaves as it was.
enum class AdviceKind {
  plan,      ///< the work and the devices
  load,      ///< the devices; more or less is done at once
  numerics,  ///< the devices; numbers are kept or computed in fewer bits, or fewer are trained
  devices,   ///< the machine; more of it
  machine,   ///< nothing: shows what the time is sensitive to
};
std::string_view advice_kind_name(AdviceKind);

/// One change of a scenario: settings are "key=value".
struct Change {
  AdviceKind kind = AdviceKind::plan;
  std::string label;
  std::vector<std::string> settings;
};

/// Keys that the scenario's text states; the others follow from those that do, so that a change must
/// state them to keep them.
struct StatedKeys {
  bool devices = true, data = true, global_batch = true;
};

/// Changes of one thing worth trying, of every kind but machine; more devices and adapters instead of
/// weights only for what does not fit.  Whether they can run, fit or help is
/// not asked here.
std::vector<Change> possible_changes(const Scenario&, StatedKeys, bool fits);
/// Twice a rate of the machine, or no host time.
std::vector<Change> machine_changes(const Scenario&);

/// A change that was evaluated: what a scenario gives with these settings.
struct Advice {
  AdviceKind kind = AdviceKind::plan;
  std::string change;
  std::vector<std::string> settings;
  std::int64_t devices = 1;
  Seconds time{};            ///< headline with the change
  double time_fraction = 1;  ///< of the headline without it
  TokensPerSecond rate{};    ///< tokens per second of all devices, 0 where there is none
  double rate_fraction = 1;  ///< of the rate without it
  Bytes peak{};
};

}  // namespace ridge
