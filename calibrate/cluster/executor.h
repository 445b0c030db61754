#pragma once
/// One rank's part of a task, whoever ordered it: the leader runs its own through the same code.

#include "calibrate/cluster/driver.h"

#include <nlohmann/json_fwd.hpp>
#include <set>

namespace ridge {

/// What happens on the way: {"point": line}, {"visit": line}, {"skipped": text}, {"progress": text}.
using Tell = std::function<void(const nlohmann::json&)>;

class Executor {
 public:
  Executor(const ClusterRank&, std::unique_ptr<Fabric>);
  ~Executor();

  /// Tasks:
  ///   {"do": "device", "sharers": 4, "index": 1, "done": [keys], "visits": [lines]}    all probes
  ///   {"do": "alone", "sharers": 4, "index": 1}     ten of those points again, while the other ranks rest
  ///   {"do": "pair", "peer": 3, "leads": true, "id": hex, "sizes": [8, 4194304], "budget": 0.01}   both directions in turn
  ///   {"do": "id"}                                                                  of a new group
  ///   {"do": "group", "ranks": [0, 1], "id": hex, "operation": 0, "algorithm": "ring", "sizes": [..], "budget": ..}
  ///   {"do": "reset"}
  /// The answer is {"done": ...} or {"failed": why}, with the task's "number": for sizes, one summary each as [median, low, high, samples,
  /// spread].
  nlohmann::json run(const nlohmann::json& task, const Tell&);

  /// Asked again and again while members of a group wait for each other; what it throws (ProbeError) ends the task.
  void watch(std::function<void()>);

  const Fabric* fabric() const { return fabric_.get(); }

 private:
  void leave_out(ProbeSettings&, std::string_view probe) const;
  nlohmann::json device(const nlohmann::json& task, const Tell&);
  nlohmann::json alone(const nlohmann::json& task, const Tell&);
  nlohmann::json measure(const nlohmann::json& task, const KnownPoints&, ProbeSettings,
                         const std::string& source, const Tell&);
  nlohmann::json pair(const nlohmann::json& task);
  nlohmann::json group(const nlohmann::json& task);
  nlohmann::json attempt(const nlohmann::json& task, const Tell&);
  nlohmann::json perform(const nlohmann::json& task, const Tell&);

  const ClusterRank& me_;
  std::unique_ptr<Fabric> fabric_;
  std::set<std::string> measured_;  ///< keys of products and of reading memory
};

}  // namespace ridge
