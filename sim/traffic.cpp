#include "sim/traffic.h"

#include "base/quantity_text.h"

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
constexpr Formula vocab_width{"widths.vocab", "logits on one device", "V / t", "definition"};

class Recorder {
 public:
  Recorder(const WidthTable& t, const Architecture& a, const LayerKind& k, const ParallelPlan& p,
           Tokens attended, Explain* ex, std::string_view key)
      : table_(t), a_(a), kind_(k), plan_(p), attended_(attended), ex_(ex), key_(key) {}

  Traced<double> width(Width w) {
    const double v = table_[w];
    const auto t = count("parallel.tensor", std::max<std::int64_t>(plan_.tensor, 1));
    const auto outside = plan_.sequence ? t
                                        : constant(ex_, "ranks that share the tokens outside products", 1.0,
                                                   "parallel.sequence is false");
    const LatentAttention& l = a_.latent;
    if (v == 0) return constant(ex_, "width this layer lacks", 0.0, "definition");
    switch (w) {
      case Width::hidden:
        return note(ex_, whole_width, v, {{"d", count("model.hidden_size", a_.hidden_size)}, {"x", outside}});
      case Width::whole: return count("model.hidden_size", a_.hidden_size);
      case Width::q:
        if (kind_.mixer == Mixer::recurrent) return other("recurrent width", v);
        if (l.kv_lora_rank > 0)
          return note(ex_, latent_query, v,
                      {{"H", heads()},
                       {"e", count("model.latent.nope_head_dim", l.nope_head_dim)},
                       {"x", count("model.latent.rope_head_dim", l.rope_head_dim)},
                       {"t", t}});
        return note(ex_, query_width_formula, v,
                    {{"H", heads()}, {"e", count("model.head_dim", a_.head_dim)}, {"t", t}});
      case Width::kv:
        if (kind_.mixer == Mixer::recurrent) return other("recurrent state width", v);
        if (l.kv_lora_rank > 0)
          return note(ex_, latent_kv, v,
                      {{"H", heads()},
                       {"e", count("model.latent.nope_head_dim", l.nope_head_dim)},
                       {"x", count("model.latent.rope_head_dim", l.rope_head_dim)},
                       {"v", count("model.latent.v_head_dim", l.v_head_dim)},
                       {"t", t}});
        return note(ex_, kv_width, v,
                    {{"K", count("model.kv_heads", a_.kv_heads)},
                     {"e", count("model.head_dim", a_.head_dim)},
                     {"t", t}});
      case Width::ffn:
        if (kind_.feed_forward == FeedForward::experts)
          return note(ex_, moe_width, v,
                      {{"k", count("model.moe.top_k", a_.moe.top_k)},
                       {"f", count("model.moe.ffn_hidden_size", a_.moe.ffn_hidden_size)},
                       {"S", count("model.moe.shared_experts", a_.moe.shared_experts)},
                       {"g", count("model.moe.shared_ffn_hidden_size", a_.moe.shared_ffn_hidden_size)},
                       {"t", t}});
        return note(ex_, ffn_width, v, {{"f", count("model.ffn_hidden_size", a_.ffn_hidden_size)}, {"t", t}});
      case Width::expert_hidden:
        return note(ex_, expert_hidden, v,
                    {{"k", count("model.moe.top_k", a_.moe.top_k)},
                     {"d", count("model.hidden_size", a_.hidden_size)},
                     {"etp", count("parallel.expert_tensor", std::max<std::int64_t>(plan_.expert_tensor, 1))},
                     {"t", t}});
      case Width::experts:
        return note(ex_, experts_width, v,
                    {{"E", count("model.moe.experts", a_.moe.experts)}, {"x", outside}});
      case Width::heads: return note(ex_, heads_width, v, {{"H", heads()}, {"t", t}});
      case Width::scores: {
        const double keys = kind_.window > 0 ? std::min(attended_.value(), static_cast<double>(kind_.window))
                                             : attended_.value();
        return note(
            ex_, scores_width, v,
            {{"H", heads()},
             {"t", t},
             {"keys", constant(ex_,
                               std::string(kind_.window > 0 ? "keys in the window " : "keys attended ") +
                                   format_number(keys),
                               keys, "tokens in the cache and new ones, limited by the window")}});
      }
      case Width::vocab:
        return note(ex_, vocab_width, v, {{"V", count("model.vocab_size", a_.vocab_size)}, {"t", t}});
    }
    return {v, 0};
  }

  /// A number of the stack's pass, under its value: equal numbers are one input.
  Traced<double> number(std::string_view what, double v) {
    const std::string key(key_);
    const Origin origin = ex_->origin_of(
        key + ".name", ex_->origin_of("software", Origin{Origin::Kind::preset, {}, "software stack", {}}));
    return {v, ex_->input(key + ", " + std::string(what) + " " + format_number(v), v, Dim{}, origin)};
  }

 private:
  Traced<double> count(std::string_view key, std::int64_t v) {
    const double value = static_cast<double>(v);
    return {value, ex_->input(key, value, Dim{}, Origin{Origin::Kind::default_value, {}, "not stated", {}})};
  }
  Traced<double> heads() { return count("model.heads", a_.heads); }
  Traced<double> other(std::string_view what, double v) {
    return {v, ex_->input(what, v, Dim{}, Origin{Origin::Kind::definition, {}, "tensor inventory", {}})};
  }
  const WidthTable& table_;
  const Architecture& a_;
  const LayerKind& kind_;
  const ParallelPlan& plan_;
  Tokens attended_;
  Explain* ex_;
  std::string_view key_;
};

}  // namespace

Traced<BytesPerToken> traced_traffic(const Traffic& traffic, const WidthTable& table, const Architecture& a,
                                     const LayerKind& kind, const ParallelPlan& plan,
                                     Traced<BytesPerElement> activation, Tokens attended, Explain* ex,
                                     std::string_view key) {
  const BytesPerToken value = traffic_bytes(traffic, table, activation.value);
  if (!ex) return {value, 0};
  Recorder record(table, a, kind, plan, attended, ex, key);
  std::vector<Term> terms;
  for (std::size_t i = 0; i < num_widths; ++i) {
    const double n = traffic.activation_elements[i], x = traffic.fixed_bytes[i];
    if (n == 0 && x == 0) continue;
    const auto& [width, name] = EnumNames<Width>::names[i];
    const BytesPerToken bytes{table.elements[i] * (n * activation.value.value() + x)};
    terms.emplace_back(name, note(ex, share, bytes,
                                  {{"width", record.width(width)},
                                   {"n", record.number("elements", n)},
                                   {"a", activation},
                                   {"x", record.number("fixed bytes", x)}}));
  }
  if (terms.empty()) return constant(ex, "nothing moved", BytesPerToken{0}, "definition");
  return {value, ex->note(traffic_sum, value.value(), BytesPerToken::dim, terms)};
}

}  // namespace ridge
