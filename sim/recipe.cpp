#include "sim/recipe.h"

namespace ridge {

const Schema<PrecisionRecipe>& SchemaOf<PrecisionRecipe>::get() {
  using R = PrecisionRecipe;
  static const Schema<PrecisionRecipe> schema{
      "precision",
      "Bytes per parameter in each role, and the number format of the products",
      {
          field("name", &R::name, "name of the recipe"),
          field("description", &R::description, "what it is"),
          field("source", &R::source, "where these facts come from"),
          field("aliases", &R::aliases, "other names"),
          field("weights", &R::weights, "the copy the optimizer or the forward pass reads").range(0, 64),
          field("gradients", &R::gradients, "main gradient buffer").range(0, 64),
          field("extra_gradients", &R::extra_gradients, "second gradient copy held at the optimizer step")
              .range(0, 64),
          field("master", &R::master, "full-precision copy kept by the optimizer").range(0, 64),
          field("moments", &R::moments, "both Adam moments together").range(0, 64),
          field("gathered", &R::gathered, "compute copy of gathered or cast weights").range(0, 64),
          field("gradient_wire", &R::gradient_wire, "bytes per gradient element in reductions").range(0, 64),
          field("cast_per_use", &R::cast_per_use, "autocast: every product first casts its weight"),
          field("activations", &R::activations, "bytes per activation element").range(0.1, 64),
          field("compute", &R::compute, "precision of matrix products"),
          field("attention_compute", &R::attention_compute, "precision of the attention core"),
      }};
  return schema;
}

const Schema<OptimizerRecipe>& SchemaOf<OptimizerRecipe>::get() {
  using R = OptimizerRecipe;
  static const Schema<OptimizerRecipe> schema{
      "optimizer",
      "States an optimizer keeps per parameter",
      {
          field("name", &R::name, "name of the optimizer"),
          field("aliases", &R::aliases, "other names"),
          field("source", &R::source, "where these facts come from"),
          field("moment_states", &R::moment_states, "moment-sized states: Adam 2, Lion 1, SGD 0")
              .range(0, 16),
          field("state_bytes", &R::state_bytes,
                "bytes of all states per parameter, when not a multiple of a moment")
              .range(0, 64),
      }};
  return schema;
}

}  // namespace ridge
