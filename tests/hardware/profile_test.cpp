// A calibrated profile in a hardware description: what it sets, what goes over it, and what is refused.
#include "hardware/profile.h"

#include "hardware/library.h"
#include "hardware/roofline.h"
#include "tests/hardware/preset.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::HasSubstr;

KernelRecord product() {
  KernelRecord k{.family = "gemm", .variant = "bf16", .library = "cuBLASLt"};
  k.fixed_time = Seconds{3e-6};
  k.flop_fraction = 0.8, k.bandwidth_fraction = 0.9, k.exponent = 3;
  k.peak = FlopPerSecond{989.4e12}, k.bandwidth = BytesPerSecond{4.8e12};
  k.residual = {{{"m", {16, 1024}}, {"n", {1024}}, {"k", {1024}}}, {0.1, -0.1}};
  return k;
}

ProfileRecord record() {
  ProfileRecord p{.device = "NVIDIA H200", .base = "hgx-h200"};
  p.facts = {{"date", "2026-11-22"}};
  p.kernels = {product()};
  CurveRecord c{.family = "all_reduce", .variant = "4 devices, bf16, eager", .library = "NCCL 22803"};
  c.sizes_in_bytes.values = {1024, 1e6};
  c.times_in_seconds.values = {1e-5, 2e-5};
  p.curves = {c};
  p.figures = {{"launch", "eager", Seconds{3.5e-6}},
               {"sustained", "bf16 burst", Seconds{9e-4}},
               {"sustained", "bf16 sustained", Seconds{1e-3}}};
  return p;
}

/// The file `hardware`, with a library whose one profile is `profile`.
Loaded load_with(const std::string& hardware, const Node& profile, const Node& overrides = {}) {
  Library library = preset_library(RIDGE_SOURCE_DIR "/presets");
  const auto files = library.find;
  library.find = [=](std::string_view kind, std::string_view name, Diagnostics& d) {
    if (kind == "profiles") return name == "mine" ? std::optional<Node>(profile) : std::nullopt;
    return files(kind, name, d);
  };
  Loaded l;
  Node document = read_yaml(std::make_shared<const Source>(Source{"my.yaml", hardware}), l.diagnostics);
  ReadContext c{l.diagnostics, &l.origins, "hardware", Origin::Kind::preset};
  l.cluster = read_cluster(std::move(document), library, c, overrides);
  return l;
}

std::string code_of(const Loaded& l) { return l.diagnostics.empty() ? "" : l.diagnostics.items()[0].code; }

const std::string h200 = "extends: hgx-h200\nprofile: mine\n";

TEST(Profile, SetsLawsTablesCurvesAndFigures) {
  const Loaded l = load_with(h200, profile_node(record()));
  ASSERT_TRUE(l.diagnostics.empty()) << render(l.diagnostics);
  const Achievable& a = l.cluster.device.achievable;
  const KernelFit* fit = a.gemm.find(Precision::bf16);
  ASSERT_TRUE(fit && fit->residual.table);
  EXPECT_EQ(fit->fixed_time.value, Seconds{3e-6});
  EXPECT_EQ(fit->fixed_time.kind, Origin::Kind::fitted);
  EXPECT_EQ(fit->fixed_time.date, "2026-11-22");
  EXPECT_THAT(fit->fixed_time.citation, HasSubstr("profile mine: gemm bf16 (cuBLASLt)"));
  EXPECT_EQ(fit->residual.origin.kind, Origin::Kind::measured);
  EXPECT_EQ(a.launch.eager.value, Seconds{3.5e-6});
  EXPECT_DOUBLE_EQ(a.sustained_fraction.value, 0.9);
  ASSERT_EQ(l.cluster.tiers.inner_to_outer[0].curves.size(), 1u);
  EXPECT_EQ(l.cluster.tiers.inner_to_outer[0].curves[0].ranks, 4);
  EXPECT_EQ(l.cluster.profile, "mine");
  EXPECT_EQ(l.origins.at("hardware.device.achievable.gemm.bf16.fixed_time").kind, Origin::Kind::fitted);
}

TEST(Profile, AScenariosOwnKeysGoOverIt) {
  Node over = Node::map();
  set(over, "device.achievable.gemm.bf16.flop_fraction", Node::scalar("0.5"), {});
  const Loaded l = load_with(h200, profile_node(record()), over);
  EXPECT_EQ(l.cluster.device.achievable.gemm.find(Precision::bf16)->flop_fraction.value, 0.5);
  EXPECT_EQ(l.cluster.device.achievable.gemm.find(Precision::bf16)->fixed_time.value, Seconds{3e-6});
}

