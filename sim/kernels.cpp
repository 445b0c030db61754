#include "sim/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ridge {
namespace {

constexpr Formula product_flop{"kernels.product.flop", "FLOP of a matrix product", "2 * m * n * k * c",
                               "definition: a multiply-add counts 2"};
constexpr Formula product_bytes{"kernels.product.bytes", "bytes a matrix product moves",
                                "c * (m * k * a + k * n * w + m * n * r)", "definition",
                                "each operand crosses device memory once"};
constexpr Formula unaligned_fraction{"kernels.product.unaligned",
                                     "fraction of the peak of a product with unaligned rows", "e * x",
                                     "measured: hardware/efficiency.h, AlignmentFit"};
constexpr Formula attention_flop{
    "kernels.attention.flop", "FLOP of an attention core", "2 * S * H * (ek + ev) * pairs",
    "Dao et al. 2022, arXiv:2205.14135: scores and values, a multiply-add counts 2"};
constexpr Formula attention_backward_flop{
    "kernels.attention.backward_flop", "FLOP of an attention core's backward pass",
    "2 * S * H * (3 * ek + 2 * ev) * pairs",
    "Dao 2023, arXiv:2307.08691, section 3.1: five products to the forward pass's two, three over the keys' "
    "width (scores, dQ, dK) and two over the values' (dP, dV)"};
constexpr Formula attention_bytes{"kernels.attention.bytes", "bytes an attention core moves",
                                  "S * (H * nq * (ek + ev) * a + K * nk * (ek + ev) * c)",
                                  "Dao et al. 2022, arXiv:2205.14135",
                                  "Q, K, V and O cross device memory once"};
constexpr Formula attention_backward_bytes{
    "kernels.attention.backward_bytes", "bytes an attention core's backward pass moves",
    "2 * S * (H * nq * (ek + ev) * a + K * nk * (ek + ev) * c)", "Dao et al. 2022, arXiv:2205.14135",
    "Q, K, V, O and their gradients once"};
constexpr Formula latent_bytes{
    "kernels.attention.latent_bytes", "bytes an absorbed latent attention core moves",
    "S * (H * nq * (ek + ev) * a + nk * ek * c)", "DeepSeek-V2, arXiv:2405.04434, section 2.1.3",
    "one latent vector serves as key and value"};
constexpr Formula decode_fixed{"kernels.attention.decode_fixed", "fixed time of a decode attention kernel",
                               "t0 + cw * S * K",
                               "fitted form: t0 + c_w (batch kv_heads) + bytes / bandwidth"};
constexpr Formula pass_fraction{"kernels.pass.fraction", "fraction of the bandwidth a pass reaches", "e * x",
                                "definition: what plain passes reach, and the pass's access pattern"};
constexpr Formula pass_fixed{"kernels.pass.fixed", "fixed time of a chain of kernels", "kernels * t0",
                             "definition"};

/// Which side of the law is longer.
Bound bound_of(Flop flops, Bytes bytes, FlopPerSecond peak, BytesPerSecond memory, const KernelConstants& k,
               Seconds t) {
  const Seconds compute = flops / (peak * k.flop_fraction.value);
  const Seconds memory_time = bytes / (memory * k.bandwidth_fraction.value);
  if (k.fixed_time.value > max(compute, memory_time) && k.fixed_time.value * 2 > t) return Bound::launch;
  return compute >= memory_time ? Bound::compute : Bound::memory;
}

/// Bytes an attention core moves, Q, K, V and O once, or an absorbed one the latent.
Traced<Bytes> bytes_of(const AttentionShape& s, bool is_backward, Explain* ex) {
  const double widths = s.key_dim.value + s.value_dim.value;
  const double queries = s.heads.value * s.query_tokens.value * widths * s.activation.value.value();
  const double keys = s.is_shared_key_value
                          ? s.key_tokens.value * s.key_dim.value * s.cache.value.value()
                          : s.kv_heads.value * s.key_tokens.value * widths * s.cache.value.value();
  const Bytes moved{(is_backward ? 2 : 1) * s.sequences.value * (queries + keys)};
  if (s.is_shared_key_value)
    return note(ex, latent_bytes, moved,
                {{"S", s.sequences},
                 {"H", s.heads},
                 {"nq", s.query_tokens},
                 {"nk", s.key_tokens},
                 {"ek", s.key_dim},
                 {"ev", s.value_dim},
                 {"a", s.activation},
                 {"c", s.cache}});
  return note(ex, is_backward ? attention_backward_bytes : attention_bytes, moved,
              {{"S", s.sequences},
               {"H", s.heads},
               {"K", s.kv_heads},
               {"nq", s.query_tokens},
               {"nk", s.key_tokens},
               {"ek", s.key_dim},
               {"ev", s.value_dim},
               {"a", s.activation},
               {"c", s.cache}});
}

double width_of(Precision p) {
  switch (p) {
    case Precision::fp64: return 8;
    case Precision::fp32:
    case Precision::tf32: return 4;
    case Precision::fp8:
    case Precision::int8: return 1;
    case Precision::fp6: return 0.75;
    case Precision::fp4:
    case Precision::int4: return 0.5;
    default: return 2;
  }
}

/// The law's time at these sizes of the profile's table, and who answers.
void calibrate(KernelCost& cost, const KernelConstants& k, std::span<const double> at, Explain* ex) {
  cost.time = calibrated_time(cost.time, k, at, ex);
  cost.answer = answer_at(k, at, cost.time.value);
}

void calibrate_attention(KernelCost& cost, const AttentionShape& s, AttentionPass pass,
                         const KernelConstants& k, Explain* ex) {
  const double group = s.heads.value / s.kv_heads.value, heads = s.sequences.value * s.heads.value;
  if (s.is_shared_key_value) return calibrate(cost, k, std::array{heads, s.key_tokens.value}, ex);
  if (pass == AttentionPass::decode)
    return calibrate(cost, k, std::array{s.sequences.value * s.kv_heads.value, s.key_tokens.value, group},
                     ex);
  calibrate(cost, k,
            std::array{heads, s.query_tokens.value, s.key_tokens.value / s.query_tokens.value, group}, ex);
}

/// Tables are of one product of operands in the precision's width (scales beside them count little), in
/// aligned rows.
bool is_in_table(const ProductShape& s, const Rates& rates, bool is_packed) {
  if (s.count.value != 1 || s.alignment.value != 1) return false;
  const double a = s.activation.value.value(), w = s.weight.value.value();
  return is_packed || a == w || std::abs(w / width_of(rates.product_precision) - 1) < 0.1;
}

}  // namespace

