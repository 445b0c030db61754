#pragma once
/// One accelerator: peaks per precision, memory levels, clock and power, and what it achieves.
///
/// Conventions  Peaks are dense (never "with sparsity") and of the whole device, products accumulate
///              in fp32.  Memory bandwidth counts reads plus writes.  Capacities of memory chips are
///              binary: the datasheet's "80 GB" is 80 GiB.
/// Not here     How devices are joined (cluster.h, tier.h), time of a kernel (roofline.h).

#include "hardware/efficiency.h"
#include "hardware/link.h"
#include "hardware/precision.h"

#include <optional>
#include <string>
#include <vector>

namespace ridge {

enum class DeviceKind { gpu, tpu, hpu, npu, soc, cpu };

template <> struct EnumNames<DeviceKind> {
  static constexpr std::pair<DeviceKind, std::string_view> names[] = {
      {DeviceKind::gpu, "gpu"}, {DeviceKind::tpu, "tpu"}, {DeviceKind::hpu, "hpu"},
      {DeviceKind::npu, "npu"}, {DeviceKind::soc, "soc"}, {DeviceKind::cpu, "cpu"},
  };
};

/// One level of the memory hierarchy.  Unknown figures stay unknown (`is_known()`).
struct MemoryLevel {
  std::string type;                   ///< "HBM3", "GDDR6X", "LPDDR5"
  Sourced<Bytes> capacity;            ///< registers, shared_memory: of one multiprocessor
  Sourced<Bytes> usable;              ///< what the driver leaves to programs, where it differs
  Sourced<BytesPerSecond> bandwidth;  ///< of the whole device, peak
  Sourced<Seconds> latency;           ///< of one dependent load
};

struct Device {
  std::string name, vendor, form, generation;
  std::vector<std::string> aliases;
  DeviceKind kind = DeviceKind::gpu;
  PerPrecision<Sourced<FlopPerSecond>> peaks;         ///< matrix units (tensor cores), dense
  PerPrecision<Sourced<FlopPerSecond>> vector_peaks;  ///< ordinary arithmetic units
  std::int64_t multiprocessors = 0;                   ///< SMs, compute units, cores; 0 = unknown
  Sourced<Hertz> boost_clock;
  MemoryLevel registers, shared_memory, l2, hbm;  ///< hbm: device memory, whatever its type
  Sourced<Watts> power;                           ///< thermal design power
  Link host_link;                                 ///< to the host, per device: PCIe, C2C
  std::optional<Tier> interconnect;               ///< what its own ports join it to
  Sourced<UsdPerSecond> price;                    ///< rent per device
  Achievable achievable;
  std::string notes;
};

/// Bytes that programs can allocate: `usable`, else `capacity`.
Bytes memory_capacity(const Device&);

/// How a matrix product asked for in some precision is really executed.
struct Execution {
  Precision precision = Precision::fp32;  ///< after substitution
  bool on_matrix_unit = false;
  FlopPerSecond peak{};
};

/// The rules, in order, first entry that the device has:
///
///   fp64        fp64 matrix, fp64 vector
///   fp32        fp32 matrix, fp32 vector            (tf32 only when asked for: it changes results)
///   tf32        tf32 matrix, fp32 as above
///   bf16        bf16 matrix, bf16 vector, fp32      (Volta, Turing, M1: converted and run in fp32)
///   fp16        fp16 matrix, fp16 vector, bf16 matrix, fp32
///   fp16_acc16  fp16_acc16, else as fp16
///   fp8         fp8 matrix, bf16, fp16, fp32        (weights unpacked to the wider format)
///   fp6, fp4    fp4 -> fp6 -> as fp8
///   int8        int8 matrix, int8 vector, fp16, bf16, fp32
///   int4        int4 matrix, else as int8
///
/// Empty when nothing on the device can execute it: the plan is then infeasible, never guessed.
std::optional<Execution> matrix_execution(const Device&, Precision asked);

/// Rate of pointwise arithmetic in fp32 (norms, activations, softmax); zero when the vendor publishes
/// none, and then such kernels count as bound by memory alone.
FlopPerSecond vector_peak(const Device&);

/// Dotted key of the peak that `e` stands for, below the device: "peaks.bf16", "vector_peaks.fp32".
std::string peak_key(const Execution& e);

template <> struct SchemaOf<MemoryLevel> { static const Schema<MemoryLevel>& get(); };
template <> struct SchemaOf<Device> { static const Schema<Device>& get(); };

}  // namespace ridge