TEST(Profile, OfAnotherDeviceIsRefusedAtTheLineThatNamesIt) {
  for (const char* other : {"dgx-h100", "dgx-a100-80g", "dgx-b200"}) {
    const Loaded l =
        load_with("extends: " + std::string(other) + "\nprofile: mine\n", profile_node(record()));
    EXPECT_EQ(code_of(l), "other-device") << other;
    EXPECT_EQ(l.diagnostics.items()[0].span.where(), "my.yaml:2:10");
  }
  ProfileRecord wrong = record();
  wrong.facts["multiprocessors"] = "114";
  EXPECT_THAT(load_with(h200, profile_node(wrong)).diagnostics.items()[0].message,
              HasSubstr("114 multiprocessors, not 132"));
}

TEST(Profile, EditedCutImpossibleOrUnknownIsRefused) {
  Node edited = profile_node(record());
  set(edited, "device", Node::scalar("NVIDIA H100"), {});
  EXPECT_EQ(code_of(load_with(h200, edited)), "edited-profile");
  Node cut = profile_node(record());
  cut.entries.pop_back();
  EXPECT_EQ(code_of(load_with(h200, cut)), "cut-profile");
  ProfileRecord falling = record();
  falling.curves[0].times_in_seconds.values = {2e-5, 1e-5};
  EXPECT_EQ(code_of(load_with(h200, profile_node(falling))), "impossible-profile");
  ProfileRecord lonely = record();
  lonely.curves[0].sizes_in_bytes.values = {1024};
  lonely.curves[0].times_in_seconds.values = {1e-5};
  const Loaded one_size = load_with(h200, profile_node(lonely));
  EXPECT_EQ(code_of(one_size), "impossible-profile");
  EXPECT_THAT(one_size.diagnostics.items()[0].message, HasSubstr("one size alone"));
  ProfileRecord short_table = record();
  short_table.kernels[0].residual.values.pop_back();
  EXPECT_EQ(code_of(load_with(h200, profile_node(short_table))), "impossible-table");
  ProfileRecord old = record();
  old.calibration = 1;
  EXPECT_EQ(code_of(load_with(h200, profile_node(old))), "profile-version");
  EXPECT_EQ(code_of(load_with("extends: hgx-h200\nprofile: nine\n", profile_node(record()))),
            "unknown-profile");
}

TEST(Profile, LeavesOutWhatItsOwnGatesObjectTo) {
  ProfileRecord p = record();
  p.kernels[0].objections = {"too noisy"};
  const Loaded l = load_with(h200, profile_node(p));
  EXPECT_FALSE(l.cluster.device.achievable.gemm.find(Precision::bf16)->residual.table);
}

// The preset's gap is that between different kernels, 1.2 us; empty ones follow in half of it.
TEST(Profile, EmptyKernelsOfAGraphStandForTheGapOnlyWhereNoneIsKnown) {
  ProfileRecord p = record();
  p.figures.push_back({"launch", "graph_node", Seconds{0.5e-6}});
  const auto gap = [](const Loaded& l) { return l.cluster.device.achievable.launch.graph_node; };
  EXPECT_EQ(gap(load_with(h200, profile_node(p))).value, gap(load_with("extends: hgx-h200\n", {})).value);
  p.device = "Part 7", p.base = "part", p.kernels.clear();
  const Loaded bare = load_with(
      "device: {name: Part 7, peaks: {bf16: 1 TFLOP/s}, hbm: {capacity: 1 GiB, bandwidth: 1 TB/s}}\nprofile: "
      "mine\n",
      profile_node(p));
  EXPECT_EQ(gap(bare).value, Seconds{0.5e-6}) << render(bare.diagnostics);
}

