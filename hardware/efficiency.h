#pragma once
/// What a device reaches, beside what its datasheet says: the constants of the kernel-time laws.
///
///   t = t0 + ((F / (eP·P))^q + (B / (eB·W))^q)^(1/q)                                 [roofline.h]
///
///   F  FLOPs executed            P  peak of the precision [FLOP/s]   eP  flop_fraction
///   B  bytes moved               W  peak memory bandwidth [B/s]      eB  bandwidth_fraction
///   t0 fixed_time: what the smallest kernel takes on the device      q   exponent
///
/// Large q is the textbook roofline max(F/P, B/W); small q rounds its corner.  One 4-parameter fit
/// left 8.6 % mean error on 18 944 measured products where the bare datasheet left 41 %.
///
/// Clock and power  eP is relative to the datasheet's dense peak, never to a peak scaled by the clock that
/// happened to run (an H200 at 1980 MHz could reach 1.08), on the part at its own default power limit, with
/// random data, repeated back to back for about a tenth of a second: what a benchmark of one kernel sees.  A
/// profile's eP is that of bursts after idle, 8 to 15 % faster: `tenth_fraction` leads from one to the other.  Seconds
/// of load run slower, by `sustained_fraction`, which training and prefill apply to products and attention.  Figures of others whose clock
/// state is unknown (most public tables) are used for the form and the other constants, and for eP only
/// where nothing measured so is at hand.  Parts with one die and one power limit share eP: it lies in
/// their class, and a part overrides it only for another power limit, with the reason.
///
/// Presets carry class-wide defaults (presets/devices/classes/), each with its kind: fitted, measured
/// or assumed.  `ridge calibrate` writes a profile, which replaces them one by one and adds residual
/// tables (profile.h): the time is then t · exp(R(sizes)).

#include "hardware/answer.h"
#include "hardware/precision.h"
#include "hardware/residual_table.h"

#include <memory>
#include <optional>
#include <vector>

namespace ridge {

/// What calibration found beside the law: shared by all copies of a description.
struct CalibratedTable {
  std::string name;                            ///< "gemm bf16"; "": the law is none of a profile
  std::shared_ptr<const ResidualTable> table;  ///< null: the law alone
  Origin origin;
  std::vector<CalibratedInterval> intervals = {};
  bool is_by_rows = false;  ///< regimes of the intervals: rows of a product, else seconds
};

/// Constants of the law above for one kernel class.
struct KernelFit {
  Sourced<Seconds> fixed_time;
  Sourced<double> flop_fraction;       ///< of the precision's peak, for large sizes
  Sourced<double> bandwidth_fraction;  ///< of the memory's peak bandwidth
  Sourced<double> exponent;            ///< q in [1, 16]
  CalibratedTable residual;            ///< of a profile only
};

/// Products whose operands' rows do not begin on 16 bytes, which the tensor memory accelerator and the wide
/// loads of libraries need: their rate beside that of aligned ones.  Rows hold the product's depth and
/// columns, so an odd vocabulary (GPT-2's 50257) makes its head slow, an odd number of tokens does not.
struct AlignmentFit {
  Sourced<double> four_bytes;  ///< rows begin on 4 or 8 bytes: 2 or 4 elements of bf16
  Sourced<double> less;        ///< rows begin on less: an odd number of bf16 elements
};

/// Fused attention.  Prefill is bound by FLOPs, decode by reading the cache.
struct AttentionFits {
  KernelFit prefill;   ///< forward
  KernelFit backward;  ///< its five products, relative to the same peak
  KernelFit decode;
  Sourced<Seconds> decode_per_head;         ///< c_w: t = t0 + c_w·(batch·kv_heads) + B/(eB·W)
  std::int64_t head_dim = 128;              ///< that the fits were made at
  std::vector<AttentionFits> other_widths;  ///< of a profile only: fits at other head dimensions
};

/// Time between kernels that no roofline shows.
struct LaunchCosts {
  Sourced<Seconds> eager;       ///< host time to launch one kernel from a framework's eager mode
  Sourced<Seconds> graph_node;  ///< device-side gap between two kernels replayed from a graph
};

/// A pass that calibration timed by name: its kernel reduces, gathers or updates, which an addition does not.
struct NamedPass {
  std::string name;  ///< "rmsnorm", "softmax", "adamw"
  KernelFit fit;
};

/// Products in fp8 with more scales than one an operand: another kernel than those with one.
struct ScaledProducts {
  std::string scales;  ///< "rows": one for each row of both operands; "block": for each block of it
  KernelFit fit;
};

/// Products that unpack narrower weights than they compute in, as calibration timed them.
struct PackedProduct {
  std::string name;  ///< "int8-weights", "int4-weights"
  KernelFit fit;
};

struct Achievable {
  PerPrecision<KernelFit> gemm;
  std::vector<ScaledProducts> fp8_scaled;  ///< of a profile only
  std::vector<PackedProduct> packed;       ///< of a profile only
  AlignmentFit unaligned;                  ///< unknown: as fast as aligned products
  AttentionFits attention;                 ///< best kernels of the generation (FlashAttention 3, cuDNN)
  AttentionFits attention_flash2;   ///< FlashAttention 2, where it is slower than those; unknown: the same
  KernelFit pointwise;              ///< norms, activations, copies, optimizer: bytes only
  std::vector<NamedPass> passes;    ///< of a profile only
  std::optional<KernelFit> latent;  ///< of a profile only: decode over a compressed cache (MLA, absorbed)
  LaunchCosts launch;
  Sourced<double>
      tenth_fraction;  ///< of a profile only: products repeated for a tenth of a second / in bursts
  Sourced<double> sustained_fraction;  ///< rate under seconds of full load / that of short ones
};

template <> struct SchemaOf<KernelFit> { static const Schema<KernelFit>& get(); };
template <> struct SchemaOf<AlignmentFit> { static const Schema<AlignmentFit>& get(); };
template <> struct SchemaOf<AttentionFits> { static const Schema<AttentionFits>& get(); };
template <> struct SchemaOf<LaunchCosts> { static const Schema<LaunchCosts>& get(); };
template <> struct SchemaOf<Achievable> { static const Schema<Achievable>& get(); };

}  // namespace ridge
