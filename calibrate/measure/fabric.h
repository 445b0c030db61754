#pragma once
/// How the ranks of a run move data: what a back end offers to the cluster's driver.
///
/// The processor's fabric (calibrate/cluster/host_fabric.h) runs our own algorithms over TCP or MPI messages, and
/// MPI's own collectives; that of NCCL (calibrate/cuda/nccl_fabric.h) makes communicators from an id that the
/// first member hands to the others.  All
/// members of a group call the same functions in the same order; each returns what it measured itself, and
/// the driver takes the slowest.

#include "calibrate/measure/collective.h"
#include "calibrate/measure/probe.h"

#include <cstddef>
#include <memory>

namespace ridge {

/// Ranks that act together; `me` is an index into `ranks`.
struct Group {
  std::vector<int> ranks;
  int me = 0;
  int size() const { return static_cast<int>(ranks.size()); }
};

class Fabric {
 public:
  virtual ~Fabric() = default;
  virtual std::string library() const = 0;
  /// "ring", "doubling", "library": what can be asked for; sizes count the whole buffer, as nccl-tests does.
  virtual std::vector<std::string> algorithms(Collective) const = 0;

  virtual std::string element_type() const = 0;  ///< of collectives: "fp32"

  /// What the first member of a new group gives to all: any bytes.
  virtual bool needs_group_id() const { return false; }
  virtual std::string make_group_id() { return {}; }
  virtual void join(const Group&, const std::string& id) = 0;
  virtual void leave(const Group&) = 0;

  /// Fresh random data against a sum in double precision; ProbeError when wrong.
  virtual void check(const Group&, Collective, const std::string& algorithm) = 0;
  /// Seconds of one, on this rank, within about `budget` seconds.
  virtual SampleSummary time(const Group&, Collective, const std::string& algorithm, std::size_t bytes,
                             double budget) = 0;

  /// In a group of two that was joined: seconds of a message to the peer, measured here, while the peer calls answer(); one direction.
  virtual SampleSummary time_message(int peer, std::size_t bytes, double budget) = 0;
  virtual void answer(int peer, std::size_t bytes) = 0;

  /// Asked while waiting for other members; what it throws (ProbeError) ends the waiting.
  virtual void watch(std::function<void()>) {}
  /// A peer was lost: forgets what is under way.
  virtual void reset() {}
  /// All ranks start afresh; the number, the same on all, tells this attempt from earlier ones.
  virtual void restart(int /*attempt*/) { reset(); }
};

}  // namespace ridge
