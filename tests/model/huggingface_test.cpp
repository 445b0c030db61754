#include "model/huggingface.h"

#include "model/kv_cache.h"
#include "support.h"

#include <fstream>
#include <set>
#include <sstream>

namespace ridge::test {
namespace {

Node config(const std::string& name, Diagnostics& d) {
  return read_yaml(read_source(repository("tests/model/hf/" + name + ".json"), d), d);
}

Architecture import_text(const std::string& json, Diagnostics& d) {
  return import_huggingface(read_yaml(std::make_shared<Source>(Source{"config.json", json}), d), d);
}

// A config.json of each type gives the parameters, active parameters and cache of its preset.
TEST(Huggingface, EveryTypeEqualsItsPreset) {
  std::set<std::string> tested;
  for (const Node& row : rows("tests/model/hf/expected.csv")) {
    const std::string file = cell(row, "file");
    Diagnostics d;
    const Architecture a = import_huggingface(config(file, d), d);
    ASSERT_FALSE(d.has_errors()) << file << "\n" << render(d);
    const std::string vocabulary = cell(row, "vocab_size");
    const Architecture preset = vocabulary.empty()
                                    ? model(cell(row, "model"))
                                    : model(cell(row, "model"), {{"vocab_size", vocabulary.c_str()}});
    const Inventory inv = inventory(a), expected = inventory(preset);
    // glm4 has norms behind both parts too, which the earlier glm-4-9b has not; nor has it biases on Q, K, V.
    const std::int64_t extra = cell(row, "extra_norms").empty()
                                   ? 0
                                   : a.layers * (2 * a.hidden_size - (a.heads + 2 * a.kv_heads) * a.head_dim);
    EXPECT_EQ(inv.parameters, expected.parameters + extra) << file;
    EXPECT_EQ(inv.active_parameters, expected.active_parameters + extra) << file;
    EXPECT_EQ(cache_elements_per_token(a, inv.layers).value,
              cache_elements_per_token(preset, expected.layers).value)
        << file;
    EXPECT_EQ(inv.layers.count, expected.layers.count) << file;
    for (std::size_t k = 0; k < inv.layers.kinds.size(); ++k)
      EXPECT_EQ(inv.layers.kinds[k], expected.layers.kinds[k]) << file;
    tested.insert(a.huggingface_type);
  }
  // Types whose files would repeat another type's: the same layers under another name.
  for (const char* alike : {"deepseek_v32", "glm_moe_dsa", "mimo", "phimoe", "gemma3"}) tested.insert(alike);
  for (const std::string& type : huggingface_types())
    EXPECT_TRUE(tested.count(type)) << type << " has no file in tests/model/hf";
}

TEST(Huggingface, TheTypesOfTheIssueAreKnown) {
  const auto types = huggingface_types();
  const std::set<std::string> known(types.begin(), types.end());
  for (const char* type :
       {"llama",       "mistral", "mixtral", "qwen2",  "qwen2_moe", "qwen3", "qwen3_moe", "deepseek_v2",
        "deepseek_v3", "gemma",   "gemma2",  "gemma3", "phi",       "phi3",  "gpt2",      "gpt_neox",
        "gptj",        "opt",     "bloom",   "falcon", "mpt",       "bert",  "roberta",   "albert",
        "t5",          "mt5",     "gpt_oss", "olmoe",  "chatglm",   "glm4"})
    EXPECT_TRUE(known.count(type)) << type;
}

TEST(Huggingface, OverridesApplyToAConfigAsToAPreset) {
  Diagnostics d;
  Node n = huggingface_model(config("llama", d), d);
  set(n, "layers", Node::scalar("16"), {});
  ReadContext c{d};
  EXPECT_EQ(resolve(n, c).layers, 16);
  EXPECT_FALSE(d.has_errors()) << render(d);
}

TEST(Huggingface, MissingSizesUseTheTypesDefaultAndSaySo) {
  Diagnostics d;
  const Architecture a = import_text(R"({"model_type": "gpt2", "n_layer": 6})", d);
  EXPECT_FALSE(d.has_errors());
  EXPECT_EQ(a.hidden_size, 768);
  EXPECT_EQ(a.layers, 6);
  ASSERT_EQ(d.items().size(), 2u) << render(d);  // one warning of sizes, one note of choices
  EXPECT_EQ(
      d.items()[0].message,
      "the config does not state these sizes, and gpt2's defaults hold: vocab_size 50257, hidden_size 768, "
      "num_attention_heads 12");
  EXPECT_EQ(d.items()[1].message,
            "the config does not state these choices, and gpt2's defaults hold: activation_function "
            "gelu_new, max_position_embeddings 1024, tie_word_embeddings true");
}

// DeepSeek-V2-Lite and Moonlight state q_lora_rank as null: a plain query projection, not the default rank.
TEST(Huggingface, NullMeansNoneNotTheDefault) {
  Node n = [] {
    Diagnostics d;
    return config("deepseek_v3", d);
  }();
  Diagnostics with, without;
  EXPECT_EQ(import_huggingface(n, with).latent.q_lora_rank, 1536);
  Node null;
  set(n, "q_lora_rank", null, {});
  EXPECT_EQ(import_huggingface(n, without).latent.q_lora_rank, 0);
  EXPECT_FALSE(without.has_errors()) << render(without);
}

/// What a plan would be made from.
struct Counted {
  std::int64_t parameters = 0, active = 0, cache = 0;
  std::vector<LayerKind> kinds;
  bool operator==(const Counted&) const = default;
};

Counted counted(const Architecture& a) {
  const Inventory inv = inventory(a);
  return {inv.parameters, inv.active_parameters, cache_elements_per_token(a, inv.layers).value,
          inv.layers.kinds};
}

/// Leaves out one field after the other of `part`, which lies inside `file`.
void expect_told(const std::string& name, const Node& file, const std::string& part) {
  Diagnostics whole;
  const Architecture complete = import_huggingface(file, whole);
  ASSERT_FALSE(whole.has_errors()) << name << render(whole);
  const Node* map = part.empty() ? &file : file.find(part);
  for (const Node::Entry& e : map->entries) {
    Node cut = file;
    Node* inside = part.empty() ? &cut : cut.find(part);
    std::erase_if(inside->entries, [&](const Node::Entry& x) { return x.key == e.key; });
    Diagnostics d;
    const Architecture a = import_huggingface(cut, d);
    if (d.has_errors() || counted(a) == counted(complete)) continue;
    EXPECT_NE(render(d), render(whole)) << name << " without " << part << "." << e.key << " is another model";
  }
}

// Whatever a file leaves out either changes nothing, or is refused, or the default that holds is told.
TEST(Huggingface, NothingLeftOutIsFilledInSilently) {
  for (const Node& row : rows("tests/model/hf/expected.csv")) {
    Diagnostics d;
    const Node file = config(cell(row, "file"), d);
    expect_told(cell(row, "file"), file, "");
    for (const char* part : {"text_config", "attn_config", "ffn_config"})
      if (const Node* inner = file.find(part); inner && inner->is_map())
        expect_told(cell(row, "file"), file, part);
  }
}

// Names what a hybrid lacks: without its pattern or the widths of its experts it is another model.
TEST(Huggingface, AHybridLacksNothing) {
  for (const char* key : {"hybrid_override_pattern", "moe_shared_expert_intermediate_size",
                          "moe_intermediate_size", "n_routed_experts", "num_experts_per_tok",
                          "n_shared_experts", "num_attention_heads", "num_key_value_heads", "hidden_size"}) {
    Diagnostics d;
    Node file = config("nemotron_h_moe", d);
    std::erase_if(file.entries, [&](const Node::Entry& e) { return e.key == key; });
    import_huggingface(file, d);
    EXPECT_TRUE(d.has_errors()) << key;
    EXPECT_NE(render(d).find(key), std::string::npos) << key << render(d);
  }
}

TEST(Huggingface, ABlockListIsAPattern) {
  Diagnostics d;
  Node file = config("nemotron_h_moe", d);
  const Architecture pattern = import_huggingface(file, d);
  Node list;
  list.kind = Node::Kind::sequence;
  for (char letter : pattern.layer_pattern)
    list.items.push_back(Node::scalar(letter == 'M' ? "mamba" : letter == 'E' ? "moe" : "attention"));
  std::erase_if(file.entries, [](const Node::Entry& e) { return e.key == "hybrid_override_pattern"; });
  set(file, "layers_block_type", list, {});
  const Architecture listed = import_huggingface(file, d);
  EXPECT_FALSE(d.has_errors()) << render(d);
  EXPECT_EQ(listed.layer_pattern, pattern.layer_pattern);
  EXPECT_EQ(counted(listed), counted(pattern));
}

std::string llama_with(const std::string& fields) {
  return R"({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
"num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": false,
"max_position_embeddings": 32768, )" +
         fields + "}";
}

// A quantised checkpoint is the same model; what its weights take is told, not lost.
TEST(Huggingface, AQuantisedCheckpointIsTold) {
  Diagnostics d;
  const StorageFormats formats = read_storage_formats(repository("presets/formats"), d);
  const std::pair<const char*, const char*> cases[] = {
      {R"("quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm")", "awq-g128"},
      {R"("quant_method": "gptq", "bits": 4, "group_size": 32)", "gptq-g32"},
      {R"("quant_method": "gptq", "bits": 8, "group_size": 128)", "gptq-int8-g128"},
      {R"("quant_method": "gptq", "bits": 3, "group_size": 128)", ""},
      {R"("quant_method": "fp8", "weight_block_size": [128, 128])", "fp8-block"},
      {R"("quant_method": "fp8", "activation_scheme": "static")", "fp8"},
      {R"("quant_method": "fbgemm_fp8")", "fp8"},
      {R"("quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"])", "mxfp4"},
      {R"("quant_method": "bitsandbytes", "load_in_4bit": false, "load_in_8bit": true)", "llm-int8"},
      {R"("quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "nf4",
          "bnb_4bit_use_double_quant": true)",
       "nf4-dq"},
      {R"("quant_method": "modelopt", "quant_algo": "NVFP4")", "nvfp4"},
      {R"("quant_method": "compressed-tensors", "config_groups": {"group_0": {
          "weights": {"num_bits": 8, "type": "float", "strategy": "channel"}}})",
       "fp8"},
      {R"("quant_method": "compressed-tensors", "config_groups": {"group_0": {
          "weights": {"num_bits": 4, "type": "int", "symmetric": true, "group_size": 128}}})",
       "marlin-g128"},
      {R"("quant_method": "compressed-tensors", "config_groups": {"group_0": {
          "input_activations": {"num_bits": 8}, "weights": {"num_bits": 8, "type": "int"}}})",
       "int8-w8a8"},
      {R"("quant_method": "hqq")", ""}};
  const Architecture plain = import_text(llama_with("\"rope_scaling\": null"), d);
  EXPECT_FALSE(d.has_errors()) << render(d);
  for (const auto& [fields, format] : cases) {
    Diagnostics told;
    const std::string quantization = std::string("\"quantization_config\": {") + fields + "}";
    EXPECT_EQ(counted(import_text(llama_with(quantization), told)), counted(plain)) << fields;
    const std::string text = render(told);
    EXPECT_NE(text.find("quantized-checkpoint"), std::string::npos) << text;
    if (*format == '\0') {
      EXPECT_NE(text.find("no storage format here is the same"), std::string::npos) << text;
      continue;
    }
    EXPECT_NE(text.find(std::string("inference.weights to ") + format + " ["), std::string::npos) << text;
    EXPECT_TRUE(formats.formats.count(format)) << format;
  }
  // A wrapper states it beside its text model.
  Diagnostics told;
  import_text(R"({"text_config": )" + llama_with("\"hidden_act\": \"silu\"") +
                  R"(, "quantization_config": {"quant_method": "fp8"}})",
              told);
  EXPECT_NE(render(told).find("inference.weights to fp8"), std::string::npos) << render(told);
}

