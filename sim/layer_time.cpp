#include "sim/layer_time.h"

#include "base/quantity_text.h"
#include "sim/collective.h"
#include "sim/partition.h"
#include "sim/traffic.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula class_sum{"time.layer.class", "time of one layer spent on one class of operators", "sum(...)", "definition"};
constexpr Formula phase_sum{"time.layer.phase", "time of one layer in one phase", "sum(...)", "definition"};
constexpr Formula pass_bytes{"operators.pass.bytes", "bytes a pointwise pass moves", "tokens * (read + write)",
                             "definition: what the stack's pass reads and writes per token"};
constexpr Formula exchange_bytes{"operators.tensor.bytes", "bytes of the layer's output on every tensor-parallel rank",
                                 "tokens * d * a", "Shoeybi et al. 2019, arXiv:1909.08053, section 3"};
constexpr Formula expert_bytes{"operators.expert.bytes", "bytes a device sends to the experts of its tokens",
                               "tokens * k * d * a / t", "DeepSpeed-MoE, arXiv:2201.05596: each token travels to its k experts"};
constexpr Formula ring_bytes{"operators.context.bytes", "bytes of keys and values passed around the context-parallel ring",
                             "(c - 1) * 2 * tokens * kv * a", "Liu et al. 2023, arXiv:2310.01889, section 3"};
constexpr Formula routed_tokens{"operators.expert.tokens", "tokens one expert processes on average", "tokens * k * ep * etp / (t * E)",
                                "definition", "tokens spread evenly over experts"};
constexpr Formula local_experts{"operators.expert.local", "experts held by one device", "E / ep", "definition"};
constexpr Formula per_rank_heads{"operators.attention.heads", "heads on one device", "H / min(t, H)",
                                 "Shoeybi et al. 2019, arXiv:1909.08053: attention is divided by heads"};
constexpr Formula scan_bytes{"operators.scan.bytes", "bytes a recurrent scan moves", "6 * tokens * q * a",
                             "Gu and Dao 2023, arXiv:2312.00752, section 3.3", "inputs, gates and outputs cross memory once"};

/// Sums one class of one phase, with its terms when recording.
struct Sum {
  double value = 0;
  std::vector<Term> terms;
};

class Runner {
 public:
  Runner(const LayerProgram& program, int kind, double count, const LayerContext& c)
      : program_(program), c_(c), kind_index_(kind), count_(count), ex_(c.ex), plan_(c.plan),
        a_(c.prepared.scenario.model), kind_(kind >= 0 ? c.prepared.inventory.layers.kinds[static_cast<std::size_t>(kind)] : LayerKind{}) {
    if (kind < 0) kind_.mixer = Mixer::none, kind_.feed_forward = FeedForward::none;
    const double attended = c.batch.past.value + c.batch.new_tokens.value;
    table_ = widths(a_, kind_, plan_, Tokens{attended});
    is_tensor_parallel_ = plan_.tensor > 1;
  }

  LayerTime run() {
    for (const Step& step : program_.steps) {
      step_ = &step;
      switch (step.kind) {
        case StepKind::pass: run_pass(program_.passes[static_cast<std::size_t>(step.index)]); break;
        case StepKind::product: run_product(program_.products[static_cast<std::size_t>(step.index)]); break;
        case StepKind::core: run_core(program_.cores[static_cast<std::size_t>(step.index)]); break;
        case StepKind::tensor_enter: run_boundary(true); break;
        case StepKind::tensor_exit: run_boundary(false); break;
        case StepKind::dispatch:
        case StepKind::combine: run_expert_exchange(); break;
      }
    }
    finish(forward_, result_.forward);
    finish(recompute_, result_.recompute);
    finish(backward_, result_.backward);
    return result_;
  }

 private:
  using Sums = std::array<Sum, num_time_classes>;

  void add(Sums& sums, TimeClass time_class, std::string_view name, Traced<Seconds> t) {
    Sum& s = sums[static_cast<std::size_t>(time_class)];
    s.value += t.value.value();
    if (ex_) s.terms.emplace_back(name, t);
  }

