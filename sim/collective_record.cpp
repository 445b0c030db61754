#include "sim/collective_choice.h"
#include "sim/stated.h"

#include <cmath>
#include <string>
#include <vector>

namespace ridge::detail {
namespace {

constexpr std::string_view nccl = "NVIDIA/nccl src/graph/tuning.cc",
                           thakur = "Thakur et al. 2005, IJHPCA 19(1)",
                           layout = "layout of the group over tiers (hardware/topology.h)";

constexpr Formula line_formula{"collective.time", "time of a collective", "l + v * S / B", nccl,
                               "the fastest algorithm and protocol"};
constexpr Formula bandwidth_formula{"collective.bandwidth", "bus bandwidth of a group", "r * e * x * B", nccl,
                                    "the tier that lets least through; its r ranks share their ports"};
constexpr Formula ring_formula{"collective.steps.ring", "steps of a ring over one tier",
                               "rounds * (n / a - n / b)", nccl,
                               "a ranks inside a member of the tier, b inside one of the next"};
constexpr Formula tree_inner{"collective.steps.tree", "steps of a tree inside a member", "2 * (k - 1)", nccl};
constexpr Formula tree_outer{"collective.steps.tree.outer", "steps of a tree over members", "2 * log2(k)",
                             nccl};
constexpr Formula steps_formula{"collective.latency.steps", "latency of the steps over one tier", "n * a",
                                nccl};
constexpr Formula sum_formula{"collective.latency", "latency of a collective", "sum(...)", nccl};
constexpr Formula volume_all_reduce{"collective.volume.all_reduce",
                                    "times the buffer crosses each rank's link", "2 * (n - 1) / n", thakur};
constexpr Formula volume_gather{"collective.volume.gather", "times the buffer crosses each rank's link",
                                "(n - 1) / n", thakur};
constexpr Formula reach_formula{"collective.reach", "ports of a tier for what leaves a member",
                                "v * n / (b - a)", nccl, "each rank sends over its own port"};

std::string_view name_of(Choice::Algorithm a) {
  return a == Choice::Algorithm::ring ? "ring" : a == Choice::Algorithm::tree ? "tree" : "nvls";
}
std::string_view name_of(Protocol p) {
  return p == Protocol::ll ? "ll" : p == Protocol::ll128 ? "ll128" : "simple";
}

/// Records one choice.
class Record {
 public:
  Record(const Collective& c, const Choice& choice, const GroupLink& g, Explain& ex)
      : c_(c), choice_(choice), g_(g), ex_(&ex) {
    ranks_ = {static_cast<double>(g.ranks), g.ranks_node};
    if (ranks_.node == 0) ranks_ = whole("ranks of the group", g.ranks, "devices or degree of the plan");
  }

  Traced<Seconds> run() {
    const auto v = volume();
    const auto l = latency();
    const auto B = bandwidth(v);
    return note(ex_, line_formula, l.value + v.value * c_.bytes.value / B.value,
                {{"l", l}, {"v", v}, {"S", c_.bytes}, {"B", B}});
  }

 private:
  bool is_tree() const { return choice_.algorithm == Choice::Algorithm::tree; }
  std::string link_key(std::size_t tier) const {
    return "hardware.tiers." + g_.used[tier].tier->name + ".link.";
  }

  Traced<double> whole(std::string_view what, std::int64_t n, std::string_view citation) {
    return constant(ex_, std::string(what) + ": " + std::to_string(n), static_cast<double>(n), citation);
  }
  Traced<double> ranks_inside(std::size_t tier) {
    if (tier >= g_.num_used) return ranks_;
    return whole("ranks inside a member of " + g_.used[tier].tier->name, g_.used[tier].ranks_inside, layout);
  }

  Traced<double> ring(std::size_t i) {
    if (c_.kind == CollectiveKind::send_receive || c_.kind == CollectiveKind::all_to_all)
      return constant(ex_, ring_steps(c_.kind, g_, i) > 0 ? "messages of a rank at once" : "messages inside",
                      ring_steps(c_.kind, g_, i), nccl);
    const bool is_reduce = c_.kind == CollectiveKind::all_reduce;
    const auto rounds = constant(ex_, is_reduce ? "rounds of an all-reduce" : "rounds of one pass",
                                 is_reduce ? 2.0 : 1.0, thakur);
    return note(ex_, ring_formula, ring_steps(c_.kind, g_, i),
                {{"rounds", rounds}, {"n", ranks_}, {"a", ranks_inside(i)}, {"b", ranks_inside(i + 1)}});
  }

