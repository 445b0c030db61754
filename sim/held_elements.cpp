#include "sim/rank_share.h"
#include "sim/states.h"

#include <algorithm>
#include <vector>

namespace ridge {
namespace {

constexpr Formula layers_of_kind{"states.layers", "parameters of equal layers", "n * P", "definition"};
constexpr Formula element_sum{"states.elements", "parameters a device holds", "sum(...)", "definition"};
constexpr Formula largest_layer{"states.layer.largest", "parameters of the largest layer", "max(...)",
                                "definition"};

double real(std::int64_t n) { return static_cast<double>(n); }
double degree(std::int64_t n) { return real(std::max<std::int64_t>(n, 1)); }

struct Sums {
  double dense = 0, experts = 0, layer = 0, layer_dense = 0, ends = 0, head = 0, adapters = 0;
};

/// The embedding's sums, its table whole on every rank when the stack leaves it so.
ElementSums embedding_sums(const Inventory& inv, bool is_table_sharded) {
  ElementSums s = inv.embedding;
  if (is_table_sharded) return s;
  s.replicated += s.tensor;
  s.tensor = 0;
  return s;
}

Sums sum_elements(const Prepared& p, const StageLayers& stage, const ParallelPlan& plan,
                  bool is_table_sharded) {
  const Inventory& inv = p.inventory;
  const double t = degree(plan.tensor), e = degree(plan.expert), et = degree(plan.expert_tensor);
  const Training* training = p.scenario.training();
  Sums s;
  for (std::size_t k = 0; k < inv.of_kind.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0) continue;
    const double dense = dense_share(inv.of_kind[k], t), experts = expert_share(inv.of_kind[k], e, et);
    const double n = own_layers(inv, stage.of_kind[k]);
    s.dense += n * dense;
    s.experts += n * experts;
    s.layer = std::max(s.layer, dense + experts);
    s.layer_dense = std::max(s.layer_dense, dense);
    if (!p.adapters.empty())
      s.adapters +=
          n *
          adapter_elements(p.scenario.model, inv, k, p.adapters, training->lora_rank, {t, 0}).value.value();
  }
  const double table = real(inv.token_embedding) / t;
  s.head = stage.outputs > 0 ? table : 0;
  s.ends = stage.embeddings * dense_share(embedding_sums(inv, is_table_sharded), t) +
           stage.outputs * dense_share(inv.output, t) + stage.token_copies * table;
  s.dense += s.ends;
  return s;
}

/// Opens the sums above to the tensors.
class Record {
 public:
  Record(const Prepared& p, const StageLayers& stage, const ParallelPlan& plan, Explain& ex)
      : p_(p), stage_(stage), plan_(plan), ex_(&ex), share_(p, plan, ex) {}

  HeldElements run(bool is_table_sharded) {
    HeldElements held;
    layers();
    if (stage_.embeddings > 0) ends_.emplace_back("embedding", share_.embedding(is_table_sharded));
    if (stage_.outputs > 0) ends_.emplace_back("output", share_.dense(output_group));
    if (stage_.token_copies > 0) ends_.emplace_back("tied", share_.token_table());
    held.ends = combined(element_sum, ends_);
    dense_.emplace_back("ends", held.ends);
    held.dense = combined(element_sum, dense_);
    held.experts = combined(element_sum, experts_);
    held.layer = combined(largest_layer, largest_);
    held.layer_dense = combined(largest_layer, largest_dense_);
    held.head = stage_.outputs > 0 ? share_.token_table() : combined(element_sum, {});
    held.adapters = combined(element_sum, adapters_);
    return held;
  }

 private:
  void layers() {
    const Inventory& inv = p_.inventory;
    for (std::size_t k = 0; k < inv.of_kind.size() && k < max_layer_kinds; ++k) {
      if (stage_.of_kind[k] == 0) continue;
      const auto d = share_.dense(static_cast<int>(k)), x = share_.experts(k);
      const bool has_experts = x.value.value() > 0;
      dense_.emplace_back(kind_symbols[k], times(k, d));
      if (has_experts) experts_.emplace_back(kind_symbols[k], times(k, x));
      largest_dense_.emplace_back(kind_symbols[k], d);
      largest_.emplace_back(kind_symbols[k],
                            has_experts ? combined(element_sum, {{"dense", d}, {"experts", x}}) : d);
      if (p_.adapters.empty()) continue;
      const auto t = share_.tensor();
      adapters_.emplace_back(kind_symbols[k],
                             times(k, adapter_elements(p_.scenario.model, inv, k, p_.adapters,
                                                       p_.scenario.training()->lora_rank, t, ex_)));
    }
  }

  Traced<Elements> times(std::size_t kind, Traced<Elements> each) {
    const auto n = own_layers(p_, plan_, stage_, kind, ex_);
    return note(ex_, layers_of_kind, n.value * each.value, {{"n", n}, {"P", each}});
  }

  Traced<Elements> combined(const Formula& f, const std::vector<Term>& terms) {
    if (terms.empty())
      return constant(ex_, "no parameters", Elements{0}, "nothing of this kind on the stage");
    double value = 0;
    for (const Term& t : terms) value = &f == &largest_layer ? std::max(value, t.value) : value + t.value;
    return {Elements{value}, ex_->note(f, value, Elements::dim, terms)};
  }

  const Prepared& p_;
  const StageLayers& stage_;
  const ParallelPlan& plan_;
  Explain* ex_;
  ElementShare share_;
  std::vector<Term> dense_, experts_, largest_, largest_dense_, ends_, adapters_;
};

}  // namespace

HeldElements held_elements(const Prepared& p, const StageLayers& stage, const ParallelPlan& plan, Explain* ex,
                           bool is_table_sharded) {
  if (ex) return Record(p, stage, plan, *ex).run(is_table_sharded);
  const Sums s = sum_elements(p, stage, plan, is_table_sharded);
  HeldElements held;
  held.dense.value = Elements{s.dense}, held.experts.value = Elements{s.experts};
  held.layer.value = Elements{s.layer}, held.layer_dense.value = Elements{s.layer_dense};
  held.ends.value = Elements{s.ends}, held.head.value = Elements{s.head};
  held.adapters.value = Elements{s.adapters};
  return held;
}

}  // namespace ridge
