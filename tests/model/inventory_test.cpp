#include "support.h"

#include <set>

namespace ridge::test {
namespace {

const char* const examples[] = {"llama-3-70b", "deepseek-v3", "mixtral-8x7b", "gpt2-xl",
                                "t5-3b",       "bert-large",  "gpt-oss-20b",  "jamba-v0.1",
                                "mamba2-2.7b", "rwkv4-430m",  "falcon-180b",  "qwen3-next-80b-a3b"};

/// Sums over tensors equal the sums the inventory keeps.
TEST(Inventory, SumsAreThoseOfItsTensors) {
  for (const char* name : examples) {
    const Architecture a = model(name);
    const Inventory inv = inventory(a);
    std::vector<std::int64_t> of_kind(inv.of_kind.size());
    std::int64_t outside = 0;
    for (const Tensor& t : inv.tensors)
      (t.layer_kind < 0 ? outside : of_kind[static_cast<std::size_t>(t.layer_kind)]) += t.elements();
    EXPECT_EQ(outside, inv.embedding.total() + inv.output.total()) << name;
    std::int64_t all = outside;
    for (std::size_t k = 0; k < of_kind.size(); ++k) {
      EXPECT_EQ(of_kind[k], inv.of_kind[k].total()) << name;
      all += of_kind[k] * inv.layers.count[k];
    }
    EXPECT_EQ(all, inv.parameters) << name;
  }
}

/// All ranks together hold every sharded element once and every replicated one t times.
TEST(Inventory, RanksTogetherHoldTheLayer) {
  for (const char* name : {"llama-3-70b", "mixtral-8x7b", "gpt2-xl"}) {
    const Architecture a = model(name);
    const Inventory inv = inventory(a);
    const std::int64_t t = name == std::string("gpt2-xl") ? 5 : 8;
    for (std::size_t k = 0; k < inv.of_kind.size(); ++k) {
      const ElementSums& s = inv.of_kind[k];
      EXPECT_EQ(s.per_rank({}), s.total()) << name;
      EXPECT_EQ(t * s.per_rank({.tensor = t, .expert = 1, .expert_tensor = t}),
                s.total() + (t - 1) * s.replicated)
          << name;
    }
  }
}

TEST(Inventory, RankShareIsTheSumOfItsTensors) {
  const Architecture a = model("deepseek-v3");
  const Inventory inv = inventory(a);
  const ShardingDegrees d{.tensor = 4, .expert = 16, .expert_tensor = 2};
  for (std::size_t k = 0; k < inv.of_kind.size(); ++k) {
    std::int64_t sum = 0;
    for (const Tensor& t : inv.tensors)
      if (t.layer_kind == static_cast<std::int16_t>(k)) sum += elements_per_rank(t, a, d);
    EXPECT_EQ(sum, inv.of_kind[k].per_rank(d));
  }
}

// Llama-3-70B has 8 K/V heads: 16 ranks hold each twice, so K and V shrink by 8 only.
TEST(Inventory, KeyValueHeadsAreReplicatedBeyondTheirNumber) {
  const ElementSums s = inventory(model("llama-3-70b")).of_kind[0];
  EXPECT_EQ(s.key_value, 2 * 8192 * 1024);
  EXPECT_EQ(s.per_rank({.tensor = 16}), s.replicated + s.tensor / 16 + s.key_value / 8);
}

TEST(Inventory, MoreParallelismNeverHoldsMore) {
  for (const char* name : examples) {
    const Inventory inv = inventory(model(name));
    for (const ElementSums& s : inv.of_kind)
      for (std::int64_t t = 1; t < 64; t *= 2) {
        EXPECT_LE(s.per_rank({.tensor = 2 * t}), s.per_rank({.tensor = t})) << name;
        EXPECT_LE(s.per_rank({.tensor = t, .expert = 2 * t}), s.per_rank({.tensor = t, .expert = t})) << name;
      }
  }
}

TEST(Inventory, NamesAreUniqueWithinAKind) {
  for (const char* name : examples) {
    const Inventory inv = inventory(model(name));
    std::set<std::string> seen;
    for (const Tensor& t : inv.tensors) {
      const bool is_pair = t.role == TensorRole::qk_norm || t.role == TensorRole::time_mix_vectors;
      EXPECT_TRUE(seen.insert(std::to_string(t.layer_kind) + tensor_name(inv, t)).second || is_pair)
          << name << tensor_name(inv, t);
    }
  }
  const Inventory llama = inventory(model("llama-3-8b"));
  std::set<std::string> names;
  for (const Tensor& t : llama.tensors) names.insert(tensor_name(llama, t));
  EXPECT_TRUE(names.count("layers.{i}.attention.q.weight"));
  EXPECT_TRUE(names.count("embedding.token.weight"));
}

TEST(Inventory, ExplainedCountsFollowFromTheInputs) {
  for (const char* name : examples) {
    const Architecture a = model(name);
    const Inventory inv = inventory(a);
    Explain ex;
    EXPECT_EQ(parameters(a, inv, &ex).value, inv.parameters) << name;
    EXPECT_EQ(active_parameters(a, inv, &ex).value, inv.active_parameters) << name;
    EXPECT_GT(ex.size(), 20u);
    expect_consistent(ex, name);
  }
}

}  // namespace
}  // namespace ridge::test
