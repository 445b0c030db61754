#include "sim/program.h"

#include <string_view>

namespace ridge {
namespace {

bool word_holds(std::string_view word, const Architecture& a, const LayerKind& kind,
                const PrecisionRecipe& recipe) {
  const bool is_latent = kind.mixer == Mixer::latent_attention;
  if (word == "gated") return is_gated(a.activation);
  if (word == "plain") return !is_gated(a.activation);
  if (word == "moe") return kind.feed_forward == FeedForward::experts;
  if (word == "dense") return kind.feed_forward != FeedForward::experts;
  if (word == "rotary") return a.positions == Positions::rotary;
  if (word == "learned") return a.positions == Positions::learned;
  if (word == "alibi") return a.positions == Positions::alibi;
  if (word == "bias") return a.qkv_bias || a.ffn_bias;
  if (word == "qk_norm") return a.qk_norm != QkNorm::none;
  if (word == "rmsnorm") return a.norm == Norm::rms;
  if (word == "layernorm") return a.norm != Norm::rms;
  if (word == "post_norm") return a.norms_per_layer >= 4;
  if (word == "window") return kind.window > 0;
  if (word == "sinks") return a.attention_sinks;
  if (word == "latent") return is_latent;
  if (word == "shared") return kind.feed_forward == FeedForward::experts && a.moe.shared_experts > 0;
  if (word == "parallel") return a.parallel_attention;
  if (word == "cross") return kind.has_cross_attention;
  if (word == "recurrent") return kind.mixer == Mixer::recurrent;
  if (word == "causal") return kind.is_causal;
  if (word == "autocast") return recipe.cast_per_use;
  if (word == "gelu" && a.activation == Activation::gelu_new) return true;
  return word == enum_name(a.activation);
}

/// Collects steps in order and sums what they keep.
class Builder {
 public:
  Builder(const Architecture& a, const Inventory& inv, std::int16_t kind, const SoftwareStack& stack,
          const PrecisionRecipe& recipe)
      : a_(a),
        inv_(inv),
        stack_(stack),
        recipe_(recipe),
        index_(kind),
        kind_(kind >= 0 ? inv.layers.kinds[kind] : LayerKind{.is_causal = a.causal}) {}

  void passes(Slot slot) {
    auto found = stack_.slots.find(std::string(enum_name(slot)));
    if (found == stack_.slots.end()) return;
    std::size_t place = 0;
    for (const Pass& pass : found->second) {
      const std::string key = "software.slots." + found->first + '.' + std::to_string(place++);
      if (!holds(pass.when, a_, kind_, recipe_)) continue;
      program_.steps.push_back(
          {StepKind::pass, static_cast<std::int16_t>(program_.passes.size()), false, pass.selective});
      program_.passes.push_back(pass);
      program_.passes.back().key = key;
      name_kernels(program_.passes.back());
      add(program_.keep_all, pass.keep);
      if (pass.selective) add(program_.keep_selective, pass.keep);
    }
  }

  /// One product over the tensors of `roles` that this layer has; or one product each when not fused.
  void products(std::string name, std::initializer_list<TensorRole> roles, bool fused) {
    Product product;
    for (TensorRole role : roles) {
      const Tensor* tensor = find(role);
      if (!tensor) continue;
      if (!fused && !product.parts.empty()) flush(product, name);
      append(product, *tensor);
    }
    if (!product.parts.empty()) flush(product, name);
  }
  void product(std::string name, TensorRole role) { products(std::move(name), {role}, true); }

  void core(Core core) {
    program_.steps.push_back({StepKind::core, static_cast<std::int16_t>(program_.cores.size()), false,
                              stack_.selective_core && core.kind != Core::Kind::scan});
    program_.cores.push_back(core);
  }
  void mark(StepKind kind, bool is_expert = false) { program_.steps.push_back({kind, 0, is_expert, false}); }

  /// "norm" is the architecture's.
  void name_kernels(Pass& pass) const {
    const std::string own = a_.norm != Norm::rms ? "layernorm" : "rmsnorm";
    if (pass.kernel == "norm") pass.kernel = own;
    if (pass.backward_kernel == "norm_backward") pass.backward_kernel = own + "_backward";
  }

  const LayerKind& kind() const { return kind_; }
  bool has(TensorRole role) const { return find(role) != nullptr; }
  LayerProgram take() { return std::move(program_); }

