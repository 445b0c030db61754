#include "sim/traffic.h"

#include "base/quantity_text.h"
#include "model/inventory.h"

#include <algorithm>

namespace ridge {
namespace {

constexpr Formula traffic_sum{"operators.traffic", "bytes of one token", "sum(...)",
                              "definition: what the stack's pass names"};
constexpr Formula share{"operators.traffic.width", "bytes of one token in one width", "width * (n * a + x)",
                        "definition: n elements of the activation width and x bytes of fixed formats"};
constexpr Formula whole_width{"widths.hidden", "model width", "d / x",
                              "Korthikanti et al. 2022, arXiv:2205.05198, section 4.2",
                              "x is the tensor degree under sequence parallelism, else 1"};
constexpr Formula query_width_formula{"widths.q", "query width on one device", "H * e / t",
                                      "Shoeybi et al. 2019, arXiv:1909.08053"};
constexpr Formula latent_query{"widths.q_latent", "query width on one device", "H * (e + x) / t",
                               "DeepSeek-V2, arXiv:2405.04434"};
constexpr Formula kv_width{"widths.kv", "key width on one device", "K * e / min(t, K)",
                           "Shazeer 2019, arXiv:1911.02150"};
constexpr Formula latent_kv{"widths.kv_latent", "half of the key and value widths on one device",
                            "H * (e + x + v) / 2 / t", "DeepSeek-V2, arXiv:2405.04434"};
constexpr Formula ffn_width{"widths.ffn", "feed-forward width on one device", "f / t",
                            "Shoeybi et al. 2019, arXiv:1909.08053"};
constexpr Formula moe_width{"widths.ffn_experts", "feed-forward width of a token's experts on one device",
                            "(k * f + S * g) / t", "definition: top-k and shared experts",
                            "tokens spread evenly over experts"};
constexpr Formula expert_hidden{"widths.expert_hidden", "copies of the model width sent to experts",
                                "k * d * etp / t", "definition"};
constexpr Formula experts_width{"widths.experts", "router logits", "E / x", "definition"};
constexpr Formula heads_width{"widths.heads", "query heads on one device", "H / t", "definition"};
constexpr Formula scores_width{"widths.scores", "attention scores of one token on one device", "H / t * keys",
                               "definition"};
constexpr Formula window_keys{"widths.window_keys", "keys that a window leaves", "min(n, W)", "definition"};
constexpr Formula kept_sum{"operators.traffic.kept", "what the passes keep of one width", "sum(...)",
                           "definition: what the stack's passes name"};
constexpr Formula vocab_width{"widths.vocab", "logits on one device", "V / t", "definition"};

class Recorder {
 public:
  Recorder(const WidthTable& t, const Architecture& a, const LayerKind& k, const ParallelPlan& p,
           Traced<double> attended, Explain* ex, const TrafficSource& source)
      : table_(t), a_(a), kind_(k), plan_(p), attended_(attended), ex_(ex), source_(source) {}

  Traced<double> width(Width w) {
    const double v = table_[w];
    const auto t = count("parallel.tensor", std::max<std::int64_t>(plan_.tensor, 1));
    const auto outside = plan_.sequence ? t
                                        : constant(ex_, "ranks that share the tokens outside products", 1.0,
                                                   "parallel.sequence is false");
    if (v == 0) return constant(ex_, "width this layer lacks", 0.0, "definition");
    switch (w) {
      case Width::hidden:
        return note(ex_, whole_width, v, {{"d", count("model.hidden_size", a_.hidden_size)}, {"x", outside}});
      case Width::whole: return count("model.hidden_size", a_.hidden_size);
      case Width::q: return kind_.mixer == Mixer::recurrent ? other("recurrent width", v) : query(v, t);
      case Width::kv:
        return kind_.mixer == Mixer::recurrent ? other("recurrent state width", v) : key_value(v, t);
      case Width::ffn: return feed_forward(v, t);
      case Width::expert_hidden:
        return note(ex_, expert_hidden, v,
                    {{"k", count("model.moe.top_k", a_.moe.top_k)},
                     {"d", expert_width()},
                     {"etp", count("parallel.expert_tensor", std::max<std::int64_t>(plan_.expert_tensor, 1))},
                     {"t", t}});
      case Width::experts:
        return note(ex_, experts_width, v,
                    {{"E", count("model.moe.experts", a_.moe.experts)}, {"x", outside}});
      case Width::heads: return note(ex_, heads_width, v, {{"H", heads()}, {"t", t}});
      case Width::scores:
        return note(ex_, scores_width, v, {{"H", heads()}, {"t", t}, {"keys", seen_keys()}});
      case Width::vocab:
        return note(ex_, vocab_width, v, {{"V", count("model.vocab_size", a_.vocab_size)}, {"t", t}});
    }
    return {v, 0};
  }

  /// Elements or fixed bytes of one width: as a pass names them, or as the passes that keep them sum.
  Traced<double> number(std::string_view what, double v, std::size_t width,
                        std::array<double, num_widths> Traffic::*field) {
    if (!source_.key.empty()) return of_pass(source_.key, what, v);
    std::vector<Term> terms;
    double sum = 0;
    for (const Pass* pass : source_.kept_by) {
      const double n = (pass->keep.*field)[width];
      if (n == 0) continue;
      sum += n;
      terms.emplace_back("pass", of_pass(pass->key, std::string("keeps, ") + std::string(what), n));
    }
    if (terms.empty() && v == 0) return constant(ex_, "none in this format", 0.0, "the stack's passes");
    if (terms.empty() || sum != v) terms.emplace_back("beside", by_rule(what, v - sum));
    if (terms.size() == 1) return {v, terms.front().node};
    return {v, ex_->note(kept_sum, v, Dim{}, terms)};
  }

