#include "model/architecture.h"

#include "model/layers.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace ridge {

namespace {

std::int64_t round_up(std::int64_t x, std::int64_t unit) { return (x + unit - 1) / unit * unit; }

void set_if_absent(std::int64_t& field, std::int64_t value) {
  if (field == 0) field = value;
}

bool is_only_recurrent(const Architecture& a) {
  return a.recurrent.kind != RecurrentKind::none && a.attention_every == 0 && a.layer_pattern.empty();
}

bool is_mamba(RecurrentKind k) { return k == RecurrentKind::mamba || k == RecurrentKind::mamba2; }

void derive_recurrent(Architecture& a) {
  Recurrent& r = a.recurrent;
  if (r.kind == RecurrentKind::none) return;
  const bool mamba = is_mamba(r.kind);
  set_if_absent(r.inner_size, mamba ? r.expand * a.hidden_size : a.hidden_size);
  set_if_absent(r.state_size, r.kind == RecurrentKind::mamba ? 16 : 128);
  set_if_absent(r.time_step_rank, (a.hidden_size + 15) / 16);
  set_if_absent(r.low_rank, r.kind == RecurrentKind::rwkv7 ? 288 : 224);
  if (mamba || r.kind == RecurrentKind::gated_delta) return;
  // RWKV: channel mixing is 4 d wide in versions 4 and 7, 3.5 d in 5 and 6.
  const bool wide = r.kind == RecurrentKind::rwkv4 || r.kind == RecurrentKind::rwkv7;
  set_if_absent(a.ffn_hidden_size, wide ? 4 * a.hidden_size : a.hidden_size * 7 / 2);
}

bool needs_dense_width(const Architecture& a) {
  return !is_only_recurrent(a) && (a.moe.experts == 0 || a.first_dense_layers > 0 || a.moe.every > 1);
}

}  // namespace

void derive(Architecture& a) {
  set_if_absent(a.kv_heads, a.heads);
  if (a.latent.kv_lora_rank > 0) set_if_absent(a.head_dim, a.latent.nope_head_dim + a.latent.rope_head_dim);
  if (a.heads > 0) set_if_absent(a.head_dim, a.hidden_size / a.heads);
  set_if_absent(a.embedding_size, a.hidden_size);
  if (a.global_every > 0 && a.global_offset < 0) a.global_offset = a.global_every - 1;
  derive_recurrent(a);
  if (needs_dense_width(a) || a.moe.ffn_hidden_size == 0) {
    if (!is_only_recurrent(a))
      set_if_absent(a.ffn_hidden_size,
                    is_gated(a.activation) ? round_up(8 * a.hidden_size / 3, 256) : 4 * a.hidden_size);
  }
  if (a.moe.experts > 0) {
    set_if_absent(a.moe.ffn_hidden_size, a.ffn_hidden_size);
    if (a.moe.shared_experts > 0) set_if_absent(a.moe.shared_ffn_hidden_size, a.moe.ffn_hidden_size);
    if (a.moe.every > 0 && a.moe.offset >= a.moe.every) a.moe.offset %= a.moe.every;
  }
}

namespace {

/// Texts of derived values for the explain record.
struct Derived {
  std::string_view key, how;
};
constexpr Derived derived_values[] = {
    {"kv_heads", "derived: heads"},
    {"head_dim", "derived: hidden_size / heads; latent attention nope_head_dim + rope_head_dim"},
    {"ffn_hidden_size", "derived: 4 hidden_size, gated 8/3 hidden_size rounded up to a multiple of 256"},
    {"embedding_size", "derived: hidden_size"},
    {"moe.ffn_hidden_size", "derived: ffn_hidden_size"},
    {"moe.shared_ffn_hidden_size", "derived: moe.ffn_hidden_size"},
    {"recurrent.inner_size", "derived: expand hidden_size"},
    {"recurrent.state_size", "derived: 16 for mamba, 128 for mamba2"},
    {"recurrent.time_step_rank", "derived: ceil(hidden_size / 16)"},
    {"recurrent.low_rank", "derived: customary ranks of the version"},
    {"global_offset", "derived: global_every - 1"},
};

void record_derived(const Node& model, ReadContext& c) {
  if (!c.origins) return;
  for (const Derived& d : derived_values) {
    if (model.at(d.key)) continue;
    Origin origin;
    origin.kind = Origin::Kind::default_value;
    origin.citation = d.how;
    (*c.origins)[c.path.empty() ? std::string(d.key) : c.path + "." + std::string(d.key)] = std::move(origin);
  }
}

Span span_of(const Node& model, std::string_view key) {
  const Node* n = model.at(key);
  return n && n->span.source ? n->span : model.span;
}

bool names_key(std::string_view message, std::string_view key) {
  const auto continues = [&](std::size_t at) {
    return at < message.size() && (message[at] == '_' || message[at] == '.' ||
                                   std::isalnum(static_cast<unsigned char>(message[at])));
  };
  for (auto at = message.find(key); at != std::string_view::npos; at = message.find(key, at + 1))
    if ((at == 0 || !continues(at - 1)) && !continues(at + key.size())) return true;
  return false;
}

/// What the model's own file calls the keys of a message: "heads is num_attention_heads".
std::string other_names(const Node& model, std::string_view message, const std::string& path = {}) {
  std::string list;
  for (const Node::Entry& e : model.entries) {
    const std::string key = path + e.key;
    std::string own = other_names(e.value, message, key + '.');
    if (!e.value.called.empty() && names_key(message, key)) own = key + " is " + e.value.called;
    if (!own.empty()) list += (list.empty() ? "" : ", ") + own;
  }
  return list;
}

void report_missing(const Node& model, const Architecture& a, ReadContext& c) {
  auto missing = [&](std::string_view key, std::int64_t value, std::string_view meaning) {
    if (value != 0 || model.at(key)) return;
    c.diagnostics.error("missing-key",
                        fmt::format("'model' lacks '{}' ({}); set model.{}", key, meaning, key), model.span);
  };
  missing("layers", a.layers, "number of layers");
  missing("hidden_size", a.hidden_size, "model width");
  if (!is_only_recurrent(a)) missing("heads", a.heads, "query heads");
  missing("vocab_size", a.vocab_size, "rows of the token embedding");
}

}  // namespace

Architecture resolve(const Node& model, ReadContext& c) {
  Diagnostics found;
  ReadContext inner{found, c.origins, c.path, c.kind, c.known_elsewhere};
  Architecture a = read<Architecture>(model, inner);
  if (model.is_map()) report_missing(model, a, inner);
  const bool readable = !found.has_errors();
  derive(a);
  if (readable) {
    record_derived(model, c);
    for (const ArchitectureViolation& v : validate(a)) {
      const std::string names = other_names(model, v.message);
      found.error("invalid-model", v.message + (names.empty() ? "" : " (here " + names + ")"),
                  span_of(model, v.key));
    }
  }
  c.diagnostics.append(std::move(found));
  return a;
}

}  // namespace ridge
