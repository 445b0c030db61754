#include "model/storage_format.h"
#include "support.h"

#include <cmath>
#include <map>
#include <set>

namespace ridge::test {
namespace {

std::int64_t total(const std::string& name) { return inventory(model(name)).parameters; }

/// fp32 scales of a checkpoint whose products are stored in 128 x 128 tiles of fp8.
std::int64_t tile_scales(const Architecture& a) {
  const Inventory inv = inventory(a);
  std::int64_t scales = 0;
  for (const Tensor& t : inv.tensors) {
    if (packing_of(t, 0, a, formats(), formats().formats.at("fp8-block")).name != "fp8-tile-128") continue;
    const std::int64_t layers =
        t.layer_kind < 0 ? 1 : inv.layers.count[static_cast<std::size_t>(t.layer_kind)];
    scales += ((t.out + 127) / 128) * ((t.in + 127) / 128) * t.copies * layers;
  }
  return scales;
}

// Every row states where the number was published.
TEST(ParameterCounts, EqualPublishedNumbersToTheUnit) {
  int compared = 0;
  for (const Node& row : rows("tests/conformance/parameters.csv")) {
    const std::string name = cell(row, "model");
    if (name == "deepseek-v3 checkpoint elements") continue;  // next test
    EXPECT_EQ(total(name), number(row, "parameters")) << name << ", " << cell(row, "published_in");
    ++compared;
  }
  EXPECT_EQ(compared, 92);
}

// Hugging Face counts 684 531 386 000 elements in DeepSeek-V3's files: the model, its token prediction
// module, that module's copies of embedding and head (2 x 129 280 x 7168), and the fp8 scales.
TEST(ParameterCounts, DeepSeekV3CheckpointIsTheSumOfItsParts) {
  const Architecture main = model("deepseek-v3");
  const Architecture with_mtp = model("deepseek-v3", {{"mtp_layers", "1"}});
  const Architecture checkpoint = model("deepseek-v3", {{"mtp_layers", "1"}, {"mtp_own_embeddings", "true"}});
  EXPECT_EQ(inventory(main).parameters, 671'026'419'200);
  EXPECT_EQ(inventory(with_mtp).parameters - inventory(main).parameters, 11'610'068'224);
  EXPECT_EQ(inventory(checkpoint).parameters - inventory(with_mtp).parameters, 2LL * 129'280 * 7168);
  EXPECT_EQ(tile_scales(checkpoint), 41'540'496);
  EXPECT_EQ(inventory(checkpoint).parameters + tile_scales(checkpoint), 684'531'386'000);
}

// Counts worked out by hand from the layer formula of each family, without the inventory.
TEST(ParameterCounts, EqualHandDerivedNumbers) {
  for (const Node& row : rows("tests/conformance/parameters_derived.csv"))
    EXPECT_EQ(total(cell(row, "model")), number(row, "parameters")) << cell(row, "model");
}

// Sizes as the publishers' listings give them (Hugging Face, NVIDIA, BlinkDL); bert-large is the measured
// training run's own count.  Rows without `seen_in` were written down without looking them up again: a wrong
// digit there is possible, but none was found.
TEST(ParameterCounts, EqualListedSizes) {
  for (const Node& row : rows("tests/conformance/parameters_listed.csv"))
    EXPECT_EQ(total(cell(row, "model")), number(row, "parameters")) << cell(row, "model");
}

// A measured run that states its parameters agrees.
TEST(ParameterCounts, TrainingMeasurementsAgree) {
  int compared = 0;
  for (const Node& row : rows("tests/measurements/h200-training.csv")) {
    if (cell(row, "measured.parameters").empty()) continue;
    EXPECT_EQ(total(cell(row, "model")), number(row, "measured.parameters")) << cell(row, "model");
    ++compared;
  }
  EXPECT_GE(compared, 8);
}

TEST(ParameterCounts, ActiveParametersLeaveOutUnusedExperts) {
  EXPECT_EQ(inventory(model("mixtral-8x7b")).active_parameters, 12'879'925'248);
  EXPECT_EQ(inventory(model("deepseek-v3")).active_parameters, 37'552'297'472);
  EXPECT_EQ(inventory(model("jamba-v0.1")).active_parameters, 12'110'311'296);
  EXPECT_EQ(inventory(model("qwen3-30b-a3b")).active_parameters, 3'353'032'704);
  // gpt-oss publishes 3.61 B and 5.13 B: without the input embedding.
  for (auto [name, published] :
       {std::pair{"gpt-oss-20b", 3'608'307'264LL}, {"gpt-oss-120b", 5'132'849'472LL}}) {
    const Inventory inv = inventory(model(name));
    EXPECT_EQ(inv.active_parameters - inv.token_embedding, published) << name;
  }
  const Inventory dense = inventory(model("llama-3-8b"));
  EXPECT_EQ(dense.active_parameters, dense.parameters);
}

/// Rows of measurements/parameters.csv that count something else than the model's parameters: what
/// the difference is, and how much it comes to.
struct Difference {
  const char* reason;
  std::int64_t (*counted)(const Architecture&, const Inventory&);
};

/// Causal mask and rotary table that transformers once stored: L (P² + rotary pairs).
std::int64_t with_pythia_buffers(const Architecture& a, const Inventory& inv) {
  return inv.parameters + a.layers * (a.max_positions * a.max_positions + a.head_dim / 8);
}
std::int64_t non_embedding(const Architecture&, const Inventory& inv) { return inv.non_embedding_parameters; }
/// Hugging Face counts the 4-bit values unpacked and one scale per 32 of them.
std::int64_t with_mxfp4_scales(const Architecture& a, const Inventory& inv) {
  return inv.parameters + a.layers * a.moe.experts * 3 * a.hidden_size * a.moe.ffn_hidden_size / 32;
}

const std::map<std::string, Difference> differences = {
    {"Qwen3-0.6B",
     {"the tied head is stored twice",
      [](auto&, auto& inv) { return inv.parameters + inv.token_embedding; }}},
    {"DeepSeek-V3 (checkpoint incl. MTP + FP8 scales)",
     {"fp8 scales", [](auto& a, auto& inv) { return inv.parameters + tile_scales(a); }}},
    // 56 values a layer beyond the scales: of 7168 / 128 columns, in a tensor the published total does not name.
    {"Kimi-K2-Instruct",
     {"fp8 scales", [](auto& a, auto& inv) { return inv.parameters + tile_scales(a) + a.layers * 56; }}},
    {"gpt-oss-20b", {"MXFP4 scales", with_mxfp4_scales}},
    {"gpt-oss-120b", {"MXFP4 scales", with_mxfp4_scales}},
    {"pythia-410m", {"causal mask and rotary buffers", with_pythia_buffers}},
    {"pythia-1.4b", {"causal mask and rotary buffers", with_pythia_buffers}},
    {"pythia-6.9b", {"causal mask and rotary buffers", with_pythia_buffers}},
    {"pythia-12b", {"causal mask and rotary buffers", with_pythia_buffers}},
    {"Pythia-70M (non-embedding)", {"tables and head left out", non_embedding}},
    {"Pythia-1.4B (non-embedding)", {"tables and head left out", non_embedding}},
    {"Pythia-6.9B (non-embedding)", {"tables and head left out", non_embedding}},
    {"Pythia-12B (non-embedding)", {"tables and head left out", non_embedding}},
    {"gpt-neox-20b",
     {"head, biases and norms left out: the matrices of the layers and the input embedding",
      [](auto& a, auto& inv) {
        std::int64_t vectors = inv.output.vectors;
        for (std::size_t k = 0; k < inv.of_kind.size(); ++k)
          vectors += inv.of_kind[k].vectors * inv.layers.count[k];
        return inv.parameters - a.vocab_size * a.hidden_size - vectors;
      }}},
    {"deepseek-llm-7b-chat",
     {"an estimate of its collector, V d + L (4 d² + 2 d f): one of three feed-forward products, the head "
      "and the norms are missing",
      [](auto& a, auto&) {
        return a.hidden_size * (a.vocab_size + a.layers * (4 * a.hidden_size + 2 * a.ffn_hidden_size));
      }}},
};

TEST(ParameterCounts, MeasurementRowsAgreeOrDifferForAKnownReason) {
  int agreed = 0, explained = 0;
  for (const Node& row : rows("tests/measurements/parameters.csv")) {
    const std::string id = cell(row, "id"), kind = cell(row, "kind");
    if (kind == "published rounded" || id == "Gemma-3-4B (multimodal)") continue;  // next two tests
    const Architecture a = model(cell(row, "model"));
    const Inventory inv = inventory(a);
    const auto it = differences.find(id);
    EXPECT_EQ(it == differences.end() ? inv.parameters : it->second.counted(a, inv),
              number(row, "measured.parameters"))
        << id << (it == differences.end() ? "" : std::string(": ") + it->second.reason);
    if (it != differences.end()) {
      EXPECT_NE(inv.parameters, number(row, "measured.parameters")) << id << " needs no reason";
    }
    ++(it == differences.end() ? agreed : explained);
  }
  EXPECT_EQ(agreed, 40);
  EXPECT_EQ(explained, 15);
}

// The row includes a SigLIP vision tower and its projector, which are not described here: all that can
// be said is that they are 64 rows of padding and between 0.41 B and 0.43 B more.
TEST(ParameterCounts, MultimodalGemmaIsTheTextModelAndAVisionTower) {
  const Inventory padded = inventory(model("gemma-3-4b", {{"vocab_size", "262208"}}));
  const std::int64_t vision = 4'300'079'472 - padded.parameters;
  EXPECT_GT(vision, 410'000'000);
  EXPECT_LT(vision, 430'000'000);
}

TEST(ParameterCounts, RoundedRowsRoundToWhatIsPrinted) {
  // Printed with so many significant digits; two papers cut instead of rounding (65.29, 540.356).
  const std::map<std::string, int> digits = {{"DBRX", 3},        {"DeepSeek-V2", 3},  {"DeepSeek-V3", 3},
                                             {"Kimi-K2", 1},     {"gpt-oss-120b", 3}, {"gpt-oss-20b", 2},
                                             {"BERT-base", 2},   {"T5-3B", 1},        {"LLaMA-1 7B", 2},
                                             {"LLaMA-1 65B", 3}, {"PaLM-540B", 5}};
  const std::set<std::string> cut = {"LLaMA-1 65B", "PaLM-540B"};
  int compared = 0;
  for (const Node& row : rows("tests/measurements/parameters.csv")) {
    if (cell(row, "kind") != "published rounded") continue;
    const std::string id = cell(row, "id");
    const auto exact = static_cast<double>(total(cell(row, "model")));
    const double unit = std::pow(10, std::floor(std::log10(exact)) + 1 - digits.at(id));
    const double shown = (cut.count(id) ? std::floor(exact / unit) : std::round(exact / unit)) * unit;
    EXPECT_NEAR(shown, static_cast<double>(number(row, "measured.parameters")), unit / 1000) << id;
    ++compared;
  }
  EXPECT_EQ(compared, static_cast<int>(digits.size()));
}

}  // namespace
}  // namespace ridge::test
