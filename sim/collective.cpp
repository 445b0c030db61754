#include "sim/collective.h"

#include "sim/collective_choice.h"
#include "sim/stated.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace ridge {

namespace detail {

Seconds pick(const ProtocolTimes& t, Protocol p, Seconds otherwise) {
  const Sourced<Seconds>& s = p == Protocol::ll ? t.ll : p == Protocol::ll128 ? t.ll128 : t.simple;
  return s.is_known() ? s.value : otherwise;
}

LinkFraction link_fraction(CollectiveKind kind, Choice::Algorithm algorithm, const Link& link) {
  const CollectiveConstants& c = link.collective;
  const auto of = [&](const Sourced<double>& preferred, std::string_view key) -> LinkFraction {
    if (preferred.is_known()) return {preferred.value, key};
    return {link.achievable.is_known() ? link.achievable.value : 1.0, "achievable"};
  };
  if (algorithm == Choice::Algorithm::nvls) return of(c.nvls_fraction, "collective.nvls_fraction");
  if (kind == CollectiveKind::all_reduce || kind == CollectiveKind::broadcast)
    return of(c.ring_fraction, "collective.ring_fraction");
  if (kind == CollectiveKind::all_to_all) return of(c.all_to_all_fraction, "collective.all_to_all_fraction");
  if (kind == CollectiveKind::send_receive)
    return of(c.point_to_point_fraction, "collective.point_to_point_fraction");
  return c.gather_fraction.is_known() ? of(c.gather_fraction, "collective.gather_fraction")
                                      : of(c.ring_fraction, "collective.ring_fraction");
}

double ring_steps(CollectiveKind kind, const GroupLink& g, std::size_t i) {
  if (kind == CollectiveKind::send_receive) return i + 1 == g.num_used ? 1 : 0;
  const double rounds = kind == CollectiveKind::all_reduce ? 2 : 1;
  const double n = static_cast<double>(g.ranks);
  const double members = n / static_cast<double>(g.used[i].ranks_inside);
  const double outer = i + 1 < g.num_used ? n / static_cast<double>(g.used[i + 1].ranks_inside) : 1;
  if (kind == CollectiveKind::all_to_all) return 1;
  return rounds * (members - outer);
}
double tree_steps(const GroupLink& g, std::size_t i) {
  const double fan = static_cast<double>(g.used[i].fan);
  return 2 * (i == 0 ? fan - 1 : std::log2(fan));
}

}  // namespace detail

namespace {

using namespace detail;

constexpr std::array protocols = {Protocol::ll, Protocol::ll128, Protocol::simple};
constexpr double factor(Protocol p) { return p == Protocol::ll ? 0.5 : p == Protocol::ll128 ? 0.92 : 1.0; }
constexpr double tree_factor = 0.92;

double volume_of(CollectiveKind kind, double n) {
  if (kind == CollectiveKind::all_reduce) return 2 * (n - 1) / n;
  if (kind == CollectiveKind::broadcast || kind == CollectiveKind::send_receive) return 1;
  return (n - 1) / n;
}

Choice evaluated(CollectiveKind kind, Choice::Algorithm algorithm, Protocol protocol, Bytes bytes,
                 const GroupLink& g) {
  Choice c{algorithm, protocol};
  const CollectiveConstants& inner = g.used[0].tier->link.collective;
  const bool is_tree = algorithm == Choice::Algorithm::tree;
  c.latency = pick(is_tree ? inner.tree_base : inner.ring_base, protocol, Seconds{0});
  c.factor = (algorithm == Choice::Algorithm::nvls ? 1.0 : factor(protocol)) * (is_tree ? tree_factor : 1.0);
  const double n = static_cast<double>(g.ranks);
  c.volume = is_tree ? 2 : volume_of(kind, n);
  BytesPerSecond slowest{0};
  for (std::size_t i = 0; i < g.num_used; ++i) {
    const GroupTier& t = g.used[i];
    const CollectiveConstants& k = t.tier->link.collective;
    const Seconds step = pick(is_tree ? k.tree : k.ring, protocol, t.latency);
    if (algorithm == Choice::Algorithm::nvls) c.latency = k.nvls.value;
    else c.latency += (is_tree ? tree_steps(g, i) : ring_steps(kind, g, i)) * step;
    const double e = link_fraction(kind, algorithm, t.tier->link).value;
    double share = static_cast<double>(t.ranks_inside);
    if (kind == CollectiveKind::all_to_all) {  // each rank sends over its own port what leaves its member
      const double reach = i + 1 < g.num_used ? static_cast<double>(g.used[i + 1].ranks_inside) : n;
      share = c.volume * n / (reach - static_cast<double>(t.ranks_inside));
    }
    const BytesPerSecond bus = t.bandwidth * share * e * c.factor;
    if (i > 0 && bus >= slowest) continue;
    slowest = bus;
    c.limiting = i;
    c.fraction = e;
  }
  c.time = c.latency + (slowest > BytesPerSecond{0} ? c.volume * bytes / slowest : Seconds{0});
  return c;
}

Choice best(CollectiveKind kind, Bytes bytes, const GroupLink& g) {
  using A = Choice::Algorithm;
  Choice found = evaluated(kind, A::ring, Protocol::simple, bytes, g);
  auto consider = [&](const Choice& c) {
    if (c.time < found.time) found = c;
  };
  consider(evaluated(kind, A::ring, Protocol::ll, bytes, g));
  consider(evaluated(kind, A::ring, Protocol::ll128, bytes, g));
  if (kind != CollectiveKind::all_reduce) return found;
  for (Protocol p : protocols) consider(evaluated(kind, A::tree, p, bytes, g));
  const CollectiveConstants& c = g.used[0].tier->link.collective;
  if (g.num_used == 1 && c.nvls.is_known() && c.nvls_min_ranks > 0 && g.ranks >= c.nvls_min_ranks) {
    consider(evaluated(kind, A::nvls, Protocol::simple, bytes, g));
  }
  return found;
}

constexpr Formula ratio_formula{"collective.calibrated", "time of a collective, scaled by a measured one",
                                "t * m / p",
                                "the nearest number of ranks that was measured, and the law for it"};

std::string_view name_of(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_reduce: return "all_reduce";
    case CollectiveKind::all_gather: return "all_gather";
    case CollectiveKind::reduce_scatter: return "reduce_scatter";
    case CollectiveKind::all_to_all: return "all_to_all";
    case CollectiveKind::broadcast: return "broadcast";
    case CollectiveKind::send_receive: return "send_receive";
  }
  return {};
}