  /// Books one launch in the forward phase, and again where recomputation repeats it.
  void forward(TimeClass time_class, OperatorKind kind, std::string_view name, const KernelCost& cost, double kernels) {
    add(forward_, time_class, name, cost.time);
    book(result_.forward, kind, OperatorPhase::forward, name, cost, kernels);
    if (!c_.has_backward || kind_index_ < 0 || c_.recompute == Recompute::none) return;
    const double share = c_.prepared.scenario.software.selective_products;
    if (c_.recompute == Recompute::selective && kind == OperatorKind::product && share > 0) return recompute_share(time_class, name, cost, kernels, share);
    if (c_.recompute == Recompute::selective && !step_->is_selective) return;
    add(recompute_, time_class, name, cost.time);
    book(result_.recompute, kind, OperatorPhase::recompute, name, cost, kernels);
  }
  /// Some products of a layer are run again: their average share of the time.
  void recompute_share(TimeClass time_class, std::string_view name, KernelCost cost, double kernels, double share) {
    static constexpr Formula part{"time.recompute.share", "time of the products that are run again", "x * t", "definition"};
    cost.time = note(ex_, part, share * cost.time.value, {{"x", input(ex_, "software.selective_products", share)}, {"t", cost.time}});
    cost.flops.value *= share;
    add(recompute_, time_class, name, cost.time);
    book(result_.recompute, OperatorKind::product, OperatorPhase::recompute, name, cost, kernels * share);
  }
  void backward(TimeClass time_class, OperatorKind kind, std::string_view name, const KernelCost& cost, double kernels) {
    if (!c_.has_backward) return;
    add(backward_, time_class, name, cost.time);
    book(result_.backward, kind, OperatorPhase::backward, name, cost, kernels);
  }
  void book(PhaseTime& phase, OperatorKind kind, OperatorPhase when, std::string_view name, const KernelCost& cost, double kernels) {
    (kind == OperatorKind::collective ? phase.collectives : phase.kernels) += kernels;
    phase.flops += cost.flops.value;
    phase.by_bound[static_cast<std::size_t>(cost.bound)] += cost.time.value;
    if (!c_.list) return;
    Operator op;
    op.name = name;
    op.kind = kind;
    op.phase = when;
    op.layer_kind = kind_index_;
    op.count = count_;
    op.kernels = kernels;
    op.flops = cost.flops.value;
    op.bytes = cost.bytes.value;
    op.time = cost.time;
    op.bound = cost.bound;
    op.m = m_, op.n = n_, op.k = k_;
    c_.list->push_back(op);
  }

  void run_pass(const Pass& pass) {
    auto cost = [&](const Traffic& read, const Traffic& write, double kernels) {
      const Tokens keys{c_.batch.past.value + c_.batch.new_tokens.value};
      const auto r = traced_traffic(read, table_, a_, kind_, plan_, c_.batch.activation, keys, ex_);
      const auto w = traced_traffic(write, table_, a_, kind_, plan_, c_.batch.activation, keys, ex_);
      const Bytes bytes{c_.batch.tokens.value * (r.value.value() + w.value.value())};
      return pass_cost(constant(ex_, kernels == pass.kernels ? "kernels of " + pass.name : "backward kernels of " + pass.name, kernels),
                       note(ex_, pass_bytes, bytes, {{"tokens", c_.batch.tokens}, {"read", r}, {"write", w}}), c_.rates, ex_);
    };
    m_ = n_ = k_ = 0;
    forward(TimeClass::pass, OperatorKind::pass, pass.name, cost(pass.read, pass.write, pass.kernels), pass.kernels);
    if (!c_.has_backward) return;
    Traffic read = pass.backward_read, write = pass.backward_write;
    if (!read.any) read = joined(pass.write, pass.keep);
    if (!write.any) write = pass.read;
    const double kernels = pass.backward_kernels < 0 ? pass.kernels : pass.backward_kernels;
    backward(TimeClass::pass, OperatorKind::pass, pass.name, cost(read, write, kernels), kernels);
  }
  static Traffic joined(Traffic a, const Traffic& b) {
    for (std::size_t i = 0; i < num_widths; ++i) {
      a.activation_elements[i] += b.activation_elements[i];
      a.fixed_bytes[i] += b.fixed_bytes[i];
    }
    a.any = true;
    return a;
  }
  Traced<double> constant(Explain* ex, const std::string& name, double value) {
    if (!ex) return {value, 0};
    return {value, ex->input("software.slots." + name, value, Dim{},
                             Origin{Origin::Kind::preset, {}, "software stack " + c_.prepared.scenario.software.name, {}})};
  }

