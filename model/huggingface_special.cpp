#include "model/huggingface_special.h"

#include <algorithm>
#include <fmt/format.h>
#include <string>

namespace ridge::huggingface {

namespace {

/// Layers i with i mod step = step - 1 have experts.
void sparse_step(HuggingfaceTranslator& t) {
  if (const Node* dense = t.field("mlp_only_layers"); dense && dense->is_sequence() && !dense->items.empty())
    t.not_described("mlp_only_layers", "single layers without experts are not described", Severity::error);
  const std::int64_t step = t.count("decoder_sparse_step", 1);
  if (step <= 1) return;
  t.put("moe.every", std::to_string(step));
  t.put("moe.offset", std::to_string(step - 1));
}

/// A list of dense and sparse layers must have its dense ones first.
void dense_layers(HuggingfaceTranslator& t) {
  const Node* list = t.field("mlp_layer_types");
  if (!list || !list->is_sequence()) return;
  const auto is_dense = [](const Node& layer) { return layer.text == "dense"; };
  const auto sparse = std::ranges::find_if_not(list->items, is_dense);
  if (const auto late = std::find_if(sparse, list->items.end(), is_dense); late != list->items.end())
    t.diagnostics.error("unknown-pattern", "mlp_layer_types has a dense layer behind a sparse one",
                        late->span);
  t.remove("first_dense_layers");
  t.put("first_dense_layers", std::to_string(sparse - list->items.begin()), list->span);
}

/// Sparse attention whose tensors no model describes; tells what is left out.
void indexer(HuggingfaceTranslator& t) {
  const auto known = [&](std::string_view name) { return t.field(name) ? t.count(name, 0) : 0; };
  const std::int64_t heads = known("index_n_heads"), width = known("index_head_dim"),
                     hidden = known("hidden_size"), rank = known("q_lora_rank");
  std::int64_t layers = known("num_hidden_layers");
  if (const Node* list = t.field("indexer_types"); list && list->is_sequence())
    layers = std::ranges::count_if(list->items, [](const Node& layer) { return layer.text == "full"; });
  const std::int64_t parameters = layers * (rank * heads * width + hidden * (width + heads) + 2 * width);
  t.diagnostics.warning(
      "not-described",
      fmt::format("the sparse attention indexer of {} is not described: its {} and its work "
                  "are left out, and attention is counted over all earlier tokens",
                  t.type,
                  heads > 0 && width > 0 && rank > 0
                      ? fmt::format("{:.3g} billion parameters", 1e-9 * static_cast<double>(parameters))
                      : std::string("tensors")),
      t.config.span);
}

void further_tokens(HuggingfaceTranslator& t, std::string_view name) {
  t.not_described(
      name, "modules that predict further tokens are left out, as in the published count of the main model",
      Severity::note);
}

/// Which layers have attention in a model of mostly linear attention: a list, or every so many.
std::int64_t full_attention_interval(HuggingfaceTranslator& t) {
  const Node* list = t.field("layer_types");
  if (!list || !list->is_sequence() || t.field("full_attention_interval"))
    return t.count("full_attention_interval", 4);
  const auto is_full = [](const Node& layer) { return layer.text == "full_attention"; };
  const std::int64_t interval = std::ranges::find_if(list->items, is_full) - list->items.begin() + 1;
  for (std::int64_t i = 0; i < std::ssize(list->items); ++i)
    if (is_full(list->items[static_cast<std::size_t>(i)]) != ((i + 1) % interval == 0)) {
      t.diagnostics.error("unknown-pattern", "layer_types does not end each period with its full layer",
                          list->items[static_cast<std::size_t>(i)].span);
      break;
    }
  return interval;
}

/// The layers of Qwen3-Next and its successors: attention with an output gate, else gated delta rules.
void linear_attention(HuggingfaceTranslator& t) {
  const std::int64_t interval = full_attention_interval(t);
  t.put("attention_every", std::to_string(interval));
  t.put("attention_offset", std::to_string(interval > 0 ? interval - 1 : 0));
  attention_bias(t);
  t.copy("recurrent.key_heads", {"linear_num_key_heads"});
  t.copy("recurrent.value_heads", {"linear_num_value_heads"});
  t.copy("recurrent.key_head_dim", {"linear_key_head_dim"});
  t.copy("recurrent.value_head_dim", {"linear_value_head_dim"});
  t.copy("recurrent.conv_kernel", {"linear_conv_kernel_dim"});
}

}  // namespace

void attention_bias(HuggingfaceTranslator& t) {
  if (!t.flag("attention_bias", false)) return;
  t.put("qkv_bias", "true");
  t.put("attention_output_bias", "true");
}

void llama(HuggingfaceTranslator& t) {
  attention_bias(t);
  t.put_flag("ffn_bias", t.flag("mlp_bias", false));
}

void seed_oss(HuggingfaceTranslator& t) {
  t.put_flag("qkv_bias", t.flag("attention_bias", true));
  t.put_flag("attention_output_bias", t.flag("attention_out_bias", false));
  t.put_flag("ffn_bias", t.flag("mlp_bias", false));
}

/// Types whose configuration class has no window unless the file states one.
void optional_window(HuggingfaceTranslator& t) {
  if (!t.states("sliding_window")) t.tell_choice("sliding_window none");
}

void mixtral(HuggingfaceTranslator& t) {
  optional_window(t);
  expert_width(t);
}

/// intermediate_size is the width of an expert where there is no width of its own.
void expert_width(HuggingfaceTranslator& t) {
  if (t.field("moe_intermediate_size")) return;
  t.remove("ffn_hidden_size");
  t.copy("moe.ffn_hidden_size", {"intermediate_size"});
}

/// With sliding windows in use, the layers from max_window_layers on have one.
void qwen2(HuggingfaceTranslator& t) {
  if (!t.flag("use_sliding_window", false)) return t.remove("sliding_window");
  if (t.field("layer_types")) return;
  const std::int64_t full = t.count("max_window_layers", 28), layers = t.count("num_hidden_layers", 32);
  if (full >= layers) return t.remove("sliding_window");
  if (full > 0)
    t.not_described("max_window_layers", "a window in the last layers only is not described",
                    Severity::error);
}

void dots1(HuggingfaceTranslator& t) {
  attention_bias(t);
  t.copy("moe.experts", {"n_routed_experts"});
  if (t.field("layer_types") || !t.field("sliding_window")) return;
  if (t.count("max_window_layers", 62) < t.count("num_hidden_layers", 62))
    t.not_described("max_window_layers", "a window in the last layers only is not described",
                    Severity::error);
  t.remove("sliding_window");
}

/// The pattern is a number, or letters such as LLLG.
void exaone4(HuggingfaceTranslator& t) {
  const Node* pattern = t.field("sliding_window_pattern");
  if (!pattern || !pattern->is_scalar()) return;
  std::string every = pattern->text;
  if (every.find_first_not_of("LG") == std::string::npos) {
    if (every.find('G') + 1 != every.size())
      t.diagnostics.error("unknown-pattern", "a pattern of windows has one G, at its end", pattern->span);
    every = std::to_string(every.size());
  }
  t.remove("global_every");
  t.put("global_every", every, pattern->span);
}

void qwen2_moe(HuggingfaceTranslator& t) {
  qwen2(t);
  sparse_step(t);
  if (t.type == "qwen2_moe") t.put("qkv_bias", t.flag("qkv_bias", true) ? "true" : "false");
}

void qwen3(HuggingfaceTranslator& t) {
  attention_bias(t);
  qwen2(t);
}

void qwen3_moe(HuggingfaceTranslator& t) {
  qwen3(t);
  sparse_step(t);
  t.remove("moe.shared_ffn_hidden_size");
}

void qwen3_next(HuggingfaceTranslator& t) {
  qwen2_moe(t);
  linear_attention(t);
}

void qwen3_5(HuggingfaceTranslator& t) {
  linear_attention(t);
  if (t.type == "qwen3_5_moe_text") t.remove("ffn_hidden_size");
  if (t.field("mtp_num_hidden_layers") && t.count("mtp_num_hidden_layers", 0) > 0)
    further_tokens(t, "mtp_num_hidden_layers");
}

void deepseek(HuggingfaceTranslator& t) {
  t.remove("kv_heads");
  t.remove("head_dim");
  t.copy("moe.experts", {"n_routed_experts"});
  t.copy("moe.every", {"moe_layer_freq"});
  const Node* bias = t.field("attention_bias");
  if (bias && bias->text == "true")
    t.not_described("attention_bias", "biases of latent attention are left out", Severity::warning);
  if (t.field("num_nextn_predict_layers") && t.count("num_nextn_predict_layers", 0) > 0)
    further_tokens(t, "num_nextn_predict_layers");
  dense_layers(t);
  if (t.type == "deepseek_v32" || t.type == "glm_moe_dsa") indexer(t);
}

void gemma2(HuggingfaceTranslator& t) { attention_bias(t); }

void phi(HuggingfaceTranslator& t) {
  const Node* norm = t.field("qk_layernorm");
  if (norm && norm->text == "true")
    t.not_described("qk_layernorm", "norms of queries and keys are left out", Severity::warning);
}

void gemma3(HuggingfaceTranslator& t) {
  attention_bias(t);
  if (const Node* pattern = t.field({"sliding_window_pattern", "_sliding_window_pattern"});
      pattern && pattern->is_scalar()) {
    t.remove("global_every");
    t.copy("global_every", {"sliding_window_pattern", "_sliding_window_pattern"});
  }
}

void phimoe(HuggingfaceTranslator& t) {
  llama(t);
  expert_width(t);
  t.put_flag("lm_head_bias", t.flag("lm_head_bias", true));
}

void gpt_bigcode(HuggingfaceTranslator& t) {
  if (t.flag("multi_query", true)) t.put("kv_heads", "1");
}

void gpt_neox(HuggingfaceTranslator& t) {
  t.put_flag("parallel_attention", t.flag("use_parallel_residual", true));
  const bool bias = t.flag("attention_bias", true);
  t.put("qkv_bias", bias ? "true" : "false");
  t.put("attention_output_bias", bias ? "true" : "false");
}

void opt(HuggingfaceTranslator& t) {
  t.put("final_norm", t.flag("do_layer_norm_before", true) && !t.flag("_remove_final_layer_norm", false)
                          ? "true"
                          : "false");
  if (!t.has("embedding_size")) t.tell_choice("word_embed_proj_dim = hidden_size");
  if (!t.flag("enable_bias", true))
    for (std::string_view key : {"qkv_bias", "attention_output_bias", "ffn_bias"}) t.put(key, "false");
}

void falcon(HuggingfaceTranslator& t) {
  const bool is_new = t.flag("new_decoder_architecture", false), is_parallel = t.flag("parallel_attn", true),
             bias = t.flag("bias", false);
  if (!is_new) {
    t.remove("kv_heads");
    if (t.flag("multi_query", true)) t.put("kv_heads", "1");
  }
  if (is_new && !t.has("kv_heads")) t.tell_size("num_kv_heads = num_attention_heads");
  t.put_flag("parallel_attention", is_parallel || is_new);
  t.put("norms_per_layer", is_new        ? std::to_string(t.count("num_ln_in_parallel_attn", 2))
                           : is_parallel ? "1"
                                         : "2");
  t.put("positions", t.flag("alibi", false) ? "alibi" : "rotary");
  for (std::string_view key : {"qkv_bias", "attention_output_bias", "ffn_bias"})
    t.put(key, bias ? "true" : "false");
}

void mpt(HuggingfaceTranslator& t) {
  const bool bias = !t.flag("no_bias", true), alibi = t.flag("attn_config.alibi", true);
  t.put("norm", bias ? "layernorm" : "layernorm-no-bias");
  t.put("positions", alibi ? "alibi" : t.flag("learned_pos_emb", true) ? "learned" : "none");
  for (std::string_view key : {"qkv_bias", "attention_output_bias", "ffn_bias"})
    t.put(key, bias ? "true" : "false");
  t.copy("kv_heads", {"attn_config.kv_n_heads"});
  if (const Node* norm = t.field("attn_config.qk_ln"); norm && norm->text == "true")
    t.not_described("attn_config.qk_ln", "norms of queries and keys are left out", Severity::warning);
  const std::int64_t ratio = t.count("expansion_ratio", 4), width = t.count("d_model", 2048);
  if (ratio > 0 && ratio < 1024 && width > 0 && width < (1 << 24))
    t.put("ffn_hidden_size", std::to_string(ratio * width));
}

void dbrx(HuggingfaceTranslator& t) {
  t.copy("kv_heads", {"attn_config.kv_n_heads"});
  t.copy("moe.ffn_hidden_size", {"ffn_config.ffn_hidden_size"});
  t.copy("moe.experts", {"ffn_config.moe_num_experts"});
  t.copy("moe.top_k", {"ffn_config.moe_top_k"});
}

void t5(HuggingfaceTranslator& t) {
  const bool gated =
      t.text("feed_forward_proj", t.type == "mt5" ? "gated-gelu" : "relu").starts_with("gated");
  t.put("activation", gated ? "geglu" : "relu");
  t.remove("layers");
  t.copy("encoder_layers", {"num_layers"});
  if (!t.copy("layers", {"num_decoder_layers"}) && t.copy("layers", {"num_layers"}))
    t.tell_choice("num_decoder_layers = num_layers");
  t.copy("relative_buckets", {"relative_attention_num_buckets"});
  t.remove("sliding_window");
}

void chatglm(HuggingfaceTranslator& t) {
  t.copy("vocab_size", {"padded_vocab_size"});
  if (t.field("inner_hidden_size") || t.field("position_encoding_2d")) {  // the first generation
    for (std::string_view key : {"qkv_bias", "attention_output_bias", "ffn_bias", "tied_embeddings"})
      t.put(key, "true");
    t.put("activation", "gelu");
    t.put("norm", "layernorm");
    t.copy("ffn_hidden_size", {"inner_hidden_size"});
    t.put("kv_heads", "0");  // derived: as many as heads
    t.put("head_dim", "0");
    return;
  }
  if (!t.flag("multi_query_attention", false)) t.put("kv_heads", "0");
  t.put_flag("qkv_bias", t.flag("add_qkv_bias", false));
  if (t.flag("add_bias_linear", false))
    for (std::string_view key : {"qkv_bias", "attention_output_bias", "ffn_bias"}) t.put(key, "true");
}

void glm4(HuggingfaceTranslator& t) { t.put_flag("qkv_bias", t.flag("attention_bias", true)); }

void glm4_moe(HuggingfaceTranslator& t) {
  t.put_flag("qkv_bias", t.flag("attention_bias", false));
  t.put("qk_norm", t.flag("use_qk_norm", false) ? "head" : "none");
  if (t.copy("mtp_layers", {"num_nextn_predict_layers"})) t.put("mtp_own_embeddings", "true");
  else t.tell_size("num_nextn_predict_layers 0");
}

void minimax(HuggingfaceTranslator& t) {
  expert_width(t);
  t.put("qk_norm", t.flag("use_qk_norm", true) ? "full" : "none");
}

void cohere(HuggingfaceTranslator& t) {
  attention_bias(t);
  if (t.flag("use_qk_norm", false)) t.put("qk_norm", "full");
}

void stablelm(HuggingfaceTranslator& t) {
  t.put_flag("qkv_bias", t.flag("use_qkv_bias", false));
  if (!t.flag("use_parallel_residual", false)) return;
  t.put("parallel_attention", "true");
  t.put("norms_per_layer", "1");
}

void starcoder2(HuggingfaceTranslator& t) {
  optional_window(t);
  if (!t.flag("use_bias", true)) return;
  for (std::string_view key : {"qkv_bias", "attention_output_bias", "ffn_bias"}) t.put(key, "true");
}

void llama4(HuggingfaceTranslator& t) {
  attention_bias(t);
  t.remove("ffn_hidden_size");
  t.copy("ffn_hidden_size", {"intermediate_size_mlp"});
  t.copy("moe.ffn_hidden_size", {"intermediate_size"});
  if (const std::int64_t step = t.count("interleave_moe_layer_step", 1); step > 1) {
    t.put("moe.every", std::to_string(step));
    t.put("moe.offset", std::to_string(step - 1));
  }
  if (t.copy("sliding_window", {"attention_chunk_size"})) t.put("global_every", "4");
}

void distilbert(HuggingfaceTranslator& t) {
  t.copy("hidden_size", {"dim"});
  t.copy("ffn_hidden_size", {"hidden_dim"});
}

void internlm2(HuggingfaceTranslator& t) { t.put_flag("qkv_bias", t.flag("bias", false)); }

void mamba(HuggingfaceTranslator& t) {
  t.remove("ffn_hidden_size");
  t.remove("head_dim");
  t.copy("recurrent.inner_size", {"intermediate_size"});
  t.copy("recurrent.expand", {"expand"});
  t.copy("recurrent.state_size", {"state_size"});
  t.copy("recurrent.conv_kernel", {"conv_kernel"});
  if (const Node* rank = t.field("time_step_rank"); rank && rank->text != "auto")
    t.copy("recurrent.time_step_rank", {"time_step_rank"});
}

void mamba2(HuggingfaceTranslator& t) {
  mamba(t);
  t.remove("heads");
  t.remove("recurrent.time_step_rank");
  t.copy("recurrent.head_dim", {"head_dim"});
  t.copy("recurrent.groups", {"n_groups"});
}

void rwkv(HuggingfaceTranslator& t) { t.remove("sliding_window"); }

void jamba(HuggingfaceTranslator& t) {
  t.copy("attention_every", {"attn_layer_period"});
  t.copy("attention_offset", {"attn_layer_offset"});
  t.copy("moe.every", {"expert_layer_period"});
  t.copy("moe.offset", {"expert_layer_offset"});
  t.copy("recurrent.expand", {"mamba_expand"});
  t.copy("recurrent.state_size", {"mamba_d_state"});
  t.copy("recurrent.conv_kernel", {"mamba_d_conv"});
  if (const Node* rank = t.field("mamba_dt_rank"); rank && rank->text != "auto")
    t.copy("recurrent.time_step_rank", {"mamba_dt_rank"});
  t.remove("sliding_window");
}

namespace {

/// One letter for each entry of layers_block_type, the later spelling of hybrid_override_pattern.
std::string block_letters(HuggingfaceTranslator& t, const Node& list) {
  std::string letters;
  for (const Node& n : list.items) {
    const std::string_view type = n.text;
    if (type == "mamba" || type == "linear_attention") letters += 'M';
    else if (type == "attention" || type == "full_attention") letters += '*';
    else if (type == "mlp") letters += '-';
    else if (type == "moe") letters += 'E';
    else {
      t.diagnostics.error("unknown-pattern", "a block is mamba, attention, mlp or moe", n.span);
      return {};
    }
  }
  return letters;
}

/// The pattern, and with it the number of layers; empty when the file lacks it.
std::string nemotron_pattern(HuggingfaceTranslator& t) {
  std::string pattern;
  if (const Node* list = t.field({"layers_block_type", "layer_types"}); list && list->is_sequence()) {
    pattern = block_letters(t, *list);
    if (!pattern.empty()) t.put("layer_pattern", pattern, list->span);
  } else if (t.copy("layer_pattern", {"hybrid_override_pattern"})) {
    pattern = t.model.at("layer_pattern")->text;
  }
  t.need("layer_pattern");
  if (pattern.empty()) return pattern;
  const Node* stated = t.field("num_hidden_layers");
  if (stated && stated->text != std::to_string(pattern.size()))
    t.diagnostics.warning("pattern-length",
                          "num_hidden_layers is " + stated->text.substr(0, 20) + ", but the pattern has " +
                              std::to_string(pattern.size()) + " layers; the pattern holds",
                          stated->span);
  t.put("layers", std::to_string(pattern.size()));
  return pattern;
}

}  // namespace

void nemotron_h(HuggingfaceTranslator& t) {
  const std::string pattern = nemotron_pattern(t);
  const auto has = [&](char letter) { return pattern.find(letter) != std::string::npos; };
  t.copy("moe.experts", {"n_routed_experts"});
  t.copy("moe.shared_ffn_hidden_size", {"moe_shared_expert_intermediate_size"});
  if (has('E')) {
    t.need({"moe.experts", "moe.top_k", "moe.ffn_hidden_size", "moe.shared_experts"});
    if (t.has("moe.shared_experts")) t.need("moe.shared_ffn_hidden_size");
    if (t.field("moe_latent_size"))
      t.not_described("moe_latent_size", "experts behind a latent projection are not described",
                      Severity::error);
    t.put("moe.router_bias", "true");
  } else {
    for (std::string_view key : {"moe.experts", "moe.top_k", "moe.ffn_hidden_size", "moe.shared_experts",
                                 "moe.shared_ffn_hidden_size"})
      t.remove(key);
  }
  if (has('-')) t.need("ffn_hidden_size");
  if (has('*')) t.need({"heads", "kv_heads"});
  t.copy("recurrent.state_size", {"ssm_state_size"});
  t.copy("recurrent.groups", {"n_groups", "mamba_n_groups"});
  t.copy("recurrent.conv_kernel", {"conv_kernel", "mamba_d_conv"});
  t.copy("recurrent.head_dim", {"mamba_head_dim"});
  const std::int64_t heads = t.count("mamba_num_heads", 128), width = t.count("mamba_head_dim", 64);
  if (heads > 0 && heads < (1 << 20) && width > 0 && width < (1 << 20))
    t.put("recurrent.inner_size", std::to_string(heads * width));
  attention_bias(t);
}

}  // namespace ridge::huggingface