  Traced<double> tree(std::size_t i) {
    const auto k = whole("members joined by " + g_.used[i].tier->name, g_.used[i].fan, layout);
    return note(ex_, i == 0 ? tree_inner : tree_outer, tree_steps(g_, i), {{"k", k}});
  }

  Traced<Seconds> latency() {
    const std::string algorithm(name_of(choice_.algorithm)), protocol(name_of(choice_.protocol));
    if (choice_.algorithm == Choice::Algorithm::nvls)
      return stated(ex_, link_key(0) + "collective.nvls", choice_.latency);
    const CollectiveConstants& inner = g_.used[0].tier->link.collective;
    const Seconds base = pick(is_tree() ? inner.tree_base : inner.ring_base, choice_.protocol, Seconds{0});
    Seconds total = base;
    std::vector<Term> terms;
    terms.emplace_back("base",
                       stated(ex_, link_key(0) + "collective." + algorithm + "_base." + protocol, base));
    for (std::size_t i = 0; i < g_.num_used; ++i) {
      const CollectiveConstants& k = g_.used[i].tier->link.collective;
      const Seconds step = pick(is_tree() ? k.tree : k.ring, choice_.protocol, g_.used[i].latency);
      const auto n = is_tree() ? tree(i) : ring(i);
      const bool is_own = pick(is_tree() ? k.tree : k.ring, choice_.protocol, Seconds{-1}) >= Seconds{0};
      const std::string key = is_own ? "collective." + algorithm + "." + protocol : "latency";
      const auto a = stated(ex_, link_key(i) + key, step);
      total += n.value * step;
      terms.emplace_back(g_.used[i].tier->name,
                         note(ex_, steps_formula, n.value * step, {{"n", n}, {"a", a}}));
    }
    return {total, ex_->note(sum_formula, total.value(), Seconds::dim, terms)};
  }

  Traced<double> volume() {
    if (is_tree()) return constant(ex_, "times a tree's buffer crosses each link", choice_.volume, thakur);
    if (c_.kind == CollectiveKind::broadcast || c_.kind == CollectiveKind::send_receive)
      return constant(ex_, "times a message crosses each link", choice_.volume, thakur);
    return note(ex_, c_.kind == CollectiveKind::all_reduce ? volume_all_reduce : volume_gather,
                choice_.volume, {{"n", ranks_}});
  }

  Traced<BytesPerSecond> bandwidth(Traced<double> v) {
    const GroupTier& limit = g_.used[choice_.limiting];
    const auto a = ranks_inside(choice_.limiting);
    Traced<double> r = a;
    if (c_.kind == CollectiveKind::all_to_all) {
      const auto b = ranks_inside(choice_.limiting + 1);
      r = note(ex_, reach_formula, v.value * ranks_.value / (b.value - a.value),
               {{"v", v}, {"n", ranks_}, {"b", b}, {"a", a}});
    }
    const LinkFraction fraction = link_fraction(c_.kind, choice_.algorithm, limit.tier->link);
    const auto e = stated(ex_, link_key(choice_.limiting) + std::string(fraction.key), choice_.fraction);
    const std::string how = std::string(name_of(choice_.algorithm)) + " with " +
                            std::string(name_of(choice_.protocol)) + ", share of the link";
    const auto x =
        constant(ex_, how, choice_.factor, "NVIDIA/nccl src/graph/tuning.cc: protocol and tree factors");
    const Traced<BytesPerSecond> published{limit.bandwidth, limit.bandwidth_node};
    return note(ex_, bandwidth_formula, limit.bandwidth * r.value * e.value * x.value,
                {{"r", r}, {"e", e}, {"x", x}, {"B", published}});
  }

  const Collective& c_;
  const Choice& choice_;
  const GroupLink& g_;
  Explain* ex_;
  Traced<double> ranks_;
};

}  // namespace

Traced<Seconds> recorded(const Collective& c, const Choice& choice, const GroupLink& g, Explain* ex) {
  return Record(c, choice, g, *ex).run();
}

}  // namespace ridge::detail