 private:
  static void add(Traffic& to, const Traffic& from) {
    for (std::size_t i = 0; i < num_widths; ++i) {
      to.activation_elements[i] += from.activation_elements[i];
      to.fixed_bytes[i] += from.fixed_bytes[i];
    }
    to.any = to.any || from.any;
  }
  const Tensor* find(TensorRole role) const {
    for (const Tensor& t : inv_.tensors)
      if (t.role == role && t.layer_kind == index_ && !t.is_bias && !t.is_vector()) return &t;
    return nullptr;
  }
  void append(Product& p, const Tensor& t) {
    p.in = t.in;
    p.is_expert = t.is_expert;
    p.experts = t.is_expert ? t.copies : 1;
    const std::int64_t out = t.is_expert ? t.out : t.out * t.copies;
    switch (t.sharding) {
      case Sharding::replicated: p.out_whole += out; break;
      case Sharding::row:
        p.out_whole += out;
        p.in_by_tensor = true;
        break;
      case Sharding::column:
      case Sharding::vocabulary: p.out_by_tensor += out; break;
      case Sharding::key_value: p.out_by_kv += out; break;
    }
    p.is_cross_memory = t.role == TensorRole::cross_k || t.role == TensorRole::cross_v;
    p.parts.push_back(t);
  }
  void flush(Product& p, const std::string& name) {
    p.name = name;
    if (!stack_.fused_qkv || p.parts.size() == 1)
      p.name = name.substr(0, name.find('.') + 1) + std::string(role_name(p.parts[0].role));
    if (p.parts.size() > 1) p.name = name;
    program_.steps.push_back(
        {StepKind::product, static_cast<std::int16_t>(program_.products.size()), p.is_expert, false});
    program_.products.push_back(std::move(p));
    p = Product{};
  }

