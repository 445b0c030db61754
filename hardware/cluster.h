#pragma once
/// What a scenario's `hardware:` names: devices in nodes, joined by tiers of links, with a price.
///
///   name: DGX H100
///   device: h100-sxm-80gb                # a file of presets/devices, or a map with its figures
///   node: {devices: 8, host: {memory: {capacity: [2 TiB, datasheet, dgx]}}}
///   tiers:
///     nvlink:  {devices: 8, topology: switched, link: nvlink4}
///     network: {ports_per_node: 8, topology: switched, link: infiniband-ndr}
///
/// A tier joins groups of the tier inside it: nvlink the eight devices of a node, network the nodes.
/// `profile: NAME` lays what ridge-calibrate measured over the presets' figures (profile.h).
/// Without `tiers` the device's own `interconnect` and its host link are used; so the smallest file
/// that works is `device: h100-sxm-80gb`.
/// Files are read by library.h; questions about groups of ranks are answered by topology.h.

#include "hardware/device.h"
#include "hardware/link.h"

#include <vector>

namespace ridge {

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
  std::string name, notes;
  std::int64_t drives = 0;
  Sourced<Bytes> capacity;                                  ///< per drive
  Sourced<BytesPerSecond> read_bandwidth, write_bandwidth;  ///< per drive
};

struct ComputeNode {
  std::int64_t devices = 1;
  Host host;
  Storage storage;
  Sourced<Watts> power;  ///< of the node under load
};

/// What a plan's reader should know of the calibrated profile in use.
struct ProfileFacts {
  std::string device, made;            ///< "NVIDIA H200", "measured 2026-11-22, driver 580.159.04"
  std::vector<std::string> libraries;  ///< "NCCL 22803", of accepted models
  std::vector<std::string> refused;    ///< models that missed the profile's own limits: "gemm int4-weights"
  std::vector<std::string> doubts;     ///< where the measured machine differs from this description
};

struct Cluster {
  std::string name, notes;
  std::vector<std::string> aliases;
  Device device;
  ComputeNode node;
  Tiers tiers;
  std::int64_t max_nodes = 0;   ///< 0 = as many as the plan asks for
  Sourced<UsdPerSecond> price;  ///< per device; unknown: the device's own
  std::string profile;          ///< calibrated profile whose tables and curves are in use; "" = none
  ProfileFacts profile_facts;   ///< of it
};

inline constexpr Formula tier_bandwidth_formula{
    "hardware.tier.bandwidth", "bandwidth of a tier per device and direction", "B / r", "definition"};
inline constexpr Formula port_bandwidth_formula{
    "hardware.tier.port_bandwidth", "share of the node's network adapters per device and direction",
    "B * p / d / r", "definition", "all devices of the node communicate at once"};

/// Bandwidth of a tier per device and direction: link.bandwidth, or its ports shared by the node's
/// devices, B·p/d, divided by oversubscription.
///
///   B  link.bandwidth   p  ports_per_node   d  devices of the node   r  oversubscription
///
/// Explain   hardware.tier.bandwidth or hardware.tier.port_bandwidth, over inputs "hardware.tiers.<name>..."
/// Check     DGX H100: 50 GB/s · 8 / 8 = 50 GB/s; p4d: 12.5 GB/s · 4 / 8 = 6.25 GB/s
Traced<BytesPerSecond> tier_bandwidth(const Cluster&, const Tier&, Explain* ex = nullptr);

/// Rent of one device: the cluster's price, else the device's own, else zero.
UsdPerSecond device_price(const Cluster&);

void read_value(const Node&, Tiers&, ReadContext&, Range = {});
Node write_value(const Tiers&);
std::string type_text(const Tiers*);
std::vector<FieldInfo> children_of(const Tiers*);

template <> struct SchemaOf<Host> { static const Schema<Host>& get(); };
template <> struct SchemaOf<Storage> { static const Schema<Storage>& get(); };
template <> struct SchemaOf<ComputeNode> { static const Schema<ComputeNode>& get(); };
template <> struct SchemaOf<Cluster> { static const Schema<Cluster>& get(); };

}  // namespace ridge
