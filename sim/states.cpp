#include "sim/states.h"

#include "base/expression.h"
#include "sim/stated.h"

#include <algorithm>
#include <string>
#include <vector>

namespace ridge {
namespace {

constexpr std::string_view zero_paper = "Rajbhandari et al. 2020, arXiv 1910.02054, section 5";

inline constexpr Formula dense_layer{"states.layer.dense", "parameters of one layer's dense part on a device",
                                     "r + x / t + y / min(t, K)", "Shoeybi et al. 2019, arXiv 1909.08053",
                                     "key and value heads are replicated beyond K ranks"};
inline constexpr Formula expert_layer{"states.layer.experts", "parameters of one layer's experts on a device",
                                      "E / (e * et) + R / e",
                                      "Megatron Core: expert and expert-tensor groups"};
inline constexpr Formula layers_of_kind{"states.layers", "parameters of equal layers", "n * P", "definition"};
inline constexpr Formula element_sum{"states.elements", "parameters a device holds", "sum(...)",
                                     "definition"};
inline constexpr Formula largest_layer{"states.layer.largest", "parameters of the largest layer", "max(...)",
                                       "definition"};
inline constexpr Formula state_formula{"memory.state", "bytes of one model state",
                                       "w * (dense / n + experts / x)", zero_paper,
                                       "shards are equal; padding is left out"};
inline constexpr Formula moments_formula{"states.optimizer.width", "bytes of optimizer states per parameter",
                                         "s * m / 2", "definition: m are two Adam moments"};
inline constexpr Formula replicas_formula{"states.replicas", "ranks that hold the same dense weights",
                                          "d * c", "definition"};
inline constexpr Formula expert_replicas_formula{"states.replicas.experts",
                                                 "ranks that hold the same experts",
                                                 "max(1, d * c * t / (e * et))", "definition"};

double real(std::int64_t n) { return static_cast<double>(n); }
double degree(std::int64_t n) { return real(std::max<std::int64_t>(n, 1)); }

double dense_elements(const ElementSums& s, double t) {
  return real(s.replicated) + real(s.tensor) / t +
         real(s.key_value) / std::clamp(t, 1.0, std::max(1.0, real(s.kv_heads)));
}
double expert_elements(const ElementSums& s, double e, double et) {
  return real(s.expert) / (e * et) + real(s.expert_replicated) / e;
}

/// Records what evaluation sums; only used while explaining.
class ElementRecord {
 public:
  ElementRecord(const ParallelPlan& plan, Explain* ex) : ex_(ex) {
    t_ = stated(ex, "parallel.tensor", degree(plan.tensor));
    e_ = stated(ex, "parallel.expert", degree(plan.expert));
    et_ = stated(ex, "parallel.expert_tensor", degree(plan.expert_tensor));
  }
  Traced<Elements> dense(const ElementSums& s, const std::string& name) {
    return note(ex_, dense_layer, Elements{dense_elements(s, t_.value)},
                {{"r", counted(name + ".replicated", s.replicated)},
                 {"x", counted(name + ".by_tensor", s.tensor)},
                 {"t", t_},
                 {"y", counted(name + ".by_kv_heads", s.key_value)},
                 {"K", number("inventory.kv_heads", std::max(1.0, real(s.kv_heads)))}});
  }
  Traced<Elements> experts(const ElementSums& s, const std::string& name) {
    return note(ex_, expert_layer, Elements{expert_elements(s, e_.value, et_.value)},
                {{"E", counted(name + ".experts", s.expert)},
                 {"e", e_},
                 {"et", et_},
                 {"R", counted(name + ".experts_replicated", s.expert_replicated)}});
  }
  Traced<Elements> times(double n, Traced<Elements> each) {
    return note(ex_, layers_of_kind, n * each.value,
                {{"n", ridge::counted(ex_, n, "layers of one kind on the stage")}, {"P", each}});
  }
  Traced<Elements> counted(const std::string& key, std::int64_t n) {
    return {Elements{real(n)}, ex_->input("inventory." + key, real(n), Elements::dim, inventory_origin())};
  }
  Traced<Elements> sum(const std::vector<Term>& terms) { return combine(element_sum, terms, false); }
  Traced<Elements> largest(const std::vector<Term>& terms) { return combine(largest_layer, terms, true); }

