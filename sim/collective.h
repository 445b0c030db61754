#pragma once
/// Time of one communication between the devices of a group: latency and bandwidth of the fastest
/// algorithm and protocol the links offer, as NCCL chooses.
///
///   n ranks, S bytes (the whole buffer), r_i ranks inside one member of tier i, m_i = n / r_i members
///   ring       base + c sum_i (m_i - m_(i+1)) a_i + v S / B      all-reduce c = 2, v = 2 (n-1)/n;
///                                                                gather, scatter c = 1, v = (n-1)/n
///   tree       base + 2 ((f_1 - 1) a_1 + sum_(i>1) log2(f_i) a_i) + 2 S / (0.92 B)     all-reduce
///   NVLS       a + 2 (n-1)/n S / (e B)                           all-reduce inside one switch
///   all-to-all base + a + max_i (share of S that leaves a member of tier i-1) / B_i
///   B = min over tiers of r_i e_i B_i: the ranks inside a member use its ports together
///
/// Protocols  LL 0.5 of the bandwidth, LL128 0.92, Simple all of it; each with its own latencies
/// Measured   where a calibrated profile has the collective's curve for the group's ranks and nodes, the curve is
///            the time; for other numbers of them, up to two doublings away and over the same tiers, the law takes
///            the nearest measured group's ratio to it, and counts as twice as unsure (hardware/answer.h)
/// Source     NVIDIA/nccl src/graph/tuning.cc (the tuner's model); Thakur et al. 2005 for the volumes
/// Laws       monotone in S; one rank costs nothing
/// Check      H200, 4 ranks, 1 KiB all-reduce: 6.6 us + 6 x 0.6 us with LL (tests/sim/collective_test.cpp)

#include "hardware/topology.h"

#include <string_view>

namespace ridge {

enum class CollectiveKind { all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, send_receive };

/// `bytes` is the whole buffer: an all-gather's output, a reduce-scatter's input, what one rank sends
/// in an all-to-all.
struct Collective {
  CollectiveKind kind;
  Traced<Bytes> bytes;
  bool in_graph = false;  ///< replayed from a graph, where a profile knows the difference
  bool by_peers = false;  ///< an engine's own all-reduce over peer memory, where a profile has timed one
};

/// Time, and who answers for it.
struct CollectiveCost {
  Traced<Seconds> time;
  Answer answer = {};
};
CollectiveCost collective_cost(const Collective&, const GroupLink&, Explain* ex = nullptr);

/// Pre  the group is joined (GroupLink::is_joined); one that is not costs nothing, and the plan has a
///      violation.
Traced<Seconds> collective_time(const Collective&, const GroupLink&, Explain* ex = nullptr);

/// One message from a device to another over a tier; null: within the device.  Where a profile has the curve of
/// send and receive between two devices of the tier, that curve.
CollectiveCost point_to_point_cost(Traced<Bytes>, const Tier*, const Cluster&, Explain* ex = nullptr);

}  // namespace ridge
