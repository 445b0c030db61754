#include "sim/kernels.h"

#include <algorithm>
#include <array>

namespace ridge {
namespace {

constexpr Formula scaled_fraction{"kernels.fraction", "fraction of the peak this stack reaches",
                                  "device * stack * clock",
                                  "definition: the device's achievable fraction, the stack's efficiency and "
                                  "the clock's share under long load"};

struct FitKey {
  Precision precision;
  std::string_view key;
};
constexpr std::array gemm_keys{FitKey{Precision::fp64, "hardware.device.achievable.gemm.fp64"},
                               FitKey{Precision::fp32, "hardware.device.achievable.gemm.fp32"},
                               FitKey{Precision::tf32, "hardware.device.achievable.gemm.tf32"},
                               FitKey{Precision::bf16, "hardware.device.achievable.gemm.bf16"},
                               FitKey{Precision::fp16, "hardware.device.achievable.gemm.fp16"},
                               FitKey{Precision::fp8, "hardware.device.achievable.gemm.fp8"},
                               FitKey{Precision::fp6, "hardware.device.achievable.gemm.fp6"},
                               FitKey{Precision::fp4, "hardware.device.achievable.gemm.fp4"},
                               FitKey{Precision::int8, "hardware.device.achievable.gemm.int8"},
                               FitKey{Precision::int4, "hardware.device.achievable.gemm.int4"}};

/// Of fp8 products scaled as the stack does, where a profile has timed such.
const ScaledProducts* scaled_products(const Device& d, OperandScales scales) {
  for (const ScaledProducts& s : d.achievable.fp8_scaled)
    if (s.scales == enum_name(scales)) return &s;
  return nullptr;
}

/// The fit of `wanted`, else of the first of bf16, fp16, fp32 that has one.
KernelConstants gemm_constants(const Device& d, Precision wanted, Explain* ex) {
  for (Precision p : {wanted, Precision::bf16, Precision::fp16, Precision::fp32}) {
    const KernelFit* fit = d.achievable.gemm.find(p);
    if (!fit) continue;
    for (const FitKey& k : gemm_keys)
      if (k.precision == p) return kernel_constants(*fit, k.key, ex);
  }
  return kernel_constants(KernelFit{}, "hardware.device.achievable.gemm", ex);
}

Traced<double> scaled(Traced<double> device, std::string_view key, double stack, Traced<double> clock,
                      Explain* ex) {
  return note(ex, scaled_fraction, device.value * stack * clock.value,
              {{"device", device}, {"stack", input(ex, key, stack)}, {"clock", clock}});
}

Traced<FlopPerSecond> peak_of(const Device& d, Precision p, bool& can_compute, Explain* ex) {
  const auto execution = matrix_execution(d, p);
  if (!execution || execution->peak <= FlopPerSecond{0}) {
    can_compute = false;
    return constant(ex, "hardware.device.peaks.missing", FlopPerSecond{1},
                    "placeholder of an infeasible plan");
  }
  if (!ex) return {execution->peak, 0};
  return input(ex, "hardware.device." + peak_key(*execution), execution->peak);
}

/// Of a profile's fit at another head dimension than the presets'.
void set_other_width(Rates& r, const AttentionFits& fits, Explain* ex) {
  const std::string key = ex ? "hardware.device.achievable.attention.d" + std::to_string(fits.head_dim) : "";
  r.prefill = kernel_constants(fits.prefill, key + ".prefill", ex);
  r.backward = kernel_constants(fits.backward, key + ".backward", ex);
  r.decode = kernel_constants(fits.decode, key + ".decode", ex);
  r.decode_per_head = input(ex, key + ".decode_per_head", fits.decode_per_head.value);
}

/// The fits of the nearest head dimension.
const AttentionFits& of_width(const AttentionFits& usual, std::int64_t head_dim) {
  const AttentionFits* nearest = &usual;
  const auto distance = [&](const AttentionFits& f) { return std::abs(f.head_dim - head_dim); };
  for (const AttentionFits& other : usual.other_widths)
    if (distance(other) < distance(*nearest)) nearest = &other;
  return *nearest;
}

/// Constants of the attention kernels the stack runs.
void set_attention(Rates& r, const Achievable& a, const RateRequest& request, Explain* ex) {
  const bool flash2 = request.flash2 && a.attention_flash2.prefill.flop_fraction.is_known();
  const AttentionFits& fits = of_width(flash2 ? a.attention_flash2 : a.attention, request.head_dim);
  if (fits.head_dim != a.attention.head_dim) return set_other_width(r, fits, ex);
  auto constants = [&](const KernelFit& fit, std::string_view best, std::string_view second) {
    return kernel_constants(fit, flash2 ? second : best, ex);
  };
  r.prefill = constants(fits.prefill, "hardware.device.achievable.attention.prefill",
                        "hardware.device.achievable.attention_flash2.prefill");
  r.backward = constants(fits.backward, "hardware.device.achievable.attention.backward",
                         "hardware.device.achievable.attention_flash2.backward");
  r.decode = constants(fits.decode, "hardware.device.achievable.attention.decode",
                       "hardware.device.achievable.attention_flash2.decode");
  r.decode_per_head = input(ex,
                            flash2 ? "hardware.device.achievable.attention_flash2.decode_per_head"
                                   : "hardware.device.achievable.attention.decode_per_head",
                            fits.decode_per_head.value);
}

/// Kernels that only a profile knows: the stack's with packed weights, and decoding over a compressed cache.
void set_profiled(Rates& r, const Prepared& p, Traced<double> clock, Traced<double> short_load, Explain* ex) {
  const SoftwareStack& s = p.scenario.software;
  const Achievable& a = p.scenario.hardware.device.achievable;
  const auto constants = [&](const KernelFit& fit, const std::string& key, std::string_view efficiency,
                             double reached) {
    KernelConstants k = kernel_constants(fit, key, ex);
    k.flop_fraction = scaled(k.flop_fraction, efficiency, reached, clock, ex);
    k.bandwidth_fraction =
        scaled(k.bandwidth_fraction, "software.memory_efficiency", s.memory_efficiency, short_load, ex);
    return k;
  };
  if (a.latent)
    r.latent = constants(*a.latent, "hardware.device.achievable.latent", "software.attention_efficiency",
                         s.attention_efficiency);
  if (a.packed.empty()) return;
  const auto kernel = s.packed_products.find(p.scenario.weight_format.name);
  if (kernel == s.packed_products.end()) return;
  for (const PackedProduct& known : a.packed)
    if (known.name == kernel->second)
      r.packed = constants(known.fit, "hardware.device.achievable.packed." + known.name,
                           "software.product_efficiency", s.product_efficiency);
}

/// The textbook roofline instead of what kernels reach.
void set_peaks(Rates& r, Explain* ex) {
  for (KernelConstants* k : {&r.product, &r.prefill, &r.backward, &r.decode, &r.pointwise})
    *k = kernel_constants(KernelFit{}, "hardware.device.peak_rates", ex);
  r.packed = r.latent = std::nullopt;
  r.decode_per_head = constant(ex, "no time per head", Seconds{0}, "the roofline bound has no fixed costs");
  r.gap = constant(ex, "no gap between kernels", Seconds{0}, "the roofline bound has no fixed costs");
}

}  // namespace

Precision precision_named(std::string_view name) {
  for (const auto& [precision, text] : EnumNames<Precision>::names)
    if (text == name) return precision;
  if (name == "nvfp4" || name == "mxfp4") return Precision::fp4;
  if (name == "mxfp8") return Precision::fp8;
  return Precision::bf16;
}

Rates rates(const Prepared& p, const RateRequest& request, Explain* ex) {
  const Device& d = p.scenario.hardware.device;
  const SoftwareStack& s = p.scenario.software;
  Rates r;
  r.product_precision = precision_named(request.product);
  r.product_peak = peak_of(d, r.product_precision, r.can_compute, ex);
  r.attention_peak = peak_of(d, precision_named(request.attention), r.can_compute, ex);
  r.memory = input(ex, "hardware.device.hbm.bandwidth", d.hbm.bandwidth.value);
  const auto execution = matrix_execution(d, r.product_precision);
  const Precision executed = execution ? execution->precision : r.product_precision;
  const ScaledProducts* scaled_fit = executed == Precision::fp8 ? scaled_products(d, s.fp8_scales) : nullptr;
  r.product =
      scaled_fit ? kernel_constants(scaled_fit->fit,
                                    ex ? "hardware.device.achievable.gemm.fp8_" + scaled_fit->scales : "", ex)
                 : gemm_constants(d, executed, ex);
  r.one = constant(ex, "operators in a launch", 1.0,
                   "not batched: one product, one kernel, one latent for all heads");
  const Traced<double> short_load =
      constant(ex, "clock under a short load", 1.0, "the rate was fitted on short loads");
  const Sourced<double>& sustained = d.achievable.sustained_fraction;
  const Sourced<double>& tenth = d.achievable.tenth_fraction;
  const Traced<double> clock =
      request.load == Load::sustained && sustained.is_known()
          ? input(ex, "hardware.device.achievable.sustained_fraction", sustained.value)
          : short_load;
  const Traced<double> product_clock =
      request.load == Load::tenth && tenth.is_known() && r.product.residual
          ? input(ex, "hardware.device.achievable.tenth_fraction", tenth.value)
          : clock;
  r.product.flop_fraction =
      scaled(r.product.flop_fraction, "software.product_efficiency", s.product_efficiency, product_clock, ex);
  set_attention(r, d.achievable, request, ex);
  for (KernelConstants* k : {&r.prefill, &r.backward, &r.decode})
    k->flop_fraction =
        scaled(k->flop_fraction, "software.attention_efficiency", s.attention_efficiency, clock, ex);
  r.pointwise = kernel_constants(d.achievable.pointwise, "hardware.device.achievable.pointwise", ex);
  if (p.scenario.inference()) set_profiled(r, p, clock, short_load, ex);
  for (KernelConstants* k : {&r.product, &r.prefill, &r.backward, &r.decode, &r.pointwise})
    k->bandwidth_fraction =
        scaled(k->bandwidth_fraction, "software.memory_efficiency", s.memory_efficiency, short_load, ex);
  r.gap = input(ex, "hardware.device.achievable.launch.graph_node", d.achievable.launch.graph_node.value);
  if (s.at_peak) set_peaks(r, ex);
  return r;
}

std::optional<KernelConstants> pass_constants(const Prepared& p, std::string_view names, Explain* ex) {
  const SoftwareStack& stack = p.scenario.software;
  const std::vector<NamedPass>& known = p.scenario.hardware.device.achievable.passes;
  if (stack.at_peak || known.empty()) return std::nullopt;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find('|', begin), names.size());
    const auto found = std::ranges::find(known, names.substr(begin, end - begin), &NamedPass::name);
    begin = end + 1;
    if (found == known.end()) continue;
    KernelConstants k =
        kernel_constants(found->fit, ex ? "hardware.device.achievable.passes." + found->name : "", ex);
    k.bandwidth_fraction =
        scaled(k.bandwidth_fraction, "software.memory_efficiency", stack.memory_efficiency,
               constant(ex, "clock under a short load", 1.0, "the rate was fitted on short loads"), ex);
    return k;
  }
  return std::nullopt;
}

Rates with_pass(Rates r, const Prepared& p, std::string_view pass, Explain* ex) {
  if (const auto k = pass_constants(p, pass, ex)) r.pointwise = *k;
  return r;
}

}  // namespace ridge
