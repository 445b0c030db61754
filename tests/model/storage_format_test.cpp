#include "model/storage_format.h"

#include "support.h"

#include <cmath>

namespace ridge::test {
namespace {

std::int64_t bytes(const std::string& name, const std::string& format) {
  const Architecture a = model(name);
  const auto it = formats().formats.find(format);
  EXPECT_NE(it, formats().formats.end()) << format;
  return weight_bytes(a, inventory(a), formats(), it->second).total;
}

// Llama-2-7B files: tensors and 741 056 bytes of header and tokenizer, the same in every listing.
// Q2_K, Q4_K_M, Q5_K_M and Q8_0 sizes are quoted in public text, the others are from memory.
TEST(StorageFormat, GgufFilesToTheByte) {
  for (const Node& row : rows("tests/conformance/gguf_files.csv"))
    EXPECT_EQ(bytes(cell(row, "model"), cell(row, "format")) + 741'056, number(row, "file_bytes"))
        << cell(row, "format");
}

// llama-bench prints this "model size" for Qwen2.5-14B Q4_K_M (its biases are F32).
TEST(StorageFormat, GgufOfQwenToTheByte) { EXPECT_EQ(bytes("qwen2.5-14b", "gguf:Q4_K_M"), 8'982'142'976); }

// Bits per weight over all weights of Llama-3.1-8B, ggml-org/llama.cpp@311c2c9 tools/quantize/README.md;
// IQ4 without an importance matrix.
TEST(StorageFormat, GgufBitsPerWeightToFourDigits) {
  const std::int64_t weights = inventory(model("llama-3.1-8b")).parameters;
  for (const Node& row : rows("tests/conformance/gguf_bits.csv")) {
    const double bits = 8.0 * static_cast<double>(bytes(cell(row, "model"), cell(row, "format"))) /
                        static_cast<double>(weights);
    EXPECT_NEAR(bits, std::stod(cell(row, "bits_per_weight")), 0.5e-4) << cell(row, "format");
  }
}

// Sizes of Llama-2-7B worked out from the layouts of AutoAWQ, AutoGPTQ and bitsandbytes:
// 6 476 005 376 weights in linear layers, the other 262 410 240 in 16 bit.
TEST(StorageFormat, GroupedFormatsToTheByte) {
  EXPECT_EQ(bytes("llama-2-7b", "awq-g128"), 3'889'307'648);
  EXPECT_EQ(bytes("llama-2-7b", "gptq-g128"), 3'893'862'400);
  EXPECT_EQ(bytes("llama-2-7b", "nf4"), 4'167'573'504);
  EXPECT_EQ(bytes("llama-2-7b", "nf4-dq"), 3'865'591'808);
}

// What published checkpoints take, scales and zero points included.
TEST(StorageFormat, PublishedCheckpoints) {
  for (const Node& row : rows("tests/conformance/checkpoint_bytes.csv")) {
    const double published = std::stod(cell(row, "bytes"));
    EXPECT_NEAR(static_cast<double>(bytes(cell(row, "model"), cell(row, "format"))), published,
                std::stod(cell(row, "tolerance")) * published)
        << cell(row, "model");
  }
}

TEST(StorageFormat, SixteenBitIsTwoBytesAParameter) {
  for (const char* name : {"gpt2", "deepseek-v3", "t5-base", "albert-base-v2", "jamba-v0.1"})
    EXPECT_EQ(bytes(name, "bf16"), 2 * inventory(model(name)).parameters) << name;
}

// Layout arithmetic of formulae: e.g. (16-bit scale + 4-bit zero) / 128 + 4.
TEST(StorageFormat, NominalBits) {
  const std::pair<const char*, double> bits[] = {
      {"awq-g128", 4.15625},  {"awq-g64", 4.3125},   {"gptq-g32", 4.625},
      {"marlin-g128", 4.125}, {"nf4", 4.5},          {"mxfp4", 4.25},
      {"nvfp4", 4.5},         {"mxfp8", 8.25},       {"gptq-int8-g128", 8.1875},
      {"gguf:Q4_K_M", 4.5},   {"gguf:Q6_K", 6.5625}, {"sparse-2-4", 9}};
  for (auto [name, expected] : bits) {
    const StorageFormat& f = formats().formats.at(name);
    EXPECT_DOUBLE_EQ(f.nominal_bits, expected) << name;
    if (!std::string(name).starts_with("gguf")) {
      EXPECT_DOUBLE_EQ(formats().packings.at(f.packing).bits_per_element(), expected) << name;
    }
  }
  EXPECT_NEAR(formats().formats.at("nf4-dq").nominal_bits, 4 + 8.0 / 64 + 32.0 / (64 * 256), 1e-12);
}

// gpt-oss keeps everything but its experts in 16 bit: 63 GB, not the 62 GB of 4.25 bits throughout.
TEST(StorageFormat, Mxfp4PacksOnlyExperts) {
  const Architecture a = model("gpt-oss-120b");
  const Inventory inv = inventory(a);
  const std::int64_t experts = 36LL * 128 * 3 * 2880 * 2880;
  EXPECT_EQ(bytes("gpt-oss-120b", "mxfp4"), experts / 32 * 17 + 2 * (inv.parameters - experts));
}

// DeepSeek-V3: one byte a weight of the products, 2 for the rest, 4 per 128 x 128 tile.
TEST(StorageFormat, Fp8TilesOfDeepSeek) {
  EXPECT_NEAR(static_cast<double>(bytes("deepseek-v3", "fp8-block")), 671e9 + 2.1e9, 2e9);
}

TEST(StorageFormat, RanksShareTheBytes) {
  const Architecture a = model("llama-3-70b");
  const WeightBytes w = weight_bytes(a, inventory(a), formats(), formats().formats.at("gguf:Q4_K_M"));
  const double layer = w.of_kind[0].total();
  EXPECT_DOUBLE_EQ(w.of_kind[0].per_rank({}).value(), layer);
  EXPECT_NEAR(w.of_kind[0].per_rank({.tensor = 8}).value(), layer / 8, 0.01 * layer);
  EXPECT_NEAR(80 * layer + w.embedding.total() + w.output.total(), static_cast<double>(w.total), 1);
}

TEST(StorageFormat, EveryFormatStoresEveryPreset) {
  const auto list = list_models(repository("presets/models"));
  for (std::size_t i = 0; i < list.size(); i += 7) {
    if (list[i].name == "gpt" || list[i].name == "llama" || list[i].name == "mpt" || list[i].name == "bloom")
      continue;
    const Architecture a = model(list[i].name);
    const Inventory inv = inventory(a);
    const std::int64_t half = weight_bytes(a, inv, formats(), formats().formats.at("bf16")).total;
    for (const auto& [name, format] : formats().formats) {
      const std::int64_t b = weight_bytes(a, inv, formats(), format).total;
      EXPECT_GT(b, half / 8) << list[i].name << ' ' << name;
      EXPECT_LE(b, 2 * half) << list[i].name << ' ' << name;
    }
  }
}

TEST(StorageFormat, BadFormatsAreRefused) {
  const std::pair<const char*, const char*> bad[] = {
      {"formats: {x: {packing: none-such}}", "unknown packing"},
      {"packings: {p: {block: 0}}", "block"},
      {"packings: {p: {fallback: q}}", "unknown packing"},
      {"packings: {p: {}}\nformats: {x: {packing: p, rules: [{roles: [noses], packing: p}]}}",
       "unknown role"},
      {"packings: {p: {}}\nformats: {x: {packing: p, rules: [{layers: some, packing: p}]}}",
       "unknown layers"},
      {"formats: {x: {}}", "packing"}};
  for (auto [yaml, message] : bad) {
    Diagnostics d;
    ReadContext c{d};
    StorageFormats read;
    read_storage_formats(parse(yaml), read, c);
    EXPECT_TRUE(d.has_errors()) << yaml;
    EXPECT_NE(render(d).find(message), std::string::npos) << render(d);
  }
}

}  // namespace
}  // namespace ridge::test
