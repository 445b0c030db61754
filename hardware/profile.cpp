#include "hardware/profile.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

/// "4 devices, bf16, graph", "16 devices, bf16, 2 nodes, eager", "16 ranks on 2 nodes, bf16, graph"
struct CurveKey {
  std::int64_t ranks = 0, nodes = 1;
  bool in_graph = false;
};
std::optional<CurveKey> curve_key(std::string_view variant) {
  CurveKey key;
  const char* end = variant.data() + variant.size();
  const auto [rest, error] = std::from_chars(variant.data(), end, key.ranks);
  const std::string_view unit(rest, end);
  if (error != std::errc{} || !(unit.starts_with(" device") || unit.starts_with(" ranks on ")))
    return std::nullopt;
  if (const auto at = variant.find(" node"); at != std::string_view::npos) {
    const std::string_view before = variant.substr(0, at);
    const std::size_t digits = before.find_last_not_of("0123456789") + 1;
    std::from_chars(before.data() + digits, before.data() + before.size(), key.nodes);
  }
  if (key.ranks < 2 || key.nodes < 1 || key.ranks % key.nodes != 0) return std::nullopt;
  key.in_graph = variant.find("graph") != std::string_view::npos;
  return key;
}

/// The tier that joins the whole of such a group; null where none does.
Tier* outermost(Cluster& c, const CurveKey& key) {
  const std::int64_t span =
      key.nodes > 1 ? std::max(key.ranks, (key.nodes - 1) * c.node.devices + 1) : key.ranks;
  for (Tier& t : c.tiers.inner_to_outer)
    if (t.devices == 0 || t.devices >= span) return &t;
  return nullptr;
}

class Applier {
 public:
  Applier(const ProfileUse& use, Cluster& cluster, const Node& overrides, Origins* origins)
      : p_(*use.record), use_(use), cluster_(cluster), over_(overrides), origins_(origins) {
    const auto date = p_.facts.find("date");
    if (date != p_.facts.end()) date_ = date->second;
  }

  void run() {
    for (std::size_t i = 0; i < p_.kernels.size(); ++i)
      if (p_.kernels[i].objections.empty()) kernel(p_.kernels[i], fmt::format("kernels.{}", i));
    for (std::size_t i = 0; i < p_.curves.size(); ++i)
      if (p_.curves[i].objections.empty()) curve(p_.curves[i], fmt::format("curves.{}", i));
    figures();
    links();
    facts();
  }

 private:
  using Kind = Origin::Kind;

  std::string citation(const std::string& what) const {
    return fmt::format("profile {}: {}{}", use_.name, what, p_.source.empty() ? "" : "; " + p_.source);
  }
  Origin origin(Kind kind, const std::string& node, const std::string& what) const {
    const Node* n = use_.tree ? use_.tree->at(node) : nullptr;
    if (p_.kind == "imported") kind = Kind::fitted;  // nobody here has measured it
    return {kind, n ? n->span.where_line() : std::string(), citation(what), date_};
  }

  template <class Q>
  void put(Sourced<Q>& to, Q value, const std::string& key, Kind kind, const std::string& node,
           const std::string& what) {
    if (over_.at(key)) return;
    Origin o = origin(kind, node, what);
    to = {value, o.kind, o.citation, o.date};
    if (origins_) origins_->insert_or_assign("hardware." + key, std::move(o));
  }

  static std::string what_of(const KernelRecord& k) {
    return fmt::format("{} {} ({}), {} points; held-out error {:.1f} % in the median", k.family, k.variant,
                       k.library, k.fitted_points, 100 * k.hold_out.median);
  }

  void law(KernelFit& fit, const KernelRecord& k, const std::string& key, const std::string& node) {
    const std::string what = what_of(k);
    put(fit.fixed_time, k.fixed_time, key + ".fixed_time", Kind::fitted, node + ".fixed_time", what);
    put(fit.flop_fraction, k.flop_fraction, key + ".flop_fraction", Kind::fitted, node + ".flop_fraction",
        what);
    put(fit.bandwidth_fraction, k.bandwidth_fraction, key + ".bandwidth_fraction", Kind::fitted,
        node + ".bandwidth_fraction", what);
    put(fit.exponent, std::clamp(k.exponent, 1.0, 16.0), key + ".exponent", Kind::fitted, node + ".exponent",
        what);
    fit.residual = {};
    if (over_.at(key)) return;
    fit.residual.name = k.family + ' ' + k.variant;
    fit.residual.is_by_rows = k.family == "gemm";
    fit.residual.intervals = intervals(k.intervals, node, fit.residual.name);
    if (k.residual.values.empty()) return;
    fit.residual.table = std::make_shared<const ResidualTable>(with_logarithms(k.residual));
    fit.residual.origin = origin(Kind::measured, node + ".residual", "residual table of " + what);
  }