  const Architecture& a_;
  const Inventory& inv_;
  const SoftwareStack& stack_;
  const PrecisionRecipe& recipe_;
  std::int16_t index_;
  LayerKind kind_;
  LayerProgram program_;
};

void attention(Builder& b, const SoftwareStack& stack, bool is_latent) {
  b.passes(Slot::before_qkv);
  if (is_latent) {
    b.products("attention.latent-down", {TensorRole::q_a, TensorRole::kv_a}, stack.fused_qkv);
    b.product("attention.q_b", b.has(TensorRole::q_b) ? TensorRole::q_b : TensorRole::q);
    b.product("attention.kv_b", TensorRole::kv_b);
  } else {
    b.products("attention.qkv", {TensorRole::q, TensorRole::k, TensorRole::v}, stack.fused_qkv);
  }
  b.passes(Slot::after_qkv);
  b.passes(Slot::core);
  b.core({is_latent ? Core::Kind::latent : Core::Kind::attention, false});
  b.product("attention.gate", TensorRole::attention_gate);
  b.passes(Slot::before_output);
  b.product("attention.o", TensorRole::o);
}

void recurrent(Builder& b) {
  b.product("recurrent.in", TensorRole::ssm_in);
  b.product("recurrent.x", TensorRole::ssm_x);
  b.product("recurrent.dt", TensorRole::ssm_dt);
  b.product("recurrent.time-mix", TensorRole::time_mix);
  b.core({Core::Kind::scan, false});
  b.product("recurrent.out", TensorRole::ssm_out);
}

void cross_attention(Builder& b, const SoftwareStack& stack) {
  b.passes(Slot::input_norm);
  b.mark(StepKind::tensor_enter);
  b.product("cross.q", TensorRole::cross_q);
  b.products("cross.kv", {TensorRole::cross_k, TensorRole::cross_v}, stack.fused_qkv);
  b.passes(Slot::core);
  b.core({Core::Kind::attention, true});
  b.product("cross.o", TensorRole::cross_o);
  b.mark(StepKind::tensor_exit);
  b.passes(Slot::after_output);
}

void experts(Builder& b, const SoftwareStack& stack) {
  b.product("moe.router", TensorRole::router);
  b.passes(Slot::router);
  b.product("moe.latent-in", TensorRole::expert_latent_in);
  b.mark(StepKind::dispatch);
  b.passes(Slot::before_up);
  b.products("moe.gate-up", {TensorRole::expert_gate, TensorRole::expert_up}, stack.fused_gate_up);
  b.products("moe.shared-gate-up", {TensorRole::shared_gate_proj, TensorRole::shared_up},
             stack.fused_gate_up);
  b.passes(Slot::activation);
  b.passes(Slot::before_down);
  b.product("moe.down", TensorRole::expert_down);
  b.product("moe.shared-down", TensorRole::shared_down);
  b.mark(StepKind::combine);
  b.product("moe.latent-out", TensorRole::expert_latent_out);
}

void dense(Builder& b, const SoftwareStack& stack) {
  b.passes(Slot::before_up);
  b.products("ffn.gate-up", {TensorRole::gate, TensorRole::up}, stack.fused_gate_up);
  b.products("ffn.channel-mix", {TensorRole::channel_key, TensorRole::channel_receptance}, false);
  b.passes(Slot::activation);
  b.passes(Slot::before_down);
  b.product("ffn.down", TensorRole::down);
  b.product("ffn.channel-value", TensorRole::channel_value);
}

}  // namespace

bool holds(const std::string& when, const Architecture& a, const LayerKind& kind,
           const PrecisionRecipe& recipe) {
  std::string_view rest = when;
  while (!rest.empty()) {
    const std::size_t plus = rest.find('+');
    std::string_view word = rest.substr(0, plus);
    rest = plus == std::string_view::npos ? std::string_view{} : rest.substr(plus + 1);
    const bool is_negated = !word.empty() && word.front() == '!';
    if (is_negated) word.remove_prefix(1);
    if (word_holds(word, a, kind, recipe) == is_negated) return false;
  }
  return true;
}

LayerProgram layer_program(const Architecture& a, const Inventory& inv, std::size_t index,
                           const SoftwareStack& stack, const PrecisionRecipe& recipe) {
  Builder b(a, inv, static_cast<std::int16_t>(index), stack, recipe);
  const LayerKind& kind = b.kind();
  const bool has_mixer = kind.mixer != Mixer::none;
  const bool has_ffn = kind.feed_forward != FeedForward::none;
  const bool is_moe = kind.feed_forward == FeedForward::experts;
  const bool is_parallel = a.parallel_attention && has_mixer && has_ffn && !is_moe;
  if (kind.is_mtp) b.product("mtp.projection", TensorRole::mtp_projection);
  if (has_mixer) {
    b.passes(Slot::input_norm);
    b.mark(StepKind::tensor_enter);
    if (kind.mixer == Mixer::recurrent) recurrent(b);
    else attention(b, stack, kind.mixer == Mixer::latent_attention);
    if (!is_parallel) b.mark(StepKind::tensor_exit);
    b.passes(Slot::after_output);
  }
  if (kind.has_cross_attention) cross_attention(b, stack);
  if (has_ffn) {
    if (!is_parallel || a.norms_per_layer > 1) b.passes(Slot::ffn_norm);
    if (!is_parallel) b.mark(StepKind::tensor_enter, is_moe);
    if (is_moe) experts(b, stack);
    else dense(b, stack);
    b.mark(StepKind::tensor_exit, is_moe);
    b.passes(Slot::after_down);
  }
  return b.take();
}

LayerProgram embedding_program(const Architecture& a, const Inventory& inv, const SoftwareStack& stack,
                               const PrecisionRecipe& recipe) {
  Builder b(a, inv, -1, stack, recipe);
  b.passes(Slot::embedding);
  if (stack.sharded_embedding) b.mark(StepKind::tensor_exit);  // each rank looks up its own rows: a sum
  b.product("embedding.projection", TensorRole::embedding_projection);
  return b.take();
}

LayerProgram output_program(const Architecture& a, const Inventory& inv, const SoftwareStack& stack,
                            const PrecisionRecipe& recipe) {
  Builder b(a, inv, -1, stack, recipe);
  b.passes(Slot::final_norm);
  b.mark(StepKind::tensor_enter);
  b.product("output.projection", TensorRole::output_projection);
  b.product("output.mlm-dense", TensorRole::mlm_dense);
  b.passes(Slot::before_head);
  if (a.tied_embeddings && a.head != Head::none) b.product("output.head", TensorRole::token_embedding);
  else b.product("output.head", TensorRole::lm_head);
  b.passes(Slot::loss);
  return b.take();
}

}  // namespace ridge
