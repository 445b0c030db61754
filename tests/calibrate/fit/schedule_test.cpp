// Kernels of known tiles: chains counted by hand, and a law that recovers what made the times.
#include "calibrate/fit/schedule.h"

#include "calibrate/fit/model.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

Measurement prefill(double batch, double heads, double queries, double keys, bool is_causal = true) {
  return {.family = "attention_prefill",
          .variant = "bf16-d128",
          .sizes = {{"batch", batch},
                    {"heads", heads},
                    {"kv_heads", heads},
                    {"head_dim", 128},
                    {"query_tokens", queries},
                    {"key_tokens", keys},
                    {"causal", is_causal},
                    {"tile_rows", 128},
                    {"tile_columns", 128},
                    {"blocks_at_once", 132}}};
}

double chain(const Measurement& m, double overhead = 0) {
  BlockSchedule s = schedule_of(m);
  s.overhead = overhead;
  return longest_chain(m, s);
}

// Equal blocks: one round up to 132 of them, two from 133 on; a block of 1024 keys has eight steps.
TEST(Schedule, EqualBlocksTakeWholeRounds) {
  EXPECT_EQ(chain(prefill(1, 132, 128, 1024, false)), 8);
  EXPECT_EQ(chain(prefill(1, 133, 128, 1024, false)), 16);
  EXPECT_EQ(chain(prefill(2, 132, 100, 1000, false)), 16);
  EXPECT_EQ(chain(prefill(1, 132, 128, 1024, false), 2), 10);
}

// One head of 1024 causal queries: eight blocks of 1 to 8 steps at once, so the last tile's eight.  64 heads: 512 blocks
// of 2304 steps in all, 17.5 each.
TEST(Schedule, CausalBlocksEndWithTheLongestOrTheSum) {
  EXPECT_EQ(chain(prefill(1, 1, 1024, 1024)), 8);
  EXPECT_NEAR(chain(prefill(1, 64, 1024, 1024)), 64 * 36 / 132.0, 1e-12);
  // 100 heads of two tiles: 132 blocks of two steps or one, then 68 of one; no chain is shorter than two steps, and the
  // sum of 300 asks for 2.3.
  EXPECT_NEAR(chain(prefill(1, 100, 256, 256)), 300 / 132.0, 1e-12);
}

TEST(Schedule, AFewQueriesOfAWholeTileCostTheTile) {
  EXPECT_EQ(chain(prefill(4, 16, 129, 129)), chain(prefill(4, 16, 256, 256)));
  const auto less = scheduled_work(prefill(1, 16, 129, 129), schedule_of(prefill(1, 16, 129, 129)));
  const auto more = scheduled_work(prefill(1, 16, 256, 256), schedule_of(prefill(1, 16, 256, 256)));
  EXPECT_EQ(less->flops, more->flops);
  EXPECT_LT(less->bytes, more->bytes);
}

TEST(Schedule, NeverBelowTheDefinition) {
  for (const double heads : {1, 5, 32, 133, 500})
    for (const double queries : {1, 64, 128, 200, 1000, 4096})
      for (const double before : {0, 77, 5000})
        for (const bool is_causal : {false, true}) {
          const Measurement m = prefill(3, heads, queries, queries + before, is_causal);
          EXPECT_GE(scheduled_work(m, schedule_of(m))->flops.value(),
                    work_of(m)->flops.value() * (1 - 1e-12));
        }
}

TEST(Schedule, UnknownTilesLeaveTheDefinition) {
  Measurement m = prefill(1, 100, 200, 200);
  m.sizes.erase("blocks_at_once");
  EXPECT_FALSE(schedule_of(m).is_known());
  EXPECT_EQ(scheduled_work(m, schedule_of(m))->flops, work_of(m)->flops);
}

// Times made by rounds of blocks that cost two steps besides their own: the fit finds the two steps, and predicts lengths
// and head counts between those it saw, which FLOPs by definition cannot.
TEST(Schedule, TheFitRecoversABlocksOverhead) {
  const MachineLimits limits{[](std::string_view) { return FlopPerSecond{989.4e12}; },
                             BytesPerSecond{4.8e12}};
  const KernelLaw law{Seconds{2e-6}, 0.7, 0.8, 2, Seconds{}, FlopPerSecond{989.4e12}, BytesPerSecond{4.8e12}};
  std::mt19937_64 random(4);
  std::normal_distribution<double> noise(0, 0.005);
  Measurements all;
  const auto add = [&](double batch, double heads, double tokens, bool is_held_out) {
    Measurement m = prefill(batch, heads, tokens, tokens);
    BlockSchedule s = schedule_of(m);
    s.overhead = 2;
    m.time = law_time(law, *scheduled_work(m, s)) * std::exp(noise(random));
    m.is_held_out = is_held_out;
    all.push_back(m);
  };
  for (const double batch : {1, 4, 16})
    for (const double tokens : {64, 128, 256, 512, 1024, 2048, 4096, 8192}) add(batch, 16, tokens, false);
  for (const double heads : {28, 32, 40})
    for (const double tokens : {200, 384, 700, 1500, 3000}) add(4, heads, tokens, true);
  const KernelModel model = fit_models(all, limits).kernels[0];
  EXPECT_EQ(model.schedule.overhead, 2);
  EXPECT_NEAR(model.law.flop_fraction, 0.7, 0.02);
  EXPECT_LT(model.hold_out.p90, 0.02);
  for (Measurement& m : all) m.sizes.erase("tile_rows");
  EXPECT_GT(fit_models(all, limits).kernels[0].hold_out.median, 4 * model.hold_out.median);
}

}  // namespace
}  // namespace ridge