double log2_of(std::int64_t n) { return std::log2(static_cast<double>(n)); }

/// Whether the law can tell a group's time from that of the curve's: it runs over the same tiers.
bool is_comparable(const CollectiveCurve& curve, const GroupLink& g) {
  if ((curve.nodes > 1) != (g.nodes > 1)) return false;
  if (curve.nodes == 1 || (curve.ranks == g.ranks && curve.nodes == g.nodes)) return true;
  return (curve.ranks > curve.nodes) == (g.num_used > 1) && g.num_used <= 2;
}

/// The best measured curve within two doublings of the ranks or nodes; null where there is none.  Ranks and nodes
/// count first, then whether the curve goes so far, then how it was launched, then which is faster.
const CollectiveCurve* curve_for(const Collective& c, const GroupLink& g) {
  const std::vector<CollectiveCurve>& curves = g.used[g.num_used - 1].tier->curves;
  if (curves.empty() || (g.nodes == 1 && g.num_used != 1)) return nullptr;
  const std::string_view wanted = name_of(c.kind);
  const double ranks = log2_of(g.ranks), nodes = log2_of(g.nodes);
  const CollectiveCurve* found = nullptr;
  double least = 11;
  Seconds fastest{};
  for (const CollectiveCurve& curve : curves) {
    if (curve.collective != wanted || !is_comparable(curve, g)) continue;
    const bool is_beyond = c.bytes.value > curve.curve->sizes.back();
    const double misfit =
        4 * std::max(std::abs(ranks - curve.log2_ranks), std::abs(nodes - curve.log2_nodes)) +
        (curve.in_graph != c.in_graph ? 1 : 0) + (is_beyond ? 2 : 0);
    if (misfit > least || misfit >= 11) continue;
    const Seconds t = curve_time(*curve.curve, c.bytes.value);
    if (misfit == least && found && t >= fastest) continue;
    least = misfit, found = &curve, fastest = t;
  }
  return found;
}

/// The faster of the all-reduces over peer memory that were measured for such a group and message.
const CollectiveCurve* peer_curve_for(const Collective& c, const GroupLink& g) {
  const CollectiveCurve* found = nullptr;
  Seconds fastest{};
  if (!c.by_peers || g.nodes > 1 || g.num_used != 1) return found;
  for (const CollectiveCurve& curve : g.used[0].tier->curves) {
    if (curve.collective != "peer_all_reduce" || curve.ranks != g.ranks || curve.in_graph != c.in_graph ||
        c.bytes.value > curve.curve->sizes.back())
      continue;
    const Seconds t = curve_time(*curve.curve, c.bytes.value);
    if (!found || t < fastest) found = &curve, fastest = t;
  }
  return found;
}

bool is_of(const CollectiveCurve& curve, const GroupLink& g) {
  return curve.ranks == g.ranks && curve.nodes == g.nodes;
}

