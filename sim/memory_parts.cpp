#include "sim/memory_stage.h"
#include "sim/schedule.h"

#include <cmath>

namespace ridge::detail {
namespace {

inline constexpr Formula whole_in_flight{"memory.in_flight", "micro-batches a stage holds, begun ones whole",
                                         "ceil(k)", "definition"};
inline constexpr Formula width_sum{"memory.gradients.width", "bytes per gradient", "g + x",
                                   "the software stack: copies while micro-batches accumulate"};
inline constexpr Formula held_kept{"memory.activations", "activations of the micro-batches a stage holds",
                                   "k * x / y", "Korthikanti et al. 2022, arXiv 2205.05198, section 4.4",
                                   "y copies of the layers share them (dualpipe)"};
inline constexpr Formula end_kept{"memory.activations.backward_end",
                                  "activations at the end of a backward pass",
                                  "max(0, k - 1) * x / y + layer", "definition"};
inline constexpr Formula workspace{"memory.layer_workspace", "recomputation and gradients of one layer",
                                   "recomputed + gradients", "definition"};
inline constexpr Formula loss_held{"memory.logits_and_loss", "logits and losses",
                                   "loss + max(0, k - 1) * waiting", "definition"};
inline constexpr Formula gathered{"memory.gathered_weights", "weights gathered for use",
                                  "w * (ends + n * layer)",
                                  "PyTorch FSDP: a layer in use and the next, and the root unit"};
inline constexpr Formula compute_copy{"memory.compute_weights", "weights in the products' format",
                                      "w * (dense + experts)", "PyTorch FSDP, reshard_after_forward=False"};
inline constexpr Formula casts{"memory.cast_weights", "weights cast by autocast",
                               "w * (dense + experts - ends + head)",
                               "PyTorch torch.amp: casts live until backward"};
inline constexpr Formula unit_casts{"memory.cast_weights.unit", "weights cast by autocast",
                                    "w * (layer + head)",
                                    "PyTorch torch.amp under recomputation: casts of one layer"};
inline constexpr Formula buckets{"memory.gradient_buckets", "buffers of gradient reductions",
                                 "n * w * layer + y * g * (dense + experts)", "the software stack"};
inline constexpr Formula unit_gradients{
    "memory.unit_gradients", "gradients of one unit before they are scattered", "(w + g) * unit + w * head",
    "PyTorch FSDP: gradient and its copy in the wire's format",
    "the head's gradient waits for the embedding's"};
inline constexpr Formula without_ends{"memory.gradients.inner", "gradients of the layers alone",
                                      "dense - ends", "definition"};
inline constexpr Formula placeholder{
    "memory.placeholder_gradients", "empty weight gradients kept by shape", "w * layer",
    "NVIDIA Transformer Engine, get_dummy_wgrad: one buffer per weight shape",
    "shapes of the largest layer's dense part"};
inline constexpr Formula quantised{"memory.weights.qlora",
                                   "frozen weights in 4-bit blocks, ends in the recipe's width",
                                   "(q * (dense - ends) + w * ends) / n + q * experts / x",
                                   "Dettmers et al. 2023, arXiv 2305.14314: NF4 with double quantisation"};
inline constexpr Formula sum_formula{"memory.sum", "several states together", "sum(...)", "definition"};

double real(std::int64_t n) { return static_cast<double>(n); }

/// Builds the parts of one stage at one moment.
class Builder {
 public:
  Builder(const StepSizes& c, const StageLayers& stage, const StageSizes& s, Moment moment, StageMemory reuse)
      : c_(c), stage_(stage), s_(s), moment_(moment), ex_(c.ex), result_(std::move(reuse)) {
    result_.parts.clear();
    result_.stage = stage.first;
    result_.layers = layers_on_stage(c.p.scenario.model, c.p.inventory, c.plan, stage, ex_);
    const auto held = static_cast<std::int64_t>(std::ceil(s.in_flight.value));
    result_.micro_batches_in_flight = note(ex_, whole_in_flight, held, {{"k", s.in_flight}});
    result_.parts.reserve(12);
  }

  StageMemory build() {
    weights();
    optimizer();
    gradients();
    if (moment_ == Moment::update) update();
    else if (moment_ == Moment::scatter) unscattered_gradients(s_.held.ends);
    else activations();
    placeholders();
    add("workspace", stated(ex_, "software.allocator.workspace", c_.stack.allocator.workspace));
    finish_stage(result_, c_.p, c_.plan.zero, ex_);
    return std::move(result_);
  }

 private:
  void add(std::string_view name, Traced<Bytes> amount) { add_part(result_, name, amount, ex_); }