  void run_product(const Product& p) {
    ProductShape s{.m = c_.batch.tokens,
                   .n = product_columns(p, a_, plan_, ex_),
                   .k = product_depth(p, a_, plan_, ex_),
                   .count = c_.rates.one,
                   .activation = c_.batch.activation,
                   .weight = c_.batch.weight};
    double launches = 1;
    if (p.is_expert) launches = route(s, p);
    if (p.is_cross_memory) s.m = {c_.batch.sequences.value * c_.batch.encoder_tokens, c_.batch.tokens.node};
    set_shape(s.m.value, s.n.value, s.k.value);
    const KernelCost ahead = product_cost(s, c_.rates, ex_);
    forward(TimeClass::product, OperatorKind::product, p.name, ahead, launches);
    if (c_.lora_rank > 0 && !p.is_expert && kind_index_ >= 0) run_adapter(s, p.name);
    if (!c_.has_backward) return;
    ProductShape input_gradient = s, weight_gradient = s;
    std::swap(input_gradient.n, input_gradient.k);
    set_shape(input_gradient.m.value, input_gradient.n.value, input_gradient.k.value);
    backward(TimeClass::product, OperatorKind::product, p.name, product_cost(input_gradient, c_.rates, ex_), launches);
    if (c_.is_frozen) return;
    weight_gradient = {.m = s.k, .n = s.n, .k = s.m, .count = s.count, .activation = s.activation, .weight = s.activation};
    set_shape(weight_gradient.m.value, weight_gradient.n.value, weight_gradient.k.value);
    backward(TimeClass::product, OperatorKind::product, p.name, product_cost(weight_gradient, c_.rates, ex_), launches);
  }

  /// Tokens and number of products of the experts on this device; returns kernel launches.
  double route(ProductShape& s, const Product& p) {
    const double experts = static_cast<double>(p.experts), ep = static_cast<double>(plan_.expert);
    const double etp = static_cast<double>(plan_.expert_tensor), t = static_cast<double>(plan_.tensor);
    const auto k = input(ex_, "model.moe.top_k", static_cast<double>(a_.moe.top_k));
    const auto E = input(ex_, "model.moe.experts", experts);
    const auto ept = input(ex_, "parallel.expert", ep);
    s.count = note(ex_, local_experts, experts / ep, {{"E", E}, {"ep", ept}});
    s.m = note(ex_, routed_tokens, s.m.value * k.value * ep * etp / (t * experts),
               {{"tokens", s.m}, {"k", k}, {"ep", ept}, {"etp", input(ex_, "parallel.expert_tensor", etp)},
                {"t", input(ex_, "parallel.tensor", t)}, {"E", E}});
    if (s.m.value < 1) touch_fewer_experts(s);
    return c_.prepared.scenario.software.fused_expert_products ? 1 : s.count.value;
  }
  /// With fewer assignments than experts only some experts' weights are read.
  void touch_fewer_experts(ProductShape& s) {
    static constexpr Formula touched{"operators.expert.touched", "experts that at least one token reaches",
                                     "n * (1 - (1 - 1 / n) ^ (m * n))", "balls into bins; MoESD, arXiv:2505.19645",
                                     "independent uniform routing"};
    static constexpr Formula per_touched{"operators.expert.tokens_touched", "tokens of an expert that is reached", "m * n / x", "definition"};
    const Traced<double> n = s.count, m = s.m;
    const double x = std::max(n.value * (1 - std::pow(1 - 1 / n.value, m.value * n.value)), 1e-9);
    s.count = note(ex_, touched, n.value * (1 - std::pow(1 - 1 / n.value, m.value * n.value)), {{"n", n}, {"m", m}});
    s.m = note(ex_, per_touched, m.value * n.value / x, {{"m", m}, {"n", n}, {"x", s.count}});
  }