Traced<Seconds> on_curve(const CollectiveCurve& curve, Traced<Bytes> bytes, Explain* ex) {
  const Seconds value = curve_time(*curve.curve, bytes.value);
  if (!ex) return {value, 0};
  const CurveSegment s = curve_segment(*curve.curve, bytes.value);
  const std::string name = "measured " + curve.collective + " of " + std::to_string(curve.ranks) +
                           " devices" +
                           (curve.nodes > 1 ? " on " + std::to_string(curve.nodes) + " nodes" : "") +
                           (curve.in_graph ? " in a graph" : "");
  const auto known = [&](const std::string& what, auto v) {
    using Q = decltype(v);
    return Traced<Q>{v, ex->input(name + ", " + what, v.value(), Q::dim, curve.origin)};
  };
  const auto at = [&](Bytes size) { return format(size); };
  const auto left = known("time at " + at(s.left), s.left_time);
  if (!(s.right > s.left)) return left;
  return note(ex, curve_formula, value,
              {{"ta", left},
               {"tb", known("time at " + at(s.right), s.right_time)},
               {"S", bytes},
               {"a", known("size " + at(s.left), s.left)},
               {"b", known("size " + at(s.right), s.right)}});
}

Answer curve_answer(const CollectiveCurve& curve, const GroupLink& g, Bytes size, Seconds t) {
  const AnswerSource source = !is_of(curve, g)                   ? AnswerSource::scaled
                              : size > curve.curve->sizes.back() ? AnswerSource::held
                                                                 : AnswerSource::curve;
  return answer_from(source, curve.name, interval_at(curve.intervals, t.value()));
}

Traced<Seconds> by_law(const Collective& c, const GroupLink& g, Explain* ex) {
  const Choice choice = best(c.kind, c.bytes.value, g);
  if (!ex) return {choice.time, 0};
  return recorded(c, choice, g, ex);
}

/// Of the nearest group that was measured: its ratio to the law carries over.
Traced<Seconds> scaled_law(const CollectiveCurve& curve, const Collective& c, const GroupLink& g,
                           Explain* ex) {
  GroupLink measured = g;
  measured.ranks_node = 0;
  measured.ranks = curve.ranks, measured.nodes = curve.nodes;
  measured.ranks_per_node = curve.ranks / curve.nodes;
  GroupTier& outer = measured.used[g.num_used - 1];
  outer.fan = curve.nodes > 1 ? curve.nodes : curve.ranks;
  if (g.num_used > 1) measured.used[0].fan = outer.ranks_inside = measured.ranks_per_node;
  const auto t = by_law(c, g, ex), m = on_curve(curve, c.bytes, ex), p = by_law(c, measured, ex);
  return note(ex, ratio_formula, t.value * (m.value / p.value), {{"t", t}, {"m", m}, {"p", p}});
}

}  // namespace

CollectiveCost collective_cost(const Collective& c, const GroupLink& g, Explain* ex) {
  if (g.ranks <= 1 || g.num_used == 0)
    return {constant(ex, "no communication", Seconds{0}, "a group of one device")};
  const CollectiveCurve* peers = peer_curve_for(c, g);
  const CollectiveCurve* curve = peers ? peers : curve_for(c, g);
  if (!curve) return {by_law(c, g, ex)};
  const auto t = is_of(*curve, g) ? on_curve(*curve, c.bytes, ex) : scaled_law(*curve, c, g, ex);
  return {t, curve_answer(*curve, g, c.bytes.value, t.value)};
}

Traced<Seconds> collective_time(const Collective& c, const GroupLink& g, Explain* ex) {
  return collective_cost(c, g, ex).time;
}

namespace {

Traced<Seconds> message_by_law(Traced<Bytes> bytes, const Tier* tier, const Cluster& cluster, Explain* ex) {
  static constexpr Formula message{"collective.point_to_point", "time of one message", "l + S / (e * B)",
                                   "NVIDIA/nccl src/graph/tuning.cc"};
  const auto bandwidth = tier_bandwidth(cluster, *tier, ex);
  const LinkFraction fraction =
      link_fraction(CollectiveKind::send_receive, Choice::Algorithm::ring, tier->link);
  const double e = fraction.value;
  const Seconds latency = tier->link.latency.value;
  const Seconds time =
      latency + (bandwidth.value > BytesPerSecond{0} ? bytes.value / (e * bandwidth.value) : Seconds{0});
  if (!ex) return {time, 0};
  const std::string key = "hardware.tiers." + tier->name;
  return note(ex, message, time,
              {{"l", input(ex, key + ".link.latency", latency)},
               {"S", bytes},
               {"e", stated(ex, key + ".link." + std::string(fraction.key), e)},
               {"B", bandwidth}});
}

}  // namespace

CollectiveCost point_to_point_cost(Traced<Bytes> bytes, const Tier* tier, const Cluster& cluster,
                                   Explain* ex) {
  if (!tier) return {constant(ex, "no communication", Seconds{0}, "a group of one device")};
  GroupLink pair;
  pair.ranks = pair.ranks_per_node = 2;
  pair.used[0] = {tier, 2, 1, {}, {}, 0};
  pair.num_used = 1;
  const Collective message{CollectiveKind::send_receive, bytes};
  const CollectiveCurve* curve = curve_for(message, pair);
  if (!curve || curve->ranks != 2) return {message_by_law(bytes, tier, cluster, ex)};
  const auto t = on_curve(*curve, bytes, ex);
  return {t, curve_answer(*curve, pair, bytes.value, t.value)};
}

}  // namespace ridge
