#include "calibrate/cuda/context.h"
#include "calibrate/measure/storage.h"

#include <algorithm>

namespace ridge::cuda {
namespace {

struct Entry {
  ProbeInfo info;
  void (*run)(ProbeContext&);
  bool has_points = false;  ///< that can be looked at again
};

#ifdef RIDGE_HAVE_CUPTI
void probe_counters(ProbeContext&);
#endif

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all{
      {{"launch", "launches, graph nodes, round trips", Seconds{1}, Seconds{1}}, probe_launch},
      {{"memory", "streams, levels and latency by working set", Seconds{6}, Seconds{6}}, probe_memory, true},
      {{"near", "registers, shared memory, L1", Seconds{4}, Seconds{1}}, probe_near},
      {{"tensor", "matrix units by mma.sync and wgmma, five types", Seconds{2}, Seconds{1}},
       probe_tensor_rates},
      {{"products", "cuBLASLt in bf16, fp8, fp16, tf32", Seconds{46}, Seconds{10}}, probe_products, true},
      {{"row-scales", "cuBLASLt in fp8 with a scale for each row", Seconds{15}, Seconds{3}},
       probe_row_scales,
       true},
      {{"weights", "our products with weights of 8 and 4 bits", Seconds{9}, Seconds{2}}, probe_weights, true},
      {{"prefill", "our flash attention, head sizes 64 to 256", Seconds{12}, Seconds{3}},
       probe_prefill,
       true},
      {{"decode", "our split-key attention", Seconds{7}, Seconds{3}}, probe_decode, true},
      {{"latent", "our attention over a compressed cache", Seconds{3}, Seconds{1}}, probe_latent, true},
      {{"cudnn", "cuDNN's attention, forward and backward", Seconds{20}, Seconds{4}},
       probe_library_attention,
       true},
      {{"cudnn-decode", "cuDNN's attention of one query", Seconds{10}, Seconds{4}, true},
       probe_library_decode,
       true},
      {{"pointwise", "norm, gated activation, addition, softmax", Seconds{4}, Seconds{2}},
       probe_pointwise,
       true},
      {{"training", "layer norm, backward passes, AdamW", Seconds{7}, Seconds{3}}, probe_training, true},
      {{"host-copies", "pinned and pageable copies both ways", Seconds{10}, Seconds{2}}, probe_host_copies},
      {{"storage", "reads and writes of the drive by size and depth", Seconds{11}, Seconds{3}},
       [](ProbeContext& c) { probe_storage(c.runner()); }},
      {{"sustained", "products under seconds of load", Seconds{6}, Seconds{4}}, probe_sustained},
      {{"peers", "copies between devices, our own all-reduce", Seconds{15}, Seconds{4}}, probe_peers},
#ifdef RIDGE_HAVE_NCCL
      {{"collectives", "NCCL over 2, 3, ... devices of this node", Seconds{60}, Seconds{20}},
       probe_collectives},
#endif
#ifdef RIDGE_HAVE_CUPTI
      {{"counters", "kernels' names and own times, FLOPs and bytes counted", Seconds{28}, Seconds{8}, false,
        true},
       probe_counters},
#endif
  };
  return all;
}

std::string version_text(int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); }

/// The management library's few functions that tell what the runtime does not, by their C prototypes.  It counts all
/// devices, the runtime those that CUDA_VISIBLE_DEVICES leaves, in its order: the place on the bus tells which.
void add_management_facts(DeviceFacts& facts, int index) {
  using Device = struct nvmlDevice_st*;
  int (*init)() = nullptr;
  int (*driver)(char*, unsigned) = nullptr;
  int (*handle)(const char*, Device*) = nullptr;
  int (*power_limit)(Device, unsigned*) = nullptr;
  try {
    const SharedLibrary nvml{"libnvidia-ml.so.1"};
    nvml.get(init, "nvmlInit_v2");
    nvml.get(driver, "nvmlSystemGetDriverVersion");
    nvml.get(handle, "nvmlDeviceGetHandleByPciBusId_v2");
    nvml.get(power_limit, "nvmlDeviceGetPowerManagementLimit");
    char text[96] = "";
    unsigned milliwatts = 0;
    Device device = nullptr;
    if (init() != 0) return;
    if (driver(text, sizeof text) == 0) facts["driver"] = text;
    char place[32] = "";
    check(cudaDeviceGetPCIBusId(place, sizeof place, index), "the device's place");
    if (handle(place, &device) == 0 && power_limit(device, &milliwatts) == 0)
      facts["power_limit"] = std::to_string(milliwatts / 1000) + " W";
  } catch (const ProbeError&) { facts.try_emplace("driver", "unknown: no management library"); }
}

