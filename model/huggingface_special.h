#pragma once
/// Internal to the config.json import: what the fields of single types mean beyond the common spellings
/// and the defaults of the table in huggingface_types.cpp.  One function per type or group of types, run
/// after the common fields were copied and before defaults fill what is absent: huggingface_experts.cpp,
/// huggingface_recurrent.cpp, and huggingface_special.cpp for the others.

#include "model/huggingface_translator.h"

namespace ridge::huggingface {

void attention_bias(HuggingfaceTranslator&);
void chatglm(HuggingfaceTranslator&);
void cohere(HuggingfaceTranslator&);
void dbrx(HuggingfaceTranslator&);
void deepseek(HuggingfaceTranslator&);
void distilbert(HuggingfaceTranslator&);
void dots1(HuggingfaceTranslator&);
void exaone4(HuggingfaceTranslator&);
void expert_width(HuggingfaceTranslator&);
void falcon(HuggingfaceTranslator&);
/// A note that the modules a field counts, which predict further tokens, are left out.
void further_tokens(HuggingfaceTranslator&, std::string_view field);
void gemma2(HuggingfaceTranslator&);
void gemma3(HuggingfaceTranslator&);
void glm4(HuggingfaceTranslator&);
void glm4_moe(HuggingfaceTranslator&);
void gpt_bigcode(HuggingfaceTranslator&);
void gpt_neox(HuggingfaceTranslator&);
void internlm2(HuggingfaceTranslator&);
void jamba(HuggingfaceTranslator&);
void llama(HuggingfaceTranslator&);
void llama4(HuggingfaceTranslator&);
void mamba(HuggingfaceTranslator&);
void mamba2(HuggingfaceTranslator&);
void minimax(HuggingfaceTranslator&);
void mixtral(HuggingfaceTranslator&);
void mpt(HuggingfaceTranslator&);
void nemotron_h(HuggingfaceTranslator&);
void opt(HuggingfaceTranslator&);
void optional_window(HuggingfaceTranslator&);
void phi(HuggingfaceTranslator&);
void phimoe(HuggingfaceTranslator&);
void qwen2(HuggingfaceTranslator&);
void qwen2_moe(HuggingfaceTranslator&);
void qwen3(HuggingfaceTranslator&);
void qwen3_5(HuggingfaceTranslator&);
void qwen3_moe(HuggingfaceTranslator&);
void qwen3_next(HuggingfaceTranslator&);
void rwkv(HuggingfaceTranslator&);
void seed_oss(HuggingfaceTranslator&);
void stablelm(HuggingfaceTranslator&);
void starcoder2(HuggingfaceTranslator&);
void t5(HuggingfaceTranslator&);

}  // namespace ridge::huggingface
