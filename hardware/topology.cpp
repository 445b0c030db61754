#include "hardware/topology.h"

#include <algorithm>

namespace ridge {
namespace {

std::int64_t domain_ranks(const Tier& tier, std::int64_t ranks, std::int64_t stride) {
  if (tier.devices == 0) return ranks;
  return std::clamp<std::int64_t>(tier.devices / stride, 1, ranks);
}

/// Links that a group of `fan` members can use at once, of all that a member has.
struct Share {
  std::int64_t used = 1, of = 1;
};

Share usable_links(const Tier& tier, std::int64_t fan, std::int64_t inner) {
  if (tier.topology == Topology::full_mesh && tier.devices > 0) {
    const std::int64_t members = std::max<std::int64_t>(2, tier.devices / std::max<std::int64_t>(1, inner));
    return {std::min(fan, members) - 1, members - 1};
  }
  if (tier.topology == Topology::torus && tier.axes > 0 && tier.axis_length > 1) {
    std::int64_t axes = 1, reach = tier.axis_length;
    for (; axes < tier.axes && reach < fan; ++axes) reach *= tier.axis_length;
    return {axes, tier.axes};
  }
  return {};
}

Traced<BytesPerSecond> group_bandwidth(const Cluster& c, const Tier& tier, std::int64_t fan,
                                       std::int64_t inner, Explain* ex) {
  const auto whole = tier_bandwidth(c, tier, ex);
  const Share share = usable_links(tier, fan, inner);
  if (share.used == share.of) return whole;
  const BytesPerSecond value = whole.value * static_cast<double>(share.used) / static_cast<double>(share.of);
  if (!ex) return {value, 0};
  const std::string key = "hardware.tiers." + tier.name;
  const std::string used = key + ".links_used_by_" + std::to_string(fan);
  return note(ex, partial_bandwidth_formula, value,
              {{"B", whole},
               {"u", input(ex, used, share.used)},
               {"m", input(ex, key + ".links_per_device", share.of)}});
}

}  // namespace

GroupLink group_link(const Cluster& cluster, std::int64_t ranks, std::int64_t stride, Explain* ex) {
  GroupLink g;
  g.ranks = ranks;
  const std::int64_t in_node = std::max<std::int64_t>(1, cluster.node.devices / stride);
  g.ranks_per_node = std::min(ranks, in_node);
  g.nodes = (ranks + g.ranks_per_node - 1) / g.ranks_per_node;
  std::int64_t reached = 1;
  for (const Tier& tier : cluster.tiers.inner_to_outer) {
    if (reached >= ranks || g.num_used == g.used.size()) break;
    const std::int64_t inside = domain_ranks(tier, ranks, stride);
    if (inside <= reached) continue;
    const std::int64_t fan = (inside + reached - 1) / reached;
    const auto bandwidth = group_bandwidth(cluster, tier, fan, reached, ex);
    g.used[g.num_used++] = {&tier, fan, reached, bandwidth.value, tier.link.latency.value, bandwidth.node};
    reached = inside;
  }
  g.is_joined = reached >= ranks;
  return g;
}

const Tier* tier_between(const Cluster& cluster, std::int64_t distance) {
  for (const Tier& tier : cluster.tiers.inner_to_outer)
    if (tier.devices == 0 || tier.devices > distance) return &tier;
  return nullptr;
}

}  // namespace ridge
