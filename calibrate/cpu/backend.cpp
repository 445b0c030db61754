#include "calibrate/cpu/backend.h"

#include "base/quantity_text.h"
#include "calibrate/cpu/context.h"
#include "calibrate/measure/storage.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge::cpu {
namespace {

struct Entry {
  ProbeInfo info;
  void (*run)(Context&);
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all{
      {{"dispatch", "waking all cores for one piece of work", Seconds{0.2}, Seconds{0.1}}, probe_dispatch},
      {{"peak", "multiply-adds in registers, fp32 and fp64", Seconds{0.5}, Seconds{0.2}}, probe_peak},
      {{"memory", "read, write, copy, triad by working set, one core and all", Seconds{25}, Seconds{2}},
       probe_memory},
      {{"latency", "chains of dependent loads by working set", Seconds{8}, Seconds{1}}, probe_latency},
      {{"passes", "norm, gated activation, addition, softmax", Seconds{10}, Seconds{1}}, probe_passes},
      {{"decode", "attention of one token over a cache", Seconds{12}, Seconds{2}}, probe_decode},
      {{"exchanges", "collectives between cores through memory", Seconds{15}, Seconds{2}}, probe_exchanges},
      {{"storage", "reads and writes of the drive by size and depth", Seconds{11}, Seconds{3}},
       [](Context& c) { probe_storage(c.runner()); }},
      {{"products", "BLAS in fp32, in full mode fp64 too", Seconds{90}, Seconds{5}}, probe_products},
  };
  return all;
}

std::span<const ProbeInfo> probes() {
  static const std::vector<ProbeInfo> infos = [] {
    std::vector<ProbeInfo> out;
    for (const Entry& e : entries()) out.push_back(e.info);
    return out;
  }();
  return infos;
}

DeviceCount count() { return {1, {}}; }

DeviceFacts facts(const ProbeSettings& settings) {
  const HostFacts host = host_facts();
  const int cores = cores_used(host, settings);
  DeviceFacts f;
  f["device"] = fmt::format("{}, {} {}", host.name, cores, cores == 1 ? "core" : "cores");
  f["kind"] = "cpu";
  f["cores"] = fmt::format("{}", cores);
  f["memory"] = fmt::format("{:.0f} B", host.memory.value());
  if (host.l1 > Bytes{}) f["l1"] = fmt::format("{:.0f} B", host.l1.value());
  if (host.l2 > Bytes{}) f["l2"] = fmt::format("{:.0f} B", host.l2.value());
  if (host.last_level > Bytes{}) f["last_level_cache"] = fmt::format("{:.0f} B", host.last_level.value());
  f["vectors"] = best_kernels().name;
  f["blas"] = blas_text();
  return f;
}

bool run(const ProbeSettings& settings, const ProbeReport& report) {
  Context c(settings, report);
  c.runner().run_all([&](const std::string& name) {
    std::ranges::find(entries(), name, [](const Entry& e) { return e.info.name; })->run(c);
  });
  if (settings.only.empty()) report.skipped("products in bf16 and int8: the BLAS interface has none");
  return true;
}

}  // namespace

Backend backend() { return {"cpu", count, facts, probes, run}; }

}  // namespace ridge::cpu
