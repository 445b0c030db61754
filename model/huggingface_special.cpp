#include "model/huggingface_special.h"

#include <string>

namespace ridge::huggingface {

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

void qwen3(HuggingfaceTranslator& t) {
  attention_bias(t);
  qwen2(t);
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

void t5(HuggingfaceTranslator& t) {
  constexpr std::string_view field = "feed_forward_proj";
  const bool has_gate = t.text(field, t.type == "mt5" ? "gated-gelu" : "relu").starts_with("gated");
  t.put("activation", has_gate ? "geglu" : "relu");
  if (const Node* stated = t.field(field))
    put_activation(t, field, *stated, has_gate, has_gate ? "gated-" : "");
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

void distilbert(HuggingfaceTranslator& t) {
  t.copy("hidden_size", {"dim"});
  t.copy("ffn_hidden_size", {"hidden_dim"});
}

void internlm2(HuggingfaceTranslator& t) { t.put_flag("qkv_bias", t.flag("bias", false)); }

}  // namespace ridge::huggingface
