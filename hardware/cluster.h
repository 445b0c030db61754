#pragma once
/// What a scenario's `hardware:` names: devices in nodes, joined by tiers of links, with a price.
///
///   name: DGX H100
///   device: h100-sxm-80gb                # a file of presets/devices, or a map with its figures
///   node: {devices: 8, host: {memory: {capacity: [2 TiB, datasheet, dgx]}}, host_link: pcie5-x16}
///   tiers:
///     nvlink:  {devices: 8, topology: switched, link: nvlink4}
///     network: {ports_per_node: 8, topology: switched, link: infiniband-ndr}
///
/// A tier joins groups of the tier inside it: nvlink the eight devices of a node, network the nodes.
/// The smallest file that works is `device: {extends: h100-sxm-80gb}`: one device, no tiers.
/// Files are read by library.h; questions about groups of ranks are answered by topology.h.

#include "hardware/device.h"
#include "hardware/link.h"

#include <vector>

namespace ridge {

/// How the members of a tier are joined.
enum class Topology {
  switched,   ///< any pair, any pattern at full bandwidth (NVSwitch, non-blocking fat tree)
  full_mesh,  ///< one link per pair: a pair gets bandwidth/(members-1)
  torus,      ///< neighbours per axis; `axis_length` members a ring
  bridge,     ///< fixed pairs or small groups with a direct link
  shared_bus  ///< through the host: all transfers share it
};
template <> struct EnumNames<Topology> {
  static constexpr std::pair<Topology, std::string_view> names[] = {
      {Topology::switched, "switched"}, {Topology::full_mesh, "full_mesh"},   {Topology::torus, "torus"},
      {Topology::bridge, "bridge"},     {Topology::shared_bus, "shared_bus"},
  };
};

struct Tier {
  std::string name;          ///< its key in the file: "nvlink", "network"
  std::int64_t devices = 0;  ///< devices one domain holds; 0 = the whole cluster
  Topology topology = Topology::switched;
  Link link;
  std::int64_t ports_per_node = 0;         ///< network adapters of a node; 0: link.bandwidth is per device
  std::int64_t axes = 0, axis_length = 0;  ///< torus only
  Sourced<double> oversubscription;        ///< cross-domain bandwidth is divided by it; default 1
};

/// Tiers from inner to outer.  Written as a map; read in order of `devices`, the unlimited one last.
struct Tiers {
  std::vector<Tier> inner_to_outer;
};

struct Host {
  std::string cpu;
  std::int64_t cores = 0;
  MemoryLevel memory;                  ///< of the node
  Sourced<FlopPerSecond> vector_peak;  ///< fp32, for optimizer steps on the host
};

struct Storage {
  std::int64_t drives = 0;
  Sourced<Bytes> capacity;                                  ///< per drive
  Sourced<BytesPerSecond> read_bandwidth, write_bandwidth;  ///< per drive
};

struct ComputeNode {
  std::int64_t devices = 1;
  Host host;
  Link host_link;  ///< device to host, per device: PCIe, C2C
  Storage storage;
  Sourced<Watts> power;  ///< of the node under load
};

struct Cluster {
  std::string name, notes;
  std::vector<std::string> aliases;
  Device device;
  ComputeNode node;
  Tiers tiers;
  ProtocolTimes ring_base, tree_base;  ///< software latency of one collective call, per protocol
  std::int64_t max_nodes = 0;          ///< 0 = as many as the plan asks for
  Sourced<UsdPerSecond> price;         ///< per device
};

/// Bandwidth of a tier per device and direction: link.bandwidth, or its ports shared by the node's
/// devices, B·p/d, divided by oversubscription.
///
///   B  link.bandwidth   p  ports_per_node   d  devices of the node   r  oversubscription
///
/// Explain   hardware.tier.bandwidth, over inputs "hardware.tiers.<name>..."
/// Check     DGX H100: 50 GB/s · 8 / 8 = 50 GB/s; p4d: 12.5 GB/s · 4 / 8 = 6.25 GB/s
Traced<BytesPerSecond> tier_bandwidth(const Cluster&, const Tier&, Explain* ex = nullptr);

void read_value(const Node&, Tiers&, ReadContext&, Range = {});
Node write_value(const Tiers&);
std::string type_text(const Tiers*);
std::vector<FieldInfo> children_of(const Tiers*);

template <> struct SchemaOf<Tier> { static const Schema<Tier>& get(); };
template <> struct SchemaOf<Host> { static const Schema<Host>& get(); };
template <> struct SchemaOf<Storage> { static const Schema<Storage>& get(); };
template <> struct SchemaOf<ComputeNode> { static const Schema<ComputeNode>& get(); };
template <> struct SchemaOf<Cluster> { static const Schema<Cluster>& get(); };

}  // namespace ridge
