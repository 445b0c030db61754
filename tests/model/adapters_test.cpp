#include "model/adapters.h"

#include "support.h"

namespace ridge::test {
namespace {

std::int64_t adapters(const char* name, const char* targets, std::int64_t rank) {
  const Architecture a = model(name);
  return adapter_elements(a, inventory(a), adapter_targets(targets), rank).value;
}

// Counts printed by training scripts in public repositories.
TEST(Adapters, PublishedCounts) {
  EXPECT_EQ(adapters("llama-2-7b", "q+v", 8), 4'194'304);
  EXPECT_EQ(adapters("qwen2.5-1.5b", "attention", 16), 4'358'144);
  EXPECT_EQ(adapters("qwen2.5-1.5b", "gate+up+down", 4), 3'526'656);
}

TEST(Adapters, AllLinearIsTheSumOfItsParts) {
  for (const char* name : {"llama-3-8b", "mixtral-8x7b", "deepseek-v2-lite", "gpt2"}) {
    EXPECT_EQ(adapters(name, "all-linear", 16),
              adapters(name, "attention", 16) + adapters(name, "feed-forward", 16))
        << name;
    EXPECT_EQ(adapters(name, "all-linear", 16), 16 * adapters(name, "all-linear", 1)) << name;
  }
}

// q of 4096 x 4096 over 4 ranks: 8 (4096 + 1024); o, row-parallel, the same; whole 8 (4096 + 4096).
TEST(Adapters, TensorRanksShareTheCutSide) {
  const Architecture a = model("llama-2-7b");
  const Inventory inv = inventory(a);
  Explain ex;
  const auto on_rank = [&](const char* target, double t) {
    return adapter_elements(a, inv, 0, adapter_targets(target), 8, {t, constant(&ex, "t", t, "test").node},
                            &ex)
        .value.value();
  };
  EXPECT_EQ(on_rank("q", 1), 8 * 8192);
  EXPECT_EQ(on_rank("q", 4), 8 * (4096 + 1024));
  EXPECT_EQ(on_rank("o", 4), 8 * (4096 + 1024));
  adapter_elements(a, inv, adapter_targets("all-linear"), 8, &ex);
  expect_consistent(ex, "adapters");
}

TEST(Adapters, UnknownTargetsAreEmpty) {
  EXPECT_TRUE(adapter_targets("noses").empty());
  EXPECT_TRUE(adapter_targets("q+noses").empty());
  EXPECT_TRUE(adapter_targets("router").empty());
  EXPECT_EQ(adapter_targets("q+v").roles.count(), 2u);
}

}  // namespace
}  // namespace ridge::test
