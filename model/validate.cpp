#include "model/architecture.h"
#include "model/inventory.h"

#include <fmt/format.h>

namespace ridge {

namespace {

class Rules {
 public:
  template <class... Args>
  void require(bool holds, std::string_view key, fmt::format_string<Args...> text, Args&&... args) {
    if (!holds) broken.push_back({std::string(key), fmt::format(text, std::forward<Args>(args)...)});
  }
  void positive(std::string_view key, std::int64_t value) {
    require(value > 0, key, "'{}' is {}; it must be at least 1", key, value);
  }
  std::vector<ArchitectureViolation> broken;
};

bool has_attention(const Architecture& a) {
  if (!a.layer_pattern.empty()) return a.layer_pattern.find('*') != std::string::npos;
  return a.recurrent.kind == RecurrentKind::none || a.attention_every > 0;
}

std::int64_t next_multiple(std::int64_t x, std::int64_t unit) { return (x / unit + 1) * unit; }

/// The largest divisor of n below x; 1 when there is none within reach.
std::int64_t divisor_below(std::int64_t n, std::int64_t x) {
  for (std::int64_t d = x - 1; d > 1 && d > x - 4096; --d)
    if (n % d == 0) return d;
  return 1;
}

void check_heads(const Architecture& a, Rules& r) {
  r.positive("heads", a.heads);
  if (a.heads <= 0) return;
  if (a.latent.kv_lora_rank == 0) {
    r.positive("kv_heads", a.kv_heads);
    if (a.kv_heads > 0)
      r.require(a.heads % a.kv_heads == 0, "heads",
                "heads = {} must be a multiple of kv_heads = {}; {} would do", a.heads, a.kv_heads,
                next_multiple(a.heads, a.kv_heads));
    r.require(a.head_dim > 0, "head_dim",
              "head_dim = hidden_size / heads = {} / {} is 0; state head_dim or use fewer heads",
              a.hidden_size, a.heads);
    r.require(a.head_dim * a.heads == a.hidden_size || a.hidden_size % a.heads == 0 ||
                  a.head_dim != a.hidden_size / a.heads,
              "heads",
              "hidden_size = {} is not a multiple of heads = {}; state head_dim, or use heads = {} or "
              "hidden_size = {}",
              a.hidden_size, a.heads, divisor_below(a.hidden_size, a.heads),
              next_multiple(a.hidden_size, a.heads));
  } else {
    r.positive("latent.nope_head_dim", a.latent.nope_head_dim);
    r.positive("latent.v_head_dim", a.latent.v_head_dim);
  }
}

void check_experts(const Architecture& a, Rules& r) {
  const MixtureOfExperts& m = a.moe;
  if (m.experts == 0) {
    r.require(m.top_k == 0 && m.shared_experts == 0, "moe.experts",
              "moe.experts is 0, but moe.top_k or moe.shared_experts is not");
    r.require(m.latent_size == 0, "moe.latent_size", "moe.latent_size = {} needs moe.experts", m.latent_size);
    return;
  }
  r.require(m.top_k >= 1 && m.top_k <= m.experts, "moe.top_k",
            "moe.top_k = {} must lie between 1 and moe.experts = {}", m.top_k, m.experts);
  r.positive("moe.ffn_hidden_size", m.ffn_hidden_size);
  r.positive("moe.every", m.every);
}

void check_recurrent(const Architecture& a, Rules& r) {
  const Recurrent& m = a.recurrent;
  if (m.kind == RecurrentKind::none) {
    r.require(a.attention_every == 0, "attention_every", "attention_every = {} needs recurrent.kind",
              a.attention_every);
    return;
  }
  r.positive("recurrent.inner_size", m.inner_size);
  if (m.kind != RecurrentKind::rwkv4) r.positive("recurrent.head_dim", m.head_dim);
  if (m.kind == RecurrentKind::mamba2 && m.head_dim > 0)
    r.require(m.inner_size % m.head_dim == 0, "recurrent.head_dim",
              "recurrent.inner_size = {} is not a multiple of recurrent.head_dim = {}", m.inner_size,
              m.head_dim);
  if (m.kind == RecurrentKind::gated_delta) {
    r.positive("recurrent.key_heads", m.key_heads);
    r.positive("recurrent.value_heads", m.value_heads);
    r.positive("recurrent.key_head_dim", m.key_head_dim);
    r.positive("recurrent.value_head_dim", m.value_head_dim);
  }
}

void check_pattern(const Architecture& a, Rules& r) {
  for (char letter : a.layer_pattern)
    if (std::string_view("M*-E").find(letter) == std::string_view::npos) {
      r.require(false, "layer_pattern", "layer_pattern may hold the letters M * - E only");
      break;
    }
  const auto has = [&](char c) { return a.layer_pattern.find(c) != std::string::npos; };
  r.require(!has('M') || a.recurrent.kind != RecurrentKind::none, "layer_pattern",
            "layer_pattern has M, which needs recurrent.kind");
  r.require(!has('E') || a.moe.experts > 0, "layer_pattern", "layer_pattern has E, which needs moe.experts");
  r.require(!has('-') || a.ffn_hidden_size > 0, "layer_pattern",
            "layer_pattern has -, which needs ffn_hidden_size");
}

void check_stacks(const Architecture& a, Rules& r) {
  r.require(
      a.encoder_layers == 0 || (a.recurrent.kind == RecurrentKind::none && a.latent.kv_lora_rank == 0),
      "encoder_layers",
      "an encoder-decoder with recurrent or latent attention is not described; set encoder_layers to 0");
  r.require(a.positions != Positions::learned || a.max_positions > 0, "max_positions",
            "learned positions need max_positions, the rows of their table");
  r.require(a.global_every == 0 || a.global_offset < a.global_every, "global_offset",
            "global_offset = {} must be smaller than global_every = {}", a.global_offset, a.global_every);
  r.require(a.attention_every == 0 || a.attention_offset < a.attention_every, "attention_offset",
            "attention_offset = {} must be smaller than attention_every = {}", a.attention_offset,
            a.attention_every);
}

/// Derived widths obey the bounds of stated ones.
void check_derived(const Architecture& a, Rules& r) {
  const std::pair<std::string_view, std::int64_t> widths[] = {
      {"head_dim", a.head_dim},
      {"ffn_hidden_size", a.ffn_hidden_size},
      {"moe.ffn_hidden_size", a.moe.ffn_hidden_size},
      {"moe.shared_ffn_hidden_size", a.moe.shared_ffn_hidden_size},
      {"recurrent.inner_size", a.recurrent.inner_size}};
  for (const auto& [key, width] : widths)
    r.require(width <= max_model_width, key, "{} = {}, derived from hidden_size = {}, is more than {}", key,
              width, a.hidden_size, max_model_width);
}

// The largest total whose bytes, with 20 bytes a parameter, still fit 64 bits comfortably.
constexpr double max_parameters = 1e17;

bool is_countable(const Architecture& a) {
  double d = static_cast<double>(a.hidden_size);
  double widest = d;
  for (std::int64_t w : {a.ffn_hidden_size, a.moe.ffn_hidden_size * std::max<std::int64_t>(1, a.moe.experts),
                         a.moe.shared_ffn_hidden_size * std::max<std::int64_t>(1, a.moe.shared_experts),
                         a.recurrent.inner_size * 8, a.recurrent.groups * a.recurrent.state_size,
                         a.recurrent.low_rank, a.recurrent.key_heads * a.recurrent.key_head_dim,
                         a.recurrent.value_heads * a.recurrent.value_head_dim, query_width(a),
                         a.heads * (a.latent.nope_head_dim + a.latent.v_head_dim)})
    widest = std::max(widest, static_cast<double>(w));
  d = std::max({d, static_cast<double>(a.latent.q_lora_rank), static_cast<double>(a.latent.kv_lora_rank),
                static_cast<double>(a.moe.latent_size)});
  d += static_cast<double>(a.recurrent.state_size + a.recurrent.conv_kernel);
  const double layer = 16 * d * widest + 8 * widest * 1024;
  const double outside =
      (3.0 + 2.0 * static_cast<double>(a.mtp_layers)) * static_cast<double>(a.vocab_size) * d +
      (static_cast<double>(a.max_positions) + 4096) * d;
  return layer * static_cast<double>(a.layers + a.encoder_layers + a.mtp_layers) + outside < max_parameters;
}

}  // namespace

std::vector<ArchitectureViolation> validate(const Architecture& a) {
  Rules r;
  r.positive("layers", a.layers);
  r.positive("hidden_size", a.hidden_size);
  r.positive("vocab_size", a.vocab_size);
  if (has_attention(a)) check_heads(a, r);
  check_experts(a, r);
  check_recurrent(a, r);
  check_pattern(a, r);
  check_stacks(a, r);
  check_derived(a, r);
  if (r.broken.empty())
    r.require(is_countable(a), "hidden_size",
              "the model would have more than {:.0e} parameters; check its sizes", max_parameters);
  return std::move(r.broken);
}

}  // namespace ridge
