#pragma once
/// What one layer launches, in order: the products and attention core that its architecture needs,
/// with the stack's passes between them.  Compiled once per layer kind, independent of the plan.
///
///   llama-3-8b on pytorch-llama:
///     rmsnorm | tensor enter | qkv | rope | attention core | o | tensor exit | residual |
///     rmsnorm | tensor enter | gate-up | silu-mul | down | tensor exit | residual
///
/// `tensor enter` stands where a column-parallel block begins and `tensor exit` where its row-parallel
/// product ends: one all-reduce forward at each exit and one backward at each enter, or all-gather and
/// reduce-scatter pairs under sequence parallelism (Korthikanti et al. 2022, arXiv:2205.05198, Fig. 5).

#include "model/inventory.h"
#include "sim/recipe.h"
#include "sim/stack.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ridge {

enum class StepKind : std::uint8_t { pass, product, core, tensor_enter, tensor_exit, dispatch, combine };

/// A matrix product with one weight, or with several that share an input and are stored side by side.
struct Product {
  std::string name;                ///< "attention.qkv"
  std::vector<Tensor> parts;       ///< more than one when fused
  std::int64_t out_by_tensor = 0;  ///< columns divided by t
  std::int64_t out_by_kv = 0;      ///< columns divided by min(t, K)
  std::int64_t out_whole = 0;
  std::int64_t in = 0;
  bool in_by_tensor = false;     ///< row-parallel: `in` is divided by t
  bool is_expert = false;        ///< `experts` of these, spread over expert-parallel ranks
  bool is_cross_memory = false;  ///< runs over the encoder's tokens
  std::int64_t experts = 1;
  double stored_bytes = 0, stored_elements = 0;  ///< inference: of all parts, averaged over the kind's layers
};

/// The part of a layer between products that is not a pass: attention or a recurrent scan.
struct Core {
  enum class Kind : std::uint8_t { attention, latent, scan };
  Kind kind = Kind::attention;
  bool is_cross = false;
};

struct Step {
  StepKind kind;
  std::int16_t index = 0;     ///< into passes, products or cores
  bool is_expert = false;     ///< pass over routed tokens
  bool is_selective = false;  ///< recomputed under selective recomputation
};

struct LayerProgram {
  std::vector<Step> steps;
  std::vector<Product> products;
  std::vector<Pass> passes;
  std::vector<Core> cores;
  Traffic keep_all;        ///< kept for the backward pass without recomputation
  Traffic keep_selective;  ///< the part that selective recomputation drops
};

/// Pre  the stack's conditions are known words (checked when it was read).
LayerProgram layer_program(const Architecture&, const Inventory&, std::size_t kind, const SoftwareStack&,
                           const PrecisionRecipe&);
LayerProgram embedding_program(const Architecture&, const Inventory&, const SoftwareStack&,
                               const PrecisionRecipe&);
/// Final norm, head and loss.
LayerProgram output_program(const Architecture&, const Inventory&, const SoftwareStack&,
                            const PrecisionRecipe&);

/// Whether `when` holds for an architecture, layer kind and recipe (see Pass::when).
bool holds(const std::string& when, const Architecture&, const LayerKind&, const PrecisionRecipe&);

}  // namespace ridge
