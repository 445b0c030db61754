#include "hardware/cluster.h"

#include <algorithm>
#include <limits>

namespace ridge {
namespace {

std::int64_t size_key(const Tier& t) {
  return t.devices == 0 ? std::numeric_limits<std::int64_t>::max() : t.devices;
}

}  // namespace

void read_value(const Node& n, Tiers& tiers, ReadContext& c, Range) {
  if (!n.is_map()) return report_not_a_map(n, "tiers", c);
  tiers.inner_to_outer.clear();
  for (const auto& e : n.entries) {
    PathScope scope(c, e.key);
    Tier tier = read<Tier>(e.value, c);
    tier.name = e.key;
    tiers.inner_to_outer.push_back(std::move(tier));
  }
  std::ranges::stable_sort(tiers.inner_to_outer, {}, size_key);
}

Node write_value(const Tiers& tiers) {
  if (tiers.inner_to_outer.empty()) return {};
  Node m = Node::map();
  for (const Tier& t : tiers.inner_to_outer) m.entries.push_back({t.name, {}, write_value(t)});
  return m;
}

std::string type_text(const Tiers*) { return "map of name to tier"; }
std::vector<FieldInfo> children_of(const Tiers*) { return children_of(static_cast<const Tier*>(nullptr)); }

Traced<BytesPerSecond> tier_bandwidth(const Cluster& cluster, const Tier& tier, Explain* ex) {
  const double ports = static_cast<double>(tier.ports_per_node);
  const double devices = static_cast<double>(std::max<std::int64_t>(1, cluster.node.devices));
  const double over = tier.oversubscription.is_known() ? tier.oversubscription.value : 1.0;
  const BytesPerSecond wire = tier.link.bandwidth.value;
  const BytesPerSecond value = (tier.ports_per_node > 0 ? wire * ports / devices : wire) / over;
  if (!ex) return {value, 0};
  const std::string key = "hardware.tiers." + tier.name;
  const auto b = input(ex, key + ".link.bandwidth", wire);
  const auto r = input(ex, key + ".oversubscription", over);
  if (tier.ports_per_node == 0) return note(ex, tier_bandwidth_formula, value, {{"B", b}, {"r", r}});
  return note(ex, port_bandwidth_formula, value,
              {{"B", b},
               {"p", input(ex, key + ".ports_per_node", tier.ports_per_node)},
               {"d", input(ex, "hardware.node.devices", std::max<std::int64_t>(1, cluster.node.devices))},
               {"r", r}});
}

UsdPerSecond device_price(const Cluster& c) {
  return c.price.is_known() ? c.price.value : c.device.price.value;
}

const Schema<Host>& SchemaOf<Host>::get() {
  static const Schema<Host> s{
      "host",
      "Processors and memory beside the devices",
      {
          field("cpu", &Host::cpu, "processors, in words"),
          field("cores", &Host::cores, "of the node").range(0, 1e6),
          field("memory", &Host::memory, "of the node"),
          field("vector_peak", &Host::vector_peak, "fp32, of the node").range(1, 1e18),
      }};
  return s;
}

const Schema<Storage>& SchemaOf<Storage>::get() {
  static const Schema<Storage> s{
      "storage",
      "Local drives of a node",
      {
          field("name", &Storage::name, "as people call it"),
          field("notes", &Storage::notes, "free text"),
          field("drives", &Storage::drives, "how many").range(0, 1e4),
          field("capacity", &Storage::capacity, "per drive").range(1, 1e18),
          field("read_bandwidth", &Storage::read_bandwidth, "per drive, sequential").range(1e3, 1e13),
          field("write_bandwidth", &Storage::write_bandwidth, "per drive, sequential").range(1e3, 1e13),
      }};
  return s;
}

const Schema<ComputeNode>& SchemaOf<ComputeNode>::get() {
  static const Schema<ComputeNode> s{
      "node",
      "Devices that share a host",
      {
          field("devices", &ComputeNode::devices, "devices of a node").range(1, 1e5),
          field("host", &ComputeNode::host, "processors and host memory"),
          field("storage", &ComputeNode::storage, "local drives"),
          field("power", &ComputeNode::power, "of the node under load").range(0.1, 1e8),
      }};
  return s;
}

const Schema<Cluster>& SchemaOf<Cluster>::get() {
  static const Schema<Cluster> s{
      "hardware",
      "Devices in nodes, joined by tiers of links",
      {
          field("name", &Cluster::name, "as people call it"),
          field("aliases", &Cluster::aliases, "other names of the preset"),
          field("device", &Cluster::device, "the accelerator: a preset's name or its figures").required(),
          field("node", &Cluster::node, "devices that share a host"),
          field("tiers", &Cluster::tiers, "links, by name"),
          field("max_nodes", &Cluster::max_nodes, "0 = as many as the plan asks for").range(0, 1e7),
          field("price", &Cluster::price, "rent per device").range(0, 1e3),
          field("profile", &Cluster::profile, "calibrated profile: a preset's name or a path"),
          field("notes", &Cluster::notes, "free text"),
      }};
  return s;
}

}  // namespace ridge