KernelCost product_cost(const ProductShape& s, const Rates& rates, Explain* ex) {
  KernelCost cost;
  cost.flops = note(ex, product_flop, Flop{2 * s.m.value * s.n.value * s.k.value * s.count.value},
                    {{"m", s.m}, {"n", s.n}, {"k", s.k}, {"c", s.count}});
  const double a = s.activation.value.value(), w = s.weight.value.value(), r = s.result.value.value();
  const double bytes =
      s.count.value * (s.m.value * s.k.value * a + s.k.value * s.n.value * w + s.m.value * s.n.value * r);
  cost.bytes = note(ex, product_bytes, Bytes{bytes},
                    {{"c", s.count},
                     {"m", s.m},
                     {"n", s.n},
                     {"k", s.k},
                     {"a", s.activation},
                     {"w", s.weight},
                     {"r", s.result}});
  const bool is_packed = rates.packed && w < a;
  KernelConstants constants = is_packed ? *rates.packed : rates.product;
  if (s.alignment.value != 1)
    constants.flop_fraction = note(ex, unaligned_fraction, constants.flop_fraction.value * s.alignment.value,
                                   {{"e", constants.flop_fraction}, {"x", s.alignment}});
  cost.time = kernel_time(cost.flops, cost.bytes, rates.product_peak, rates.memory, constants, ex);
  if (is_in_table(s, rates, is_packed))
    calibrate(cost, constants, std::array{s.m.value, s.n.value, s.k.value}, ex);
  else cost.answer = answer_of_law(constants, s.m.value, cost.time.value);
  cost.bound = bound_of(cost.flops.value, cost.bytes.value, rates.product_peak.value, rates.memory.value,
                        constants, cost.time.value);
  return cost;
}

