#include "model/kv_cache.h"

#include "support.h"

namespace ridge::test {
namespace {

// DeepSeek-V2 (arXiv:2405.04434) table 1 gives the elements; times 2 bytes. OPT-66B: 512 tokens are
// 1.125 GiB, DistServe prints 1.13 GB.  All layers count, windows not yet full.
TEST(KvCache, BytesPerTokenAtSixteenBit) {
  for (const Node& row : rows("tests/conformance/kv_cache.csv")) {
    const Architecture a = model(cell(row, "model"));
    EXPECT_EQ(2 * cache_elements_per_token(a, layer_plan(a)).value, number(row, "bytes_per_token"))
        << cell(row, "model");
  }
  const Architecture opt = model("opt-66b");
  EXPECT_DOUBLE_EQ(cache_bytes(opt, layer_plan(opt), cache_format("fp16"), 1, 512).value.value(),
                   1.125 * (1 << 30));
}

// state-spaces/mamba allocate_inference_cache, BlinkDL/RWKV-LM: elements per sequence over all layers.
TEST(KvCache, RecurrentStateDoesNotGrow) {
  const std::pair<const char*, double> states[] = {
      {"mamba-2.8b", 6'553'600}, {"mamba2-2.7b", 43'319'296}, {"rwkv4-7b", 655'360}};
  for (auto [name, elements] : states) {
    const Architecture a = model(name);
    for (std::int64_t context : {1, 100'000})
      EXPECT_DOUBLE_EQ(cache_bytes(a, layer_plan(a), cache_format("bf16"), 1, context).value.value(),
                       2 * elements)
          << name;
  }
  // RWKV-6 7B: 32 layers of 2 d + 64 d.
  Architecture rwkv6 = model("rwkv4-7b", {{"recurrent.kind", "rwkv6"}});
  EXPECT_DOUBLE_EQ(cache_bytes(rwkv6, layer_plan(rwkv6), cache_format("bf16"), 1, 5).value.value(),
                   2.0 * 8'650'752);
}

TEST(KvCache, WindowsLimitTheirLayersOnly) {
  // gpt-oss-20b: 12 layers of window 128, 12 full; 2·8·64 elements a token and layer.
  const Architecture a = model("gpt-oss-20b");
  const double per = 2 * 8 * 64;
  EXPECT_DOUBLE_EQ(cache_bytes(a, layer_plan(a), cache_format("bf16"), 1, 10'000).value.value(),
                   2 * per * 12 * (128 + 10'000));
  EXPECT_DOUBLE_EQ(cache_bytes(a, layer_plan(a), cache_format("bf16"), 1, 100).value.value(),
                   2 * per * 24 * 100);
  // StreamingLLM: 4 sinks and a window of 512.
  const Architecture s = model("llama-2-7b", {{"sliding_window", "512"}, {"sink_tokens", "4"}});
  EXPECT_DOUBLE_EQ(cache_bytes(s, layer_plan(s), cache_format("bf16"), 1, 9'999).value.value(),
                   524'288.0 * 516);
}

TEST(KvCache, CrossAttentionIsKeptOncePerEncoderToken) {
  // t5-base decoder: 2·12·64 elements a layer for own and for encoder tokens.
  const Architecture a = model("t5-base");
  EXPECT_DOUBLE_EQ(cache_bytes(a, layer_plan(a), cache_format("bf16"), 1, 10, 100).value.value(),
                   2.0 * 12 * 2 * 768 * 110);
}

TEST(KvCache, TensorParallelDividesHeadsAndReplicatesLatents) {
  const Architecture llama = model("llama-3-70b"), v3 = model("deepseek-v3");
  const auto bytes = [](const Architecture& a, std::int64_t t) {
    return cache_bytes(a, layer_plan(a), cache_format("bf16"), 1, 1000, 0, t).value.value();
  };
  EXPECT_DOUBLE_EQ(bytes(llama, 8), bytes(llama, 1) / 8);
  EXPECT_DOUBLE_EQ(bytes(llama, 16), bytes(llama, 8));  // 8 heads
  EXPECT_DOUBLE_EQ(bytes(v3, 8), bytes(v3, 1));
  const Architecture phi = model("phi-3-medium");  // 10 heads on 4 ranks: 3 on the fullest
  EXPECT_DOUBLE_EQ(bytes(phi, 4), bytes(phi, 1) * 3 / 10);
}

// bits/8 + scale bytes per element of the group.
TEST(KvCache, QuantisedFormats) {
  const std::tuple<const char*, std::int64_t, double> widths[] = {
      {"fp8", 128, 1.0},     {"int8", 128, 1 + 2.0 / 128}, {"int8", 64, 1 + 2.0 / 64}, {"int4", 128, 0.625},
      {"q8_0", 128, 1.0625}, {"q4_0", 128, 0.5625},        {"bf16", 64, 2.0}};
  for (auto [name, head, bytes] : widths)
    EXPECT_DOUBLE_EQ(bytes_per_element(cache_format(name), head).value(), bytes) << name;
  EXPECT_EQ(cache_format("int3").name, "");
}

// Several caches in one record keep their own numbers.
TEST(KvCache, ExplainedBytesFollowFromTheirTerms) {
  for (const char* name :
       {"gemma-3-27b", "deepseek-v2", "jamba-v0.1", "t5-base", "mamba-130m", "bert-base"}) {
    const Architecture a = model(name);
    Explain ex;
    for (std::int64_t context : {7, 5000})
      for (std::int64_t tensor : {1, 4}) {
        const auto traced = cache_bytes(a, layer_plan(a), cache_format("int8"), 2, context, 30, tensor, &ex);
        EXPECT_DOUBLE_EQ(
            traced.value.value(),
            cache_bytes(a, layer_plan(a), cache_format("int8"), 2, context, 30, tensor).value.value());
      }
    cache_elements_per_token(a, layer_plan(a), &ex);
    expect_consistent(ex, name);
  }
}

TEST(KvCache, PagedTokensRoundUp) {
  EXPECT_EQ(paged_tokens(33, 16), 48);
  EXPECT_EQ(paged_tokens(32, 16), 32);
  EXPECT_EQ(paged_tokens(33, 0), 33);
}

TEST(KvCache, GrowsWithContextAndIsZeroForEncoders) {
  const Architecture bert = model("bert-large");
  EXPECT_EQ(cache_elements_per_token(model("mamba-130m"), layer_plan(model("mamba-130m"))).value, 0);
  for (const char* name : {"gemma-3-27b", "jamba-v0.1", "deepseek-v2"}) {
    const Architecture a = model(name);
    double last = 0;
    for (std::int64_t t = 1; t < 100'000; t *= 3) {
      const double b = cache_bytes(a, layer_plan(a), cache_format("fp8"), 2, t).value.value();
      EXPECT_GE(b, last) << name;
      last = b;
    }
  }
}

}  // namespace
}  // namespace ridge::test
