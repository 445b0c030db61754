#pragma once
/// Which layer is of which kind.  Layers of one kind have equal tensors, FLOPs and cache, so that
/// everything per layer is computed once per kind: a model has one to four kinds, at most 255.
///
///   llama-3-8b     32 x (attention, dense)
///   deepseek-v3     3 x (latent, dense), 58 x (latent, experts)
///   gemma-3-27b    52 x (attention window 1024, dense), 10 x (attention, dense)
///   t5-base        12 x encoder (attention, dense), 12 x (attention + cross attention, dense)
///   jamba           4 x (attention, dense), 12 x (mamba, dense), 16 x (mamba, experts)

#include "model/architecture.h"

#include <cstdint>
#include <vector>

namespace ridge {

enum class Mixer : std::uint8_t { none, attention, latent_attention, recurrent };
enum class FeedForward : std::uint8_t { none, dense, experts, channel_mix };  ///< channel_mix: RWKV

struct LayerKind {
  Mixer mixer = Mixer::attention;
  FeedForward feed_forward = FeedForward::dense;
  bool is_encoder = false;
  bool is_causal = true;
  bool has_cross_attention = false;
  bool is_mtp = false;      ///< a multi-token-prediction module: the layer and its projections
  std::int64_t window = 0;  ///< tokens seen; 0: all
  friend bool operator==(const LayerKind&, const LayerKind&) = default;
};

/// Order of a model's layers: encoder, then decoder (or the only stack), then MTP modules.
struct LayerPlan {
  std::vector<LayerKind> kinds;
  std::vector<std::int64_t> count;          ///< layers of each kind
  std::vector<std::uint8_t> kind_of_layer;  ///< index into kinds, in execution order
  std::int64_t encoder_layers = 0, decoder_layers = 0, mtp_layers = 0;
};

/// Pre  the architecture is derived and valid.
LayerPlan layer_plan(const Architecture&);

/// "latent attention, experts" - for reports.
std::string describe(const LayerKind&);

/// Layers of a kind in the whole model, from the fields that the rule of decoder_kind reads.
Traced<std::int64_t> layers_of(const Architecture&, const LayerPlan&, std::size_t kind,
                               Explain* ex = nullptr);

/// Layers of a kind among the model's first `before`, where one field rules it: dense layers before
/// experts, windows between global layers.  No node when the model's pattern is another.
Traced<std::int64_t> layers_among_first(const Architecture&, const LayerPlan&, std::size_t kind,
                                        Traced<std::int64_t> before, Explain& ex);

}  // namespace ridge
