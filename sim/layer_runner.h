#pragma once
/// Runs a layer's program over a plan's shapes, booking each launch under its phase and class.
/// Internal to layer_time.h; split by what is launched: layer_products.cpp, layer_attention.cpp,
/// layer_exchange.cpp, layer_copies.cpp.

#include "sim/collective.h"
#include "sim/layer_time.h"
#include "sim/states.h"
#include "sim/widths.h"

namespace ridge {

class LayerRunner {
 public:
  LayerRunner(const LayerProgram& program, int kind, double count, const LayerContext& c)
      : program_(program),
        c_(c),
        kind_index_(kind),
        count_(count),
        ex_(c.ex),
        plan_(c.plan),
        a_(c.prepared.scenario.model),
        kind_(kind >= 0 ? c.prepared.inventory.layers.kinds[static_cast<std::size_t>(kind)] : LayerKind{}) {
    if (kind < 0) kind_.mixer = Mixer::none, kind_.feed_forward = FeedForward::none;
    const double attended = c.batch.past.value + c.batch.new_tokens.value;
    table_ = widths(a_, kind_, plan_, Tokens{attended});
    is_tensor_parallel_ = plan_.tensor > 1;
  }

  LayerTime run();

 private:
  /// One class of one phase, with its terms when recording.
  struct Sum {
    double value = 0;
    std::vector<Term> terms;
    double deviation = 0, known = 0;  ///< of its kernels, where a profile answers for them
    std::vector<Term> deviation_terms, known_terms;
  };
  using Sums = std::array<Sum, num_time_classes>;
  /// Terms of PhaseTime::by_bound, when recording.
  using BoundTerms = std::array<std::vector<Term>, num_bounds>;
  struct LaunchTerms {
    std::vector<Term> kernels, collectives;
  };

  void add(Sums& sums, TimeClass time_class, std::string_view name, Traced<Seconds> t) {
    Sum& s = sums[static_cast<std::size_t>(time_class)];
    s.value += t.value.value();
    if (ex_) s.terms.emplace_back(name, t);
  }
  void add(Sums& sums, TimeClass time_class, std::string_view name, const KernelCost& cost) {
    add(sums, time_class, name, cost.time);
    if (cost.answer.source != AnswerSource::preset) add_known(sums, time_class, name, cost);
  }
  /// What a profile says about the error of one launch.
  void add_known(Sums&, TimeClass, std::string_view name, const KernelCost&);
  void finish_confidence(Sums&, PhaseTime&);
  /// What is left of a sum's error when `rest` of its time shows.
  void hide_confidence(Sum&, double rest);
  void set_shape(double m, double n, double k) {
    m_ = static_cast<std::int64_t>(m + 0.5), n_ = static_cast<std::int64_t>(n + 0.5),
    k_ = static_cast<std::int64_t>(k + 0.5);
  }