 private:
  static Origin inventory_origin() {
    return {Origin::Kind::definition, {}, "tensor inventory of the model", {}};
  }
  Traced<double> number(const std::string& key, double n) {
    return {n, ex_->input(key, n, Dim{}, inventory_origin())};
  }
  Traced<Elements> combine(const Formula& f, const std::vector<Term>& terms, bool take_max) {
    if (terms.empty()) return constant(ex_, "no parameters", Elements{0}, "definition");
    double value = 0;
    for (const Term& t : terms) value = take_max ? std::max(value, t.value) : value + t.value;
    return {Elements{value}, ex_->note(f, value, Elements::dim, terms)};
  }
  Explain* ex_;
  Traced<double> t_, e_, et_;
};

/// Which linear layers adapters are attached to.
bool is_targeted(TensorRole role, std::string_view targets) {
  const bool attention = role == TensorRole::q || role == TensorRole::k || role == TensorRole::v ||
                         role == TensorRole::o || role == TensorRole::q_a || role == TensorRole::q_b ||
                         role == TensorRole::kv_a || role == TensorRole::kv_b;
  const bool feed_forward = role == TensorRole::gate || role == TensorRole::up || role == TensorRole::down;
  if (targets == "attention") return attention;
  if (targets == "feed-forward") return feed_forward;
  return attention || feed_forward || role == TensorRole::shared_gate_proj || role == TensorRole::shared_up ||
         role == TensorRole::shared_down;
}

struct Sums {
  double dense = 0, experts = 0, layer = 0, layer_dense = 0, ends = 0, head = 0, adapters = 0;
};

const ElementSums token_table_sums(const Inventory& inv) {
  ElementSums s;
  s.tensor = inv.token_embedding;
  return s;
}

/// Layers of a kind that have weights of their own.
double own_layers(const Inventory& inv, std::int32_t n) { return inv.shared_layers ? std::min(n, 1) : n; }

/// The embedding's sums, its table whole on every rank when the stack leaves it so.
ElementSums embedding_sums(const Inventory& inv, bool is_table_sharded) {
  ElementSums s = inv.embedding;
  if (is_table_sharded) return s;
  s.replicated += s.tensor;
  s.tensor = 0;
  return s;
}

Sums sum_elements(const Inventory& inv, const StageLayers& stage, const ParallelPlan& plan,
                  const Training* training, bool is_table_sharded) {
  const double t = degree(plan.tensor), e = degree(plan.expert), et = degree(plan.expert_tensor);
  Sums s;
  for (std::size_t k = 0; k < inv.of_kind.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0) continue;
    const double dense = dense_elements(inv.of_kind[k], t), experts = expert_elements(inv.of_kind[k], e, et);
    const double n = own_layers(inv, stage.of_kind[k]);
    s.dense += n * dense;
    s.experts += n * experts;
    s.layer = std::max(s.layer, dense + experts);
    s.layer_dense = std::max(s.layer_dense, dense);
    if (training && training->method != Method::full)
      s.adapters += n * adapter_elements(inv, k, *training, plan);
  }
  const double table = real(inv.token_embedding) / t;
  s.head = stage.outputs > 0 ? std::max(table, 0.0) : 0;
  s.ends = stage.embeddings * dense_elements(embedding_sums(inv, is_table_sharded), t) +
           stage.outputs * dense_elements(inv.output, t) + stage.token_copies * table;
  s.dense += s.ends;
  return s;
}

}  // namespace

double adapter_elements(const Inventory& inv, std::size_t layer_kind, const Training& training,
                        const ParallelPlan& plan) {
  const double t = degree(plan.tensor), rank = real(training.lora_rank);
  double elements = 0;
  for (const Tensor& w : inv.tensors) {
    if (w.layer_kind != static_cast<std::int16_t>(layer_kind) || w.is_bias || w.is_vector() || w.is_expert)
      continue;
    if (!is_targeted(w.role, training.lora_targets)) continue;
    const bool cut_out = w.sharding == Sharding::column || w.sharding == Sharding::key_value;
    const double in = real(w.in) / (w.sharding == Sharding::row ? t : 1);
    elements += rank * real(w.copies) * (in + real(w.out) / (cut_out ? t : 1));
  }
  return elements;
}