// Only YaRN says how many positions it was made for; it may come under either name.
TEST(Huggingface, YarnExtendsThePositions) {
  const auto positions = [](const std::string& fields) {
    Diagnostics d;
    const Architecture a = import_text(llama_with(fields), d);
    EXPECT_FALSE(d.has_errors()) << render(d);
    return a.max_positions;
  };
  const std::string four = R"("factor": 4.0, "original_max_position_embeddings": )";
  EXPECT_EQ(positions(R"("rope_scaling": {"type": "yarn", )" + four + "32768}"), 131072);
  EXPECT_EQ(positions(R"("rope_scaling": {"rope_type": "yarn", )" + four + "4096}"), 32768);
  EXPECT_EQ(positions(R"("rope_parameters": {"rope_type": "yarn", )" + four + "32768}"), 131072);
  EXPECT_EQ(positions(R"("rope_scaling": {"rope_type": "llama3", )" + four + "32768}"), 32768);
  EXPECT_EQ(positions(R"("rope_scaling": {"type": "linear", "factor": 4.0})"), 32768);
  EXPECT_EQ(positions(R"("rope_scaling": {"type": "yarn", "factor": 4.0})"), 32768);
}

// GLM-5.1 as published: 753,864,139,008 elements.  What the import leaves out of them it says: the indexer
// of 79 layers, and the layer that predicts a further token with its projection and three norms.
TEST(Huggingface, TheIndexerOfSparseAttentionIsTold) {
  Diagnostics d;
  const Node file = config("glm_moe_dsa", d);
  const Architecture a = import_huggingface(file, d);
  EXPECT_FALSE(d.has_errors()) << render(d);
  const std::int64_t h = a.hidden_size;
  const std::int64_t index = 2048 * 32 * 128 + h * (128 + 32) + 2 * 128;
  const Inventory inv = inventory(a);
  Node shorter = file;
  set(shorter, "num_hidden_layers", Node::scalar("77"), {});
  Diagnostics other;
  const std::int64_t layer = inv.parameters - inventory(import_huggingface(shorter, other)).parameters;
  EXPECT_EQ(inv.parameters + 79 * index + layer + 2 * h * h + 3 * h, 753'864'139'008);
  EXPECT_NE(render(d).find("its 0.731 billion parameters and its work are left out"), std::string::npos)
      << render(d);
  // Its configuration class writes the dense layers as a list.
  Node listed = file;
  std::erase_if(listed.entries, [](const Node::Entry& e) { return e.key == "first_k_dense_replace"; });
  Node kinds;
  kinds.kind = Node::Kind::sequence;
  for (int i = 0; i < 78; ++i) kinds.items.push_back(Node::scalar(i < 3 ? "dense" : "sparse"));
  set(listed, "mlp_layer_types", kinds, {});
  EXPECT_EQ(counted(import_huggingface(listed, other)), counted(a));
}

/// What a config of this type says of its feed-forward, and what was remarked.
struct Activated {
  Activation activation;
  std::string remarks;
};
Activated activated(const std::string& type, const std::string& field, const std::string& value) {
  Diagnostics d;
  const Architecture a =
      import_text("{\"model_type\": \"" + type + "\", \"" + field + "\": \"" + value + "\"}", d);
  EXPECT_FALSE(d.has_errors()) << render(d);
  return {a.activation, render(d)};
}

// The type's class has a gate or not; the field says of which function (transformers, ACT2FN).
TEST(Huggingface, TheFieldNamesTheActivationAndTheTypeItsGate) {
  EXPECT_EQ(activated("llama", "hidden_act", "silu").activation, Activation::swiglu);
  EXPECT_EQ(activated("llama", "hidden_act", "gelu").activation, Activation::geglu);
  EXPECT_EQ(activated("llama", "hidden_act", "relu").activation, Activation::reglu);
  EXPECT_EQ(activated("gpt2", "activation_function", "gelu").activation, Activation::gelu);
  EXPECT_EQ(activated("gpt2", "activation_function", "relu").activation, Activation::relu);
  EXPECT_EQ(activated("gpt2", "hidden_act", "relu").activation, Activation::gelu_new);  // not its field
  EXPECT_EQ(activated("bert", "hidden_act", "gelu_new").activation, Activation::gelu_new);
  EXPECT_EQ(activated("gemma", "hidden_activation", "gelu_pytorch_tanh").activation, Activation::geglu);
  EXPECT_EQ(activated("nemotron", "hidden_act", "relu2").activation, Activation::relu2);
  EXPECT_EQ(activated("opt", "activation_function", "gelu").activation, Activation::gelu);
  EXPECT_EQ(activated("t5", "feed_forward_proj", "gated-silu").activation, Activation::swiglu);
  EXPECT_EQ(activated("t5", "feed_forward_proj", "relu").activation, Activation::relu);
}

TEST(Huggingface, NamesThatContradictTheTypeAreTold) {
  const Activated gpt2 = activated("gpt2", "activation_function", "swiglu");
  EXPECT_EQ(gpt2.activation, Activation::silu);
  EXPECT_NE(gpt2.remarks.find("has a gate, but the feed-forward of gpt2 has none"), std::string::npos);
  EXPECT_EQ(activated("llama", "hidden_act", "swiglu").remarks.find("gate"), std::string::npos);
  EXPECT_NE(activated("llama", "hidden_act", "mish").remarks.find("described as swiglu"), std::string::npos);
}

}  // namespace
}  // namespace ridge::test
