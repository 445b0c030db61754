#include "model/flops.h"

#include "base/explain_text.h"
#include "support.h"
#include "tests/model/published_flops.h"

#include <cmath>

namespace ridge::test {
namespace {

double forward(const Architecture& a, const TokenBatch& b, std::int64_t head_tokens) {
  return forward_flop(a, inventory(a), b, head_tokens).value.value();
}

// MrYxJ/calculate-flops.pytorch README: llama-7b, 128 tokens, 1 700.06 GFLOP, which counts the full
// attention square and the head.
TEST(Flops, LlamaForwardAsPublished) {
  const double flop = forward(model("llama-7b"), {.tokens = 128, .full_attention = true}, 128);
  EXPECT_NEAR(flop, 1700.0017e9, 0.0001e9);
  EXPECT_NEAR(flop / 1700.06e9, 1, 4e-5);
}

TEST(Flops, PairsAreSummedExactly) {
  const auto brute = [](std::int64_t n, std::int64_t p, std::int64_t w, std::int64_t s, bool causal) {
    double pairs = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t seen = causal ? p + i + 1 : p + n;
      pairs += static_cast<double>(w > 0 ? std::min(seen, w + s) : seen);
    }
    return pairs;
  };
  for (std::int64_t n : {1, 2, 7, 64})
    for (std::int64_t p : {0, 1, 9, 100})
      for (std::int64_t w : {0, 1, 5, 16, 1000})
        for (std::int64_t s : {0, 4})
          for (bool causal : {true, false})
            EXPECT_EQ(attended_pairs(n, p, w, s, causal), brute(n, p, w, s, causal))
                << n << ' ' << p << ' ' << w << ' ' << s << causal;
}

/// A GPT without positions, as the Megatron papers count it: forward layer 24 B s h² + 4 B s² h,
/// head 2 B s h V; three times that is the model FLOPs of Korthikanti et al., exactly.
TEST(Flops, OperatorsSumToMegatronsClosedForm) {
  for (auto [layers, hidden, heads] :
       {std::tuple{"48", "6144", "64"}, {"96", "12288", "96"}, {"128", "25600", "160"}}) {
    const Architecture a = model("gpt", {{"layers", layers}, {"hidden_size", hidden}, {"heads", heads}});
    const GptShape g{a.layers, a.hidden_size, a.vocab_size, 2048, 4};
    const double sum =
        training_flop(a, inventory(a), {.sequences = 4, .tokens = 2048, .full_attention = true})
            .value.value();
    EXPECT_NEAR(sum / megatron_model_flop(g).value.value(), 1, 1e-12) << hidden;
  }
}

TEST(Flops, ListAndSumsAgree) {
  for (const char* name : {"deepseek-v3", "gemma-3-12b", "jamba-v0.1", "t5-large", "mamba2-780m", "rwkv4-3b",
                           "gpt-oss-120b", "opt-350m"}) {
    const Architecture a = model(name);
    const Inventory inv = inventory(a);
    const TokenBatch b{.sequences = 3, .tokens = 100, .past = 17, .encoder_tokens = 50};
    double sum = 0;
    for (const OperatorFlop& op : forward_operators(a, inv, b, 100))
      sum += op.forward.value() *
             (op.layer_kind < 0
                  ? 1
                  : static_cast<double>(inv.layers.count[static_cast<std::size_t>(op.layer_kind)]));
    EXPECT_NEAR(sum / forward_flop(a, inv, b, 100).value.value(), 1, 1e-12) << name;
  }
}

// Pairs under windows and of cross attention, and every recurrence, open to the model's fields.
TEST(Flops, CoresOpenToFieldsAndGiveTheirNumberAgain) {
  const std::pair<const char*, const char*> cases[] = {
      {"gpt-oss-20b", "model.sliding_window"},
      {"gemma-3-12b", "model.sliding_window"},
      {"t5-large", "model.heads"},
      {"mamba-2.8b", "model.recurrent.state_size"},
      {"mamba2-2.7b", "model.recurrent.inner_size"},
      {"rwkv4-3b", "model.recurrent.inner_size"},
      {"qwen3-next-80b-a3b", "model.recurrent.value_head_dim"}};
  for (const auto& [name, key] : cases) {
    const Architecture a = model(name);
    const Inventory inv = inventory(a);
    for (const std::int64_t past : {0, 100, 5000})
      for (const bool full : {false, true}) {
        const TokenBatch b{
            .sequences = 3, .tokens = 700, .past = past, .encoder_tokens = 50, .full_attention = full};
        Explain record;
        const Traced<Flop> f = forward_flop(a, inv, b, 100, &record);
        EXPECT_DOUBLE_EQ(f.value.value(), forward_flop(a, inv, b, 100).value.value()) << name;
        for (const std::string& fault : audit(record))  // a model without its text has no origins
          EXPECT_NE(fault.find("without origin"), std::string::npos) << name << ": " << fault;
        EXPECT_NE(record.find(key), 0u) << name << " lacks " << key;
        for (NodeId id = 1; id <= record.size(); ++id)
          EXPECT_FALSE(record.record(id).key.starts_with("query-key pairs")) << name;
      }
  }
}

// Per pair and layer DeepSeek-V3 needs 2 H (128 + 64 + 128), absorbed 2 H (512 + 64 + 512): 3.4 times.
TEST(Flops, AbsorbedLatentAttention) {
  const Architecture a = model("deepseek-v3");
  const Inventory inv = inventory(a);
  const auto core = [&](bool absorbed) {
    return layer_forward_flop(a, inv, 1, {.tokens = 1, .past = 4095, .latent_absorbed = absorbed})
        .attention_core.value();
  };
  EXPECT_DOUBLE_EQ(core(false), 2.0 * 128 * 320 * 4096);
  EXPECT_DOUBLE_EQ(core(true) / core(false), 3.4);
  // Unabsorbed, keys and values of all 4096 tokens are made again from the latent.
  const auto products = [&](bool absorbed) {
    return layer_forward_flop(a, inv, 1, {.tokens = 1, .past = 4095, .latent_absorbed = absorbed})
        .attention_products.value();
  };
  EXPECT_DOUBLE_EQ(products(false) - products(true), 4095 * 2.0 * 512 * 128 * 256);
}

// 2 N a token, N without the input table, is exact apart from norms and biases when attention is short.
TEST(Flops, TwoFlopsAParameter) {
  for (const char* name : {"llama-3-8b", "mixtral-8x7b", "deepseek-v3", "qwen3-30b-a3b", "phi-2"}) {
    const Architecture a = model(name);
    const Inventory inv = inventory(a);
    const double n =
        static_cast<double>(inv.active_parameters - (a.tied_embeddings ? 0 : inv.token_embedding));
    EXPECT_NEAR(forward(a, {.tokens = 1}, 1) / (2 * n), 1, 1e-3) << name;
  }
}

TEST(Flops, EncoderDecoderCountsEachStackOnItsTokens) {
  const Architecture a = model("t5-base");
  const Inventory inv = inventory(a);
  const double d = 768, width = 768, f = 3072, te = 100, td = 10;
  const double encoder = te * (2 * 4 * d * width + 2 * 2 * d * f) + 4 * width * te * te;
  const double decoder = td * (2 * 4 * d * width + 2 * 2 * d * f) + 4 * width * (td * (td + 1) / 2) +
                         td * 2 * 2 * d * width + te * 2 * 2 * d * width + 4 * width * td * te;
  EXPECT_DOUBLE_EQ(layer_forward_flop(a, inv, 0, {.tokens = 10, .encoder_tokens = 100}).total().value(),
                   encoder);
  EXPECT_DOUBLE_EQ(layer_forward_flop(a, inv, 1, {.tokens = 10, .encoder_tokens = 100}).total().value(),
                   decoder);
}

TEST(Flops, MambaLayer) {
  // 2 T d·2D in, 2 T D d out, convolution, x and dt products, and 9 D N a token of scan.
  const Architecture a = model("mamba-2.8b");
  const double d = 2560, inner = 5120, n = 16, r = 160;
  const double expected = 2 * d * 2 * inner + 2 * inner * 4 + 2 * inner * (r + 2 * n) + 2 * r * inner +
                          9 * inner * n + 2 * inner * d;
  EXPECT_DOUBLE_EQ(layer_forward_flop(a, inventory(a), 0, {.tokens = 7}).total().value(), 7 * expected);
}

TEST(PublishedFlops, Expansions) {
  // Megatron SC21 multiplied out: 4 L (24 B s h² + 4 B s² h) + 6 B s h V.
  const double B = 1536, s = 2048, L = 96, h = 12288, V = 51200;
  const GptShape g{96, 12288, 51200, 2048, 1536};
  EXPECT_NEAR(megatron_recompute_flop(g).value.value() /
                  (4 * L * (24 * B * s * h * h + 4 * B * s * s * h) + 6 * B * s * h * V),
              1, 1e-12);
  EXPECT_NEAR(megatron_model_flop(g).value.value() /
                  (3 * L * (24 * B * s * h * h + 4 * B * s * s * h) + 6 * B * s * h * V),
              1, 1e-12);
}

// Korthikanti et al. table 5: A100 at 312 TFLOP/s; seconds a step, MFU and printed HFU in percent.
// The paper prints one decimal of the same values.
TEST(PublishedFlops, UtilisationOfKorthikantiTable5) {
  struct Row {
    std::int64_t hidden, layers, batch, devices;
    double seconds, mfu, hfu;
  };
  for (const Row& r :
       {Row{6144, 48, 4, 8, 1.10, 41.65, 43.81}, Row{12288, 96, 64, 64, 13.75, 51.39, 52.77},
        Row{20480, 105, 280, 280, 37.83, 56.05, 56.96}, Row{25600, 128, 512, 512, 71.49, 56.27, 57.01}}) {
    const GptShape g{r.layers, r.hidden, 51200, 2048, r.batch};
    const double peak = static_cast<double>(r.devices) * 312e12 * r.seconds;
    EXPECT_NEAR(100 * megatron_model_flop(g).value.value() / peak, r.mfu, 0.005) << r.hidden;
    EXPECT_NEAR(100 * korthikanti_hardware_flop(g).value.value() / peak, r.hfu, 0.005) << r.hidden;
  }
}

TEST(PublishedFlops, PerToken) {
  const Traced<std::int64_t> n{8'030'261'248, 0}, e{525'336'576, 0}, layers{32, 0}, heads{32, 0}, dim{128, 0},
      t{8192, 0};
  EXPECT_DOUBLE_EQ(two_n_flop(n).value.value(), 2.0 * 8'030'261'248);
  EXPECT_DOUBLE_EQ(six_n_flop(n).value.value(), 6.0 * 8'030'261'248);
  EXPECT_DOUBLE_EQ(palm_flop(n, layers, heads, dim, t).value.value(),
                   6.0 * 8'030'261'248 + 12.0 * 32 * 32 * 128 * 8192);
  EXPECT_DOUBLE_EQ(torchtitan_flop(n, e, layers, heads, dim, t).value.value(),
                   6.0 * (8'030'261'248 - 525'336'576) + 6.0 * 32 * 32 * 128 * 8192);
}

TEST(PublishedFlops, FormulasEvaluateToTheirValues) {
  Explain ex;
  const GptShape g{96, 12288, 51200, 2048, 64};
  megatron_recompute_flop(g, &ex);
  megatron_model_flop(g, &ex);
  korthikanti_hardware_flop(g, &ex);
  const auto at = [&](const char* key, std::int64_t v) { return input(&ex, key, v); };
  palm_flop(at("n", 1000), at("l", 2), at("h", 3), at("q", 4), at("t", 5), &ex);
  torchtitan_flop(at("n", 1000), at("e", 10), at("l", 2), at("h", 3), at("q", 4), at("t", 5), &ex);
  two_n_flop(at("n", 1000), &ex);
  six_n_flop(at("n", 1000), &ex);
  for (const char* name : {"deepseek-v3", "t5-base", "jamba-v0.1"}) {
    const Architecture a = model(name);
    training_flop(a, inventory(a), {.sequences = 2, .tokens = 64, .encoder_tokens = 32}, &ex);
  }
  // Passes of several sizes in one record keep their own numbers.
  const Architecture llama = model("llama-3-8b");
  for (std::int64_t past : {0, 100})
    forward_flop(llama, inventory(llama), {.tokens = 3, .past = past}, 1, &ex);
  EXPECT_GT(ex.size(), 100u);
  expect_consistent(ex, "flops");
}

TEST(Flops, ExplainingChangesNothing) {
  for (const char* name : {"deepseek-v3", "t5-base", "jamba-v0.1", "glm-4.5", "bert-large", "opt-350m"}) {
    const Architecture a = model(name);
    const Inventory inv = inventory(a);
    const TokenBatch b{.sequences = 2, .tokens = 64, .past = 9, .encoder_tokens = 32};
    Explain ex;
    EXPECT_NEAR(forward_flop(a, inv, b, 5, &ex).value / forward_flop(a, inv, b, 5).value, 1, 1e-12) << name;
    EXPECT_NEAR(training_flop(a, inv, b, &ex).value / training_flop(a, inv, b).value, 1, 1e-12) << name;
  }
}

// Prefill makes keys and values from the latent, decode attends in it.
TEST(Flops, LatentAttentionTakesTheCheaperForm) {
  const Architecture a = model("deepseek-v3");
  const Inventory inv = inventory(a);
  const auto flop = [&](TokenBatch b, std::optional<bool> absorbed) {
    b.latent_absorbed = absorbed;
    return layer_forward_flop(a, inv, 1, b).total().value();
  };
  const TokenBatch prefill{.tokens = 4096}, decode{.tokens = 1, .past = 4096};
  EXPECT_DOUBLE_EQ(flop(prefill, {}), flop(prefill, false));
  EXPECT_DOUBLE_EQ(flop(decode, {}), flop(decode, true));
  EXPECT_LT(flop(prefill, false), flop(prefill, true));
  EXPECT_LT(flop(decode, true), flop(decode, false));
}

TEST(Flops, MoreTokensNeverCostLess) {
  for (const char* name : {"gemma-2-9b", "deepseek-v2", "qwen3-next-80b-a3b"}) {
    const Architecture a = model(name);
    double last = 0;
    for (std::int64_t n = 1; n < 40'000; n = 2 * n + 1) {
      const double f = forward(a, {.tokens = n}, n);
      EXPECT_GT(f, last) << name;
      last = f;
    }
  }
}

}  // namespace
}  // namespace ridge::test