  void run_adapter(const ProductShape& base, std::string_view name) {
    const auto r = input(ex_, "training.lora_rank", static_cast<double>(c_.lora_rank));
    ProductShape down = base, up = base;
    down.n = r, up.k = r;
    down.weight = up.weight = base.activation;
    for (const ProductShape& s : {down, up}) {
      set_shape(s.m.value, s.n.value, s.k.value);
      const KernelCost cost = product_cost(s, c_.rates, ex_);
      forward(TimeClass::product, OperatorKind::product, name, cost, 1);
      backward(TimeClass::product, OperatorKind::product, name, cost, 1);
      backward(TimeClass::product, OperatorKind::product, name, cost, 1);
    }
  }

  void run_core(const Core& core) {
    m_ = n_ = k_ = 0;
    if (core.kind == Core::Kind::scan) return run_scan();
    const SoftwareStack& stack = c_.prepared.scenario.software;
    AttentionShape s = attention_shape(core);
    if (stack.attention == AttentionKernel::unfused && !c_.batch.is_decode) return run_unfused(s);
    forward(TimeClass::attention, OperatorKind::attention, "attention.core",
            attention_cost(s, c_.batch.is_decode ? AttentionPass::decode : AttentionPass::prefill, c_.rates, ex_), 1);
    if (c_.has_backward)
      backward(TimeClass::attention, OperatorKind::attention, "attention.core", attention_cost(s, AttentionPass::backward, c_.rates, ex_), 1);
    if (plan_.context > 1 && kind_index_ >= 0) run_ring(s);
  }

  AttentionShape attention_shape(const Core& core) {
    const LatentAttention& l = a_.latent;
    const bool is_latent = core.kind == Core::Kind::latent;
    const bool is_absorbed = is_latent && c_.batch.is_decode;
    auto count = [&](std::string_view key, std::int64_t v) { return input(ex_, key, static_cast<double>(v)); };
    const auto t = count("parallel.tensor", plan_.tensor);
    auto per_rank = [&](Traced<double> heads) {
      return note(ex_, per_rank_heads, heads.value / std::min(t.value, heads.value), {{"H", heads}, {"t", t}});
    };
    AttentionShape s;
    s.sequences = c_.batch.sequences;
    s.heads = per_rank(count("model.heads", a_.heads));
    s.kv_heads = is_latent && !is_absorbed ? s.heads : is_absorbed ? c_.rates.one : per_rank(count("model.kv_heads", std::max<std::int64_t>(a_.kv_heads, 1)));
    LayerKind kind = kind_;
    MicroBatch batch = c_.batch;
    if (core.is_cross) kind.is_causal = false, kind.window = 0;
    s.pairs = attention_pairs(batch, kind, a_.sink_tokens, c_.prepared.scenario.software.causal_skip, ex_);
    if (plan_.context > 1) {
      static constexpr Formula divided{"operators.attention.pairs_local", "query-key pairs on one context-parallel rank", "pairs / c",
                                       "Brandon et al. 2023, arXiv:2311.09431: balanced (striped) order"};
      s.pairs = note(ex_, divided, s.pairs.value / static_cast<double>(plan_.context),
                     {{"pairs", s.pairs}, {"c", count("parallel.context", plan_.context)}});
    }
    s.query_tokens = c_.batch.query_tokens;
    s.key_tokens = attended_tokens();
    s.activation = c_.batch.activation;
    s.cache = c_.batch.cache;
    s.is_shared_key_value = is_absorbed;
    if (is_absorbed) {
      static constexpr Formula latent_key{"operators.attention.latent_key", "width of a cached latent key", "r + x",
                                          "DeepSeek-V2, arXiv:2405.04434, section 2.1.3"};
      const auto r = count("model.latent.kv_lora_rank", l.kv_lora_rank);
      s.key_dim = note(ex_, latent_key, r.value + static_cast<double>(l.rope_head_dim), {{"r", r}, {"x", count("model.latent.rope_head_dim", l.rope_head_dim)}});
      s.value_dim = r;
    } else if (is_latent) {
      static constexpr Formula key_width{"operators.attention.key_width", "width of an expanded latent key", "e + x", "DeepSeek-V2, arXiv:2405.04434"};
      const auto e = count("model.latent.nope_head_dim", l.nope_head_dim);
      s.key_dim = note(ex_, key_width, e.value + static_cast<double>(l.rope_head_dim), {{"e", e}, {"x", count("model.latent.rope_head_dim", l.rope_head_dim)}});
      s.value_dim = count("model.latent.v_head_dim", l.v_head_dim);
    } else {
      s.key_dim = s.value_dim = count("model.head_dim", a_.head_dim);
    }
    return s;
  }

