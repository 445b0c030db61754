#include "sim/plan.h"

namespace ridge {
namespace {

/// No machine is built for more; the product of all degrees stays exact in 64 bits.
constexpr double most_devices = 8192, most_replicas = 1048576;

}  // namespace

const Schema<ParallelPlan>& SchemaOf<ParallelPlan>::get() {
  using P = ParallelPlan;
  static const Schema<P> s{
      "parallel",
      "How the work is split; devices = data x tensor x pipeline x context",
      {
          field("data", &P::data, "data-parallel replicas; absent: derived from the devices")
              .range(0, most_replicas),
          field("tensor", &P::tensor, "devices a layer's products are split over").range(1, most_devices),
          field("sequence", &P::sequence, "splits what tensor parallelism leaves whole along the sequence"),
          field("pipeline", &P::pipeline, "stages the layers are split over").range(1, most_devices),
          field("virtual_stages", &P::virtual_stages, "model chunks per stage").range(1, most_devices),
          field("schedule", &P::schedule, "order of forward and backward passes in the pipeline"),
          field("context", &P::context, "devices a sequence is split over").range(1, most_devices),
          field("expert", &P::expert, "devices the experts are spread over").range(1, most_devices),
          field("expert_tensor", &P::expert_tensor, "devices one expert is split over; 0: derived")
              .range(0, most_devices),
          field("zero", &P::zero, "sharded over data: 0 nothing, 1 optimizer, 2 + gradients, 3 + weights")
              .range(0, 3),
          field("offload", &P::offload, "what lives in host memory"),
      }};
  return s;
}

}  // namespace ridge
