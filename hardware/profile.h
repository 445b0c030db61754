#pragma once
/// A calibrated profile becomes part of a hardware description:
///
///   extends: hgx-h200
///   profile: h200-sxm            # presets/profiles/h200-sxm.yaml, or the path of a file
///
///   profile                                   description
///   gemm bf16                                 device.achievable.gemm.bf16, law and table
///   gemm fp8-rows, fp8-block                  fp8 of stacks whose `fp8_scales` are of rows, or of blocks
///   gemm int8-weights                         device.achievable.packed
///   attention_prefill | _backward | _decode   device.achievable.attention, head dimension by head dimension;
///     bf16-d128                               kernels of a library before our own, which only decode takes;
///                                             of a processor fp32-d64, for all head dimensions
///   attention_latent bf16                     device.achievable.latent
///   pointwise add                             device.achievable.pointwise; rmsnorm, adamw ... stand for themselves
///   launch eager, graph_node                  device.achievable.launch; a node only where the preset knows none:
///                                             empty kernels follow one another faster than different ones do
///   sustained bf16 burst / sustained, tenth   device.achievable.sustained_fraction, .tenth_fraction
///   all_reduce "4 devices, bf16, graph" ...   curves of the innermost tier that joins so many devices
///   ... "16 ranks on 2 nodes, bf16, graph"    curves of the tier that joins the nodes
///   tiers node, network                       latency and achievable bandwidth of those tiers' links
///
/// Models that the calibration itself objected to are left out, and said so.  A scenario's own keys
/// (`hardware.device.achievable...`) go over the profile's.
/// Errors  a profile of another device: its name, peaks, memory bandwidth or multiprocessors differ.

#include "hardware/cluster.h"
#include "hardware/profile_record.h"

namespace ridge {

/// What a plan's reader wants to know of the profile behind it.
struct ProfileUse {
  std::string name;
  const ProfileRecord* record = nullptr;
  const Node* tree = nullptr;  ///< for the lines that explanations cite
};

/// The precision whose peak bounds a product of a variant: "fp8-block" fp8, "int8-weights" bf16, "nvfp4" fp4.
std::string peak_precision(std::string_view variant);

/// False, with an error at `at`, when the profile cannot be of the cluster's device.
bool check_profile_device(const ProfileRecord&, const Device&, const Span& at, Diagnostics&);

/// Sets what the profile tells, but the keys that `overrides` states; records origins below "hardware".
void apply_profile(const ProfileUse&, Cluster&, const Node& overrides, Origins*);

}  // namespace ridge
