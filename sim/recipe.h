#pragma once
/// A precision recipe: how many bytes each parameter costs in each role, and in which number format
/// the matrix products run.  Recipes are data (presets/precision/*.yaml; contract, section 4).
///
///   mixed-bf16   weights 2 + gradients 4 + master 4 + moments 8 = 18 B per parameter (Megatron)

#include "base/schema.h"

#include <string>

namespace ridge {

struct PrecisionRecipe {
  std::string name, description, source;
  std::vector<std::string> aliases;
  BytesPerElement weights{2};          ///< the copy the optimizer or the forward pass reads
  BytesPerElement gradients{2};        ///< main gradient buffer
  BytesPerElement extra_gradients{0};  ///< second gradient copy held at the optimizer step (mixed-224444)
  BytesPerElement master{0};           ///< fp32 copy kept by the optimizer
  BytesPerElement moments{8};          ///< both Adam moments together
  BytesPerElement gathered{2};         ///< compute copy when weights are gathered (ZeRO-3) or cast per use
  BytesPerElement gradient_wire{2};    ///< bytes per gradient element in data-parallel reductions
  bool cast_per_use = false;           ///< autocast: every product first casts its weight to `gathered`
  BytesPerElement activations{2};
  std::string compute = "bf16";  ///< precision of matrix products: fp32 tf32 bf16 fp16 fp8 nvfp4 ...
  std::string attention_compute = "bf16";
};
template <> struct SchemaOf<PrecisionRecipe> { static const Schema<PrecisionRecipe>& get(); };

/// Optimizer states as data: how many moment-sized states an optimizer keeps (Adam 2) and what one
/// pass over the parameters moves.
struct OptimizerRecipe {
  std::string name, source;
  std::vector<std::string> aliases;
  double moment_states = 2;  ///< Adam 2, momentum SGD and Lion 1, SGD 0; each costs moments/2 bytes
  std::optional<BytesPerElement> state_bytes;  ///< overrides moment_states * moments/2 (8-bit Adam: 2.03)
};
template <> struct SchemaOf<OptimizerRecipe> { static const Schema<OptimizerRecipe>& get(); };

}  // namespace ridge
