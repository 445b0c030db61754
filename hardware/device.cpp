#include "hardware/device.h"

#include <span>

namespace ridge {
namespace {

struct Candidate {
  Precision precision;
  bool on_matrix_unit;
};
constexpr bool matrix = true, vector = false;
using enum Precision;

constexpr Candidate fp64_rule[] = {{fp64, matrix}, {fp64, vector}};
constexpr Candidate fp32_rule[] = {{fp32, matrix}, {fp32, vector}};
constexpr Candidate tf32_rule[] = {{tf32, matrix}, {fp32, matrix}, {fp32, vector}};
constexpr Candidate bf16_rule[] = {{bf16, matrix}, {bf16, vector}, {fp32, matrix}, {fp32, vector}};
constexpr Candidate fp16_rule[] = {
    {fp16, matrix}, {fp16, vector}, {bf16, matrix}, {fp32, matrix}, {fp32, vector}};
constexpr Candidate fp16_acc16_rule[] = {{fp16_acc16, matrix}, {fp16, matrix}, {fp16, vector},
                                         {bf16, matrix},       {fp32, matrix}, {fp32, vector}};
constexpr Candidate fp4_rule[] = {{fp4, matrix},  {fp6, matrix},  {fp8, matrix},  {bf16, matrix},
                                  {fp16, matrix}, {fp16, vector}, {fp32, matrix}, {fp32, vector}};
constexpr Candidate int4_rule[] = {{int4, matrix}, {int8, matrix}, {int8, vector}, {fp16, matrix},
                                   {bf16, matrix}, {fp16, vector}, {fp32, matrix}, {fp32, vector}};

std::span<const Candidate> rule(Precision asked) {
  switch (asked) {
    case fp64: return fp64_rule;
    case fp32: return fp32_rule;
    case tf32: return tf32_rule;
    case bf16: return bf16_rule;
    case fp16: return fp16_rule;
    case fp16_acc16: return fp16_acc16_rule;
    case fp4: return fp4_rule;
    case fp6: return std::span(fp4_rule).subspan(1);
    case fp8: return std::span(fp4_rule).subspan(2);
    case int4: return int4_rule;
    case int8: return std::span(int4_rule).subspan(1);
  }
  return {};
}

}  // namespace

Bytes memory_capacity(const Device& d) {
  return d.hbm.usable.is_known() ? d.hbm.usable.value : d.hbm.capacity.value;
}

std::optional<Execution> matrix_execution(const Device& device, Precision asked) {
  for (const auto& [precision, on_matrix_unit] : rule(asked)) {
    const auto* peak = (on_matrix_unit ? device.peaks : device.vector_peaks).find(precision);
    if (peak && peak->value > FlopPerSecond{}) return Execution{precision, on_matrix_unit, peak->value};
  }
  return std::nullopt;
}

FlopPerSecond vector_peak(const Device& device) {
  const auto* peak = device.vector_peaks.find(fp32);
  return peak ? peak->value : FlopPerSecond{};
}

std::string peak_key(const Execution& e) {
  return (e.on_matrix_unit ? "peaks." : "vector_peaks.") + std::string(enum_name(e.precision));
}

const Schema<MemoryLevel>& SchemaOf<MemoryLevel>::get() {
  static const Schema<MemoryLevel> s{
      "memory level",
      "One level of the memory hierarchy",
      {
          field("type", &MemoryLevel::type, "HBM3, GDDR6X, LPDDR5 ..."),
          field("capacity", &MemoryLevel::capacity,
                "size; registers and shared memory: of one multiprocessor")
              .range(1, 1e18),
          field("usable", &MemoryLevel::usable, "what the driver leaves to programs").range(1, 1e18),
          field("bandwidth", &MemoryLevel::bandwidth, "peak, reads plus writes, whole device")
              .range(1e3, 1e17),
          field("latency", &MemoryLevel::latency, "of one dependent load").range(0, 1),
      }};
  return s;
}

const Schema<Device>& SchemaOf<Device>::get() {
  static const Schema<Device> s{
      "device",
      "One accelerator",
      {
          field("name", &Device::name, "as its vendor calls it"),
          field("aliases", &Device::aliases, "other names of the preset"),
          field("vendor", &Device::vendor, "who makes it"),
          field("form", &Device::form, "SXM5, PCIe, OAM ..."),
          field("generation", &Device::generation, "architecture: Hopper, CDNA3 ..."),
          field("kind", &Device::kind, "what it is"),
          field("peaks", &Device::peaks, "dense peaks of the matrix units").range(1, 1e20),
          field("vector_peaks", &Device::vector_peaks, "peaks of the ordinary arithmetic units")
              .range(1, 1e20),
          field("multiprocessors", &Device::multiprocessors, "SMs, compute units or cores").range(0, 1e6),
          field("boost_clock", &Device::boost_clock, "clock the peaks are for").range(1e6, 1e11),
          field("registers", &Device::registers, "register file"),
          field("shared_memory", &Device::shared_memory, "shared memory and L1"),
          field("l2", &Device::l2, "last cache on the device"),
          field("hbm", &Device::hbm, "device memory").alias("memory"),
          field("power", &Device::power, "thermal design power").range(0.1, 1e5),
          field("host_link", &Device::host_link, "to the host, per device"),
          field("interconnect", &Device::interconnect, "what its own ports join it to"),
          field("price", &Device::price, "rent per device").range(0, 1e3),
          field("achievable", &Device::achievable, "what kernels reach"),
          field("notes", &Device::notes, "free text"),
      }};
  return s;
}

}  // namespace ridge
