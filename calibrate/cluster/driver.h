#pragma once
/// A run of many ranks: rank 0 leads and writes the only file, the others do as they are told.
///
///   1 devices      every rank measures its device, all of a node at the same time, as in service
///   2 pairs        messages between ranks of a node, then of every pair of nodes, in rounds of disjoint pairs
///   3 collectives  groups of 2, 4, .. ranks of the first node, then of 2, 4, .. nodes with one rank and with all
///
/// Nodes are told apart by name.  A rank that is lost is named, and the rest goes on without it.  Everything
/// finished is in the file at once; with an earlier run at hand it is not done again.

#include "calibrate/cluster/rendezvous.h"
#include "calibrate/measure/fabric.h"
#include "calibrate/measure/run_file.h"

namespace ridge {

struct ClusterPlan {
  bool has_devices = true, has_pairs = true, has_collectives = true;
};
inline constexpr const char* cluster_phases[] = {"devices", "pairs", "collectives"};
/// By name; all when none is given.
ClusterPlan cluster_plan(const std::vector<std::string>& phases);

struct ClusterRank {
  Launch launch;
  std::string node;  ///< this host's name, unless another was given
  RendezvousPlace place;
  ClusterPlan plan;
  ProbeSettings settings;
  Backend backend;
  /// Of the back end's own library; empty: messages between processes (host_fabric.h).
  /// `index`: among the ranks of the node; null and a reason when there is none here.
  std::function<std::unique_ptr<Fabric>(int index, std::string& why_not)> fabric;
  bool is_tcp = false;  ///< not MPI, even where it is there
};

/// Rank 0: the exit's meaning.
enum class ClusterEnd { done, stopped, refused };
/// What a run that was done holds, for people.
struct LedRun {
  std::size_t points = 0, ranks = 0, lost = 0;
};
/// `open_earlier` says whether the file may be written, and with what of an earlier run.
ClusterEnd lead_ranks(const ClusterRank&, const std::string& path,
                      const std::function<bool(const RunFacts&, std::optional<EarlierRun>&)>& open_earlier,
                      LedRun* led = nullptr);

/// The other ranks: until rank 0 says that all is over.  ChannelError when it is lost.
void follow_rank_zero(const ClusterRank&);

/// What would run, with seconds, for so many ranks on so many nodes.
std::vector<std::pair<std::string, double>> cluster_estimate(const ClusterPlan&, const ProbeSettings&,
                                                             double device_seconds, int ranks, int nodes);

}  // namespace ridge