  /// Keys a device reads for one sequence: all cached and new ones, or a window of them.
  Traced<double> attended_tokens() {
    static constexpr Formula all{"operators.attention.keys", "keys one sequence attends to", "past + new", "definition"};
    static constexpr Formula limited{"operators.attention.keys_window", "keys one sequence attends to", "min(past + new, max(W + sinks, new))",
                                     "Beltagy et al. 2020, arXiv:2004.05150: a window limits the keys of a token"};
    const Traced<double> past = c_.batch.past, fresh = c_.batch.new_tokens;
    const double total = past.value + fresh.value;
    if (kind_.window == 0) return note(ex_, all, total, {{"past", past}, {"new", fresh}});
    const auto window = input(ex_, "model.sliding_window", static_cast<double>(kind_.window));
    const auto sinks = input(ex_, "model.sink_tokens", static_cast<double>(a_.sink_tokens));
    return note(ex_, limited, std::min(total, std::max(window.value + sinks.value, fresh.value)),
                {{"past", past}, {"new", fresh}, {"W", window}, {"sinks", sinks}});
  }

  void run_scan() {
    Traced<double> q{table_[Width::q], 0};
    if (ex_) q.node = ex_->input("inner width of the recurrence", q.value, Dim{}, Origin{Origin::Kind::definition, {}, "model.recurrent: expand times the model width", {}});
    const Bytes bytes{6 * c_.batch.tokens.value * q.value * c_.batch.activation.value.value()};
    const auto traced = note(ex_, scan_bytes, bytes, {{"tokens", c_.batch.tokens}, {"q", q}, {"a", c_.batch.activation}});
    const KernelCost cost = pass_cost(c_.rates.one, traced, c_.rates, ex_);
    forward(TimeClass::attention, OperatorKind::attention, "recurrent.scan", cost, 1);
    for (int i = 0; i < 2; ++i) backward(TimeClass::attention, OperatorKind::attention, "recurrent.scan", cost, 1);
  }

  /// Scores and values as two batched products over the full square.
  void run_unfused(const AttentionShape& s) {
    static constexpr Formula batches{"operators.attention.batches", "independent attention products", "S * H", "definition"};
    const auto count = note(ex_, batches, s.sequences.value * s.heads.value, {{"S", s.sequences}, {"H", s.heads}});
    const ProductShape scores{s.query_tokens, s.key_tokens, s.key_dim, count, s.activation, s.activation};
    const ProductShape values{s.query_tokens, s.value_dim, s.key_tokens, count, s.activation, s.activation};
    for (const auto& [name, shape] : {std::pair{std::string_view("attention.scores"), scores}, std::pair{std::string_view("attention.values"), values}}) {
      set_shape(shape.m.value, shape.n.value, shape.k.value);
      const KernelCost cost = product_cost(shape, c_.rates, ex_);
      forward(TimeClass::attention, OperatorKind::attention, name, cost, 1);
      for (int i = 0; i < 2; ++i) backward(TimeClass::attention, OperatorKind::attention, name, cost, 1);
    }
  }

  void run_ring(const AttentionShape& s) {
    static constexpr Formula kv_width{"operators.context.kv", "width of keys on one device", "K * e", "definition"};
    const auto kv = note(ex_, kv_width, s.kv_heads.value * s.key_dim.value, {{"K", s.kv_heads}, {"e", s.key_dim}});
    const auto c = input(ex_, "parallel.context", static_cast<double>(plan_.context));
    const Bytes bytes{(c.value - 1) * 2 * c_.batch.tokens.value * kv.value * c_.batch.activation.value.value()};
    const auto traced = note(ex_, ring_bytes, bytes, {{"c", c}, {"tokens", c_.batch.tokens}, {"kv", kv}, {"a", c_.batch.activation}});
    const KernelCost cost = exchange(CollectiveKind::send_receive, traced, c_.links.context);
    forward(TimeClass::context, OperatorKind::collective, "context.ring", cost, c.value - 1);
    for (int i = 0; i < 2; ++i) backward(TimeClass::context, OperatorKind::collective, "context.ring", cost, c.value - 1);
  }

