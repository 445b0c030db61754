#include "model/layers.h"
#include "support.h"

#include <gmock/gmock.h>

namespace ridge::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* small = "{layers: 2, hidden_size: 64, heads: 4, vocab_size: 100";

TEST(Architecture, OverridesRederiveOnlyWhatWasDerived) {
  // The preset states ffn_hidden_size 14336 and kv_heads 8, but not head_dim.
  const Architecture a = model("llama-3-8b", {{"hidden_size", "2048"}});
  EXPECT_EQ(a.head_dim, 64);
  EXPECT_EQ(a.ffn_hidden_size, 14336);
  EXPECT_EQ(a.kv_heads, 8);
  const Architecture b = model("llama-3-8b", {{"layers", "12"}});
  EXPECT_EQ(inventory(b).of_kind[0].total(), inventory(model("llama-3-8b")).of_kind[0].total());
}

TEST(Architecture, LatentHeadsAreAsWideAsTheirQueries) { EXPECT_EQ(model("deepseek-v3").head_dim, 128 + 64); }

// LLaMA's rule: 2/3 of 4 h, rounded up to a multiple of 256, gives the widths of LLaMA 1 and 2.
TEST(Architecture, GatedWidthFollowsLlama) {
  for (auto [hidden, width] : {std::pair{"4096", 11008}, {"5120", 13824}, {"6656", 17920}, {"8192", 22016}})
    EXPECT_EQ(model("llama", {{"layers", "1"}, {"heads", "32"}, {"hidden_size", hidden}}).ffn_hidden_size,
              width)
        << hidden;
}

TEST(Architecture, WritesWhatItReads) {
  for (const char* name :
       {"deepseek-v3", "jamba-v0.1", "gemma-3-27b", "t5-base", "gpt-oss-20b", "qwen3-next-80b-a3b"}) {
    const Architecture a = model(name);
    Diagnostics d;
    ReadContext c{d};
    EXPECT_EQ(resolve(write_value(a), c), a) << name << render(d);
  }
}

struct Bad {
  const char* yaml;
  const char* message;
  int line, column;
};

class BadArchitecture : public ::testing::TestWithParam<Bad> {};

TEST_P(BadArchitecture, IsRefusedAtItsPlace) {
  const Diagnostics d = problems_of(GetParam().yaml);
  ASSERT_TRUE(d.has_errors()) << GetParam().yaml;
  bool found = false;
  for (const Diagnostic& item : d.items()) {
    if (item.message.find(GetParam().message) == std::string::npos) continue;
    found = true;
    EXPECT_EQ(item.span.line, GetParam().line) << item.message;
    EXPECT_EQ(item.span.column, GetParam().column) << item.message;
  }
  EXPECT_TRUE(found) << render(d);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, BadArchitecture,
    ::testing::Values(
        Bad{"layers: 2\nhidden_size: 64\nheads: 6\nkv_heads: 4\nvocab_size: 9\nhead_dim: 8",
            "multiple of kv_heads = 4; 8 would do", 3, 8},
        Bad{"layers: 2\nhidden_size: 64\nheads: 6\nvocab_size: 9", "use heads = 4 or hidden_size = 66", 3, 8},
        Bad{"layers: 2\nhidden_size: 64\nheads: 128\nvocab_size: 9", "is 0; state head_dim", 1, 1},
        Bad{"layers: -2\nhidden_size: 64\nheads: 4\nvocab_size: 9", "", 1, 9},
        Bad{"hidden_size: 64\nheads: 4\nvocab_size: 9", "lacks 'layers'", 1, 1},
        Bad{"layers: 2\nhidden_size: 64\nheads: 4\nvocab_size: 9\nmoe: {experts: 4, top_k: 9}",
            "between 1 and moe.experts = 4", 5, 26},
        Bad{"layers: 2\nhidden_size: 64\nheads: 4\nvocab_size: 9\nmoe: {top_k: 2}", "moe.experts is 0", 1, 1},
        Bad{"layers: 2\nhidden_size: 64\nheads: 4\nvocab_size: 9\nlayer_pattern: MX", "M * - E only", 5, 16},
        Bad{"layers: 2\nhidden_size: 64\nheads: 4\nvocab_size: 9\nlayer_pattern: M*", "needs recurrent.kind",
            5, 16},
        Bad{"layers: 2\nhidden_size: 64\nheads: 4\nvocab_size: 9\npositions: learned", "need max_positions",
            1, 1},
        Bad{"layers: 2\nhidden_size: 64\nheads: 4\nvocab_size: 9\nhiden_size: 4", "unknown key", 5, 1},
        Bad{"layers: 2\nhidden_size: 99999999\nheads: 4\nvocab_size: 9", "", 2, 14},
        Bad{"layers: 1\nhidden_size: 7682000\nheads: 4\nvocab_size: 9\nactivation: gelu",
            "ffn_hidden_size = 30728000, derived", 1, 1},
        Bad{"layers: 16384\nhidden_size: 16777216\nheads: 1\nvocab_size: 9\nffn_hidden_size: 16777216",
            "more than 1e+17 parameters", 2, 14}));

