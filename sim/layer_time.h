#pragma once
/// Time of one layer for one micro-batch on one device: its program run over the plan's shapes.

#include "hardware/topology.h"
#include "sim/kernels.h"
#include "sim/operators.h"

#include <array>

namespace ridge {

/// What a duration is spent on; the names are those of `time.parts`.
enum class TimeClass { product, attention, pass, gap, tensor, expert, context };
inline constexpr std::size_t num_time_classes = 7;

/// Kernels whose errors are alike (calibrate/fit/conformal.h).
enum class KernelClass : std::uint8_t { products, attention, passes, collectives };
inline constexpr std::size_t num_kernel_classes = 4;

/// What a profile says about a duration's error (sim/confidence.h).
struct Confidence {
  std::array<Traced<Seconds>, num_kernel_classes> deviation{};  ///< sum of t s over the kernels of a class
  Traced<Seconds> known{};  ///< sum of t over kernels that a profile answers
  bool any() const { return known.value > Seconds{0}; }
};

/// The tokens one device processes in one go.
struct MicroBatch {
  Traced<double> sequences;       ///< b
  Traced<double> query_tokens;    ///< new tokens of one sequence on this device, s / c
  Traced<double> tokens;          ///< b s / c
  Traced<double> new_tokens;      ///< s: new tokens of one sequence, over the context-parallel group
  Traced<double> past;            ///< tokens of each sequence already cached
  Traced<double> encoder_tokens;  ///< tokens of a sequence that cross attention reads
  bool is_decode = false;
  Traced<BytesPerElement> activation, cache, weight;
};

/// New tokens of a sequence on one context-parallel rank, n / c, and those of all sequences there, b q.
Traced<double> local_tokens(Traced<double> n, Traced<double> c, Explain*);
Traced<double> batch_tokens(Traced<double> b, Traced<double> q, Explain*);

/// The communicators of a plan.
struct Links {
  GroupLink tensor, context, expert, data, expert_data;
  const Tier* pipeline = nullptr;
};
Links links(const Cluster&, const ParallelPlan&, Explain* ex = nullptr);

/// Everything a layer's time depends on beside its program.
struct LayerContext {
  const Prepared& prepared;
  const ParallelPlan& plan;
  const Rates& rates;
  const Links& links;
  const MicroBatch& batch;
  Recompute recompute = Recompute::none;
  bool has_backward = false;
  bool is_frozen = false;  ///< LoRA: no weight gradients
  std::int64_t lora_rank = 0;
  bool accumulates = false;        ///< weight gradients of several micro-batches are summed
  const Rates* adapter = nullptr;  ///< of low-rank adapters, where they run in another precision
  Explain* ex = nullptr;
  OperatorList* list = nullptr;  ///< filled when given
};

/// Seconds, kernels and FLOP of one phase of one micro-batch.
struct PhaseTime {
  std::array<Traced<Seconds>, num_time_classes> parts;
  Traced<Seconds> device;  ///< sum of parts
  Traced<double> kernels{}, collectives{};
  Traced<Flop> flops{};
  TimeByBound by_bound{};
  Confidence confidence{};
  Traced<Seconds>& part(TimeClass c) { return parts[static_cast<std::size_t>(c)]; }
  const Traced<Seconds>& part(TimeClass c) const { return parts[static_cast<std::size_t>(c)]; }
};
struct LayerTime {
  PhaseTime forward, recompute, backward;
};

/// `kind` -1: the embedding or output program.  `count`: layers it stands for, for the operator list.
LayerTime layer_time(const LayerProgram&, int kind, double count, const LayerContext&);

/// Query-key pairs of one sequence in one layer: all of them, or those a causal mask or window leaves.
Traced<double> attention_pairs(const MicroBatch&, const LayerKind&, std::int64_t sinks, bool causal_skip,
                               Explain*);

/// Columns and depth of one product on one device, with the architecture's sizes as inputs.
Traced<double> product_columns(const Product&, const Architecture&, const ParallelPlan&, Explain*);
Traced<double> product_depth(const Product&, const Architecture&, const ParallelPlan&, Explain*);

}  // namespace ridge
