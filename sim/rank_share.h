#pragma once
/// One rank's share of a group of tensors, in elements or in stored bytes, opened to each tensor.
///
///   dense    r + x / t + y / min(t, K)     Shoeybi et al. 2019, arXiv 1909.08053
///   experts  E / (e et) + R / e            Megatron Core: expert and expert-tensor groups
///
///   r replicated, x divided by tensor degree t, y keys and values of K heads; E experts' matrices and
///   R their replicated vectors, e and et expert and expert-tensor degrees          [inventory.h]
///
/// Internal to the memory of training (held_elements.cpp) and inference (memory_inference.cpp).

#include "sim/partition.h"
#include "sim/prepare.h"

namespace ridge {

double dense_share(const ElementSums&, double t);
double expert_share(const ElementSums&, double e, double et);

/// Layers of `n` that have weights of their own: one where all layers share them.
double own_layers(const Inventory&, std::int32_t n);
Traced<double> own_layers(const Prepared&, const ParallelPlan&, const StageLayers&, std::size_t kind,
                          Explain* ex);

/// Records shares in elements.
class ElementShare {
 public:
  ElementShare(const Prepared&, const ParallelPlan&, Explain&);
  Traced<Elements> dense(int group);
  Traced<Elements> experts(std::size_t kind);
  /// `is_table_sharded`: whether the stack divides the token table.
  Traced<Elements> embedding(bool is_table_sharded);
  Traced<Elements> token_table();
  Traced<double> tensor() const { return t_; }

 private:
  Traced<Elements> sum(int group, Divider);
  const Prepared& p_;
  Explain* ex_;
  Traced<double> t_, e_, et_;
};

/// Stored bytes of a group on one rank, in the scenario's storage format.
Traced<Bytes> stored_share(const Prepared&, const ParallelPlan&, int group, Explain* ex = nullptr);
/// Of the token table alone, which a tied head holds again.
Traced<Bytes> stored_table_share(const Prepared&, const ParallelPlan&, Explain* ex = nullptr);

}  // namespace ridge