void run_entry(const Entry& e, ProbeContext& c) {
  if (c.is_lost()) return;
  if (c.is_out_of_time()) return c.report().skipped(e.info.name + ": the time was over");
  try {
    e.run(c);
  } catch (const ProbeError& error) {
    c.report().skipped(e.info.name + ": " + error.what());
    c.recover();
  }
}

#ifdef RIDGE_HAVE_CUPTI
bool is_wanted(const ProbeSettings& s, const ProbeInfo& p) {
  return s.only.empty() ? !p.is_extra : std::ranges::find(s.only, p.name) != s.only.end();
}

/// The points of the probes that ran; all there are when none was asked for.
void probe_counters(ProbeContext& c) {
  ProbeSettings s = c.settings();
  std::erase(s.only, "counters");
  observe(c, [&] {
    for (const Entry& e : entries())
      if (e.has_points && is_wanted(s, e.info)) run_entry(e, c);
  });
}
#endif

}  // namespace

std::span<const ProbeInfo> probes() {
  static const std::vector<ProbeInfo> infos = [] {
    std::vector<ProbeInfo> out;
    for (const Entry& e : entries()) out.push_back(e.info);
    return out;
  }();
  return infos;
}

DeviceCount count_devices() {
  DeviceCount c;
  const cudaError_t e = cudaGetDeviceCount(&c.devices);
  if (e != cudaSuccess) return {0, cudaGetErrorString(e)};
  if (c.devices == 0) c.why_none = "the driver shows no device";
  return c;
}

DeviceFacts device_facts(const ProbeSettings& settings) {
  DeviceFacts facts;
  cudaDeviceProp p{};
  if (cudaGetDeviceProperties(&p, settings.device) != cudaSuccess) return facts;
  int clock = 0, runtime = 0, driver = 0;
  cudaDeviceGetAttribute(&clock, cudaDevAttrClockRate, settings.device);
  cudaRuntimeGetVersion(&runtime);
  cudaDriverGetVersion(&driver);
  facts["device"] = p.name;
  facts["devices"] = std::to_string(count_devices().devices);
  facts["multiprocessors"] = std::to_string(p.multiProcessorCount);
  facts["compute_capability"] = std::to_string(p.major) + "." + std::to_string(p.minor);
  facts["memory"] = std::to_string(p.totalGlobalMem) + " B";
  facts["l2"] = std::to_string(p.l2CacheSize) + " B";
  facts["highest_clock"] = std::to_string(clock / 1000) + " MHz";
  facts["cuda_runtime"] = version_text(runtime);
  facts["cuda_driver_api"] = version_text(driver);
  add_management_facts(facts, settings.device);
  return facts;
}

bool run_probes(const ProbeSettings& settings, const ProbeReport& report) {
  const DeviceCount count = count_devices();
  if (count.devices == 0) {
    report.skipped("every probe: " + count.why_none);
    return false;
  }
  try {
    check(cudaSetDevice(settings.device), "device");
    ProbeContext c(settings, report);
    c.runner().run_all([&](const std::string& name) {
      run_entry(*std::ranges::find(entries(), name, [](const Entry& x) { return x.info.name; }), c);
    });
    if (c.is_lost()) return false;
  } catch (const ProbeError& error) {
    report.skipped(std::string("every probe: ") + error.what());
    return false;
  }
  return true;
}

Backend backend() { return {"cuda", count_devices, device_facts, probes, run_probes}; }

}  // namespace ridge::cuda
