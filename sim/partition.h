#pragma once
/// Who holds what: the layers of each pipeline stage, and the groups of ranks that communicate.
///
///   Stages s = partition(inventory, plan);       // 70B over 8 stages: first, 6 equal ones, last
///
/// Layers     L layers over n = p v chunks: L / n each, rounded down; of what remains the middle chunks
///            take one each, later ones first, then the first chunk, so that the stages of embedding and
///            head hold fewer (Llama 3's 126 layers over 16 stages: 7, 14 x 8, 7).
/// Placement  chunk k of stage i is the model's chunk k p + i; zbv: i and 2p - 1 - i; dualpipe: the
///            layers of stage i and of stage p - 1 - i.  Embedding with the first chunk; final norm,
///            head, loss and multi-token-prediction layers with the last.  A tied table lies on both.
/// Ranks      tensor fastest, then context, data, pipeline (Megatron's order).  Expert weights divide
///            the data x context x tensor plane anew: expert_tensor fastest, then expert, then copies.
/// Neighbouring stages that hold the same are one entry: evaluation costs O(distinct stages).

#include "model/inventory.h"
#include "sim/plan.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ridge {

/// Kinds of layers a model can have: attention with and without a window and recurrent, each with
/// dense feed-forward or experts, in encoder and decoder, and prediction modules.
inline constexpr std::size_t max_layer_kinds = 16;
/// Symbols of per-kind terms in recorded sums.
inline constexpr std::array<std::string_view, max_layer_kinds> kind_symbols = {
    "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11", "k12", "k13", "k14", "k15", "k16"};

/// `count` neighbouring stages that hold the same.
struct StageLayers {
  std::int64_t first = 0, count = 1;
  std::int64_t layers = 0;
  std::array<std::int32_t, max_layer_kinds> of_kind{};
  std::int32_t embeddings = 0;    ///< copies of the embedding: 1 on the first stage
  std::int32_t outputs = 0;       ///< of final norm and head
  std::int32_t token_copies = 0;  ///< of a tied token table held for the head alone

  friend bool operator==(const StageLayers&, const StageLayers&) = default;
};

/// First to last.  Pre: plan degrees >= 1 and layers >= 0; fewer layers than chunks leave some empty.
std::vector<StageLayers> partition(const Inventory&, const ParallelPlan&);

/// Layers of one kind on a stage; opens to the model's layers and the plan's chunks.
Traced<double> layers_on_stage(const Architecture&, const Inventory&, const ParallelPlan&, const StageLayers&,
                               std::size_t kind, Explain* ex = nullptr);

/// Layers of all kinds on a stage.
Traced<std::int64_t> layers_on_stage(const Architecture&, const Inventory&, const ParallelPlan&,
                                     const StageLayers&, Explain* ex = nullptr);

/// `ranks` devices, `stride` apart.
struct RankGroup {
  std::int64_t ranks = 1, stride = 1;
};

struct RankGroups {
  RankGroup tensor, context, data, pipeline;
  RankGroup replicas;  ///< data x context: ranks with the same dense weights
  RankGroup expert_tensor, expert;
  RankGroup expert_replicas;  ///< ranks with the same expert weights
};
RankGroups rank_groups(const ParallelPlan&);

/// Copies of expert weights: data context tensor / (expert expert_tensor); at least 1.
double expert_replicas(const ParallelPlan&);

}  // namespace ridge