  KernelCost exchange(CollectiveKind kind, Traced<Bytes> bytes, const GroupLink& link) {
    KernelCost cost;
    cost.bytes = bytes;
    cost.time = collective_time({kind, bytes}, link, ex_);
    cost.bound = link.nodes > 1 ? Bound::network : Bound::link;
    m_ = n_ = k_ = 0;
    return cost;
  }

  /// Start (`is_enter`) or end of a tensor-parallel block.
  void run_boundary(bool is_enter) {
    if (!is_tensor_parallel_ || (step_->is_expert && plan_.expert_tensor == 1 && a_.moe.shared_experts == 0)) return;
    const auto d = input(ex_, "model.hidden_size", static_cast<double>(a_.hidden_size));
    const Bytes payload{c_.batch.tokens.value * d.value * c_.batch.activation.value.value()};
    const auto bytes = note(ex_, exchange_bytes, payload, {{"tokens", c_.batch.tokens}, {"d", d}, {"a", c_.batch.activation}});
    const GroupLink& link = c_.links.tensor;
    if (!plan_.sequence) {
      if (is_enter) backward(TimeClass::tensor, OperatorKind::collective, "tensor.all-reduce", exchange(CollectiveKind::all_reduce, bytes, link), 1);
      else forward(TimeClass::tensor, OperatorKind::collective, "tensor.all-reduce", exchange(CollectiveKind::all_reduce, bytes, link), 1);
      return;
    }
    const KernelCost gather = exchange(CollectiveKind::all_gather, bytes, link), scatter = exchange(CollectiveKind::reduce_scatter, bytes, link);
    forward(TimeClass::tensor, OperatorKind::collective, is_enter ? "tensor.all-gather" : "tensor.reduce-scatter", is_enter ? gather : scatter, 1);
    backward(TimeClass::tensor, OperatorKind::collective, is_enter ? "tensor.reduce-scatter" : "tensor.all-gather", is_enter ? scatter : gather, 1);
  }

  void run_expert_exchange() {
    if (plan_.expert <= 1) return;
    const auto k = input(ex_, "model.moe.top_k", static_cast<double>(a_.moe.top_k));
    const auto d = input(ex_, "model.hidden_size", static_cast<double>(a_.hidden_size));
    const auto t = input(ex_, "parallel.tensor", static_cast<double>(plan_.tensor));
    const Bytes payload{c_.batch.tokens.value * k.value * d.value * c_.batch.activation.value.value() / t.value};
    const auto bytes = note(ex_, expert_bytes, payload, {{"tokens", c_.batch.tokens}, {"k", k}, {"d", d}, {"a", c_.batch.activation}, {"t", t}});
    const KernelCost cost = exchange(CollectiveKind::all_to_all, bytes, c_.links.expert);
    const std::string_view name = step_->kind == StepKind::dispatch ? "expert.dispatch" : "expert.combine";
    forward(TimeClass::expert, OperatorKind::collective, name, cost, 1);
    backward(TimeClass::expert, OperatorKind::collective, name, cost, 1);
  }