  void weights() {
    if (!c_.offloads_weights()) add("weights", resident_weights());
    const bool is_released = moment_ == Moment::scatter || moment_ == Moment::update;
    if (c_.plan.zero >= 3) {
      if (is_released) return;
      const auto w = c_.gathered_width();
      const Traced<double> n =
          constant(ex_, "layers gathered", 2.0, "PyTorch FSDP: one in use, one prefetched");
      add("gathered_weights",
          note(ex_, gathered, w.value * (s_.held.ends.value + n.value * s_.held.layer.value),
               {{"w", w}, {"ends", s_.held.ends}, {"n", n}, {"layer", s_.held.layer}}));
    } else if (weights_are_master(c_.recipe)) {
      const auto w = c_.gathered_width();
      add("gathered_weights", note(ex_, compute_copy, w.value * (s_.held.dense.value + s_.held.experts.value),
                                   {{"w", w}, {"dense", s_.held.dense}, {"experts", s_.held.experts}}));
    }
    if (c_.recipe.cast_per_use && !is_released) add("cast_weights", cast_weights());
  }

  Traced<Bytes> resident_weights() const {
    const auto w = c_.width("precision.weights", c_.recipe.weights);
    if (c_.training.method != Method::qlora) {
      return state_bytes(s_.held.dense, s_.held.experts, w, c_.weight_shards, ex_);
    }
    const Traced<BytesPerElement> q = quantised_width(ex_);
    const HeldElements& h = s_.held;
    const StateShards& n = c_.weight_shards;
    const Bytes bytes = (q.value * (h.dense.value - h.ends.value) + w.value * h.ends.value) / n.dense.value +
                        q.value * h.experts.value / n.experts.value;
    return note(ex_, quantised, bytes,
                {{"q", q},
                 {"dense", h.dense},
                 {"ends", h.ends},
                 {"w", w},
                 {"n", n.dense},
                 {"experts", h.experts},
                 {"x", n.experts}});
  }

  Traced<Bytes> cast_weights() const {
    const HeldElements& h = s_.held;
    const auto w = c_.width("precision.gathered", c_.recipe.gathered);
    if (c_.load.recompute == Recompute::full || c_.stack.casts_again || moment_ == Moment::backward_end) {
      return note(ex_, unit_casts, w.value * (h.layer.value + h.head.value),
                  {{"w", w}, {"layer", h.layer}, {"head", h.head}});
    }
    return note(ex_, casts, w.value * (h.dense.value + h.experts.value - h.ends.value + h.head.value),
                {{"w", w}, {"dense", h.dense}, {"experts", h.experts}, {"ends", h.ends}, {"head", h.head}});
  }

  Traced<Bytes> state(Traced<BytesPerElement> width, const StateShards& shards) const {
    return state_bytes(s_.trained, s_.trained_experts, width, shards, ex_);
  }

  void optimizer() {
    if (c_.training.method != Method::full) {
      add("adapters", state(c_.width("precision.weights", c_.recipe.weights), c_.weight_shards));
    }
    if (c_.offloads_optimizer()) return;
    add("master_weights", state(c_.width("precision.master", c_.recipe.master), c_.optimizer_shards));
    add("optimizer_states",
        state(optimizer_width(c_.recipe, c_.p.scenario.optimizer, ex_), c_.optimizer_shards));
  }

  bool has_gradients() const {
    if (moment_ != Moment::loss && moment_ != Moment::backward) return true;
    return c_.stack.persistent_gradients || real(c_.micro_batches) > s_.in_flight.value;
  }

  Traced<BytesPerElement> gradient_width() const {
    const auto g = c_.width("precision.gradients", c_.recipe.gradients);
    if (c_.micro_batches <= 1 || c_.stack.grad_accumulation.value() == 0) return g;
    const auto x = c_.width("software.grad_accumulation", c_.stack.grad_accumulation);
    return note(ex_, width_sum, g.value + x.value, {{"g", g}, {"x", x}});
  }

  /// All of them; while embedding and head wait to be scattered, all but theirs.
  Traced<Bytes> present_gradients() const {
    const bool wait = c_.scatters() && (moment_ == Moment::scatter || moment_ == Moment::backward_end);
    const bool from_before = c_.stack.persistent_gradients || c_.micro_batches > 1;
    if (!wait || from_before) return state(gradient_width(), c_.gradient_shards);
    const auto inner = note(ex_, without_ends, s_.trained.value - s_.held.ends.value,
                            {{"dense", s_.trained}, {"ends", s_.held.ends}});
    return state_bytes(inner, s_.trained_experts, gradient_width(), c_.gradient_shards, ex_);
  }

  void gradients() {
    if (has_gradients() && !c_.offloads_gradients()) add("gradients", present_gradients());
    if (!c_.has_replicas()) return;
    const bool is_reduced = c_.plan.zero == 0;
    const double n = c_.stack.gradient_buckets, y = is_reduced ? c_.stack.reducer_copies : 0;
    const auto w = c_.width("precision.gradient_wire", c_.recipe.gradient_wire);
    const auto g = c_.width("precision.gradients", c_.recipe.gradients);
    const Elements layer = c_.training.method == Method::full ? s_.held.layer.value : Elements{0};
    const Bytes bytes = n * (w.value * layer) + y * (g.value * (s_.trained.value + s_.trained_experts.value));
    if (bytes.value() == 0) return;
    add("gradient_buckets",
        note(ex_, buckets, bytes,
             {{"n", constant(ex_, "software.gradient_buckets", n, "the software stack")},
              {"w", w},
              {"layer", constant(ex_, "parameters of a bucketed layer", layer, "tensor inventory")},
              {"y", constant(ex_, "software.reducer_copies", y,
                             "the software stack; 0 when gradients are sharded")},
              {"g", g},
              {"dense", s_.trained},
              {"experts", s_.trained_experts}}));
  }

