#include "sim/collective.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace ridge {
namespace {

constexpr std::string_view nccl = "NVIDIA/nccl src/graph/tuning.cc";
constexpr Formula line_formula{"collective.time", "time of a collective", "l + v * S / B", nccl,
                               "the fastest algorithm and protocol"};
constexpr Formula bandwidth_formula{"collective.bandwidth", "bus bandwidth of a group", "r * e * x * B", nccl,
                                    "the tier that lets least through; its r ranks share their ports"};
constexpr Formula steps_formula{"collective.latency.steps", "latency of the steps over one tier", "n * a",
                                nccl};
constexpr Formula sum_formula{"collective.latency", "latency of a collective", "sum(...)", nccl};
constexpr Formula volume_all_reduce{"collective.volume.all_reduce",
                                    "times the buffer crosses each rank's link", "2 * (n - 1) / n",
                                    "Thakur et al. 2005, IJHPCA 19(1)"};
constexpr Formula volume_gather{"collective.volume.gather", "times the buffer crosses each rank's link",
                                "(n - 1) / n", "Thakur et al. 2005, IJHPCA 19(1)"};

enum class Protocol { ll, ll128, simple };
constexpr std::array protocols = {Protocol::ll, Protocol::ll128, Protocol::simple};
constexpr double factor(Protocol p) { return p == Protocol::ll ? 0.5 : p == Protocol::ll128 ? 0.92 : 1.0; }
constexpr double tree_factor = 0.92;

Seconds pick(const ProtocolTimes& t, Protocol p, Seconds otherwise) {
  const Sourced<Seconds>& s = p == Protocol::ll ? t.ll : p == Protocol::ll128 ? t.ll128 : t.simple;
  return s.is_known() ? s.value : otherwise;
}
double fraction(const Sourced<double>& preferred, const Link& link) {
  if (preferred.is_known()) return preferred.value;
  return link.achievable.is_known() ? link.achievable.value : 1.0;
}

/// One way to run a collective: its two terms, and which tier limits it.
struct Choice {
  enum class Algorithm { ring, tree, nvls } algorithm = Algorithm::ring;
  Protocol protocol = Protocol::simple;
  Seconds latency{0}, time{0};
  std::size_t limiting = 0;
  double fraction = 1, factor = 1, volume = 1;
};

double link_fraction(CollectiveKind kind, Choice::Algorithm algorithm, const Link& link) {
  const CollectiveConstants& c = link.collective;
  if (algorithm == Choice::Algorithm::nvls) return fraction(c.nvls_fraction, link);
  if (kind == CollectiveKind::all_reduce || kind == CollectiveKind::broadcast)
    return fraction(c.ring_fraction, link);
  if (kind == CollectiveKind::all_to_all) return fraction(c.all_to_all_fraction, link);
  if (kind == CollectiveKind::send_receive) return fraction(c.point_to_point_fraction, link);
  return fraction(c.gather_fraction.is_known() ? c.gather_fraction : c.ring_fraction, link);
}

double volume_of(CollectiveKind kind, double n) {
  if (kind == CollectiveKind::all_reduce) return 2 * (n - 1) / n;
  if (kind == CollectiveKind::broadcast || kind == CollectiveKind::send_receive) return 1;
  return (n - 1) / n;
}

/// Steps over tier i: members joined there, less those an outer tier joins.
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
    const double e = link_fraction(kind, algorithm, t.tier->link);
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

std::string_view algorithm_name(Choice::Algorithm a) {
  return a == Choice::Algorithm::ring ? "ring" : a == Choice::Algorithm::tree ? "tree" : "nvls";
}

Traced<double> measured_number(Explain* ex, std::string key, double v, std::string citation) {
  return {v, ex->input(key, v, Dim{}, Origin{Origin::Kind::definition, {}, std::move(citation), {}})};
}

Traced<Seconds> recorded(const Collective& c, const Choice& choice, const GroupLink& g, Explain* ex) {
  const bool is_tree = choice.algorithm == Choice::Algorithm::tree;
  const std::string algorithm(algorithm_name(choice.algorithm));
  const char* protocol = choice.protocol == Protocol::ll      ? "ll"
                         : choice.protocol == Protocol::ll128 ? "ll128"
                                                              : "simple";
  const auto key = [&](std::size_t i) { return "hardware.tiers." + g.used[i].tier->name; };
  std::vector<Term> terms;
  auto seconds = [&](const std::string& k, Seconds v) { return input(ex, k, v); };
  if (choice.algorithm == Choice::Algorithm::nvls) {
    terms.emplace_back("nvls", seconds(key(0) + ".link.collective.nvls", choice.latency));
  } else {
    const CollectiveConstants& inner = g.used[0].tier->link.collective;
    const Seconds base = pick(is_tree ? inner.tree_base : inner.ring_base, choice.protocol, Seconds{0});
    terms.emplace_back("base", seconds(key(0) + ".link.collective." + algorithm + "_base." + protocol, base));
    for (std::size_t i = 0; i < g.num_used; ++i) {
      const CollectiveConstants& k = g.used[i].tier->link.collective;
      const double n = is_tree ? tree_steps(g, i) : ring_steps(c.kind, g, i);
      const Seconds a = pick(is_tree ? k.tree : k.ring, choice.protocol, g.used[i].latency);
      const auto count = measured_number(
          ex, "steps of a " + algorithm + " over " + g.used[i].tier->name + ": " + std::to_string(n), n,
          "number of ranks and members of the group");
      terms.emplace_back(
          g.used[i].tier->name,
          note(ex, steps_formula, n * a,
               {{"n", count}, {"a", seconds(key(i) + ".link.collective." + algorithm + "." + protocol, a)}}));
    }
  }
  Seconds latency{0};
  for (const Term& t : terms) latency += Seconds{t.value};
  const Traced<Seconds> l{latency, ex->note(sum_formula, latency.value(), Seconds::dim, terms)};
  const GroupTier& limit = g.used[choice.limiting];
  const double n = static_cast<double>(g.ranks);
  double share = static_cast<double>(limit.ranks_inside);
  if (c.kind == CollectiveKind::all_to_all) {
    const double reach =
        choice.limiting + 1 < g.num_used ? static_cast<double>(g.used[choice.limiting + 1].ranks_inside) : n;
    share = choice.volume * n / (reach - static_cast<double>(limit.ranks_inside));
  }
  const auto r =
      measured_number(ex, "ranks that share a port of " + limit.tier->name + ": " + std::to_string(share),
                      share, "layout of the group over nodes");
  const auto e = measured_number(ex, key(choice.limiting) + ".link.collective." + algorithm + "_fraction",
                                 choice.fraction, "link preset");
  const auto x = measured_number(ex, algorithm + " with " + protocol, choice.factor,
                                 std::string(nccl) + ": protocol and tree factors");
  const Traced<BytesPerSecond> published{limit.bandwidth, limit.bandwidth_node};
  const BytesPerSecond bus = limit.bandwidth * share * choice.fraction * choice.factor;
  const auto B = note(ex, bandwidth_formula, bus, {{"r", r}, {"e", e}, {"x", x}, {"B", published}});
  Traced<double> v =
      measured_number(ex, "volume of a " + algorithm, choice.volume, "Thakur et al. 2005, IJHPCA 19(1)");
  if (!is_tree && c.kind != CollectiveKind::broadcast && c.kind != CollectiveKind::send_receive) {
    const auto ranks = measured_number(ex, "ranks of the group: " + std::to_string(g.ranks), n, "plan");
    v = note(ex, c.kind == CollectiveKind::all_reduce ? volume_all_reduce : volume_gather, choice.volume,
             {{"n", ranks}});
  }
  return note(ex, line_formula, latency + choice.volume * c.bytes.value / bus,
              {{"l", l}, {"v", v}, {"S", c.bytes}, {"B", B}});
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

/// How badly a curve fits a call: ranks first (in doublings), then how it was launched and how far it goes.
double misfit(const CollectiveCurve& curve, const Collective& c, const GroupLink& g) {
  const double ranks = static_cast<double>(g.ranks), measured = static_cast<double>(curve.ranks);
  const bool is_beyond = c.bytes.value > curve.curve->sizes.back();
  return 4 * std::abs(std::log2(ranks / measured)) + (curve.in_graph != c.in_graph ? 1 : 0) +
         (is_beyond ? 2 : 0);
}

/// The best measured curve within two doublings of the ranks; null where there is none.
const CollectiveCurve* curve_for(const Collective& c, const GroupLink& g) {
  if (g.num_used != 1) return nullptr;
  const CollectiveCurve* found = nullptr;
  for (const CollectiveCurve& curve : g.used[0].tier->curves) {
    if (curve.collective != name_of(c.kind) || misfit(curve, c, g) > 11) continue;
    if (!found || misfit(curve, c, g) < misfit(*found, c, g)) found = &curve;
  }
  return found;
}

Traced<Seconds> on_curve(const CollectiveCurve& curve, Traced<Bytes> bytes, Explain* ex) {
  const Seconds value = curve_time(*curve.curve, bytes.value);
  if (!ex) return {value, 0};
  const CurveSegment s = curve_segment(*curve.curve, bytes.value);
  const std::string name = "measured " + curve.collective + " of " + std::to_string(curve.ranks) +
                           " devices" + (curve.in_graph ? " in a graph" : "");
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

Traced<Seconds> by_law(const Collective& c, const GroupLink& g, Explain* ex) {
  const Choice choice = best(c.kind, c.bytes.value, g);
  if (!ex) return {choice.time, 0};
  return recorded(c, choice, g, ex);
}

/// Of the nearest group that was measured: its ratio to the law carries over.
Traced<Seconds> scaled_law(const CollectiveCurve& curve, const Collective& c, const GroupLink& g,
                           Explain* ex) {
  GroupLink measured = g;
  measured.ranks = measured.ranks_per_node = measured.used[0].fan = curve.ranks;
  const auto t = by_law(c, g, ex), m = on_curve(curve, c.bytes, ex), p = by_law(c, measured, ex);
  return note(ex, ratio_formula, t.value * (m.value / p.value), {{"t", t}, {"m", m}, {"p", p}});
}

}  // namespace

Traced<Seconds> collective_time(const Collective& c, const GroupLink& g, Explain* ex) {
  if (g.ranks <= 1 || g.num_used == 0)
    return constant(ex, "no communication", Seconds{0}, "a group of one device");
  const CollectiveCurve* curve = curve_for(c, g);
  if (!curve) return by_law(c, g, ex);
  return curve->ranks == g.ranks ? on_curve(*curve, c.bytes, ex) : scaled_law(*curve, c, g, ex);
}

Traced<Seconds> point_to_point_time(Traced<Bytes> bytes, const Tier* tier, const Cluster& cluster,
                                    Explain* ex) {
  if (!tier) return constant(ex, "no communication", Seconds{0}, "a group of one device");
  static constexpr Formula message{"collective.point_to_point", "time of one message", "l + S / (e * B)",
                                   nccl};
  const auto bandwidth = tier_bandwidth(cluster, *tier, ex);
  const double e = link_fraction(CollectiveKind::send_receive, Choice::Algorithm::ring, tier->link);
  const Seconds latency = tier->link.latency.value;
  const Seconds time =
      latency + (bandwidth.value > BytesPerSecond{0} ? bytes.value / (e * bandwidth.value) : Seconds{0});
  if (!ex) return {time, 0};
  const std::string key = "hardware.tiers." + tier->name;
  return note(ex, message, time,
              {{"l", input(ex, key + ".link.latency", latency)},
               {"S", bytes},
               {"e", measured_number(ex, key + ".link.collective.point_to_point_fraction", e, "link preset")},
               {"B", bandwidth}});
}

}  // namespace ridge