TEST(Architecture, ReportsAllProblemsAtOnce) {
  const Diagnostics d = problems_of(
      "layers: 2\nhidden_size: 64\nheads: 6\nkv_heads: 4\nvocab_size: 9\nmoe: {experts: 4, top_k: 9, every: "
      "2}\nlayer_pattern: \"*Z\"");
  EXPECT_GE(d.items().size(), 4u) << render(d);
}

TEST(Architecture, AcceptsTheSmallestModel) {
  EXPECT_FALSE(problems_of(std::string(small) + "}").has_errors());
  EXPECT_FALSE(problems_of("{layers: 1, hidden_size: 1, heads: 1, vocab_size: 1}").has_errors());
}

// The largest sizes that pass validation still count exactly: no sum overflows.
TEST(Architecture, LargestModelsStayExact) {
  const Architecture a =
      model("llama",
            {{"layers", "1000"}, {"hidden_size", "1048576"}, {"heads", "8192"}, {"vocab_size", "16777216"}});
  const long double d = 1048576, f = 2796288 - 2796288 % 256 + 0;
  const Inventory inv = inventory(a);
  long double expected = 2 * 16777216.0L * d + d;
  expected += 1000 * (4 * d * d + 3 * d * static_cast<long double>(a.ffn_hidden_size) + 2 * d);
  EXPECT_GE(static_cast<long double>(a.ffn_hidden_size), f);
  EXPECT_EQ(static_cast<long double>(inv.parameters), expected);
}

TEST(Layers, KindsAndTheirOrder) {
  const LayerPlan v3 = layer_plan(model("deepseek-v3"));
  ASSERT_EQ(v3.kinds.size(), 2u);
  EXPECT_EQ(v3.count, (std::vector<std::int64_t>{3, 58}));
  EXPECT_EQ(v3.kinds[1].feed_forward, FeedForward::experts);
  EXPECT_EQ(v3.kinds[1].mixer, Mixer::latent_attention);

  const LayerPlan gemma = layer_plan(model("gemma-3-27b"));  // five local layers, then a global one
  EXPECT_EQ(gemma.count, (std::vector<std::int64_t>{52, 10}));
  EXPECT_EQ(gemma.kinds[0].window, 1024);
  EXPECT_EQ(gemma.kinds[gemma.kind_of_layer[5]].window, 0);

  const LayerPlan t5 = layer_plan(model("t5-base"));
  EXPECT_EQ(t5.count, (std::vector<std::int64_t>{12, 12}));
  EXPECT_TRUE(t5.kinds[0].is_encoder);
  EXPECT_TRUE(t5.kinds[1].has_cross_attention);

  const LayerPlan jamba = layer_plan(model("jamba-v0.1"));  // 4 of 32 attention, every other with experts
  ASSERT_EQ(jamba.kinds.size(), 3u);
  std::int64_t attention = 0, experts = 0;
  for (std::size_t k = 0; k < jamba.kinds.size(); ++k) {
    if (jamba.kinds[k].mixer == Mixer::attention) attention += jamba.count[k];
    if (jamba.kinds[k].feed_forward == FeedForward::experts) experts += jamba.count[k];
  }
  EXPECT_EQ(attention, 4);
  EXPECT_EQ(experts, 16);

  const LayerPlan cut = layer_plan(model("deepseek-v3", {{"layers", "4"}, {"first_dense_layers", "1"}}));
  EXPECT_EQ(cut.count, (std::vector<std::int64_t>{1, 3}));
  const LayerPlan hybrid = layer_plan(model("nemotron-h-56b"));  // 54 M, 54 -, 10 *
  EXPECT_EQ(hybrid.kinds.size(), 3u);
  EXPECT_EQ(describe(v3.kinds[1]), "latent attention, experts");
  EXPECT_THAT(describe(gemma.kinds[0]), HasSubstr("over 1024 tokens"));
}

}  // namespace
}  // namespace ridge::test
