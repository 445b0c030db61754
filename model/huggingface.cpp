#include "model/huggingface.h"

#include "model/huggingface_translator.h"

#include <algorithm>
#include <cctype>
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
    {"moe.shared_ffn_hidden_size",
     {"shared_expert_intermediate_size", "moe_shared_expert_intermediate_size"}},
    {"latent.q_lora_rank", {"q_lora_rank"}},
    {"latent.kv_lora_rank", {"kv_lora_rank"}},
    {"latent.nope_head_dim", {"qk_nope_head_dim"}},
    {"latent.rope_head_dim", {"qk_rope_head_dim"}},
    {"latent.v_head_dim", {"v_head_dim"}},
};

template <class Use> void for_each_word(std::string_view list, Use use) {
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(' '));
    list.remove_prefix(std::min(list.size(), word.size() + 1));
    if (!word.empty()) use(word);
  }
}

template <class Use> void for_each_pair(std::string_view list, Use use) {
  for_each_word(list, [&](std::string_view pair) {
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) use(pair.substr(0, equals), pair.substr(equals + 1));
  });
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

/// Types whose configuration class knows no key-value heads of their own, or that derive them by a rule of
/// huggingface_special.h.
constexpr std::string_view ungrouped_types[] = {
    "albert", "bert",  "bloom",  "distilbert", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox",
    "gptj",   "mamba", "mamba2", "mpt",        "mt5",    "opt",  "roberta",     "rwkv",    "t5"};

/// Key-value heads and head width follow from other sizes where the file leaves them out.
void tell_derived_sizes(HuggingfaceTranslator& t) {
  if (!t.has("tied_embeddings")) t.tell_choice("tie_word_embeddings false");
  if (std::ranges::find(ungrouped_types, t.type) != std::end(ungrouped_types)) return;
  if (t.has("latent.kv_lora_rank")) return;
  if (!t.has("kv_heads")) t.tell_size(t.name_of("kv_heads") + " = num_attention_heads");
  if (!t.has("head_dim")) t.tell_choice(t.name_of("head_dim") + " = hidden_size / num_attention_heads");
}

Node translate(const Node& config, const HuggingfaceType& type, Diagnostics& diagnostics) {
  HuggingfaceTranslator t(config, std::string(type.name), diagnostics);
  t.put("huggingface_type", type.name);
  for_each_pair(type.choices, [&](std::string_view key, std::string_view value) { t.put(key, value); });
  for (const CommonField& f : common_fields) t.copy(f.key, f.names);
  if (type.special) type.special(t);
  read_activation(t);
  for_each_pair(type.defaults, [&](std::string_view key, std::string_view value) {
    if (!t.has(key)) t.put_default(key, value);
  });
  for_each_word(type.needs, [&](std::string_view key) { t.need(key); });
  layer_types(t);
  if (!t.has("sliding_window"))
    for (std::string_view key : {"global_every", "global_offset"}) t.remove(key);
  extend_positions(t);
  tell_derived_sizes(t);
  t.report_told();
  if (const Node* quantization = config.find("quantization_config")) tell_storage(t, *quantization);
  return std::move(t.model);
}

}  // namespace

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
    if (const Node* vision = config.find("vision_config"))
      diagnostics.warning("text-only",
                          "only the text model of this config is described; the vision part is "
                          "left out",
                          vision->span);
    const std::string type = type_of(config, diagnostics);
    return type.empty() ? Node{} : translate(config, *find_huggingface_type(type), diagnostics);
  }
  diagnostics.warning("text-only",
                      "only the text model of this config is described; vision and audio parts are left out",
                      text->span);
  Node inner = *text;
  for (std::string_view key : {"model_type", "quantization_config"})  // stated outside only, in older files
    if (const Node* outer = config.find(key); outer && !inner.find(key)) set(inner, key, *outer, outer->span);
  if (const Node* outer = config.find("tie_word_embeddings")) {
    // Saving a config anew writes the text class's own default inside, which no model reads.
    const Node* own = inner.find("tie_word_embeddings");
    if (own && own->text != outer->text)
      diagnostics.add({Severity::note,
                       "differs-inside",
                       "'tie_word_embeddings' differs inside of text_config; the outer one holds",
                       own->span,
                       {},
                       {}});
    set(inner, "tie_word_embeddings", *outer, outer->span);
  }
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
