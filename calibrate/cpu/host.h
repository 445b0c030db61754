#pragma once
/// What the operating system says about this host's processor and memory.

#include "calibrate/measure/probe.h"

namespace ridge::cpu {

struct HostFacts {
  std::string name;          ///< "AMD EPYC 9654 96-Core Processor"
  int cores = 1;             ///< that this process may use
  Bytes l1, l2, last_level;  ///< one core's two levels, and the largest that cores share; zero: unknown
  Bytes memory, free_memory;
};
HostFacts host_facts();

/// Cores that a run uses: as many as asked for, of this process's share of those it may use.
int cores_used(const HostFacts&, const ProbeSettings&);

/// Involuntary context switches of this process so far: a sample during which it grew was disturbed.
std::int64_t preemptions();

}  // namespace ridge::cpu
