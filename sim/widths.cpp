#include "sim/widths.h"

#include "model/inventory.h"

#include <algorithm>

namespace ridge {
namespace {

double real(std::int64_t n) { return static_cast<double>(n); }

/// Keys and values of a layer on one device, half of both together.
double key_value_elements(const Architecture& a, double tensor) {
  const LatentAttention& l = a.latent;
  if (l.kv_lora_rank > 0) {
    return real(a.heads * (l.nope_head_dim + l.rope_head_dim + l.v_head_dim)) / 2 / tensor;
  }
  return real(key_value_width(a)) / std::clamp(tensor, 1.0, std::max(1.0, real(a.kv_heads)));
}

double feed_forward_elements(const Architecture& a, FeedForward kind) {
  switch (kind) {
    case FeedForward::none: return 0;
    case FeedForward::experts:
      return real(a.moe.top_k * a.moe.ffn_hidden_size + a.moe.shared_experts * a.moe.shared_ffn_hidden_size);
    case FeedForward::dense:
    case FeedForward::channel_mix: return real(a.ffn_hidden_size);
  }
  return 0;
}

void set_mixer(WidthTable& w, const Architecture& a, const LayerKind& kind, double tensor, Tokens attended) {
  auto at = [&](Width i) -> double& { return w.elements[static_cast<std::size_t>(i)]; };
  switch (kind.mixer) {
    case Mixer::none: return;
    case Mixer::recurrent:
      at(Width::q) = real(a.recurrent.inner_size > 0 ? a.recurrent.inner_size : a.hidden_size) / tensor;
      at(Width::kv) = real(a.recurrent.groups * a.recurrent.state_size) / tensor;
      return;
    case Mixer::attention:
    case Mixer::latent_attention: {
      const double keys = kind.window > 0 ? std::min(attended.value(), real(kind.window)) : attended.value();
      at(Width::q) = real(query_width(a)) / tensor;
      at(Width::kv) = key_value_elements(a, tensor);
      at(Width::heads) = real(a.heads) / tensor;
      at(Width::scores) = real(a.heads) / tensor * keys;
    }
  }
}

}  // namespace

WidthTable widths(const Architecture& a, const LayerKind& kind, const ParallelPlan& plan, Tokens attended) {
  WidthTable w;
  auto at = [&](Width i) -> double& { return w.elements[static_cast<std::size_t>(i)]; };
  const double tensor = real(std::max<std::int64_t>(plan.tensor, 1));
  const double outside = plan.sequence ? tensor : 1;
  at(Width::hidden) = real(a.hidden_size) / outside;
  at(Width::whole) = real(a.hidden_size);
  at(Width::ffn) = feed_forward_elements(a, kind.feed_forward) / tensor;
  if (kind.feed_forward == FeedForward::experts) {
    const double expert_tensor = real(std::max<std::int64_t>(plan.expert_tensor, 1));
    at(Width::expert_hidden) =
        real(a.moe.top_k * extent(a, Extent::expert_width).value) * expert_tensor / tensor;
    at(Width::experts) = real(a.moe.experts) / outside;
  }
  at(Width::vocab) = real(a.vocab_size) / tensor;
  set_mixer(w, a, kind, tensor, attended);
  return w;
}

BytesPerToken traffic_bytes(const Traffic& traffic, const WidthTable& w, BytesPerElement activation) {
  double bytes = 0;
  for (std::size_t i = 0; i < num_widths; ++i) {
    bytes += w.elements[i] * (traffic.activation_elements[i] * activation.value() + traffic.fixed_bytes[i]);
  }
  return BytesPerToken{bytes};
}

}  // namespace ridge
