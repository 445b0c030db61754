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

}  // namespace

/// intermediate_size is the width of an expert where there is no width of its own.
void expert_width(HuggingfaceTranslator& t) {
  if (t.field("moe_intermediate_size")) return;
  t.remove("ffn_hidden_size");
  t.copy("moe.ffn_hidden_size", {"intermediate_size"});
}

void mixtral(HuggingfaceTranslator& t) {
  optional_window(t);
  expert_width(t);
}

void further_tokens(HuggingfaceTranslator& t, std::string_view name) {
  t.not_described(
      name, "modules that predict further tokens are left out, as in the published count of the main model",
      Severity::note);
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

void qwen2_moe(HuggingfaceTranslator& t) {
  qwen2(t);
  sparse_step(t);
  if (t.type == "qwen2_moe") t.put("qkv_bias", t.flag("qkv_bias", true) ? "true" : "false");
}

void qwen3_moe(HuggingfaceTranslator& t) {
  qwen3(t);
  sparse_step(t);
  t.remove("moe.shared_ffn_hidden_size");
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

void phimoe(HuggingfaceTranslator& t) {
  llama(t);
  expert_width(t);
  t.put_flag("lm_head_bias", t.flag("lm_head_bias", true));
}

void dbrx(HuggingfaceTranslator& t) {
  t.copy("kv_heads", {"attn_config.kv_n_heads"});
  t.copy("moe.ffn_hidden_size", {"ffn_config.ffn_hidden_size"});
  t.copy("moe.experts", {"ffn_config.moe_num_experts"});
  t.copy("moe.top_k", {"ffn_config.moe_top_k"});
}

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

}  // namespace ridge::huggingface
