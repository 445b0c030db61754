#include "hardware/efficiency.h"

namespace ridge {

const Schema<KernelFit>& SchemaOf<KernelFit>::get() {
  static const Schema<KernelFit> s{
      "kernel fit",
      "Constants of t = t0 + ((F/(eP·P))^q + (B/(eB·W))^q)^(1/q)",
      {
          field("fixed_time", &KernelFit::fixed_time, "t0: what the smallest kernel takes").range(0, 1),
          field("flop_fraction", &KernelFit::flop_fraction, "eP: of peak FLOP/s, large sizes").range(1e-6, 1),
          field("bandwidth_fraction", &KernelFit::bandwidth_fraction, "eB: of peak memory bandwidth")
              .range(1e-6, 1),
          field("exponent", &KernelFit::exponent, "q: large is a sharp roofline corner").range(1, 16),
      }};
  return s;
}

const Schema<AlignmentFit>& SchemaOf<AlignmentFit>::get() {
  static const Schema<AlignmentFit> s{
      "alignment fit",
      "Rate of products whose rows do not begin on 16 bytes, beside aligned ones",
      {
          field("four_bytes", &AlignmentFit::four_bytes, "rows begin on 4 or 8 bytes").range(1e-3, 1),
          field("less", &AlignmentFit::less, "rows begin on 1 or 2 bytes").range(1e-3, 1),
      }};
  return s;
}

const Schema<AttentionFits>& SchemaOf<AttentionFits>::get() {
  static const Schema<AttentionFits> s{
      "attention fits",
      "Fused attention kernels",
      {
          field("prefill", &AttentionFits::prefill, "forward over many queries"),
          field("backward", &AttentionFits::backward, "backward over many queries"),
          field("decode", &AttentionFits::decode, "one query per sequence"),
          field("decode_per_head", &AttentionFits::decode_per_head, "decode: time per sequence and KV head")
              .range(0, 1),
      }};
  return s;
}

const Schema<LaunchCosts>& SchemaOf<LaunchCosts>::get() {
  static const Schema<LaunchCosts> s{
      "launch costs",
      "Time between kernels",
      {
          field("eager", &LaunchCosts::eager, "host time per kernel launched one by one").range(0, 1),
          field("graph_node", &LaunchCosts::graph_node, "gap between kernels of a replayed graph")
              .range(0, 1),
      }};
  return s;
}

const Schema<Achievable>& SchemaOf<Achievable>::get() {
  static const Schema<Achievable> s{
      "achievable",
      "What kernels reach, beside the peaks",
      {
          field("gemm", &Achievable::gemm, "matrix products, per precision"),
          field("unaligned", &Achievable::unaligned, "products whose rows do not begin on 16 bytes"),
          field("attention", &Achievable::attention, "fused attention"),
          field("attention_flash2", &Achievable::attention_flash2,
                "the same for FlashAttention 2, where it is slower"),
          field("pointwise", &Achievable::pointwise, "norms, activations, copies, optimizer"),
          field("launch", &Achievable::launch, "kernel launch costs"),
          field("tenth_fraction", &Achievable::tenth_fraction,
                "rate of a calibrated product repeated for a tenth of a second / in a burst")
              .range(1e-3, 1),
          field("sustained_fraction", &Achievable::sustained_fraction,
                "clock under long full load / burst clock")
              .range(1e-3, 1),
      }};
  return s;
}

}  // namespace ridge
