#include "hardware/library.h"

#include <fmt/format.h>

namespace ridge {
namespace {

class Checker {
 public:
  Checker(const Node& document, Diagnostics& d) : document_(document), diagnostics_(d) {}

  Diagnostic& error(std::string code, std::string message, std::string_view key) {
    return diagnostics_.error(std::move(code), std::move(message), span(key));
  }
  Diagnostic& warning(std::string code, std::string message, std::string_view key) {
    return diagnostics_.warning(std::move(code), std::move(message), span(key));
  }

 private:
  /// Of the nearest thing that was written.
  Span span(std::string_view key) const {
    for (;;) {
      if (const Node* n = document_.at(key)) return n->span;
      const auto dot = key.rfind('.');
      if (dot == std::string_view::npos) return document_.span;
      key = key.substr(0, dot);
    }
  }
  const Node& document_;
  Diagnostics& diagnostics_;
};

void check_memory(const Device& d, Checker& c) {
  if (!d.hbm.capacity.is_known())
    c.error("missing-figure", "the device has no memory capacity", "device.hbm").suggestion =
        "hbm: {capacity: 80 GiB}";
  if (!d.hbm.bandwidth.is_known())
    c.error("missing-figure", "the device has no memory bandwidth", "device.hbm").suggestion =
        "hbm: {bandwidth: 3.35 TB/s}";
  if (d.hbm.usable.value > d.hbm.capacity.value && d.hbm.capacity.is_known())
    c.error("impossible-figure",
            fmt::format("usable memory {} exceeds the capacity {}", format(d.hbm.usable.value),
                        format(d.hbm.capacity.value)),
            "device.hbm.usable");
  if (d.hbm.bandwidth.is_known() && d.host_link.bandwidth.value > d.hbm.bandwidth.value)
    c.warning("doubtful-figure",
              fmt::format("device memory at {} is slower than the host link at {}",
                          format(d.hbm.bandwidth.value), format(d.host_link.bandwidth.value)),
              "device.hbm.bandwidth");
  if (d.l2.bandwidth.is_known() && d.l2.bandwidth.value < d.hbm.bandwidth.value)
    c.warning("doubtful-figure",
              fmt::format("the cache at {} is slower than the memory behind it at {}",
                          format(d.l2.bandwidth.value), format(d.hbm.bandwidth.value)),
              "device.l2.bandwidth");
}

/// Vendors print rates with 2:1 sparsity beside the dense ones; half of each comparison page mixes them.
void check_peaks(const Device& d, Checker& c) {
  bool has_peak = false;
  for (const auto& [p, name] : EnumNames<Precision>::names)
    has_peak |= d.peaks.find(p) || d.vector_peaks.find(p);
  if (!has_peak)
    c.error("missing-figure", "the device has no peak in any precision", "device.peaks").suggestion =
        "peaks: {bf16: 989.4 TFLOP/s}";
  const auto *half = d.peaks.find(Precision::bf16), *eight = d.peaks.find(Precision::fp8);
  if (half && eight && eight->value < half->value)
    c.warning("doubtful-figure", "fp8 is slower than bf16: is one of them a rate with sparsity?",
              "device.peaks.fp8");
}

void check_tier(const Cluster& cluster, std::size_t i, Checker& c) {
  const Tier& tier = cluster.tiers.inner_to_outer[i];
  const std::string key = "tiers." + tier.name;
  if (!tier.link.bandwidth.is_known())
    c.error("missing-figure", fmt::format("the tier '{}' has no bandwidth", tier.name), key + ".link")
        .suggestion = "link: nvlink4";
  if (i == 0) return;
  const Tier& inner = cluster.tiers.inner_to_outer[i - 1];
  if (tier.devices == inner.devices)
    c.error("impossible-tiers",
            fmt::format("the tiers '{}' and '{}' join the same number of devices", inner.name, tier.name),
            key);
  else if (inner.devices > 0 && tier.devices % inner.devices != 0)
    c.error("impossible-tiers",
            fmt::format("'{}' joins {} devices, which is not a multiple of the {} of '{}'", tier.name,
                        tier.devices, inner.devices, inner.name),
            key);
}

void check_names(const Cluster& cluster, Checker& c) {
  for (const Tier& t : cluster.tiers.inner_to_outer)
    if (t.name.empty() || t.name.find('.') != std::string::npos)
      c.error("bad-name", fmt::format("'{}' cannot name a tier: names have no dots", t.name), "tiers");
}

}  // namespace

void check_cluster(const Cluster& cluster, const Node& expanded, Diagnostics& diagnostics) {
  Checker c(expanded, diagnostics);
  if (!expanded.is_map() || !expanded.find("device") || diagnostics.has_errors()) return;
  check_memory(cluster.device, c);
  check_peaks(cluster.device, c);
  check_names(cluster, c);
  for (std::size_t i = 0; i < cluster.tiers.inner_to_outer.size(); ++i) check_tier(cluster, i, c);
}

}  // namespace ridge
