#include "model/architecture.h"

namespace ridge {

namespace {

using Count = Traced<std::int64_t>;

constexpr std::string_view rule = "derived when a text leaves it out (model/architecture.h)";
constexpr Formula same_formula{"model.derived.same", "a size that follows from another", "d", rule};
constexpr Formula head_formula{"model.derived.head_dim", "width of a head", "floor(d / H)", rule};
constexpr Formula latent_formula{"model.derived.latent_head_dim", "width of a head", "e + x", rule};
constexpr Formula plain_ffn{"model.derived.ffn", "feed-forward width", "4 * d", rule};
constexpr Formula gated_ffn{"model.derived.gated_ffn", "feed-forward width",
                            "256 * ceil(floor(8 * d / 3) / 256)",
                            "LLaMA 1 and 2: two thirds of 4 d, rounded up to a multiple of 256"};
constexpr Formula inner_formula{"model.derived.inner_size", "inner width of the recurrence", "x * d", rule};
constexpr Formula rank_formula{"model.derived.time_step_rank", "rank of the time step", "ceil(d / 16)",
                               "state-spaces/mamba@e9594ce mamba_simple.py"};
constexpr Formula offset_formula{"model.derived.global_offset", "first layer that attends to everything",
                                 "n - 1", rule};

class Definitions {
 public:
  Definitions(const Architecture& a, Explain& ex) : a_(a), ex_(&ex) {}

  void run() {
    const Recurrent& r = a_.recurrent;
    const Count d = in("model.hidden_size", a_.hidden_size);
    define("model.kv_heads", a_.kv_heads, [&] { return same(in("model.heads", a_.heads)); });
    define("model.head_dim", a_.head_dim, [&] { return head_dim(d); });
    define("model.embedding_size", a_.embedding_size, [&] { return same(d); });
    define("model.global_offset", a_.global_offset, [&] {
      return note(ex_, offset_formula, a_.global_every - 1,
                  {{"n", in("model.global_every", a_.global_every)}});
    });
    define("model.ffn_hidden_size", a_.ffn_hidden_size, [&] { return ffn(d); });
    define("model.moe.ffn_hidden_size", a_.moe.ffn_hidden_size,
           [&] { return same(in("model.ffn_hidden_size", a_.ffn_hidden_size)); });
    define("model.moe.shared_ffn_hidden_size", a_.moe.shared_ffn_hidden_size,
           [&] { return same(in("model.moe.ffn_hidden_size", a_.moe.ffn_hidden_size)); });
    if (r.kind == RecurrentKind::none) return;
    define("model.recurrent.inner_size", r.inner_size, [&] {
      return note(ex_, inner_formula, r.expand * d.value,
                  {{"x", in("model.recurrent.expand", r.expand)}, {"d", d}});
    });
    define("model.recurrent.time_step_rank", r.time_step_rank, [&] {
      return note(ex_, rank_formula, (d.value + 15) / 16, {{"d", d}});
    });
  }

 private:
  Count in(std::string_view key, std::int64_t v) { return input(ex_, key, v); }
  Count same(Count d) { return note(ex_, same_formula, d.value, {{"d", d}}); }

  Count head_dim(Count d) {
    const LatentAttention& l = a_.latent;
    if (l.kv_lora_rank > 0)
      return note(ex_, latent_formula, l.nope_head_dim + l.rope_head_dim,
                  {{"e", in("model.latent.nope_head_dim", l.nope_head_dim)},
                   {"x", in("model.latent.rope_head_dim", l.rope_head_dim)}});
    return note(ex_, head_formula, d.value / a_.heads, {{"d", d}, {"H", in("model.heads", a_.heads)}});
  }

  Count ffn(Count d) {
    if (!is_gated(a_.activation)) return note(ex_, plain_ffn, 4 * d.value, {{"d", d}});
    return note(ex_, gated_ffn, (8 * d.value / 3 + 255) / 256 * 256, {{"d", d}});
  }

  /// Only what no text states, and only where the rule gives the value.
  template <class Rule> void define(std::string_view key, std::int64_t value, Rule derived) {
    const bool is_stated = ex_->origin_of(key).kind != Origin::Kind::default_value;
    if (is_stated || value <= 0 || a_.heads <= 0) return;
    const Count found = derived();
    if (found.value == value) ex_->define(key, found.node);
  }

  const Architecture& a_;
  Explain* ex_;
};

}  // namespace

void define_derived(const Architecture& a, Explain& ex) { Definitions(a, ex).run(); }

}  // namespace ridge