  std::string fact(const char* name) const {
    const auto it = p_.facts.find(name);
    return it == p_.facts.end() ? "" : it->second;
  }

  void facts() {
    ProfileFacts& f = cluster_.profile_facts;
    f.device = p_.device;
    f.made = p_.kind + (date_.empty() ? "" : " " + date_);
    if (const std::string driver = fact("driver"); !driver.empty()) f.made += ", driver " + driver;
    if (!p_.source.empty()) f.made += "; " + p_.source;
    const auto model = [&](const auto& m) {
      constexpr std::string_view others[] = {"storage_", "memory_", "copy_"};
      if (std::ranges::any_of(others, [&](std::string_view o) { return m.family.starts_with(o); })) return;
      if (!m.objections.empty()) f.refused.push_back(m.family + ' ' + m.variant);
      else if (std::ranges::find(f.libraries, m.library) == f.libraries.end())
        f.libraries.push_back(m.library);
    };
    std::ranges::for_each(p_.kernels, model);
    std::ranges::for_each(p_.curves, model);
    if (const std::string cut = fact("cut_short"); !cut.empty())
      f.doubts.push_back("its run was cut short " + cut);
    doubt("power_limit", " W", cluster_.device.power.value.value(), "a power limit of ");
    doubt("memory", " B",
          (cluster_.device.hbm.usable.is_known() ? cluster_.device.hbm.usable : cluster_.device.hbm.capacity)
              .value.value(),
          "a memory of ");
  }

  /// More than 3 % between a fact of the measured machine and this description.
  void doubt(const char* name, std::string_view unit, double here, const char* what) {
    const std::string text = fact(name);
    if (!text.ends_with(unit) || !(here > 0)) return;
    const auto there = parse_number(text.substr(0, text.size() - unit.size()));
    if (there && std::abs(*there / here - 1) > 0.03)
      cluster_.profile_facts.doubts.push_back(
          fmt::format("it was measured with {}{}, not {:g}{}", what, text, here, unit));
  }

