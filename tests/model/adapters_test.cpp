#include "model/adapters.h"

#include "support.h"

namespace ridge::test {
namespace {

std::int64_t adapters(const char* name, const char* targets, std::int64_t rank) {
  return adapter_elements(inventory(model(name)), adapter_targets(targets), rank).value;
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

TEST(Adapters, UnknownTargetsAreEmpty) {
  EXPECT_TRUE(adapter_targets("noses").empty());
  EXPECT_TRUE(adapter_targets("q+noses").empty());
  EXPECT_TRUE(adapter_targets("router").empty());
  EXPECT_EQ(adapter_targets("q+v").size(), 2u);
}

}  // namespace
}  // namespace ridge::test
