#include "model/huggingface.h"
#include "model/huggingface_special.h"

#include <algorithm>

namespace ridge {

namespace {

using namespace huggingface;

constexpr std::string_view neox_choices =
    "one_qkv_weight=true activation=gelu norm=layernorm qkv_bias=true attention_output_bias=true "
    "ffn_bias=true";
constexpr std::string_view bert_choices =
    "activation=gelu norm=layernorm positions=learned qkv_bias=true attention_output_bias=true ffn_bias=true "
    "causal=false "
    "embedding_norm=true final_norm=false pooler=true head=none tied_embeddings=true";

constexpr std::string_view deepseek_needs =
    "layers hidden_size heads vocab_size ffn_hidden_size first_dense_layers latent.q_lora_rank "
    "latent.kv_lora_rank latent.rope_head_dim latent.nope_head_dim latent.v_head_dim moe.experts moe.top_k "
    "moe.ffn_hidden_size moe.shared_experts";

// Sorted by name. Defaults are those of the configuration classes in huggingface/transformers.
constexpr HuggingfaceType types[] = {
    {"albert",
     "activation=gelu norm=layernorm positions=learned qkv_bias=true attention_output_bias=true "
     "ffn_bias=true causal=false "
     "embedding_norm=true final_norm=false pooler=true head=none tied_embeddings=true shared_layers=true "
     "embedding_projection_bias=true",
     "vocab_size=30000 embedding_size=128 hidden_size=4096 layers=12 heads=64 ffn_hidden_size=16384 "
     "max_positions=512 token_types=2"},
    {"bert", bert_choices,
     "vocab_size=30522 hidden_size=768 layers=12 heads=12 ffn_hidden_size=3072 max_positions=512 "
     "token_types=2"},
    {"bloom",
     "one_qkv_weight=true activation=gelu norm=layernorm qkv_bias=true attention_output_bias=true "
     "ffn_bias=true positions=alibi "
     "embedding_norm=true",
     "vocab_size=250880 hidden_size=64 layers=2 heads=8 tied_embeddings=true"},
    {"chatglm", "one_qkv_weight=true",
     "vocab_size=65024 hidden_size=4096 layers=28 heads=32 head_dim=128 kv_heads=1 ffn_hidden_size=13696 "
     "max_positions=2048",
     chatglm},
    {"cohere", "norm=layernorm-no-bias norms_per_layer=1 parallel_attention=true",
     "vocab_size=256000 hidden_size=8192 layers=40 heads=64 ffn_hidden_size=22528 max_positions=8192 "
     "tied_embeddings=true",
     cohere},
    {"dbrx", "norm=layernorm-no-bias",
     "vocab_size=32000 hidden_size=2048 layers=24 heads=16 max_positions=2048 kv_heads=1 moe.experts=4 "
     "moe.top_k=1 moe.ffn_hidden_size=3584",
     dbrx},
    {"deepseek", "", "max_positions=2048", nullptr,
     "layers hidden_size heads kv_heads vocab_size ffn_hidden_size moe.experts moe.top_k moe.ffn_hidden_size "
     "moe.shared_experts first_dense_layers"},
    {"deepseek_v2", "",
     "vocab_size=32000 hidden_size=4096 layers=32 heads=32 ffn_hidden_size=11008 max_positions=2048 "
     "latent.q_lora_rank=1536 latent.kv_lora_rank=512 "
     "latent.rope_head_dim=64 latent.nope_head_dim=128 latent.v_head_dim=128 "
     "moe.experts=64 moe.ffn_hidden_size=1407 moe.shared_experts=2 first_dense_layers=0",
     deepseek, "moe.top_k"},
    {"deepseek_v3", "moe.router_bias=true",
     "vocab_size=129280 hidden_size=7168 layers=61 heads=128 ffn_hidden_size=18432 max_positions=4096 "
     "latent.q_lora_rank=1536 "
     "latent.kv_lora_rank=512 latent.rope_head_dim=64 latent.nope_head_dim=128 latent.v_head_dim=128 "
     "moe.experts=256 moe.top_k=8 "
     "moe.ffn_hidden_size=2048 moe.shared_experts=1 first_dense_layers=3",
     deepseek},
    {"deepseek_v32", "moe.router_bias=true", "max_positions=163840", deepseek, deepseek_needs},
    {"distilbert",
     "activation=gelu norm=layernorm positions=learned qkv_bias=true attention_output_bias=true "
     "ffn_bias=true causal=false embedding_norm=true final_norm=false head=none tied_embeddings=true",
     "vocab_size=30522 hidden_size=768 layers=6 heads=12 ffn_hidden_size=3072 max_positions=512", distilbert},
    {"dots1", "qk_norm=head moe.router_bias=true",
     "vocab_size=152064 hidden_size=4608 layers=62 heads=32 kv_heads=32 ffn_hidden_size=10944 "
     "max_positions=2048 moe.ffn_hidden_size=1408 moe.shared_experts=0 first_dense_layers=0",
     dots1, "moe.experts moe.top_k"},
    {"exaone4", "qk_norm=head global_every=4",
     "vocab_size=102400 hidden_size=4096 layers=32 heads=32 kv_heads=32 ffn_hidden_size=16384 "
     "max_positions=2048 sliding_window=4096",
     exaone4},
    {"falcon", "one_qkv_weight=true activation=gelu norm=layernorm",
     "vocab_size=65024 hidden_size=4544 layers=32 heads=71 max_positions=2048 tied_embeddings=true", falcon},
    {"gemma", "activation=geglu",
     "vocab_size=256000 hidden_size=3072 layers=28 heads=16 kv_heads=16 head_dim=256 ffn_hidden_size=24576 "
     "max_positions=8192 "
     "tied_embeddings=true",
     attention_bias},
    {"gemma2", "activation=geglu norms_per_layer=4 global_every=2",
     "vocab_size=256000 hidden_size=2304 layers=26 heads=8 kv_heads=4 head_dim=256 ffn_hidden_size=9216 "
     "max_positions=8192 "
     "sliding_window=4096 tied_embeddings=true",
     gemma2},
    {"gemma3", "activation=geglu norms_per_layer=4 qk_norm=head global_every=6",
     "vocab_size=262208 hidden_size=2304 layers=26 heads=8 kv_heads=4 head_dim=256 ffn_hidden_size=9216 "
     "max_positions=131072 "
     "sliding_window=4096 tied_embeddings=true",
     gemma3},
    {"gemma3_text", "activation=geglu norms_per_layer=4 qk_norm=head global_every=6",
     "vocab_size=262208 hidden_size=2304 layers=26 heads=8 kv_heads=4 head_dim=256 ffn_hidden_size=9216 "
     "max_positions=131072 "
     "sliding_window=4096 tied_embeddings=true",
     gemma3},
    {"glm", "",
     "vocab_size=151552 hidden_size=4096 layers=40 heads=32 kv_heads=2 head_dim=128 ffn_hidden_size=13696 "
     "max_positions=131072",
     glm4},
    {"glm4", "norms_per_layer=4",
     "vocab_size=151552 hidden_size=4096 layers=40 heads=32 kv_heads=2 head_dim=128 ffn_hidden_size=13696 "
     "max_positions=131072",
     glm4},
    {"glm4_moe", "moe.router_bias=true",
     "vocab_size=151552 hidden_size=4096 layers=46 heads=96 kv_heads=8 head_dim=128 ffn_hidden_size=10944 "
     "max_positions=131072 "
     "moe.experts=128 moe.top_k=8 moe.ffn_hidden_size=1408 moe.shared_experts=1 first_dense_layers=1",
     glm4_moe},
    {"glm4_moe_lite", "moe.router_bias=true",
     "vocab_size=154880 hidden_size=2048 layers=47 heads=20 ffn_hidden_size=10240 max_positions=202752 "
     "latent.q_lora_rank=768 "
     "latent.kv_lora_rank=512 latent.rope_head_dim=64 latent.nope_head_dim=192 latent.v_head_dim=256 "
     "first_dense_layers=1 moe.experts=64 moe.top_k=4 moe.ffn_hidden_size=1536 moe.shared_experts=1",
     deepseek},
    {"glm_moe_dsa", "moe.router_bias=true",
     "vocab_size=154880 hidden_size=6144 layers=78 heads=64 ffn_hidden_size=12288 max_positions=202752 "
     "latent.q_lora_rank=2048 "
     "latent.kv_lora_rank=512 latent.rope_head_dim=64 latent.nope_head_dim=192 latent.v_head_dim=256 "
     "first_dense_layers=3 moe.experts=256 moe.top_k=8 moe.ffn_hidden_size=2048 moe.shared_experts=1",
     deepseek},
    {"gpt2",
     "one_qkv_weight=true activation=gelu_new norm=layernorm qkv_bias=true attention_output_bias=true "
     "ffn_bias=true "
     "positions=learned",
     "vocab_size=50257 hidden_size=768 layers=12 heads=12 max_positions=1024 tied_embeddings=true"},
    {"gpt_bigcode",
     "activation=gelu norm=layernorm qkv_bias=true attention_output_bias=true ffn_bias=true "
     "positions=learned",
     "vocab_size=50257 hidden_size=768 layers=12 heads=12 max_positions=1024 tied_embeddings=true",
     gpt_bigcode},
    {"gpt_neo",
     "activation=gelu_new norm=layernorm attention_output_bias=true ffn_bias=true positions=learned "
     "global_every=2 global_offset=0",
     "vocab_size=50257 hidden_size=2048 layers=24 heads=16 max_positions=2048 sliding_window=256 "
     "tied_embeddings=true"},
    {"gpt_neox", neox_choices,
     "vocab_size=50432 hidden_size=6144 layers=44 heads=64 ffn_hidden_size=24576 max_positions=2048",
     gpt_neox},
    {"gpt_oss",
     "qkv_bias=true attention_output_bias=true attention_sinks=true global_every=2 moe.router_bias=true "
     "moe.expert_bias=true",
     "vocab_size=201088 hidden_size=2880 layers=36 heads=64 kv_heads=8 head_dim=64 moe.ffn_hidden_size=2880 "
     "max_positions=131072 "
     "sliding_window=128 moe.experts=128 moe.top_k=4",
     expert_width},
    {"gptj",
     "activation=gelu_new norm=layernorm norms_per_layer=1 parallel_attention=true ffn_bias=true "
     "lm_head_bias=true",
     "vocab_size=50400 hidden_size=4096 layers=28 heads=16 max_positions=2048"},
    {"granite", "",
     "vocab_size=32000 hidden_size=4096 layers=32 heads=32 ffn_hidden_size=11008 max_positions=2048", llama},
    {"internlm2", "",
     "vocab_size=103168 hidden_size=4096 layers=32 heads=32 ffn_hidden_size=11008 max_positions=2048",
     internlm2},
    {"jamba", "positions=none recurrent.kind=mamba recurrent.parameter_norms=true",
     "vocab_size=65536 hidden_size=4096 layers=32 heads=32 kv_heads=8 ffn_hidden_size=14336 "
     "max_positions=262144 moe.experts=16 "
     "moe.top_k=2 attention_every=8 attention_offset=4 moe.every=2 moe.offset=1",
     jamba},
    {"kimi_k2", "moe.router_bias=true", "max_positions=131072", deepseek, deepseek_needs},
    {"llama", "",
     "vocab_size=32000 hidden_size=4096 layers=32 heads=32 ffn_hidden_size=11008 max_positions=2048", llama},
    {"llama4_text", "moe.shared_experts=1",
     "vocab_size=202048 hidden_size=5120 layers=48 heads=40 kv_heads=8 head_dim=128 ffn_hidden_size=16384 "
     "moe.ffn_hidden_size=8192 max_positions=131072 moe.experts=16 moe.top_k=1 sliding_window=8192 "
     "global_every=4",
     llama4},
    {"mamba", "positions=none recurrent.kind=mamba",
     "vocab_size=50280 hidden_size=768 layers=32 tied_embeddings=true", mamba},
    {"mamba2", "positions=none recurrent.kind=mamba2",
     "vocab_size=32768 hidden_size=4096 layers=64 recurrent.state_size=128 recurrent.groups=8 "
     "tied_embeddings=false",
     mamba2},
    {"mimo", "qkv_bias=true", "max_positions=32768", qwen2,
     "layers hidden_size heads kv_heads vocab_size ffn_hidden_size"},
    {"minimax_m2", "moe.router_bias=true", "max_positions=196608", minimax,
     "layers hidden_size heads kv_heads head_dim vocab_size moe.experts moe.top_k moe.ffn_hidden_size"},
    {"mistral", "",
     "vocab_size=32000 hidden_size=4096 layers=32 heads=32 kv_heads=8 ffn_hidden_size=14336 "
     "max_positions=131072 sliding_window=4096"},
    {"mixtral", "",
     "vocab_size=32000 hidden_size=4096 layers=32 heads=32 kv_heads=8 moe.ffn_hidden_size=14336 "
     "max_positions=131072 moe.experts=8 moe.top_k=2",
     mixtral},
    {"mpt", "one_qkv_weight=true activation=gelu",
     "vocab_size=50368 hidden_size=2048 layers=24 heads=16 max_positions=2048 tied_embeddings=true", mpt},
    {"mt5", "positions=relative",
     "vocab_size=250112 hidden_size=512 layers=8 encoder_layers=8 heads=6 head_dim=64 ffn_hidden_size=1024",
     t5},
    {"nemotron", "activation=relu2 norm=layernorm",
     "vocab_size=256000 hidden_size=6144 layers=32 heads=48 ffn_hidden_size=24576 max_positions=4096", llama},
    {"nemotron_h", "activation=relu2 positions=none recurrent.kind=mamba2",
     "head_dim=128 max_positions=4096 recurrent.state_size=128 recurrent.groups=8 recurrent.conv_kernel=4 "
     "recurrent.head_dim=64",
     nemotron_h, "hidden_size vocab_size"},
    {"olmo", "norm=layernorm-fixed",
     "vocab_size=50304 hidden_size=4096 layers=32 heads=32 ffn_hidden_size=11008 max_positions=2048",
     attention_bias},
    {"olmo2", "qk_norm=full",
     "vocab_size=50304 hidden_size=4096 layers=32 heads=32 ffn_hidden_size=11008 max_positions=2048",
     attention_bias},
    {"olmo3", "qk_norm=full global_every=4",
     "vocab_size=50304 hidden_size=4096 layers=32 heads=32 ffn_hidden_size=11008 max_positions=2048 "
     "sliding_window=4096",
     attention_bias},
    {"olmoe", "qk_norm=full",
     "vocab_size=50304 hidden_size=2048 layers=16 heads=16 moe.ffn_hidden_size=2048 max_positions=4096 "
     "moe.experts=64 moe.top_k=8",
     expert_width},
    {"opt",
     "norm=layernorm positions=learned position_offset=2 activation=relu qkv_bias=true "
     "attention_output_bias=true ffn_bias=true",
     "vocab_size=50272 hidden_size=768 layers=12 heads=12 ffn_hidden_size=3072 max_positions=2048 "
     "tied_embeddings=true",
     opt},
    {"phi",
     "activation=gelu_new norm=layernorm norms_per_layer=1 parallel_attention=true qkv_bias=true "
     "attention_output_bias=true ffn_bias=true "
     "lm_head_bias=true",
     "vocab_size=51200 hidden_size=2048 layers=24 heads=32 ffn_hidden_size=8192 max_positions=2048", phi},
    {"phi3", "one_qkv_weight=true",
     "vocab_size=32064 hidden_size=3072 layers=32 heads=32 ffn_hidden_size=8192 max_positions=4096",
     optional_window},
    {"phimoe", "norm=layernorm",
     "vocab_size=32064 hidden_size=4096 layers=32 heads=32 kv_heads=8 moe.experts=16 moe.top_k=2 "
     "moe.ffn_hidden_size=6400 max_positions=131072",
     phimoe},
    {"qwen2", "qkv_bias=true",
     "vocab_size=151936 hidden_size=4096 layers=32 heads=32 ffn_hidden_size=22016 max_positions=32768",
     qwen2},
    {"qwen2_moe", "qkv_bias=true moe.shared_experts=1 moe.shared_gate=true",
     "vocab_size=151936 hidden_size=2048 layers=24 heads=16 ffn_hidden_size=5632 max_positions=32768 "
     "moe.experts=60 moe.top_k=4 "
     "moe.ffn_hidden_size=1408 moe.shared_ffn_hidden_size=5632",
     qwen2_moe},
    {"qwen3", "qk_norm=head",
     "vocab_size=151936 hidden_size=4096 layers=32 heads=32 head_dim=128 ffn_hidden_size=22016 "
     "max_positions=32768",
     qwen3},
    {"qwen3_5_moe_text",
     "qk_norm=head attention_gate=true recurrent.kind=gated-delta moe.shared_experts=1 moe.shared_gate=true",
     "vocab_size=248320 hidden_size=2048 layers=40 heads=16 kv_heads=2 head_dim=256 max_positions=32768 "
     "moe.experts=256 moe.top_k=8 moe.ffn_hidden_size=512 moe.shared_ffn_hidden_size=512",
     qwen3_5},
    {"qwen3_5_text", "qk_norm=head attention_gate=true recurrent.kind=gated-delta",
     "vocab_size=248320 hidden_size=4096 layers=32 heads=16 kv_heads=4 head_dim=256 ffn_hidden_size=12288 "
     "max_positions=32768",
     qwen3_5},
    {"qwen3_moe", "qk_norm=head",
     "vocab_size=151936 hidden_size=2048 layers=24 heads=32 kv_heads=4 ffn_hidden_size=6144 "
     "max_positions=32768 moe.experts=128 "
     "moe.top_k=8 moe.ffn_hidden_size=768",
     qwen3_moe},
    {"qwen3_next",
     "qk_norm=head attention_gate=true recurrent.kind=gated-delta moe.shared_experts=1 moe.shared_gate=true",
     "vocab_size=151936 hidden_size=2048 layers=48 heads=16 kv_heads=2 head_dim=256 ffn_hidden_size=5632 "
     "max_positions=32768 "
     "moe.experts=512 moe.top_k=10 moe.ffn_hidden_size=512 moe.shared_ffn_hidden_size=512",
     qwen3_next},
    {"roberta", bert_choices,
     "vocab_size=50265 hidden_size=768 layers=12 heads=12 ffn_hidden_size=3072 max_positions=512 "
     "token_types=2"},
    {"rwkv", "norm=layernorm positions=none embedding_norm=true recurrent.kind=rwkv4",
     "vocab_size=50277 hidden_size=4096 layers=32", rwkv},
    {"seed_oss", "",
     "vocab_size=155136 hidden_size=4096 layers=64 heads=80 kv_heads=8 head_dim=128 ffn_hidden_size=27648 "
     "max_positions=524288",
     seed_oss},
    {"smollm3", "",
     "vocab_size=128256 hidden_size=2048 layers=36 heads=16 kv_heads=4 ffn_hidden_size=11008 "
     "max_positions=32768 tied_embeddings=true",
     llama},
    {"stablelm", "norm=layernorm",
     "vocab_size=50304 hidden_size=2560 layers=32 heads=32 ffn_hidden_size=6912 max_positions=4096",
     stablelm},
    {"starcoder2", "activation=gelu norm=layernorm",
     "vocab_size=49152 hidden_size=3072 layers=30 heads=24 kv_heads=2 ffn_hidden_size=12288 "
     "max_positions=4096 tied_embeddings=true",
     starcoder2},
    {"t5", "positions=relative",
     "vocab_size=32128 hidden_size=512 layers=6 encoder_layers=6 heads=8 head_dim=64 ffn_hidden_size=2048 "
     "tied_embeddings=true",
     t5},
};

static_assert(std::is_sorted(std::begin(types), std::end(types),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

/// Text models inside of multimodal ones that are built as a type of the table.
constexpr std::pair<std::string_view, std::string_view> text_types[] = {
    {"glm4v_moe_text", "glm4_moe"},     {"glm4v_text", "glm4"},     {"qwen2_5_vl", "qwen2"},
    {"qwen2_5_vl_text", "qwen2"},       {"qwen2_vl", "qwen2"},      {"qwen2_vl_text", "qwen2"},
    {"qwen3_vl_moe_text", "qwen3_moe"}, {"qwen3_vl_text", "qwen3"},
};

}  // namespace

const HuggingfaceType* find_huggingface_type(std::string_view name) {
  for (const auto& [text_type, described_as] : text_types)
    if (text_type == name) name = described_as;
  const auto* at = std::lower_bound(std::begin(types), std::end(types), name,
                                    [](const HuggingfaceType& t, std::string_view n) { return t.name < n; });
  return at != std::end(types) && at->name == name ? at : nullptr;
}

std::vector<std::string> huggingface_types() {
  std::vector<std::string> names;
  for (const HuggingfaceType& t : types) names.emplace_back(t.name);
  return names;
}

}  // namespace ridge
