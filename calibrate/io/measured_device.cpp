#include "calibrate/io/measured_device.h"

#include "base/quantity_text.h"
#include "base/yaml/read_document.h"
#include "hardware/profile.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace ridge {
namespace {

double number(const RunFacts& facts, std::string_view key) {
  const auto it = facts.find(key);
  double x = 0;
  if (it != facts.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), x);
  return x;
}

/// Three digits and a customary prefix: what a person reads and edits; the profile keeps every digit.
template <Dim D> Node readable(Quantity<D> q) { return Node::scalar(format(q)); }
Node readable(double x) { return Node::scalar(fmt::format("{:.4g}", x)); }

bool is_memory_pass(const Measurement& m) {
  return m.family == "memory_read" || m.family == "memory_write" || m.family == "memory_copy" ||
         m.family == "memory_triad";
}

/// Operands of these are taken from memory proper, because the probe rotates them.
bool is_cold(const Measurement& m) {
  return m.family == "pointwise" || m.family == "attention_decode" || m.family == "gemm";
}

void take_rates(MeasuredDevice& d, const Measurement& m) {
  if (m.family == "peak") {
    FlopPerSecond& peak = d.peaks[m.variant];
    peak = std::max(peak, Flop{m.size("flops")} / m.time);
    return;
  }
  const auto work = work_of(m);
  if (m.family == "gemm" && work) {
    FlopPerSecond& peak = d.peaks[peak_precision(m.variant)];
    peak = std::max(peak, work->flops / m.time);
  }
  const Bytes bytes{m.size("bytes")};
  const bool is_beyond = is_memory_pass(m) && bytes >= 2.0 * d.cache;
  if (is_beyond) d.bandwidth = std::max(d.bandwidth, bytes / m.time);
  if (is_cold(m) && work && work->bytes >= Bytes{1e6})
    d.bandwidth = std::max(d.bandwidth, work->bytes / m.time);
  if (m.family == "memory_read" && bytes <= 0.5 * d.cache && bytes > 0.2 * d.cache)
    d.cache_bandwidth = std::max(d.cache_bandwidth, bytes / m.time);
}

/// Latency in the working set closest to `wanted`.
Seconds latency_at(const Measurements& points, Bytes wanted) {
  const Measurement* best = nullptr;
  const auto off = [&](const Measurement& m) { return std::abs(std::log(m.size("bytes") / wanted.value())); };
  for (const Measurement& m : points)
    if (m.family == "memory_latency" && m.size("bytes") > 0 && (!best || off(m) < off(*best))) best = &m;
  return best ? best->time : Seconds{};
}

class PresetWriter {
 public:
  PresetWriter(const std::string& citation, const std::string& date) {
    Node source = Node::map();
    Node text = Node::scalar(citation);
    text.quoted = true;
    source.entries.push_back({"citation", {}, std::move(text)});
    source.entries.push_back({"date", {}, Node::scalar(date)});
    source_ = std::move(source);
  }
  void plain(std::string_view key, std::string text) { top("device." + std::string(key), std::move(text)); }
  void top(std::string_view key, std::string text) { set(root_, key, Node::scalar(std::move(text)), {}); }
  template <class T> void figure(std::string_view key, const T& value, const char* kind) {
    top_figure("device." + std::string(key), value, kind);
  }
  template <class T> void top_figure(std::string_view key, const T& value, const char* kind) {
    Node n;
    n.kind = Node::Kind::sequence;
    n.items = {readable(value), Node::scalar(kind), Node::scalar("calibration")};
    set(root_, key, std::move(n), {});
  }
  void law(const std::string& key, const KernelModel& m, bool has_flops) {
    figure(key + ".fixed_time", m.law.fixed_time, "fitted");
    if (has_flops) figure(key + ".flop_fraction", m.law.flop_fraction, "fitted");
    figure(key + ".bandwidth_fraction", m.law.bandwidth_fraction, "fitted");
    if (has_flops) figure(key + ".exponent", std::clamp(m.law.exponent, 1.0, 16.0), "fitted");
  }
  std::string text() {
    set(root_, "sources.calibration", source_, {});
    return write_yaml(root_);
  }

 private:
  Node root_ = Node::map(), source_;
};

