#include "hardware/summary.h"

namespace ridge {
namespace {

class Collector {
 public:
  Collector(HardwareSummary& out, const Origins* origins) : out_(out), origins_(origins) {}

  std::string section;

  template <class Q> void add(const std::string& key, std::string label, const Sourced<Q>& s) {
    if (!s.is_known()) return;
    SummaryRow row{section, "hardware." + key, std::move(label), 0, {}, {s.kind, {}, s.citation, s.date}};
    if constexpr (std::is_same_v<Q, double>) row.value = s.value;
    else row.value = s.value.value(), row.dim = Q::dim;
    if (origins_)
      if (const auto it = origins_->find(row.key); it != origins_->end()) row.origin = it->second;
    out_.rows.push_back(std::move(row));
  }

  template <class T>
  void add_peaks(const std::string& key, const std::string& label, const PerPrecision<T>& table) {
    for (const auto& [p, name] : EnumNames<Precision>::names)
      if (const T* peak = table.find(p)) add(key + '.' + std::string(name), std::string(name) + label, *peak);
  }

  void add_level(const std::string& key, const std::string& label, const MemoryLevel& level) {
    const std::string what = level.type.empty() ? label : label + " (" + level.type + ")";
    add(key + ".capacity", what + " capacity", level.capacity);
    add(key + ".usable", what + " left to programs", level.usable);
    add(key + ".bandwidth", what + " bandwidth", level.bandwidth);
    add(key + ".latency", what + " latency", level.latency);
  }

  void add_link(const std::string& key, const std::string& label, const Link& link) {
    const std::string what = link.name.empty() ? label : label + " (" + link.name + ")";
    add(key + ".bandwidth", what + " bandwidth, one direction", link.bandwidth);
    add(key + ".latency", what + " latency", link.latency);
    add(key + ".achievable", what + " achievable", link.achievable);
    add(key + ".collective.ring_fraction", what + " ring all-reduce", link.collective.ring_fraction);
    add(key + ".collective.nvls_fraction", what + " NVLS all-reduce", link.collective.nvls_fraction);
  }

  void add_fit(const std::string& key, const std::string& label, const KernelFit& fit) {
    add(key + ".flop_fraction", label + " of peak", fit.flop_fraction);
    add(key + ".bandwidth_fraction", label + " of bandwidth", fit.bandwidth_fraction);
    add(key + ".fixed_time", label + " fixed time", fit.fixed_time);
  }

 private:
  HardwareSummary& out_;
  const Origins* origins_;
};

void collect_device(Collector& c, const Device& d) {
  c.section = "compute";
  c.add_peaks("device.peaks", " matrix, dense", d.peaks);
  c.add_peaks("device.vector_peaks", " vector", d.vector_peaks);
  c.add("device.boost_clock", "boost clock", d.boost_clock);
  c.add("device.power", "power", d.power);
  c.section = "memory";
  c.add_level("device.registers", "registers per multiprocessor", d.registers);
  c.add_level("device.shared_memory", "shared memory per multiprocessor", d.shared_memory);
  c.add_level("device.l2", "L2 cache", d.l2);
  c.add_level("device.hbm", "memory", d.hbm);
}

void collect_achievable(Collector& c, const Achievable& a) {
  c.section = "achievable";
  for (const auto& [p, name] : EnumNames<Precision>::names)
    if (const KernelFit* fit = a.gemm.find(p))
      c.add_fit("device.achievable.gemm." + std::string(name), std::string(name) + " products", *fit);
  c.add_fit("device.achievable.attention.prefill", "attention prefill", a.attention.prefill);
  c.add_fit("device.achievable.attention.backward", "attention backward", a.attention.backward);
  c.add_fit("device.achievable.attention.decode", "attention decode", a.attention.decode);
  c.add("device.achievable.attention.decode_per_head", "attention decode per head",
        a.attention.decode_per_head);
  c.add_fit("device.achievable.pointwise", "pointwise", a.pointwise);
  c.add("device.achievable.launch.eager", "eager launch", a.launch.eager);
  c.add("device.achievable.launch.graph_node", "graph node", a.launch.graph_node);
  c.add("device.achievable.sustained_fraction", "sustained clock", a.sustained_fraction);
}

void collect_node(Collector& c, const Cluster& cluster) {
  const ComputeNode& n = cluster.node;
  c.section = "node";
  c.add_level("node.host.memory", "host memory", n.host.memory);
  c.add("node.storage.capacity", "drive capacity", n.storage.capacity);
  c.add("node.storage.read_bandwidth", "drive read", n.storage.read_bandwidth);
  c.add("node.storage.write_bandwidth", "drive write", n.storage.write_bandwidth);
  c.add("node.power", "node power", n.power);
  const bool own = cluster.price.is_known();
  c.add(own ? "price" : "device.price", "price per device", own ? cluster.price : cluster.device.price);
}

}  // namespace

HardwareSummary summarize(const Cluster& cluster, const Origins* origins) {
  HardwareSummary out;
  out.name = cluster.name.empty() ? cluster.device.name : cluster.name;
  Collector c(out, origins);
  collect_device(c, cluster.device);
  c.section = "links";
  c.add_link("device.host_link", "host link", cluster.device.host_link);
  for (const Tier& t : cluster.tiers.inner_to_outer) c.add_link("tiers." + t.name + ".link", t.name, t.link);
  collect_node(c, cluster);
  collect_achievable(c, cluster.device.achievable);
  out.ridges = ridge_points(cluster);
  return out;
}

}  // namespace ridge