  std::vector<CalibratedInterval> intervals(const std::vector<IntervalRecord>& records,
                                            const std::string& node, const std::string& model) const {
    std::vector<CalibratedInterval> out;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const IntervalRecord& r = records[i];
      CalibratedInterval one;
      if (!(r.fraction >= 0) || !set_regime(one, r.regime)) continue;
      one.fraction = r.fraction, one.log_sigma = std::log1p(r.fraction) / 1.645;
      one.origin = origin(Kind::measured, fmt::format("{}.intervals.{}.fraction", node, i),
                          fmt::format("90 % interval of {} by {} held-out points{}", model, r.points,
                                      r.pool.empty() ? "" : " (" + r.pool + ")"));
      out.push_back(std::move(one));
    }
    return out;
  }

  /// Products with block scales stand for fp8 where none with one scale was accepted.
  bool is_only_fp8(const KernelRecord& k) const {
    return k.variant == "fp8-block" && std::ranges::none_of(p_.kernels, [](const KernelRecord& o) {
             return o.family == "gemm" && o.variant == "fp8" && o.objections.empty();
           });
  }

  void kernel(const KernelRecord& k, const std::string& node) {
    if (k.family == "gemm") {
      for (const auto& [precision, name] : EnumNames<Precision>::names)
        if (name == k.variant || (name == "fp8" && is_only_fp8(k)))
          law(cluster_.device.achievable.gemm[precision], k, fmt::format("device.achievable.gemm.{}", name),
              node);
      if (constexpr std::string_view scaled = "fp8-"; k.variant.starts_with(scaled)) {
        auto& all = cluster_.device.achievable.fp8_scaled;
        all.push_back({k.variant.substr(scaled.size()), {}});
        law(all.back().fit, k, "device.achievable.gemm.fp8_" + all.back().scales, node);
      }
      if (k.variant.ends_with("-weights")) {
        cluster_.device.achievable.packed.push_back({k.variant, {}});
        law(cluster_.device.achievable.packed.back().fit, k, "device.achievable.packed." + k.variant, node);
      }
    } else if (k.family == "pointwise" && k.variant == "add") {
      law(cluster_.device.achievable.pointwise, k, "device.achievable.pointwise", node);
    } else if (k.family == "pointwise") {
      cluster_.device.achievable.passes.push_back({k.variant, {}});
      law(cluster_.device.achievable.passes.back().fit, k, "device.achievable.passes." + k.variant, node);
    } else if (k.family == "attention_latent" && k.variant == "bf16") {
      law(cluster_.device.achievable.latent.emplace(), k, "device.achievable.latent", node);
    } else if (k.family.starts_with("attention_")) {
      attention(k, node);
    }
  }

  bool is_processor() const { return cluster_.device.kind == DeviceKind::cpu; }

  /// "bf16-d128" or "bf16-d64, engine", "fp32-d64" of a processor; zero for another type.
  std::int64_t head_dim(std::string_view variant) const {
    const std::string_view begin = is_processor() ? "fp32-d" : "bf16-d";
    std::int64_t d = 0;
    if (!variant.starts_with(begin)) return 0;
    std::from_chars(variant.data() + begin.size(), variant.data() + variant.size(), d);
    return d;
  }

  AttentionFits& of_width(std::int64_t d) {
    AttentionFits& usual = cluster_.device.achievable.attention;
    if (d == usual.head_dim) return usual;
    for (AttentionFits& other : usual.other_widths)
      if (other.head_dim == d) return other;
    AttentionFits other = usual;
    other.other_widths.clear();
    other.head_dim = d;
    usual.other_widths.push_back(std::move(other));
    return usual.other_widths.back();
  }

  /// How fast the kernel is on large sizes: what bounds it decides.
  static double rank_of(const KernelRecord& k) {
    if (k.library == "ridge") return 0;
    return k.family == "attention_decode" ? k.bandwidth_fraction : k.flop_fraction;
  }

  /// What a stack runs is the fastest library's kernel; our own prefill is slower than those.
  bool is_better_known(const KernelRecord& k) const {
    // A law of whole tiles in turns is of one kernel, and its FLOPs are not those by definition.
    if (!k.schedule.values.empty()) return false;
    if (k.library == "ridge" && k.family != "attention_decode") return false;
    return std::ranges::none_of(p_.kernels, [&](const KernelRecord& o) {
      return o.family == k.family && head_dim(o.variant) == head_dim(k.variant) && o.objections.empty() &&
             rank_of(o) > rank_of(k);
    });
  }

  void attention(const KernelRecord& k, const std::string& node) {
    const std::int64_t d = head_dim(k.variant);
    if (d <= 0 || !is_better_known(k)) return;
    // A processor's loop is the same at every width: what was measured stands for all.
    if (is_processor()) cluster_.device.achievable.attention.head_dim = d;
    AttentionFits& fits = of_width(d);
    std::string key = "device.achievable.attention";
    if (d != cluster_.device.achievable.attention.head_dim) key += fmt::format(".d{}", d);
    if (k.family == "attention_prefill") law(fits.prefill, k, key + ".prefill", node);
    if (k.family == "attention_backward") law(fits.backward, k, key + ".backward", node);
    if (k.family != "attention_decode") return;
    law(fits.decode, k, key + ".decode", node);
    put(fits.decode_per_head, k.per_unit, key + ".decode_per_head", Kind::fitted, node + ".per_unit",
        what_of(k));
  }

  void curve(const CurveRecord& c, const std::string& node) {
    const auto key = curve_key(c.variant);
    Tier* t = key ? outermost(cluster_, *key) : nullptr;
    if (!t || over_.at("tiers." + t->name)) return;  // the curve is of the link as it was measured
    CollectiveCurve to;
    to.collective = c.family == "sendrecv" ? "send_receive" : c.family;
    to.ranks = key->ranks, to.nodes = key->nodes;
    to.log2_ranks = std::log2(static_cast<double>(key->ranks));
    to.log2_nodes = std::log2(static_cast<double>(key->nodes));
    to.in_graph = key->in_graph;
    to.curve = std::make_shared<const TimeCurve>(curve_of(c));
    to.name = c.family + ' ' + c.variant;
    to.origin = origin(Kind::measured, node + ".times_in_seconds",
                       fmt::format("{} on {} ({}); held-out error {:.1f} % in the median", c.family,
                                   c.variant, c.library, 100 * c.hold_out.median));
    to.intervals = intervals(c.intervals, node, to.name);
    t->curves.push_back(std::move(to));
  }

  /// What a cluster's links carry between two ranks: of the innermost tier, and of that which joins nodes.
  void links() {
    for (std::size_t i = 0; i < p_.tiers.size(); ++i) {
      const TierRecord& r = p_.tiers[i];
      const bool is_network = r.name == "network";
      Tier* t = outermost(cluster_, {.ranks = 2, .nodes = is_network ? 2 : 1});
      if (!t || (is_network && t == &cluster_.tiers.inner_to_outer.front())) continue;
      const std::string key = "tiers." + t->name + ".link", node = fmt::format("tiers.{}", i);
      const std::string what = fmt::format("messages between {} pairs of ranks", r.pairs);
      put(t->link.latency, r.latency, key + ".latency", Kind::measured, node + ".latency", what);
      const BytesPerSecond published = tier_bandwidth(cluster_, *t).value;
      if (!(published > BytesPerSecond{}) || r.bandwidth > published) continue;
      put(t->link.achievable, r.bandwidth / published, key + ".achievable", Kind::measured,
          node + ".bandwidth", what);
      put(t->link.collective.point_to_point_fraction, r.bandwidth / published,
          key + ".collective.point_to_point_fraction", Kind::measured, node + ".bandwidth", what);
    }
  }

  const FigureRecord* figure(std::string_view family, std::string_view variant, std::string& node) const {
    for (std::size_t i = 0; i < p_.figures.size(); ++i)
      if (p_.figures[i].family == family && p_.figures[i].variant == variant) {
        node = fmt::format("figures.{}.time", i);
        return &p_.figures[i];
      }
    return nullptr;
  }

  void figures() {
    LaunchCosts& launch = cluster_.device.achievable.launch;
    std::string node, other;
    copies();
    if (const auto* f = figure("launch", "eager", node))
      put(launch.eager, f->time, "device.achievable.launch.eager", Kind::measured, node, "empty kernels");
    // Empty kernels follow one another faster than different ones do: only where nothing better is known.
    if (const auto* f = figure("launch", "graph_node", node); f && !launch.graph_node.is_known())
      put(launch.graph_node, f->time, "device.achievable.launch.graph_node", Kind::measured, node,
          "empty kernels of a graph");
    const auto *burst = figure("sustained", "bf16 burst", other),
               *sustained = figure("sustained", "bf16 sustained", node);
    std::string tenth_node;
    if (const auto* tenth = figure("sustained", "bf16 tenth", tenth_node);
        burst && tenth && tenth->time >= burst->time)
      put(cluster_.device.achievable.tenth_fraction, burst->time / tenth->time,
          "device.achievable.tenth_fraction", Kind::measured, tenth_node,
          "a bf16 product for a tenth of a second against a short burst of it");
    if (burst && sustained && sustained->time >= burst->time)
      put(cluster_.device.achievable.sustained_fraction, burst->time / sustained->time,
          "device.achievable.sustained_fraction", Kind::measured, node,
          "a bf16 product for seconds against a short burst of it");
  }

  /// One size of copies alone, as nvbandwidth has it: what the links reach.
  void copies() {
    for (std::size_t i = 0; i < p_.figures.size(); ++i) {
      const FigureRecord& f = p_.figures[i];
      const auto comma = f.variant.rfind(", ");
      const auto bytes =
          comma == std::string::npos
              ? std::nullopt
              : std::optional(parse_number(f.variant.substr(comma + 2, f.variant.size() - comma - 4)));
      if (!bytes || !*bytes || !(f.time > Seconds{})) continue;
      Link& link = cluster_.device.host_link;
      const BytesPerSecond rate = Bytes{**bytes} / f.time;
      if (f.family == "copy_host_to_device" && f.variant.starts_with("pinned") &&
          link.bandwidth.value >= rate)
        put(link.achievable, rate / link.bandwidth.value, "device.host_link.achievable", Kind::measured,
            fmt::format("figures.{}.time", i), "copies from the host, " + f.variant);
    }
  }

  const ProfileRecord& p_;
  const ProfileUse& use_;
  Cluster& cluster_;
  const Node& over_;
  Origins* origins_;
  std::string date_;
};

}  // namespace

void apply_profile(const ProfileUse& use, Cluster& cluster, const Node& overrides, Origins* origins) {
  Applier(use, cluster, overrides, origins).run();
}

}  // namespace ridge