 private:
  Traced<double> count(std::string_view key, std::int64_t v) {
    const double value = static_cast<double>(v);
    return {value, ex_->input(key, value, Dim{}, Origin{Origin::Kind::default_value, {}, "not stated", {}})};
  }
  Traced<double> query(double v, Traced<double> t) {
    const LatentAttention& l = a_.latent;
    if (l.kv_lora_rank > 0)
      return note(ex_, latent_query, v,
                  {{"H", heads()},
                   {"e", count("model.latent.nope_head_dim", l.nope_head_dim)},
                   {"x", count("model.latent.rope_head_dim", l.rope_head_dim)},
                   {"t", t}});
    return note(ex_, query_width_formula, v,
                {{"H", heads()}, {"e", count("model.head_dim", a_.head_dim)}, {"t", t}});
  }
  Traced<double> key_value(double v, Traced<double> t) {
    const LatentAttention& l = a_.latent;
    if (l.kv_lora_rank > 0)
      return note(ex_, latent_kv, v,
                  {{"H", heads()},
                   {"e", count("model.latent.nope_head_dim", l.nope_head_dim)},
                   {"x", count("model.latent.rope_head_dim", l.rope_head_dim)},
                   {"v", count("model.latent.v_head_dim", l.v_head_dim)},
                   {"t", t}});
    return note(
        ex_, kv_width, v,
        {{"K", count("model.kv_heads", a_.kv_heads)}, {"e", count("model.head_dim", a_.head_dim)}, {"t", t}});
  }
  Traced<double> feed_forward(double v, Traced<double> t) {
    if (kind_.feed_forward != FeedForward::experts)
      return note(ex_, ffn_width, v, {{"f", count("model.ffn_hidden_size", a_.ffn_hidden_size)}, {"t", t}});
    return note(ex_, moe_width, v,
                {{"k", count("model.moe.top_k", a_.moe.top_k)},
                 {"f", count("model.moe.ffn_hidden_size", a_.moe.ffn_hidden_size)},
                 {"S", count("model.moe.shared_experts", a_.moe.shared_experts)},
                 {"g", count("model.moe.shared_ffn_hidden_size", a_.moe.shared_ffn_hidden_size)},
                 {"t", t}});
  }
  Traced<double> heads() { return count("model.heads", a_.heads); }
  /// A number that a pass of the stack states, under its value: equal numbers are one input.
  Traced<double> of_pass(std::string_view pass, std::string_view what, double v) {
    const std::string key(pass);
    const Origin origin = ex_->origin_of(key + ".name", {Origin::Kind::preset, {}, "software stack", {}});
    return {v, ex_->input(key + ", " + std::string(what) + " " + format_number(v), v, Dim{}, origin)};
  }
  Traced<double> by_rule(std::string_view what, double v) {
    const std::string key = std::string(source_.rule) + ", " + std::string(what) + " " + format_number(v);
    return constant(ex_, key, v, "sim/activations.h");
  }
  Traced<double> seen_keys() {
    if (kind_.window == 0) return attended_;
    const auto W = count("model.sliding_window", kind_.window);
    return note(ex_, window_keys, std::min(attended_.value, W.value), {{"n", attended_}, {"W", W}});
  }
  Traced<double> expert_width() {
    const Traced<std::int64_t> d = extent(a_, Extent::expert_width, ex_);
    return {static_cast<double>(d.value), d.node};
  }
  Traced<double> other(std::string_view what, double v) {
    return {v, ex_->input(what, v, Dim{}, Origin{Origin::Kind::definition, {}, "tensor inventory", {}})};
  }
  const WidthTable& table_;
  const Architecture& a_;
  const LayerKind& kind_;
  const ParallelPlan& plan_;
  Traced<double> attended_;
  Explain* ex_;
  const TrafficSource& source_;
};

}  // namespace

Traced<BytesPerToken> traced_traffic(const Traffic& traffic, const WidthTable& table, const Architecture& a,
                                     const LayerKind& kind, const ParallelPlan& plan,
                                     Traced<BytesPerElement> activation, Traced<double> attended, Explain* ex,
                                     const TrafficSource& source) {
  const BytesPerToken value = traffic_bytes(traffic, table, activation.value);
  if (!ex) return {value, 0};
  Recorder record(table, a, kind, plan, attended, ex, source);
  std::vector<Term> terms;
  for (std::size_t i = 0; i < num_widths; ++i) {
    const double n = traffic.activation_elements[i], x = traffic.fixed_bytes[i];
    if (n == 0 && x == 0) continue;
    const auto& [width, name] = EnumNames<Width>::names[i];
    const BytesPerToken bytes{table.elements[i] * (n * activation.value.value() + x)};
    terms.emplace_back(name, note(ex, share, bytes,
                                  {{"width", record.width(width)},
                                   {"n", record.number("elements", n, i, &Traffic::activation_elements)},
                                   {"a", activation},
                                   {"x", record.number("fixed bytes", x, i, &Traffic::fixed_bytes)}}));
  }
  if (terms.empty()) return constant(ex, "nothing moved", BytesPerToken{0}, "definition");
  return {value, ex->note(traffic_sum, value.value(), BytesPerToken::dim, terms)};
}

}  // namespace ridge