  /// ZeRO-2 and 3: gradients of the unit that is scattered, and their copy in the wire's format.
  void unscattered_gradients(Traced<Elements> unit) {
    if (!c_.scatters()) return;
    const auto w = c_.width("precision.gathered", c_.recipe.gathered);
    const bool is_same = c_.recipe.gradient_wire == c_.recipe.gathered;
    const auto g = is_same ? constant(ex_, "no second copy", BytesPerElement{0}, "definition")
                           : c_.width("precision.gradient_wire", c_.recipe.gradient_wire);
    const auto head = moment_ == Moment::scatter
                          ? constant(ex_, "head is part of the unit", Elements{0}, "definition")
                          : s_.held.head;
    add("unscattered_gradients",
        note(ex_, unit_gradients, (w.value + g.value) * unit.value + w.value * head.value,
             {{"w", w}, {"g", g}, {"unit", unit}, {"head", head}}));
  }

  /// Transformer Engine keeps one empty weight gradient of each shape.
  void placeholders() {
    const BytesPerElement each = c_.stack.placeholder_gradients;
    if (each.value() == 0 || c_.training.method != Method::full) return;
    const auto w = c_.width("software.placeholder_gradients", each);
    add("placeholder_gradients", note(ex_, placeholder, w.value * s_.held.layer_dense.value,
                                      {{"w", w}, {"layer", s_.held.layer_dense}}));
  }

  Traced<double> layer_copies(double n) const {
    return constant(ex_, "copies of layers", n, "DeepSeek-V3, arXiv 2412.19437: dualpipe holds two");
  }
  Traced<Bytes> times_held(Traced<Bytes> one, double copies) const {
    return note(ex_, held_kept, s_.in_flight.value * one.value / copies,
                {{"k", s_.in_flight}, {"x", one}, {"y", layer_copies(copies)}});
  }

  /// Micro-batches whose loss is known and whose backward pass has not begun: all of them under gpipe,
  /// one where each backward pass follows its loss at once.
  Traced<double> losses() const {
    if (c_.plan.schedule == ScheduleKind::gpipe) return s_.in_flight;
    return constant(ex_, "losses held at once", 1.0,
                    "the last stage's backward pass follows its loss at once");
  }

  void activations() {
    const double copies = real(weight_copies(c_.plan.schedule));
    const double before = std::max(0.0, s_.in_flight.value - 1);
    const Traced<double> held = losses();
    const double others = std::max(0.0, held.value - 1);
    if (moment_ == Moment::backward_end) {
      add("activations",
          note(ex_, end_kept, before * s_.kept.value / copies + s_.layer_kept.value,
               {{"k", s_.in_flight}, {"x", s_.kept}, {"y", layer_copies(copies)}, {"layer", s_.layer_kept}}));
    } else {
      add("activations", times_held(s_.kept, copies));
    }
    if (stage_.embeddings > 0) add("embedding_activations", times_held(c_.embedding, copies));
    if (moment_ == Moment::loss) {
      add("logits_and_loss", note(ex_, loss_held, c_.loss.value + others * c_.waiting.value,
                                  {{"loss", c_.loss}, {"k", held}, {"waiting", c_.waiting}}));
      return;
    }
    if (stage_.outputs > 0 && others > 0) {
      const Traced<Bytes> none = constant(ex_, "no loss in work", Bytes{0}, "definition");
      add("logits_and_loss", note(ex_, loss_held, others * c_.waiting.value,
                                  {{"loss", none}, {"k", held}, {"waiting", c_.waiting}}));
    }
    add("layer_workspace", note(ex_, workspace, s_.recomputed.value + s_.gradients.value,
                                {{"recomputed", s_.recomputed}, {"gradients", s_.gradients}}));
    unscattered_gradients(s_.held.layer);
  }

  void update() {
    const auto each = optimizer_width(c_.recipe, c_.p.scenario.optimizer, ex_);
    const auto extra = c_.width("precision.extra_gradients", c_.recipe.extra_gradients);
    if (c_.offloads_optimizer()) return;
    Traced<Bytes> second = state(extra, c_.optimizer_shards);
    if (!c_.stack.optimizer_fused && each.value.value() > 0) {
      const auto temporary = state(c_.width("precision.gradients", c_.recipe.gradients), c_.optimizer_shards);
      second = note(ex_, sum_formula, second.value + temporary.value,
                    {{"extra", second}, {"temporary", temporary}});
    }
    add("update_workspace", second);
  }

  const StepSizes& c_;
  const StageLayers& stage_;
  const StageSizes& s_;
  Moment moment_;
  Explain* ex_;
  StageMemory result_;
};

}  // namespace

StageMemory stage_memory(const StepSizes& c, const StageLayers& stage, const StageSizes& s, Moment moment,
                         StageMemory reuse) {
  return Builder(c, stage, s, moment, std::move(reuse)).build();
}

}  // namespace ridge::detail