TEST(Profile, CurvesOfSeveralNodesBelongToTheTierThatJoinsThem) {
  ProfileRecord p = record();
  const CurveRecord one = p.curves[0];
  p.curves.clear();
  for (const char* variant :
       {"8 ranks on 1 node, bf16, graph", "16 ranks on 2 nodes, bf16, eager",
        "16 devices, bf16, 2 nodes, graph", "2 ranks on 2 nodes, bf16, eager", "odd one"}) {
    p.curves.push_back(one);
    p.curves.back().variant = variant;
  }
  p.tiers = {{"node", 12, Seconds{2e-6}, BytesPerSecond{360e9}, 0, 0},
             {"network", 4, Seconds{8e-6}, BytesPerSecond{45e9}, 0, 0}};
  const Loaded l = load_with("extends: dgx-h200\nprofile: mine\n", profile_node(p));
  ASSERT_TRUE(l.diagnostics.empty()) << render(l.diagnostics);
  const Tier &inner = l.cluster.tiers.inner_to_outer[0], &outer = l.cluster.tiers.inner_to_outer[1];
  ASSERT_EQ(inner.curves.size(), 1u);
  EXPECT_EQ(inner.curves[0].ranks, 8);
  EXPECT_TRUE(inner.curves[0].in_graph);
  ASSERT_EQ(outer.curves.size(), 3u);
  EXPECT_EQ(outer.curves[0].ranks, 16);
  EXPECT_EQ(outer.curves[0].nodes, 2);
  EXPECT_FALSE(outer.curves[0].in_graph);
  EXPECT_TRUE(outer.curves[1].in_graph);
  EXPECT_EQ(outer.curves[2].ranks, 2);
  EXPECT_EQ(inner.link.latency.value, Seconds{2e-6});
  EXPECT_NEAR(inner.link.achievable.value, 0.8, 1e-12);  // 360 of 450 GB/s
  EXPECT_EQ(outer.link.latency.value, Seconds{8e-6});
  EXPECT_NEAR(outer.link.achievable.value, 0.9, 1e-12);  // 45 of 50 GB/s a device
}

TEST(Profile, TellsOfWhatItIsWhatItRefusedAndWhereItDiffers) {
  ProfileRecord p = record();
  p.facts["driver"] = "580.1";
  p.facts["power_limit"] = "500 W";
  p.facts["memory"] = "150109880320 B";
  p.kernels.push_back(product());
  p.kernels[1].variant = "tf32", p.kernels[1].objections = {"too noisy"};
  p.kernels[1].peak = FlopPerSecond{494.7e12};
  const Loaded l = load_with(h200, profile_node(p));
  ASSERT_TRUE(l.diagnostics.empty()) << render(l.diagnostics);
  const ProfileFacts& f = l.cluster.profile_facts;
  EXPECT_EQ(f.made, "measured 2026-11-22, driver 580.1");
  EXPECT_EQ(f.refused, std::vector<std::string>{"gemm tf32"});
  EXPECT_EQ(f.libraries, (std::vector<std::string>{"cuBLASLt", "NCCL 22803"}));
  EXPECT_EQ(f.doubts, std::vector<std::string>{"it was measured with a power limit of 500 W, not 700 W"});
}

TEST(Profile, KeepsPackedAndLatentKernelsApart) {
  ProfileRecord p = record();
  KernelRecord packed = product(), latent = product();
  packed.variant = "int4-weights";
  latent.family = "attention_latent", latent.residual = {};
  latent.intervals = {{"20 - 500 us", "", 20, 0.2}, {"by moonlight", "", 20, 0.3}};
  p.kernels = {packed, latent};
  const Loaded l = load_with(h200, profile_node(p));
  ASSERT_TRUE(l.diagnostics.empty()) << render(l.diagnostics);
  const Achievable& a = l.cluster.device.achievable;
  ASSERT_EQ(a.packed.size(), 1u);
  EXPECT_EQ(a.packed[0].name, "int4-weights");
  ASSERT_TRUE(a.latent);
  EXPECT_EQ(a.latent->residual.name, "attention_latent bf16");
  ASSERT_EQ(a.latent->residual.intervals.size(), 1u) << "a regime of no name is left out";
  EXPECT_NEAR(a.latent->residual.intervals[0].log_sigma, std::log(1.2) / 1.645, 1e-12);
}

// A processor is timed in fp32 at one width, which stands for all.
TEST(Profile, AttentionOfAProcessorIsThatOfItsOneWidth) {
  ProfileRecord p = record();
  p.device = "AMD EPYC, 2 cores", p.base = "mine", p.curves.clear(), p.figures.clear();
  KernelRecord decode = product();
  decode.family = "attention_decode", decode.variant = "fp32-d64", decode.library = "ridge";
  decode.residual = {}, decode.bandwidth = BytesPerSecond{20e9};
  p.kernels = {decode};
  const Loaded l = load_with(
      "device: {extends: cpu, kind: cpu, name: 'AMD EPYC, 2 cores', vector_peaks: {fp32: 100 GFLOP/s}, hbm: "
      "{capacity: 8 GiB, bandwidth: 20 GB/s}}\nprofile: mine\n",
      profile_node(p));
  ASSERT_FALSE(l.diagnostics.has_errors()) << render(l.diagnostics);
  const AttentionFits& a = l.cluster.device.achievable.attention;
  EXPECT_EQ(a.head_dim, 64);
  EXPECT_TRUE(a.other_widths.empty());
  EXPECT_EQ(a.decode.residual.name, "attention_decode fp32-d64");
}