KernelCost attention_cost(const AttentionShape& s, AttentionPass pass, const Rates& r, Explain* ex) {
  const bool is_backward = pass == AttentionPass::backward;
  const double widths =
      is_backward ? 3 * s.key_dim.value + 2 * s.value_dim.value : s.key_dim.value + s.value_dim.value;
  KernelCost cost;
  cost.flops =
      note(ex, is_backward ? attention_backward_flop : attention_flop,
           Flop{2 * s.sequences.value * s.heads.value * widths * s.pairs.value},
           {{"S", s.sequences}, {"H", s.heads}, {"ek", s.key_dim}, {"ev", s.value_dim}, {"pairs", s.pairs}});
  cost.bytes = bytes_of(s, is_backward, ex);
  const bool is_latent = s.is_shared_key_value && r.latent;
  KernelConstants k = is_latent                       ? *r.latent
                      : is_backward                   ? r.backward
                      : pass == AttentionPass::decode ? r.decode
                                                      : r.prefill;
  if (pass == AttentionPass::decode && !is_latent) {
    const double heads = s.sequences.value * s.kv_heads.value;
    k.fixed_time =
        note(ex, decode_fixed, k.fixed_time.value + r.decode_per_head.value * heads,
             {{"t0", k.fixed_time}, {"cw", r.decode_per_head}, {"S", s.sequences}, {"K", s.kv_heads}});
  }
  cost.time = kernel_time(cost.flops, cost.bytes, r.attention_peak, r.memory, k, ex);
  if (is_latent || !s.is_shared_key_value) calibrate_attention(cost, s, pass, k, ex);
  else cost.answer = answer_of_law(k, 0, cost.time.value);
  cost.bound = bound_of(cost.flops.value, cost.bytes.value, r.attention_peak.value, r.memory.value, k,
                        cost.time.value);
  return cost;
}

Traced<BytesPerSecond> host_link_bandwidth(const Link& link, Explain* ex) {
  static constexpr Formula f{"kernels.host_link", "bandwidth the host link reaches", "e * W", "definition"};
  const double e = link.achievable.is_known() ? link.achievable.value : 1.0;
  return note(ex, f, e * link.bandwidth.value,
              {{"e", input(ex, "hardware.device.host_link.achievable", e)},
               {"W", input(ex, "hardware.device.host_link.bandwidth", link.bandwidth.value)}});
}

KernelCost pass_cost(Traced<double> kernels, Traced<Bytes> bytes, const Rates& r, Explain* ex,
                     Traced<double> efficiency) {
  KernelCost cost;
  cost.bytes = bytes;
  cost.flops = constant(ex, "kernels.pass.flop", Flop{0}, "definition: pointwise arithmetic is not counted");
  KernelConstants k = r.pointwise;
  if (efficiency.value != 1)
    k.bandwidth_fraction = note(ex, pass_fraction, k.bandwidth_fraction.value * efficiency.value,
                                {{"e", k.bandwidth_fraction}, {"x", efficiency}});
  k.fixed_time =
      note(ex, pass_fixed, kernels.value * k.fixed_time.value, {{"kernels", kernels}, {"t0", k.fixed_time}});
  cost.time = kernel_time(cost.flops, bytes, r.attention_peak, r.memory, k, ex);
  if (bytes.value > Bytes{} && kernels.value > 0) {
    const double each = bytes.value.value() / kernels.value;
    // Tables with an axis of rows are of passes whose rows are known, which chains of kernels are not.
    if (k.residual && k.residual->table && k.residual->table->axes.size() == 1)
      calibrate(cost, k, std::array{each}, ex);
    else cost.answer = answer_of_law(k, 0, cost.time.value);
  }
  cost.bound = k.fixed_time.value * 2 > cost.time.value ? Bound::launch : Bound::memory;
  return cost;
}

KernelCost named_pass_cost(const KernelConstants& k, Traced<Bytes> bytes, double rows, const Rates& r,
                           Explain* ex) {
  KernelCost cost;
  cost.bytes = bytes;
  cost.flops = constant(ex, "kernels.pass.flop", Flop{0}, "definition: pointwise arithmetic is not counted");
  cost.time = kernel_time(cost.flops, bytes, r.attention_peak, r.memory, k, ex);
  const std::size_t axes = k.residual && k.residual->table ? k.residual->table->axes.size() : 0;
  const double moved = bytes.value.value();
  if (axes == 1) calibrate(cost, k, std::array{moved}, ex);
  else if (axes == 2 && rows > 0) calibrate(cost, k, std::array{moved, moved / rows}, ex);
  else cost.answer = answer_of_law(k, 0, cost.time.value);
  cost.bound = k.fixed_time.value * 2 > cost.time.value ? Bound::launch : Bound::memory;
  return cost;
}

}  // namespace ridge
