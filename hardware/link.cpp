#include "hardware/link.h"

namespace ridge {

const Schema<ProtocolTimes>& SchemaOf<ProtocolTimes>::get() {
  static const Schema<ProtocolTimes> s{
      "protocol times",
      "Latency per NCCL protocol",
      {
          field("ll", &ProtocolTimes::ll, "small messages").range(0, 1),
          field("ll128", &ProtocolTimes::ll128, "medium messages").range(0, 1),
          field("simple", &ProtocolTimes::simple, "large messages").range(0, 1),
      }};
  return s;
}

const Schema<CollectiveConstants>& SchemaOf<CollectiveConstants>::get() {
  using C = CollectiveConstants;
  static const Schema<C> s{
      "collective constants",
      "What a step of a collective costs on a link",
      {
          field("ring_base", &C::ring_base, "software latency of one ring collective"),
          field("tree_base", &C::tree_base, "software latency of one tree collective"),
          field("ring", &C::ring, "latency of one ring step"),
          field("tree", &C::tree, "latency of one tree step"),
          field("nvls", &C::nvls, "latency of an in-switch reduction").range(0, 1),
          field("ring_fraction", &C::ring_fraction, "bus bandwidth of a large ring all-reduce / bandwidth")
              .range(1e-3, 1),
          field("gather_fraction", &C::gather_fraction, "the same of a large all-gather or reduce-scatter")
              .range(1e-3, 1),
          field("nvls_fraction", &C::nvls_fraction, "the same through NVLS; may exceed 1").range(1e-3, 2),
          field("all_to_all_fraction", &C::all_to_all_fraction, "large balanced all-to-all / bandwidth")
              .range(1e-3, 1),
          field("point_to_point_fraction", &C::point_to_point_fraction, "large send / bandwidth")
              .range(1e-3, 1),
          field("nvls_min_ranks", &C::nvls_min_ranks, "NVLS from this many ranks on; 0 = never")
              .range(0, 1e6),
      }};
  return s;
}

const Schema<Link>& SchemaOf<Link>::get() {
  static const Schema<Link> s{
      "link",
      "A wire and the constants of communication over it",
      {
          field("name", &Link::name, "as people call it"),
          field("kind", &Link::kind, "technology"),
          field("bandwidth", &Link::bandwidth, "payload in one direction").range(1e3, 1e16),
          field("latency", &Link::latency, "short message, device to device").range(0, 10),
          field("achievable", &Link::achievable, "of bandwidth, large transfers").range(1e-3, 1),
          field("collective", &Link::collective, "collective communication"),
          field("notes", &Link::notes, "free text"),
      }};
  return s;
}

const Schema<Tier>& SchemaOf<Tier>::get() {
  static const Schema<Tier> s{
      "tier",
      "Domains of devices joined by one kind of link",
      {
          field("devices", &Tier::devices, "devices of one domain; 0 = the whole cluster").range(0, 1e9),
          field("topology", &Tier::topology, "how the members are joined"),
          field("link", &Tier::link, "the link").required(),
          field("ports_per_node", &Tier::ports_per_node,
                "network adapters of a node; 0: the link is per device")
              .range(0, 1e5),
          field("axes", &Tier::axes, "torus: axes").range(0, 8),
          field("axis_length", &Tier::axis_length, "torus: members of a ring").range(0, 1e6),
          field("oversubscription", &Tier::oversubscription, "cross-domain bandwidth is divided by it")
              .range(1, 1e3),
      }};
  return s;
}

}  // namespace ridge
