#pragma once
/// Time of one kernel: matrix products, attention cores, pointwise passes, on one device.
///
/// Each is the device's achievable law (hardware/roofline.h) over the FLOPs it must do and the bytes
/// it must move, times what a calibrated profile's residual table says at their sizes.  `Rates` copies the constants out of the hardware and software descriptions once per
/// evaluation, the stack's efficiencies already applied.

#include "hardware/roofline.h"
#include "sim/operators.h"
#include "sim/prepare.h"

#include <optional>

namespace ridge {

/// Constants of the device and stack for one evaluation.
struct Rates {
  Traced<FlopPerSecond> product_peak, attention_peak;
  Traced<BytesPerSecond> memory;
  KernelConstants product, prefill, backward, decode, pointwise;
  std::optional<KernelConstants>
      packed;  ///< products that unpack narrower weights, where a profile knows them
  std::optional<KernelConstants> latent;  ///< absorbed latent decode, where a profile knows it
  Traced<Seconds> decode_per_head;
  Traced<double> one;       ///< operators in a launch that is not batched
  Traced<Seconds> gap;      ///< between two kernels of a stream or graph
  bool can_compute = true;  ///< false when the device has no way to run the precision
  Precision product_precision = Precision::bf16;
};

/// Whether the clock still holds its short-burst rate (short operators, decoding, which waits for memory), is where
/// the power limit takes it within a tenth of a second (long products; differs from a burst in a profile only), or
/// has settled under full load (training, prefill).
enum class Load { burst, tenth, sustained };

/// Precisions are named as in recipes ("bf16", "fp8").
struct RateRequest {
  std::string_view product, attention;
  Load load = Load::burst;
  bool flash2 = false;          ///< FlashAttention 2 instead of the device's best kernels
  std::int64_t head_dim = 128;  ///< of the attention heads: profiles know several
};
Rates rates(const Prepared&, const RateRequest&, Explain* ex = nullptr);

/// Precision called `name`; fp16 names the fp16 pipeline with fp32 accumulation.
Precision precision_named(std::string_view name);

/// m x k times k x n, `count` of them in one launch (grouped expert products).
struct ProductShape {
  Traced<double> m, n, k;
  Traced<double> count;                ///< independent products in the launch, usually 1
  Traced<BytesPerElement> activation;  ///< of the m x k operand
  Traced<BytesPerElement> weight;      ///< of the k x n operand
  Traced<BytesPerElement> result;      ///< moved for the m x n result; twice its width when added to a sum
  Traced<double> alignment{1.0, 0};    ///< rate beside products whose rows begin on 16 bytes
};
struct KernelCost {
  Traced<Flop> flops;
  Traced<Bytes> bytes;
  Traced<Seconds> time;
  Bound bound = Bound::compute;
  Answer answer = {};  ///< who says so
};
/// t0 + ((2 m n k c / (eP P))^q + (bytes / (eB W))^q)^(1/q)
KernelCost product_cost(const ProductShape&, const Rates&, Explain* ex = nullptr);

/// Attention of `sequences` sequences, one device's heads.
struct AttentionShape {
  Traced<double> sequences, heads, kv_heads;
  Traced<double> pairs;         ///< query-key pairs of one sequence and head
  Traced<double> query_tokens;  ///< of one sequence
  Traced<double> key_tokens;
  Traced<double> key_dim, value_dim;
  Traced<BytesPerElement> activation, cache;
  bool is_shared_key_value = false;  ///< latent decode: keys and values are one cached vector
};
enum class AttentionPass { prefill, backward, decode };
/// Flash attention: FLOP 2 S H (e_k + e_v) pairs (backward 2.5 times), bytes Q, K, V and O once.
KernelCost attention_cost(const AttentionShape&, AttentionPass, const Rates&, Explain* ex = nullptr);

/// Bandwidth * achievable fraction of the link to the host.
Traced<BytesPerSecond> host_link_bandwidth(const Link&, Explain* ex = nullptr);

/// A profile's own constants of a pass; empty where none has timed it by that name.  "rmsnorm_looped|rmsnorm": the
/// first that it has.
std::optional<KernelConstants> pass_constants(const Prepared&, std::string_view pass, Explain* ex = nullptr);
/// The rates with those in place of a plain pass's, where there are any.
Rates with_pass(Rates, const Prepared&, std::string_view pass, Explain* ex = nullptr);

/// A chain of `kernels` pointwise kernels moving `bytes` in all: kernels t0 + bytes / (x eB W), with x the
/// efficiency of their access pattern.
KernelCost pass_cost(Traced<double> kernels, Traced<Bytes> bytes, const Rates&, Explain* ex = nullptr,
                     Traced<double> efficiency = {1.0, 0});
/// One kernel that a profile timed by name: t0 + bytes / (eB W).  `rows` that it works on one by one; 0: none.
KernelCost named_pass_cost(const KernelConstants&, Traced<Bytes> bytes, double rows, const Rates&,
                           Explain* ex = nullptr);

}  // namespace ridge