TEST(Profile, OwnPrefillKernelsAreNoEnginesAndHeadDimensionsStayApart) {
  ProfileRecord p = record();
  KernelRecord own = product();
  own.residual = {};
  own.family = "attention_prefill", own.variant = "bf16-d128", own.library = "ridge";
  KernelRecord wide = own;
  wide.variant = "bf16-d256", wide.library = "cuDNN 91900", wide.flop_fraction = 0.55;
  p.kernels = {own, wide};
  const Loaded l = load_with(h200, profile_node(p)), plain = load_with("extends: hgx-h200\n", {});
  ASSERT_TRUE(l.diagnostics.empty()) << render(l.diagnostics);
  const AttentionFits& a = l.cluster.device.achievable.attention;
  EXPECT_EQ(a.prefill.flop_fraction.value,
            plain.cluster.device.achievable.attention.prefill.flop_fraction.value);
  ASSERT_EQ(a.other_widths.size(), 1u);
  EXPECT_EQ(a.other_widths[0].head_dim, 256);
  EXPECT_EQ(a.other_widths[0].prefill.flop_fraction.value, 0.55);
}

TEST(Profile, KeepsProductsWithManyScalesBesideThoseWithOne) {
  ProfileRecord p = record();
  KernelRecord one = product();
  one.variant = "fp8", one.peak = FlopPerSecond{1978.9e12}, one.flop_fraction = 0.6;
  KernelRecord rows = one;
  rows.variant = "fp8-rows", rows.flop_fraction = 0.5;
  p.kernels = {one, rows};
  const Loaded l = load_with(h200, profile_node(p));
  ASSERT_TRUE(l.diagnostics.empty()) << render(l.diagnostics);
  const Achievable& a = l.cluster.device.achievable;
  EXPECT_EQ(a.gemm.find(Precision::fp8)->flop_fraction.value, 0.6);
  ASSERT_EQ(a.fp8_scaled.size(), 1u);
  EXPECT_EQ(a.fp8_scaled[0].scales, "rows");
  EXPECT_EQ(a.fp8_scaled[0].fit.flop_fraction.value, 0.5);
}

// At m = 128, half way from 16 to 1024 in log m, R = 0: the law alone; at the ends e^0.1 and e^-0.1, held.
TEST(CalibratedTime, IsTheLawTimesTheTable) {
  CalibratedTable t{"gemm bf16",
                    std::make_shared<const ResidualTable>(product().residual),
                    {Origin::Kind::measured, "p.yaml:9", "profile mine", "2026"}};
  KernelConstants k;
  k.residual = &t;
  const Traced<Seconds> law{Seconds{1e-5}, 0};
  const auto at = [&](double m) {
    return calibrated_time(law, k, std::array{m, 1024.0, 4096.0}).value.value() / 1e-5;
  };
  EXPECT_NEAR(at(128), 1, 1e-12);
  EXPECT_NEAR(at(16), std::exp(0.1), 1e-12);
  EXPECT_NEAR(at(1), std::exp(0.1), 1e-12);
  EXPECT_NEAR(at(1e6), std::exp(-0.1), 1e-12);
  Explain ex;
  const auto traced = calibrated_time(law, k, std::array{16.0, 1.0, 1.0}, &ex);
  const auto& ratio = ex.record(ex.edges(traced.node)[1].node);
  EXPECT_EQ(ratio.key, "gemm bf16, measured / law at m 16, n 1, k 1");
  EXPECT_EQ(ratio.origin.kind, Origin::Kind::measured);
  EXPECT_EQ(ratio.origin.where, "p.yaml:9");
  EXPECT_EQ(calibrated_time(law, {}, std::array{16.0}).value, law.value);
  const ResidualTable fast = with_logarithms(*t.table);
  for (const double m : {1.0, 16.0, 100.0, 1024.0, 1e6})
    EXPECT_NEAR(residual_at(fast, std::array{m, 7.0, 7.0}), residual_at(*t.table, std::array{m, 7.0, 7.0}),
                1e-14);
}

}  // namespace
}  // namespace ridge
