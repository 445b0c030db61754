#pragma once
/// Which links a communicator runs over.
///
/// A group has n ranks, `stride` devices apart, devices numbered node by node.  From inner to outer it
/// fills each tier's domain before it needs the next:
///
///   r_i = min(n, max(1, D_i / stride))     ranks of the group inside one domain of tier i
///   f_i = r_i / r_(i-1)                    members joined at tier i (r_0 = 1)
///
/// Example  DGX H100 (D = 8, then the cluster): tensor parallel 8, stride 1 -> nvlink 8.
///          data parallel 64, stride 8 -> network 64.  data parallel 16, stride 1 -> nvlink 8,
///          network 2.  data parallel 16, stride 2 -> nvlink 4, network 4.
/// Not here Time of a collective (sim/collective.h); this says over what it runs.

#include "hardware/cluster.h"

#include <array>
#include <cstdint>
#include <span>

namespace ridge {

inline constexpr Formula partial_bandwidth_formula{
    "hardware.group.bandwidth", "bandwidth per rank over the links that a group of this size can use",
    "B * u / m", "full mesh: one link per pair of members; torus: two links per axis",
    "members of a group are neighbours"};

/// The part of a group that one tier joins.
struct GroupTier {
  const Tier* tier = nullptr;
  std::int64_t fan = 1;           ///< f_i: members joined here, at least 2
  std::int64_t ranks_inside = 1;  ///< r_(i-1): ranks of the group in each member
  BytesPerSecond bandwidth{};     ///< per rank and direction, for this many members, as published
  Seconds latency{};
  NodeId bandwidth_node = 0;  ///< explain node of bandwidth
};

struct GroupLink {
  std::int64_t ranks = 1;
  NodeId ranks_node = 0;            ///< record of `ranks`, where it follows from a plan
  std::int64_t ranks_per_node = 1;  ///< g
  std::int64_t nodes = 1;           ///< k = ranks / g, rounded up
  std::array<GroupTier, 4> used{};  ///< inner to outer
  std::size_t num_used = 0;
  bool is_joined = true;  ///< false when no tier reaches all ranks: the plan cannot run
  std::span<const GroupTier> tiers() const& { return {used.data(), num_used}; }
  std::span<const GroupTier> tiers() const&& = delete;  ///< it would outlive what it shows
};

/// Pre  ranks >= 1, stride >= 1.  Cheap: no allocation when ex is null.
GroupLink group_link(const Cluster&, std::int64_t ranks, std::int64_t stride = 1, Explain* ex = nullptr);

/// The tier over which two devices `distance` apart (in device numbers) talk; null when none joins
/// them.  For pipeline stages: distance = the stride of the pipeline group.
const Tier* tier_between(const Cluster&, std::int64_t distance);

}  // namespace ridge
