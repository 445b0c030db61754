#include "model/huggingface.h"

#include "model/huggingface_translator.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>

namespace ridge {

namespace {

/// Spellings of a field in use over all types, and the key it becomes.
struct CommonField {
  std::string_view key;
  std::initializer_list<std::string_view> names;
};

const CommonField common_fields[] = {
    {"layers", {"num_hidden_layers", "n_layer", "n_layers", "num_layers"}},
    {"hidden_size", {"hidden_size", "n_embd", "n_embed", "d_model"}},
    {"heads", {"num_attention_heads", "n_head", "n_heads", "num_heads"}},
    {"kv_heads", {"num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"}},
    {"head_dim", {"head_dim", "kv_channels", "d_kv"}},
    {"ffn_hidden_size", {"intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "d_ff"}},
    {"vocab_size", {"vocab_size", "padded_vocab_size"}},
    {"max_positions",
     {"max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length", "n_ctx"}},
    {"embedding_size", {"embedding_size", "word_embed_proj_dim"}},
    {"token_types", {"type_vocab_size"}},
    {"tied_embeddings", {"tie_word_embeddings"}},
    {"sliding_window", {"sliding_window", "window_size"}},
    {"first_dense_layers", {"first_k_dense_replace"}},
    {"moe.experts", {"num_local_experts", "num_experts", "n_routed_experts"}},
    {"moe.top_k", {"num_experts_per_tok", "experts_per_token"}},
    {"moe.ffn_hidden_size", {"moe_intermediate_size"}},
    {"moe.shared_experts", {"n_shared_experts"}},
    {"moe.shared_ffn_hidden_size", {"shared_expert_intermediate_size"}},
    {"latent.q_lora_rank", {"q_lora_rank"}},
    {"latent.kv_lora_rank", {"kv_lora_rank"}},
    {"latent.nope_head_dim", {"qk_nope_head_dim"}},
    {"latent.rope_head_dim", {"qk_rope_head_dim"}},
    {"latent.v_head_dim", {"v_head_dim"}},
};

template <class Use> void for_each_pair(std::string_view list, Use use) {
  while (!list.empty()) {
    const std::string_view pair = list.substr(0, list.find(' '));
    list.remove_prefix(std::min(list.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) use(pair.substr(0, equals), pair.substr(equals + 1));
  }
}

/// "LlamaForCausalLM" or "Qwen2MoeForCausalLM" against llama, qwen2_moe: letters and digits, lower case.
std::string squeezed(std::string_view name) {
  std::string s;
  for (char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)))
      s += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return s;
}

std::string type_of_class(std::string_view name) {
  const auto suffix = std::min({name.find("For"), name.find("LMHead"), name.find("Model")});
  const std::string stem = squeezed(name.substr(0, suffix));
  for (std::string& type : huggingface_types())
    if (squeezed(type) == stem) return std::move(type);
  return {};
}

/// The known type whose distinguishing fields a file has, for types nobody described.
std::string_view nearest_by_fields(const Node& c) {
  const auto has = [&](std::string_view key) { return c.find(key) != nullptr; };
  const bool experts = has("num_experts") || has("num_local_experts") || has("n_routed_experts");
  if (has("kv_lora_rank")) return "deepseek_v3";
  if (has("ssm_state_size") || has("hybrid_override_pattern")) return "nemotron_h";
  if (has("mamba_d_state")) return "jamba";
  if (has("state_size")) return "mamba";
  if (has("num_decoder_layers") || has("d_kv")) return "t5";
  if (experts && has("shared_expert_intermediate_size")) return "qwen2_moe";
  if (experts && has("moe_intermediate_size")) return "qwen3_moe";
  if (experts) return "mixtral";
  if (has("type_vocab_size")) return "bert";
  if (has("n_embd") || has("n_inner")) return "gpt2";
  if (has("layer_norm_eps") || has("layer_norm_epsilon")) return "gpt_neox";
  return "llama";
}

std::string missing_sizes(const Node& c) {
  std::string list;
  for (const CommonField& f : common_fields) {
    if (f.key != "layers" && f.key != "hidden_size" && f.key != "heads" && f.key != "vocab_size") continue;
    if (std::any_of(f.names.begin(), f.names.end(), [&](std::string_view n) { return c.find(n); })) continue;
    if (!list.empty()) list += ", ";
    list += *f.names.begin();
  }
  return list;
}

void report_unknown(const Node& config, const Node* type, const std::string& name, Diagnostics& diagnostics) {
  const std::string near = nearest(name, huggingface_types());
  const std::string lacking = missing_sizes(config);
  Diagnostic& d =
      diagnostics.error("unknown-model-type",
                        name.empty() ? std::string("the config has no model_type")
                                     : fmt::format("model_type '{}' is not described here: which biases, "
                                                   "norms, positions and tensors it has is missing",
                                                   printable(name)),
                        type ? type->span : config.span);
  if (!lacking.empty()) d.message += fmt::format("; the file also lacks {}", lacking);
  d.suggestion = near.empty() ? std::string(nearest_by_fields(config)) : near;
}

/// Which type a config is of; reports when it is none.
std::string type_of(const Node& config, Diagnostics& diagnostics) {
  const Node* type = config.find("model_type");
  if (type && type->is_scalar() && find_huggingface_type(type->text)) return type->text;
  if (!type) {
    const Node* classes = config.find("architectures");
    if (classes && classes->is_sequence())
      for (const Node& c : classes->items)
        if (std::string found = type_of_class(c.text); !found.empty()) return found;
  }
  report_unknown(config, type, type && type->is_scalar() ? type->text : std::string{}, diagnostics);
  return {};
}

/// A list of layer types must repeat with one period, one full layer in each.
void layer_types(HuggingfaceTranslator& t) {
  const Node* list = t.config.find("layer_types");
  if (!list || !list->is_sequence() || !t.has("sliding_window")) return;
  std::vector<std::size_t> full;
  for (std::size_t i = 0; i < list->items.size(); ++i)
    if (list->items[i].text == "full_attention") full.push_back(i);
  t.remove("global_every");
  t.remove("global_offset");
  if (full.empty()) return;
  if (full.size() == list->items.size()) return t.remove("sliding_window");
  const std::size_t period = full.size() > 1 ? full[1] - full[0] : list->items.size();
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const bool is_full = list->items[i].text == "full_attention";
    if (is_full == (i % period == full[0] % period)) continue;
    t.diagnostics.error("unknown-pattern", "layer_types does not repeat with one full layer in each period",
                        list->items[i].span);
    return;
  }
  t.put("global_every", std::to_string(period), list->span);
  t.put("global_offset", std::to_string(full[0] % period), list->span);
}

/// Gated models choose their feed-forward width and key-value heads freely: what a config leaves out is
/// derived, and that is said.
void warn_of_derived_sizes(HuggingfaceTranslator& t) {
  const Node* activation = t.model.find("activation");
  if (activation && !activation->text.ends_with("glu")) return;  // absent: swiglu
  auto warn = [&](std::string_view key, std::string_view name, std::string_view how) {
    if (t.has(key)) return;
    t.diagnostics.warning("default-used", fmt::format("the config lacks {}; {}", name, how), t.config.span);
  };
  if (!t.has("moe.experts"))
    warn("ffn_hidden_size", "intermediate_size",
         "8/3 of the hidden size is assumed, rounded up to a multiple of 256");
  if (!t.has("latent.kv_lora_rank"))
    warn("kv_heads", "num_key_value_heads", "as many as query heads are assumed");
}

Node translate(const Node& config, const HuggingfaceType& type, Diagnostics& diagnostics) {
  HuggingfaceTranslator t(config, std::string(type.name), diagnostics);
  t.put("huggingface_type", type.name);
  for_each_pair(type.choices, [&](std::string_view key, std::string_view value) { t.put(key, value); });
  for (const CommonField& f : common_fields) t.copy(f.key, f.names);
  if (type.special) type.special(t);
  for_each_pair(type.defaults, [&](std::string_view key, std::string_view value) {
    if (!t.has(key)) t.put_default(key, value);
  });
  layer_types(t);
  if (!t.has("sliding_window"))
    for (std::string_view key : {"global_every", "global_offset"}) t.remove(key);
  warn_of_derived_sizes(t);
  return std::move(t.model);
}

}  // namespace

const Node* HuggingfaceTranslator::field(std::initializer_list<std::string_view> names) const {
  for (std::string_view name : names)
    if (const Node* n = config.at(name); n && !n->is_null()) return n;
  return nullptr;
}

bool HuggingfaceTranslator::copy(std::string_view key, std::initializer_list<std::string_view> names) {
  const Node* n = field(names);
  if (!n) return false;
  set(model, key, *n, n->span);
  return true;
}

void HuggingfaceTranslator::put(std::string_view key, std::string_view text, const Span& span) {
  set(model, key, Node::scalar(std::string(text), span), span);
}

void HuggingfaceTranslator::put_default(std::string_view key, std::string_view text) {
  put(key, text);
  for (const CommonField& f : common_fields)
    if (f.key == key && (key == "layers" || key == "hidden_size" || key == "heads" || key == "vocab_size" ||
                         key == "ffn_hidden_size"))
      diagnostics.warning(
          "default-used",
          fmt::format("the config lacks {}; {}'s default {} is used", *f.names.begin(), type, text),
          config.span);
}

void HuggingfaceTranslator::remove(std::string_view key) {
  Node* map = &model;
  if (const auto dot = key.find('.'); dot != std::string_view::npos) {
    map = model.find(key.substr(0, dot));
    key.remove_prefix(dot + 1);
  }
  if (map) std::erase_if(map->entries, [&](const Node::Entry& e) { return e.key == key; });
}

bool HuggingfaceTranslator::flag(std::string_view name, bool otherwise) {
  const Node* n = field(name);
  if (!n) return otherwise;
  if (n->is_scalar() && !n->quoted && (n->text == "true" || n->text == "false")) return n->text == "true";
  diagnostics.error("wrong-type", fmt::format("'{}' must be true or false", name), n->span);
  return otherwise;
}

std::int64_t HuggingfaceTranslator::count(std::string_view name, std::int64_t otherwise) {
  const Node* n = field(name);
  if (!n) return otherwise;
  std::int64_t value = 0;
  const char *first = n->text.data(), *last = first + n->text.size();
  if (const auto [end, error] = std::from_chars(first, last, value);
      n->is_scalar() && error == std::errc{} && end == last && value >= 0)
    return value;
  diagnostics.error("wrong-type", fmt::format("'{}' must be a count", name), n->span);
  return otherwise;
}

std::string HuggingfaceTranslator::text(std::string_view name, std::string_view otherwise) {
  const Node* n = field(name);
  return n && n->is_scalar() ? n->text : std::string(otherwise);
}

bool is_huggingface_config(const Node& n) {
  return n.is_map() && (n.find("model_type") || n.find("architectures") || n.find("transformers_version"));
}

Node huggingface_model(const Node& config, Diagnostics& diagnostics) {
  if (!config.is_map()) {
    diagnostics.error("not-a-map", "a config.json holds a map of fields", config.span);
    return {};
  }
  const Node* text = config.find("text_config");
  if (!text || !text->is_map()) {
    const std::string type = type_of(config, diagnostics);
    return type.empty() ? Node{} : translate(config, *find_huggingface_type(type), diagnostics);
  }
  diagnostics.warning("text-only",
                      "only the text model of this config is described; vision and audio parts are left out",
                      text->span);
  Node inner = *text;
  for (std::string_view key : {"model_type", "tie_word_embeddings"})  // stated outside only, in older files
    if (const Node* outer = config.find(key); outer && !inner.find(key)) set(inner, key, *outer, outer->span);
  const std::string type = type_of(inner, diagnostics);
  return type.empty() ? Node{} : translate(inner, *find_huggingface_type(type), diagnostics);
}

Architecture import_huggingface(const Node& config, Diagnostics& diagnostics) {
  if (!config.is_map() && !diagnostics.has_errors()) {
    diagnostics.error("not-a-config", "a config.json is a map of keys such as model_type and hidden_size",
                      config.span);
  }
  const Node model = huggingface_model(config, diagnostics);
  if (!model.is_map()) return {};
  ReadContext context{diagnostics};
  return resolve(model, context);
}

}  // namespace ridge
