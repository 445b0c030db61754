#pragma once
/// How fast a kernel can run: the roofline, its rounded form, and where its corners lie.
///
/// Ridge point  I* = P / W [FLOP/B]: kernels that do fewer FLOPs per byte are bound by that memory.
///              H100 SXM: 989.4e12 / 3.35e12 = 295.3 FLOP/B in bf16 from HBM.
/// Source       Williams, Waterman, Patterson 2009, "Roofline", CACM 52(4).

#include "hardware/cluster.h"

#include <span>
#include <string>
#include <vector>

namespace ridge {

inline constexpr std::string_view roofline_source = "Williams, Waterman, Patterson 2009, CACM 52(4)";
inline constexpr Formula roofline_time_formula{"hardware.roofline.time", "time no kernel beats",
                                               "max(F / P, B / W)", roofline_source};
inline constexpr Formula compute_time_formula{"hardware.roofline.compute_time", "time no kernel beats",
                                              "F / P", roofline_source, "no bytes are moved"};
inline constexpr Formula memory_time_formula{"hardware.roofline.memory_time", "time no kernel beats", "B / W",
                                             roofline_source, "no FLOPs are executed"};

/// max(F / P, B / W): the bound no kernel beats.
/// Explain  hardware.roofline.time     Pre  P > 0 when F > 0, W > 0 when B > 0
Traced<Seconds> roofline_time(Traced<Flop> flops, Traced<Bytes> bytes, Traced<FlopPerSecond> peak,
                              Traced<BytesPerSecond> bandwidth, Explain* ex = nullptr);

/// Plain constants of the achievable law, copied out of a `KernelFit` for evaluation.
struct KernelConstants {
  Traced<Seconds> fixed_time;
  Traced<double> flop_fraction{1.0, 0}, bandwidth_fraction{1.0, 0}, exponent{16.0, 0};
  const CalibratedTable* residual =
      nullptr;  ///< of the profile's fit they came from, which must outlive them
};
/// `key` is the fit's dotted path ("hardware.device.achievable.gemm.bf16"); unknown figures become
/// t0 = 0, fractions 1, q = 16 (the textbook roofline), recorded as assumptions.
KernelConstants kernel_constants(const KernelFit&, std::string_view key, Explain* ex = nullptr);

inline constexpr std::string_view kernel_source =
    "4-parameter fit of measured products; see hardware/efficiency.h";
inline constexpr Formula kernel_time_compute_formula{
    "hardware.kernel.time", "time of a kernel bound by arithmetic",
    "t0 + F/(eP*P) * (1 + ((B/(eB*W)) / (F/(eP*P)))^q)^(1/q)", kernel_source};
inline constexpr Formula kernel_time_memory_formula{
    "hardware.kernel.time", "time of a kernel bound by memory",
    "t0 + B/(eB*W) * (1 + ((F/(eP*P)) / (B/(eB*W)))^q)^(1/q)", kernel_source};
inline constexpr Formula streaming_time_formula{"hardware.kernel.streaming_time",
                                                "time of a kernel that only moves bytes", "t0 + B / (eB*W)",
                                                kernel_source};
inline constexpr Formula arithmetic_time_formula{"hardware.kernel.arithmetic_time",
                                                 "time of a kernel that only computes", "t0 + F / (eP*P)",
                                                 kernel_source};

/// t0 + ((F/(eP·P))^q + (B/(eB·W))^q)^(1/q)
/// computed with the longer term taken out of the root, so that nothing underflows.
/// Explain  hardware.kernel.*     Monotone in F and B; at least the roofline of the scaled peaks.
Traced<Seconds> kernel_time(Traced<Flop> flops, Traced<Bytes> bytes, Traced<FlopPerSecond> peak,
                            Traced<BytesPerSecond> bandwidth, const KernelConstants&, Explain* ex = nullptr);

inline constexpr Formula calibrated_time_formula{
    "hardware.kernel.calibrated", "time of a kernel, the law times what calibration found beside it", "t * r",
    "residual table of a profile: hardware/residual_table.h"};

/// A law's time times exp(R(at)) of the constants' residual table; the law's time where there is none.
/// `at` are positive sizes, one for each of the table's axes.
/// Explain  hardware.kernel.calibrated, over an input that names the profile and its line
Traced<Seconds> calibrated_time(Traced<Seconds> law, const KernelConstants&, std::span<const double> at,
                                Explain* ex = nullptr);

/// Who answered calibrated_time() at these sizes with `t`; without sizes: the law alone.
Answer answer_at(const KernelConstants&, std::span<const double> at, Seconds t);
/// The same where no table holds such a kernel.  `rows` of a product, else 0.
Answer answer_of_law(const KernelConstants&, double rows, Seconds t);

/// min(P, I·W): the rate a kernel of intensity I can reach.
FlopPerSecond attainable(FlopPerByte intensity, FlopPerSecond peak, BytesPerSecond bandwidth);

/// P / W.
FlopPerByte ridge_point(FlopPerSecond peak, BytesPerSecond bandwidth);

/// One corner of the device's rooflines: a precision against a memory level or a link tier.
struct Ridge {
  std::string against;  ///< "shared_memory", "l2", "hbm", "host_link", "tiers.nvlink" ...
  Precision precision;
  FlopPerSecond peak;
  BytesPerSecond bandwidth;
  FlopPerByte intensity;
};
/// Every corner whose two figures are known: levels inner to outer, then host link and tiers.
std::vector<Ridge> ridge_points(const Cluster&);

}  // namespace ridge