HeldElements held_elements(const Inventory& inv, const StageLayers& stage, const ParallelPlan& plan,
                           const Training* training, Explain* ex, bool is_table_sharded) {
  const Sums s = sum_elements(inv, stage, plan, training, is_table_sharded);
  HeldElements held;
  held.dense.value = Elements{s.dense}, held.experts.value = Elements{s.experts};
  held.layer.value = Elements{s.layer}, held.layer_dense.value = Elements{s.layer_dense};
  held.ends.value = Elements{s.ends}, held.head.value = Elements{s.head},
  held.adapters.value = Elements{s.adapters};
  if (!ex) return held;
  ElementRecord record(plan, ex);
  std::vector<Term> dense, experts, largest, largest_dense, ends;

  for (std::size_t k = 0; k < inv.of_kind.size() && k < max_layer_kinds; ++k) {
    if (stage.of_kind[k] == 0) continue;
    const std::string name = describe(inv.layers.kinds[k]);
    const double n = own_layers(inv, stage.of_kind[k]);
    const auto d = record.dense(inv.of_kind[k], name), x = record.experts(inv.of_kind[k], name);
    dense.emplace_back(kind_symbols[k], record.times(n, d));
    experts.emplace_back(kind_symbols[k], record.times(n, x));
    largest_dense.emplace_back(kind_symbols[k], d);
    largest.emplace_back(kind_symbols[k], record.sum({{"dense", d}, {"experts", x}}));
  }
  if (stage.embeddings > 0)
    ends.emplace_back(
        "embedding",
        record.times(stage.embeddings, record.dense(embedding_sums(inv, is_table_sharded), "embedding")));
  if (stage.outputs > 0)
    ends.emplace_back("output", record.times(stage.outputs, record.dense(inv.output, "output")));
  if (stage.token_copies > 0)
    ends.emplace_back("tied",
                      record.times(stage.token_copies, record.dense(token_table_sums(inv), "token table")));
  held.ends = record.sum(ends);
  dense.emplace_back("ends", held.ends);
  held.dense = record.sum(dense);
  held.experts = record.sum(experts);
  held.layer = record.largest(largest);
  held.layer_dense = record.largest(largest_dense);
  held.head = stage.outputs > 0 ? record.dense(token_table_sums(inv), "token table") : record.sum({});
  held.adapters = {Elements{s.adapters},
                   ex->input("low-rank adapters", s.adapters, Elements::dim,
                             {Origin::Kind::definition, {}, "Hu et al. 2021, arXiv 2106.09685", {}})};
  return held;
}

StateShards state_shards(const ParallelPlan& plan, std::int64_t stage, Explain* ex) {
  if (plan.zero < stage) {
    const auto one = constant(ex, "not sharded", 1.0, zero_paper);
    return {one, one};
  }
  const double replicas = degree(plan.data) * degree(plan.context);
  if (!ex) return {{replicas}, {expert_replicas(plan)}};
  const auto d = stated(ex, "parallel.data", degree(plan.data)),
             c = stated(ex, "parallel.context", degree(plan.context));
  return {note(ex, replicas_formula, replicas, {{"d", d}, {"c", c}}),
          note(ex, expert_replicas_formula, expert_replicas(plan),
               {{"d", d},
                {"c", c},
                {"t", stated(ex, "parallel.tensor", degree(plan.tensor))},
                {"e", stated(ex, "parallel.expert", degree(plan.expert))},
                {"et", stated(ex, "parallel.expert_tensor", degree(plan.expert_tensor))}})};
}

Traced<Bytes> state_bytes(Traced<Elements> dense, Traced<Elements> experts, Traced<BytesPerElement> width,
                          const StateShards& shards, Explain* ex) {
  const Bytes bytes = width.value * (dense.value / shards.dense.value + experts.value / shards.experts.value);
  return note(
      ex, state_formula, bytes,
      {{"w", width}, {"dense", dense}, {"n", shards.dense}, {"experts", experts}, {"x", shards.experts}});
}

Traced<BytesPerElement> quantised_width(Explain* ex) {
  return constant(ex, "bytes of a double-quantised NF4 weight", BytesPerElement{4.127 / 8},
                  "Dettmers et al. 2023, arXiv 2305.14314: 4 + 8/64 + 32/(64 256) bits");
}

Traced<BytesPerElement> optimizer_width(const PrecisionRecipe& recipe, const OptimizerRecipe& optimizer,
                                        Explain* ex) {
  if (optimizer.state_bytes) return stated(ex, "optimizer.state_bytes", *optimizer.state_bytes);
  const BytesPerElement each = recipe.moments / 2.0;
  return note(ex, moments_formula, optimizer.moment_states * each,
              {{"s", stated(ex, "optimizer.moment_states", optimizer.moment_states)},
               {"m", stated(ex, "precision.moments", recipe.moments)}});
}

BytesPerElement bytes_per_parameter(const PrecisionRecipe& r, const OptimizerRecipe& o) {
  return r.weights + r.gradients + r.extra_gradients + r.master + optimizer_width(r, o).value;
}

}  // namespace ridge