  /// Books one launch in the forward phase, and again where recomputation repeats it.
  void forward(TimeClass time_class, OperatorKind kind, std::string_view name, const KernelCost& cost,
               double kernels);
  /// Some products of a layer are run again: their average share of the time.
  void recompute_share(TimeClass time_class, std::string_view name, KernelCost cost, double kernels,
                       double share);
  void backward(TimeClass time_class, OperatorKind kind, std::string_view name, const KernelCost& cost,
                double kernels);
  void book(PhaseTime& phase, OperatorKind kind, OperatorPhase when, std::string_view name,
            const KernelCost& cost, double kernels);
  void run_pass(const Pass& pass);
  double rows_of(const Pass&) const;
  static Traffic joined(Traffic a, const Traffic& b);
  Traced<double> pass_number(const Pass&, std::string_view field, double value);
  Traced<double> pass_kernels(const Pass&, double kernels);
  Traced<double> pass_efficiency(const Pass&, double efficiency);
  void run_product(const Product& p);
  /// Input and weight gradients of a product.
  void run_gradients(const Product& p, const ProductShape& s, double launches);
  Traced<double> row_alignment(const Product&, const ProductShape&);
  /// Tokens and number of products of the experts on this device; returns kernel launches.
  double route(ProductShape& s, const Product& p);
  /// Only the experts that some token reaches are read and computed.
  void touch_experts(ProductShape& s, Traced<double> k, Traced<double> E);
  Traced<BytesPerElement> weight_width(const Product& p);
  bool is_adapted(const Product& p) const;
  void run_adapter(const ProductShape& base, std::string_view name);
  /// One pass over `elements`, booked forward (and where recomputed) or backward.
  void copy_pass(OperatorPhase, std::string_view name, double kernels, Traced<double> elements,
                 Traced<BytesPerElement> width, bool widens = false);
  Traced<double> weight_elements(const ProductShape&);
  Traced<double> input_elements(const ProductShape&);
  Traced<double> result_elements(const ProductShape&);
  /// What precedes a product: quantised weights unpacked, autocast's copies of weight and input.
  void run_copies(const Product&, const ProductShape&);
  /// What follows a weight gradient: its cast to the gradient's format, its sum over micro-batches.
  void run_gradient_copies(const Product&, const ProductShape&);
  /// Bytes moved per element of a weight gradient by the product that makes it.
  Traced<BytesPerElement> gradient_result();
  void run_core(const Core& core);
  AttentionShape attention_shape(const Core& core);
  Traced<double> core_pairs(const Core& core);
  void set_head_widths(AttentionShape&, bool is_latent, bool is_absorbed);
  Traced<double> count(std::string_view key, std::int64_t);
  /// Keys a device reads for one sequence: all cached and new ones, or a window of them.
  Traced<double> attended_tokens();
  void run_scan();
  /// Scores and values as two batched products over the full square.
  void run_unfused(const AttentionShape& s);
  void run_ring(const AttentionShape& s);
  /// Decoding over a divided cache: the ranks' partial outputs become one.
  void run_combine(const AttentionShape& s);
  KernelCost exchange(CollectiveKind kind, Traced<Bytes> bytes, const GroupLink& link);
  /// Start (`is_enter`) or end of a tensor-parallel block.
  void run_boundary(bool is_enter);
  void run_expert_exchange();
  void finish(Sums& sums, PhaseTime& phase, OperatorPhase when);
  std::vector<Term>& flop_terms(OperatorPhase when);
  NodeId no_flop();
  /// Takes from a communication what hides behind work of the same phase.
  void hide(Sums&, TimeClass comm, TimeClass work, std::string_view key, double share, PhaseTime&,
            BoundTerms&);
  /// Books `t` under what bounds it.
  void bound(PhaseTime&, OperatorPhase when, Bound, std::string_view name, Traced<Seconds> t);
  BoundTerms& bound_terms(OperatorPhase when) { return bound_terms_[static_cast<std::size_t>(when)]; }
  /// Counts a launch and, when recording, where the count comes from.
  void count_launches(PhaseTime&, OperatorPhase when, OperatorKind, std::string_view name, double n);
  void finish_launches(PhaseTime&, OperatorPhase when);
  void finish_bounds(PhaseTime&, BoundTerms&);
  void add_gaps(Sums&, PhaseTime&, OperatorPhase when);
  NodeId zero_seconds();

  const LayerProgram& program_;
  const LayerContext& c_;
  int kind_index_;
  double count_;
  Explain* ex_;
  const ParallelPlan& plan_;
  const Architecture& a_;
  LayerKind kind_;
  WidthTable table_;
  bool is_tensor_parallel_ = false;
  const Step* step_ = nullptr;
  std::int64_t m_ = 0, n_ = 0, k_ = 0;
  Sums forward_, recompute_, backward_;
  std::vector<Term> forward_flops_, recompute_flops_, backward_flops_;  ///< when recording
  std::array<LaunchTerms, 3> launch_terms_;                             ///< by phase
  std::array<BoundTerms, 3> bound_terms_;                               ///< by phase
  LayerTime result_;
};

}  // namespace ridge
