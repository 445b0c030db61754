// A config.json that cannot be taken in is refused at its line and column, with what was expected.

#include "model/huggingface.h"
#include "support.h"

namespace ridge::test {
namespace {

Architecture import_text(const std::string& json, Diagnostics& d) {
  return import_huggingface(read_yaml(std::make_shared<Source>(Source{"config.json", json}), d), d);
}

struct Bad {
  const char* json;
  const char* message;
  const char* suggestion;
  int line, column;
};

class BadConfig : public ::testing::TestWithParam<Bad> {};

TEST_P(BadConfig, IsRefusedAtItsPlace) {
  Diagnostics d;
  import_text(GetParam().json, d);
  ASSERT_TRUE(d.has_errors()) << GetParam().json;
  bool found = false;
  for (const Diagnostic& item : d.items()) {
    if (item.severity != Severity::error || item.message.find(GetParam().message) == std::string::npos)
      continue;
    found = true;
    EXPECT_EQ(item.suggestion, GetParam().suggestion) << item.message;
    EXPECT_EQ(item.span.line, GetParam().line) << item.message;
    EXPECT_EQ(item.span.column, GetParam().column) << item.message;
  }
  EXPECT_TRUE(found) << render(d);
}

INSTANTIATE_TEST_SUITE_P(
    Configs, BadConfig,
    ::testing::Values(
        Bad{"{\n  \"model_type\": \"lama\"\n}", "'lama' is not described", "llama", 2, 17},
        // Nothing is named alike: the nearest has the same fields.
        Bad{"{\"model_type\": \"zebra\", \"kv_lora_rank\": 512}",
            "also lacks num_hidden_layers, hidden_size, num_attention_heads, vocab_size", "deepseek_v3", 1,
            16},
        Bad{"{\"model_type\": \"zebra\", \"num_local_experts\": 4}", "is not described", "mixtral", 1, 16},
        Bad{"{\"architectures\": [\"ZebraForCausalLM\"]}", "no model_type", "llama", 1, 1},
        Bad{"{\"hidden_size\": 4}", "no model_type", "llama", 1, 1},
        Bad{"{\"model_type\": \"llama\",\n \"hidden_size\": \"wide\"}", "hidden_size", "", 2, 17},
        Bad{"{\"model_type\": \"llama\",\n \"hidden_size\": \"64\"}", "hidden_size", "64", 2, 17},
        Bad{"{\"model_type\": \"llama\",\n \"num_key_value_heads\": -3}", "'num_key_value_heads: -3' must be",
            "", 2, 25},
        Bad{"{\"model_type\": \"llama\",\n \"hidden_act\": \"banana\"}",
            "'hidden_act: banana' is no known activation", "", 2, 16},
        Bad{"{\"model_type\": \"gpt2\",\n \"activation_function\": \"gelu_nwe\"}", "no known activation",
            "gelu_new", 2, 25},
        Bad{"{\"model_type\": \"gemma\",\n \"hidden_activation\": \"gelu_pytorch_tan\"}",
            "no known activation", "gelu_pytorch_tanh", 2, 23},
        Bad{"{\"model_type\": \"t5\",\n \"feed_forward_proj\": \"gated-glu\"}", "no known activation", "gelu",
            2, 23},
        Bad{"{\"model_type\": \"llama\",\n \"hidden_act\": [1]}", "must be the name of an activation", "", 2,
            16},
        Bad{"{\"model_type\": \"llama\",\n \"hidden_size\": 64", "ends early: '{' of line 1, column 1", "", 2,
            18},
        Bad{"{\"model_type\": \"llama\",\n \"num_attention_heads\": 30,\n \"hidden_size\": 4096}",
            "(here heads is num_attention_heads)", "", 2, 25},
        Bad{"{\"model_type\": \"llama\",\n \"attention_bias\": 3}", "must be true or false", "", 2, 20},
        Bad{"{\"model_type\": \"mpt\",\n \"expansion_ratio\": -4}", "must be a count", "", 2, 21},
        Bad{"{\"model_type\": \"llama\",\n \"num_hidden_layers\": -1}", "", "", 2, 23},
        Bad{"{\"model_type\": \"gpt_oss\",\n \"layer_types\": [\"full_attention\", \"sliding_attention\", "
            "\"full_attention\", \"full_attention\"]}",
            "does not repeat", "", 2, 75},
        Bad{"{\"model_type\": \"exaone4\",\n \"sliding_window_pattern\": \"LGLG\"}", "one G, at its end", "",
            2, 28},
        Bad{"{\"model_type\": \"dots1\"}", "lacks n_routed_experts", "", 1, 1},
        Bad{"{\"model_type\": \"glm_moe_dsa\",\n \"mlp_layer_types\": [\"dense\", \"sparse\", \"dense\"]}",
            "a dense layer behind a sparse one", "", 2, 41},
        Bad{"{\"model_type\": \"deepseek_v2\"}", "lacks num_experts_per_tok", "", 1, 1},
        Bad{"{\"model_type\": \"qwen3_moe\",\n \"mlp_only_layers\": [0]}",
            "without experts are not described", "", 2, 21},
        Bad{"{\"model_type\": \"nemotron_h\", \"layers_block_type\":\n [\"mamba\", \"conv\"]}",
            "a block is mamba, attention, mlp or moe", "", 2, 12},
        Bad{"[1, 2]", "a config.json holds a map", "", 1, 1}));

}  // namespace
}  // namespace ridge::test
