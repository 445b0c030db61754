#include "model/huggingface_special.h"

#include <algorithm>
#include <string>

namespace ridge::huggingface {

namespace {

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

void nemotron_h(HuggingfaceTranslator& t) {
  const std::string pattern = nemotron_pattern(t);
  const auto has = [&](char letter) { return pattern.find(letter) != std::string::npos; };
  t.copy("moe.experts", {"n_routed_experts"});
  t.copy("moe.shared_ffn_hidden_size", {"moe_shared_expert_intermediate_size"});
  if (has('E')) {
    t.need({"moe.experts", "moe.top_k", "moe.ffn_hidden_size", "moe.shared_experts"});
    if (t.has("moe.shared_experts")) t.need("moe.shared_ffn_hidden_size");
    if (!t.copy("moe.latent_size", {"moe_latent_size"}) && !t.states("moe.latent_size"))
      t.tell_choice("moe_latent_size none");
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
  if (t.field("num_nextn_predict_layers") && t.count("num_nextn_predict_layers", 0) > 0)
    further_tokens(t, "num_nextn_predict_layers");
}

}  // namespace ridge::huggingface
