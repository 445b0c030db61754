#include "hardware/summary.h"

#include "tests/hardware/preset.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace ridge {
namespace {

TEST(Summary, EveryRowHasAnOriginWithFileAndLine) {
  const Loaded l = load_preset("hardware", "dgx-h100");
  const HardwareSummary s = summarize(l.cluster, &l.origins);
  EXPECT_EQ(s.name, "NVIDIA DGX H100");
  EXPECT_GT(s.rows.size(), 40u);
  std::set<std::string> keys;
  for (const SummaryRow& r : s.rows) {
    EXPECT_TRUE(l.origins.contains(r.key)) << r.key;
    EXPECT_FALSE(r.origin.where.empty()) << r.key;
    EXPECT_FALSE(r.origin.citation.empty()) << r.key;
    EXPECT_TRUE(keys.insert(r.key).second) << r.key;
  }
}

TEST(Summary, ShowsTheFiguresOfTheCluster) {
  const Loaded l = load_preset("hardware", "dgx-h100");
  const HardwareSummary s = summarize(l.cluster);
  const auto row = [&](std::string_view key) { return *std::ranges::find(s.rows, key, &SummaryRow::key); };
  EXPECT_EQ(row("hardware.device.peaks.bf16").value, 989.4e12);
  EXPECT_EQ(row("hardware.device.peaks.bf16").dim, FlopPerSecond::dim);
  EXPECT_EQ(row("hardware.device.hbm.bandwidth").value, 3.35e12);
  EXPECT_EQ(row("hardware.tiers.network.link.bandwidth").value, 50e9);
  EXPECT_EQ(row("hardware.device.achievable.gemm.bf16.flop_fraction").value, 0.745);
  EXPECT_FALSE(s.ridges.empty());
}

TEST(Summary, LeavesOutWhatNobodyPublished) {
  const HardwareSummary s = summarize(Cluster{});
  EXPECT_TRUE(s.rows.empty());
  EXPECT_TRUE(s.ridges.empty());
}

}  // namespace
}  // namespace ridge
