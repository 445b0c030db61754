#pragma once
/// What measurements of many ranks say about a cluster: one robust value per point, who is slow, what links
/// carry.
///
/// Ranks   speed of rank i = median over its points of (median over ranks of t) / t_i, 1 for an ordinary one.
///         Straggler: speed < 1 - max(3 %, 2 · usual spread of a point, 3 · 1.4826 · MAD of all speeds).
/// Links   a short message gives the latency, a long one the bandwidth of one direction,
///         B_ij = (S - s) / (t_ij(S) - t_ij(s)).  A rank sends and receives at
///           out_i = max_j B_ij     in_j = max_i B_ij
///         and a healthy link reaches min(out_i, in_j).  A rank whose out or in falls below the others' median
///         by the same rule sends or receives slowly (its adapter); a link below 0.8 of min(out_i, in_j) is slow
///         by itself; directions that differ by more than 20 % make a link asymmetric; neither is named
///         where twice the spread of its own samples would explain it.
/// Tiers   latency and bandwidth of a tier: medians over its directed pairs.
/// Source  MAD as a robust deviation: Rousseeuw and Croux 1993, JASA 88(424); the factor 1.4826 makes it that of
///         a normal distribution.

#include "calibrate/fit/model.h"

namespace ridge {

/// One measurement a point, the median over ranks; points of no rank and pairs are left as they are.
Measurements merged_ranks(const Measurements&);

struct RankSpeed {
  std::int64_t rank = 0;
  std::string node;
  std::int64_t points = 0;
  double speed = 1;
  bool is_straggler = false;
};
/// By rank; empty for fewer than two ranks.  `factor`: of deviation allowed, see above.
std::vector<RankSpeed> rank_speeds(const Measurements&);

struct LinkTier {
  std::string name;  ///< "node": ranks of one node; "network": of two
  Seconds latency;
  BytesPerSecond bandwidth;                         ///< one direction
  std::int64_t pairs = 0;                           ///< directed
  double latency_spread = 0, bandwidth_spread = 0;  ///< 1.4826 MAD / median
};
/// From measurements of family "pair", whose variant is the tier.
std::vector<LinkTier> fit_tiers(const Measurements&);

struct SuspectLink {
  enum class Kind { slow_sender, slow_receiver, slow_link, asymmetric };
  Kind kind = Kind::slow_link;
  std::int64_t from = -1, to = -1;  ///< -1: all of them
  double share = 1;                 ///< of what was to be expected
};
std::vector<SuspectLink> suspect_links(const Measurements&);
/// "rank 3 sends at 0.52 of what others do"
std::string text_of(const SuspectLink&);

/// Which algorithm of a collective is fastest from which size on.
struct AlgorithmChoice {
  std::string family, group;  ///< "all_reduce", "4 ranks on 2 nodes, fp32"
  struct From {
    Bytes size;
    std::string algorithm;
  };
  std::vector<From> from;  ///< ascending; the first holds below too
};
/// A change is named where it saves at least a tenth.  From collectives whose variant ends in the algorithm's name: "4 ranks on 2 nodes, fp32, ring".
std::vector<AlgorithmChoice> algorithm_choices(const Measurements&);

/// How much longer a point takes while the node's other ranks work too: median of t / t alone over the points
/// that were also measured alone (source "alone").
struct Contention {
  std::int64_t points = 0;
  double factor = 1;
};
Contention contention(const Measurements&);

struct ClusterFindings {
  std::vector<RankSpeed> ranks;
  std::vector<LinkTier> tiers;
  std::vector<std::string> suspects;  ///< text_of() each
  std::vector<AlgorithmChoice> choices;
  std::vector<std::string> failed;  ///< "rank 3 on node b: lost in pairs"
  Contention contention{};
  bool is_empty() const { return ranks.empty() && tiers.empty() && choices.empty() && failed.empty(); }
};
ClusterFindings cluster_findings(const Measurements&, std::vector<std::string> failed);

/// Collectives of one node by whatever algorithm is fastest at each size, as "4 devices, fp32, fastest": the
/// curves that a plan uses (hardware/profile.h).
Measurements fastest_collectives(const Measurements&);

/// Of all ranks together: merged, without the pairs, which are of links, and with the fastest collectives.
Measurements class_points(const Measurements&);

/// Rounds of disjoint pairs of n players in which everybody meets everybody once: the circle method.
/// n - 1 rounds for even n, n for odd.
std::vector<std::vector<std::pair<int, int>>> tournament(int players);

}  // namespace ridge