  void finish(Sums& sums, PhaseTime& phase) {
    static constexpr Formula gaps{"time.layer.gaps", "time between the kernels of a layer", "n * g", "definition: each kernel starts a little after the last one ends"};
    if (phase.kernels > 0) {
      Traced<double> n{phase.kernels, 0};
      if (ex_) n.node = ex_->input("kernels: " + format_number(phase.kernels), phase.kernels, Dim{}, Origin{Origin::Kind::definition, {}, "counted from the layer's program", {}});
      add(sums, TimeClass::gap, "gaps", note(ex_, gaps, phase.kernels * c_.rates.gap.value, {{"n", n}, {"g", c_.rates.gap}}));
      phase.by_bound[static_cast<std::size_t>(Bound::launch)] += phase.kernels * c_.rates.gap.value;
    }
    static constexpr std::array<std::string_view, num_time_classes> names = {"product", "attention", "pass", "gap", "tensor", "expert", "context"};
    double total = 0;
    std::vector<Term> terms;
    for (std::size_t i = 0; i < num_time_classes; ++i) {
      phase.parts[i] = {Seconds{sums[i].value}, 0};
      total += sums[i].value;
      if (!ex_) continue;
      phase.parts[i].node = sums[i].terms.empty() ? zero_seconds() : ex_->note(class_sum, sums[i].value, Seconds::dim, sums[i].terms);
      terms.emplace_back(names[i], phase.parts[i]);
    }
    phase.device = {Seconds{total}, ex_ ? ex_->note(phase_sum, total, Seconds::dim, terms) : 0};
  }
  NodeId zero_seconds() {
    return ex_->input("no such operator", 0, Seconds::dim, Origin{Origin::Kind::definition, {}, "nothing of this class is launched", {}});
  }
  void set_shape(double m, double n, double k) {
    m_ = static_cast<std::int64_t>(m + 0.5), n_ = static_cast<std::int64_t>(n + 0.5), k_ = static_cast<std::int64_t>(k + 0.5);
  }

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
  LayerTime result_;
};

}  // namespace

Links links(const Cluster& cluster, const ParallelPlan& plan, Explain* ex) {
  const RankGroups g = rank_groups(plan);
  auto link = [&](const RankGroup& group) { return group_link(cluster, group.ranks, group.stride, ex); };
  Links l{link(g.tensor), link(g.context), link(g.expert), link(g.replicas), link(g.expert_replicas), nullptr};
  if (plan.pipeline > 1) l.pipeline = tier_between(cluster, g.pipeline.stride);
  return l;
}

LayerTime layer_time(const LayerProgram& program, int kind, double count, const LayerContext& c) {
  return Runner(program, kind, count, c).run();
}

Traced<double> attention_pairs(const MicroBatch& b, const LayerKind& kind, std::int64_t sinks, bool causal_skip, Explain* ex) {
  static constexpr Formula causal{"operators.attention.pairs_causal", "query-key pairs under a causal mask", "n * p + n * (n + 1) / 2",
                                  "definition: token i sees p + i + 1 keys"};
  static constexpr Formula windowed{"operators.attention.pairs_window", "query-key pairs under a causal mask and a window",
                                    "a * p + a * (a + 1) / 2 + (n - a) * (W + sinks)", "definition: token i sees min(p + i + 1, W + sinks) keys"};
  static constexpr Formula inside{"operators.attention.inside_window", "new tokens that still see everything", "max(0, min(n, W + sinks - p))", "definition"};
  static constexpr Formula square{"operators.attention.pairs_full", "query-key pairs without a mask", "n * (p + n)", "definition"};
  static constexpr Formula limited{"operators.attention.pairs_band", "query-key pairs of a band without skipped tiles", "n * min(p + n, W + sinks)", "definition"};
  const bool is_causal = kind.is_causal && causal_skip;
  const Traced<double> n = b.new_tokens, p = b.past;
  if (kind.window == 0) {
    if (!is_causal) return note(ex, square, n.value * (p.value + n.value), {{"n", n}, {"p", p}});
    return note(ex, causal, n.value * p.value + n.value * (n.value + 1) / 2, {{"n", n}, {"p", p}});
  }
  const auto window = input(ex, "model.sliding_window", static_cast<double>(kind.window));
  const auto s = input(ex, "model.sink_tokens", static_cast<double>(sinks));
  const double seen = window.value + s.value;
  if (!is_causal) return note(ex, limited, n.value * std::min(p.value + n.value, seen), {{"n", n}, {"p", p}, {"W", window}, {"sinks", s}});
  const auto a = note(ex, inside, std::max(0.0, std::min(n.value, seen - p.value)), {{"n", n}, {"W", window}, {"sinks", s}, {"p", p}});
  return note(ex, windowed, a.value * p.value + a.value * (a.value + 1) / 2 + (n.value - a.value) * seen,
              {{"a", a}, {"p", p}, {"n", n}, {"W", window}, {"sinks", s}});
}

}  // namespace ridge