void write_models(PresetWriter& w, const Models& models) {
  for (const KernelModel& m : models.kernels) {
    if (!m.objections.empty()) continue;
    if (m.family == "gemm") w.law("achievable.gemm." + m.variant, m, true);
    if (m.family == "attention_decode") {
      w.law("achievable.attention.decode", m, false);
      w.figure("achievable.attention.decode_per_head", m.law.per_unit, "fitted");
    }
    if (m.family == "pointwise" && m.variant == "add") w.law("achievable.pointwise", m, false);
  }
  for (const MeasuredFigure& f : models.figures)
    if (f.family == "launch" && f.variant == "eager") w.figure("achievable.launch.eager", f.time, "measured");
}

/// Ranks of the fullest node.
std::int64_t ranks_per_node(const ClusterFindings& c) {
  std::map<std::string, std::int64_t> ranks;
  std::int64_t most = 1;
  for (const RankSpeed& r : c.ranks) most = std::max(most, ++ranks[r.node]);
  return most;
}

void write_links(PresetWriter& w, const ClusterFindings& c) {
  const std::int64_t local = ranks_per_node(c);
  w.top("node.devices", fmt::format("{}", local));
  for (const LinkTier& t : c.tiers) {
    const bool is_node = t.name == "node";
    const std::string key = "tiers." + t.name;
    if (is_node) w.top(key + ".devices", fmt::format("{}", local));
    w.top(key + ".topology", "switched");
    w.top(key + ".link.name", is_node ? "between ranks of a node" : "between ranks of two nodes");
    w.top(key + ".link.kind", is_node ? "shared_memory" : "ethernet");
    w.top_figure(key + ".link.bandwidth", t.bandwidth, "measured");
    w.top_figure(key + ".link.latency", t.latency, "measured");
  }
}

}  // namespace

MachineLimits MeasuredDevice::limits() const {
  return {[peaks = peaks](std::string_view variant) {
            const auto it = peaks.find(peak_precision(variant));
            return it == peaks.end() ? FlopPerSecond{} : it->second;
          },
          bandwidth};
}

std::optional<MeasuredDevice> measured_device(const MeasuredRun& run) {
  const auto kind = run.facts.find("kind");
  if (kind == run.facts.end() || kind->second != "cpu") return std::nullopt;
  MeasuredDevice d;
  if (const auto name = run.facts.find("device"); name != run.facts.end()) d.name = name->second;
  d.cores = static_cast<std::int64_t>(number(run.facts, "cores"));
  d.memory = Bytes{number(run.facts, "memory")};
  d.cache = Bytes{number(run.facts, "last_level_cache")};
  if (!(d.cache > Bytes{})) d.cache = Bytes{32.0 * 1024 * 1024};
  Bytes largest;
  for (const Measurement& m : run.points) {
    if (!m.is_held_out) take_rates(d, m);
    if (m.family == "memory_latency") largest = std::max(largest, Bytes{m.size("bytes")});
  }
  if (largest > d.cache) d.latency = latency_at(run.points, largest);
  d.cache_latency = latency_at(run.points, 0.5 * d.cache);
  return d;
}

Measurements without_limits(const Measurements& all) {
  Measurements out;
  for (const Measurement& m : all)
    if (m.family != "peak") out.push_back(m);
  return out;
}

std::string processor_preset(const MeasuredDevice& d, const Profile& p, const std::string& path,
                             const std::string& citation, const std::string& date) {
  const bool has_links = !p.cluster.tiers.empty();
  PresetWriter w(citation, date);
  w.top("name", fmt::format("{}{}, calibrated",
                            has_links ? fmt::format("{} ranks of ", p.cluster.ranks.size()) : "", d.name));
  if (!path.empty()) w.top("profile", path);
  w.plain("extends", "cpu");
  w.plain("name", d.name + ", calibrated");
  w.plain("kind", "cpu");
  for (const auto& [precision, peak] : d.peaks) w.figure("vector_peaks." + precision, peak, "measured");
  if (d.cores > 0) w.plain("multiprocessors", fmt::format("{}", d.cores));
  w.figure("l2.capacity", d.cache, "measured");
  if (d.cache_bandwidth > d.bandwidth) w.figure("l2.bandwidth", d.cache_bandwidth, "measured");
  if (d.cache_latency > Seconds{}) w.figure("l2.latency", d.cache_latency, "measured");
  w.plain("hbm.type", "main memory");
  w.figure("hbm.capacity", d.memory / static_cast<double>(ranks_per_node(p.cluster)), "measured");
  w.figure("hbm.bandwidth", d.bandwidth, "measured");
  if (d.latency > Seconds{}) w.figure("hbm.latency", d.latency, "measured");
  write_models(w, p.models);
  if (has_links) write_links(w, p.cluster);
  return w.text();
}

}  // namespace ridge
