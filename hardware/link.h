#pragma once
/// A wire, the constants of communication over it, and the tier it joins devices into.
///
/// Conventions  `bandwidth` is payload in one direction: of a device's whole link set inside a node
///              (NVLink4: 450 GB/s, where the vendor prints 900), of one port for a network.
///              `latency` is a short message device to device, software included.
/// Source of the collective constants: NCCL's tuning model (src/graph/tuning.cc), as data.
/// Not here     Formulas of collectives (sim/collective.h).

#include "hardware/answer.h"
#include "hardware/sourced.h"
#include "hardware/time_curve.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ridge {

enum class LinkKind {
  none,
  nvlink,
  c2c,
  pcie,
  xgmi,
  ici,
  neuronlink,
  infiniband,
  roce,
  efa,
  ethernet,
  slingshot,
  omnipath,
  ub,
  shared_memory
};

template <> struct EnumNames<LinkKind> {
  static constexpr std::pair<LinkKind, std::string_view> names[] = {
      {LinkKind::none, "none"},
      {LinkKind::nvlink, "nvlink"},
      {LinkKind::c2c, "c2c"},
      {LinkKind::pcie, "pcie"},
      {LinkKind::xgmi, "xgmi"},
      {LinkKind::ici, "ici"},
      {LinkKind::neuronlink, "neuronlink"},
      {LinkKind::infiniband, "infiniband"},
      {LinkKind::roce, "roce"},
      {LinkKind::efa, "efa"},
      {LinkKind::ethernet, "ethernet"},
      {LinkKind::slingshot, "slingshot"},
      {LinkKind::omnipath, "omnipath"},
      {LinkKind::ub, "ub"},
      {LinkKind::shared_memory, "shared_memory"},
  };
};

/// Time per NCCL protocol: LL for small, LL128 for medium, Simple for large messages.
struct ProtocolTimes {
  Sourced<Seconds> ll, ll128, simple;
};

/// What one step of a collective costs on this link, and what the link lets it reach.
struct CollectiveConstants {
  ProtocolTimes ring_base, tree_base;       ///< software latency of one call
  ProtocolTimes ring, tree;                 ///< latency per step on top of it
  Sourced<Seconds> nvls;                    ///< latency of one in-switch reduction; unknown = no NVLS
  Sourced<double> ring_fraction;            ///< bus bandwidth / bandwidth of a large ring all-reduce
  Sourced<double> gather_fraction;          ///< the same of a large all-gather or reduce-scatter
  Sourced<double> nvls_fraction;            ///< the same through NVLS; above 1 is right (see nvls_min_ranks)
  Sourced<double> all_to_all_fraction;      ///< of bandwidth in a large balanced all-to-all
  Sourced<double> point_to_point_fraction;  ///< large send/receive between two devices
  std::int64_t nvls_min_ranks = 0;          ///< NCCL picks NVLS from this many ranks on; 0 = never
};

struct Link {
  std::string name;
  LinkKind kind = LinkKind::none;
  Sourced<BytesPerSecond> bandwidth;  ///< payload, one direction
  Sourced<Seconds> latency;           ///< alpha of a short message, device to device
  Sourced<double> achievable;         ///< of bandwidth, large transfers
  CollectiveConstants collective;
  std::string notes;
};

/// How the members of a tier are joined.
enum class Topology {
  switched,   ///< any pair, any pattern at full bandwidth (NVSwitch, non-blocking fat tree)
  full_mesh,  ///< one link per pair: a pair gets bandwidth/(members-1)
  torus,      ///< neighbours per axis; `axis_length` members form a ring
  bridge,     ///< fixed pairs or small groups with a direct link
  shared_bus  ///< through the host
};

template <> struct EnumNames<Topology> {
  static constexpr std::pair<Topology, std::string_view> names[] = {
      {Topology::switched, "switched"}, {Topology::full_mesh, "full_mesh"},   {Topology::torus, "torus"},
      {Topology::bridge, "bridge"},     {Topology::shared_bus, "shared_bus"},
  };
};

/// One collective as calibration timed it.
struct CollectiveCurve {
  std::string collective;             ///< "all_reduce", "all_gather", "reduce_scatter", "all_to_all" ...
  std::int64_t ranks = 0, nodes = 1;  ///< so many ranks, spread evenly over so many nodes
  double log2_ranks = 0, log2_nodes = 0;
  bool in_graph = false;  ///< replayed from a graph, else launched one by one
  std::shared_ptr<const TimeCurve> curve;
  Origin origin;
  std::string name = {};  ///< "all_reduce 4 devices, bf16, graph"
  std::vector<CalibratedInterval> intervals = {};
};

/// Domains of devices joined by one kind of link.
struct Tier {
  std::string name;          ///< its key in the file: "nvlink", "network"
  std::int64_t devices = 0;  ///< devices one domain holds; 0 = the whole cluster
  Topology topology = Topology::switched;
  Link link;
  std::int64_t ports_per_node = 0;         ///< network adapters of a node; 0: link.bandwidth is per device
  std::int64_t axes = 0, axis_length = 0;  ///< torus only
  Sourced<double> oversubscription;        ///< cross-domain bandwidth is divided by it; unknown = 1
  std::vector<CollectiveCurve> curves;  ///< of a profile only: of groups for which this tier is the outermost
};

template <> struct SchemaOf<ProtocolTimes> { static const Schema<ProtocolTimes>& get(); };
template <> struct SchemaOf<CollectiveConstants> { static const Schema<CollectiveConstants>& get(); };
template <> struct SchemaOf<Link> { static const Schema<Link>& get(); };
template <> struct SchemaOf<Tier> { static const Schema<Tier>& get(); };

}  // namespace ridge
