#include "calibrate/fit/observation.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

Measurement product(double m, double n, double k) {
  return {.family = "gemm", .variant = "bf16", .sizes = {{"m", m}, {"n", n}, {"k", k}}};
}

Measurement attention(const char* family, double queries, double keys, double heads, double kv_heads) {
  return {.family = family,
          .variant = "bf16-d128",
          .sizes = {{"batch", 2},
                    {"heads", heads},
                    {"kv_heads", kv_heads},
                    {"head_dim", 128},
                    {"query_tokens", queries},
                    {"key_tokens", keys}}};
}

TEST(ExecutedFlops, OfProductsArePaddedToTiles) {
  // 100 rows fill one tile of 128, 300 columns two of 256; k is not padded.
  EXPECT_EQ(executed_flops(product(100, 300, 64), {128, 256}), Flop{2.0 * 128 * 512 * 64});
  EXPECT_EQ(executed_flops(product(100, 300, 64), {}), work_of(product(100, 300, 64))->flops);
}

// Counted on H200 in 2026-11: cuBLASLt computes whole clusters of tiles.
TEST(ExecutedFlops, OfLibraryKernelsAreWholeClusters) {
  const auto ratio = [](double m, double n, double k, const char* kernel) {
    return executed_flops(product(m, n, k), tile_of_name(kernel)) / work_of(product(m, n, k))->flops;
  };
  EXPECT_NEAR(ratio(8192, 8192, 8192, "nvjet_sm90_tst_320x128_64x3_1x2_h_bz_coopB_TNT"), 1.0156, 1e-4);
  EXPECT_NEAR(ratio(768, 1536, 8192, "nvjet_sm90_tst_80x128_64x8_4x2_h_bz_TNN"), 1.0417, 1e-4);
  EXPECT_NEAR(ratio(64, 8192, 512, "nvjet_sm90_qqtst_72x64_128x12_4x1_v_bz_algo2_TNN"), 1.0195, 1e-4);
  EXPECT_NEAR(ratio(32768, 16384, 16384, "nvjet_sm90_tst_192x192_64x4_2x1_v_bz_coopB_TNN"), 1.0098, 1e-4);
}

constexpr Chip h200{Bytes{62914560}, 132};

// Bytes read and written as counted on H200 in 2026-11.
TEST(ProductTraffic, AgreesWithTheCounters) {
  const auto megabytes = [](double m, double n, double k, const char* kernel) {
    return product_traffic(product(m, n, k), tile_of_name(kernel), h200).value() * 1e-6;
  };
  EXPECT_NEAR(megabytes(16384, 512, 16384, "nvjet_sm90_hsh_256x128_64x4_1x2_h_bz_coopA_TNT") / (570 + 17), 1,
              0.01);
  EXPECT_NEAR(megabytes(2048, 4096, 16384, "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT") / (344 + 17), 1,
              0.04);
  EXPECT_NEAR(megabytes(8192, 8192, 8192, "nvjet_sm90_tst_320x128_64x3_1x2_h_bz_coopB_TNT") / (1265 + 134), 1,
              0.04);
  const auto fp8 = [](double m, double n, double k, const char* kernel) {
    Measurement x = product(m, n, k);
    x.sizes.insert({{"activation_bytes", 1}, {"weight_bytes", 1}, {"output_bytes", 2}});
    return product_traffic(x, tile_of_name(kernel), h200).value() * 1e-6;
  };
  EXPECT_NEAR(fp8(8192, 8192, 8192, "nvjet_sm90_qqtst_144x128_128x6_1x2_h_bz_coopA_algo2_TNN") / (527 + 134),
              1, 0.03);
  const char* wide = "nvjet_sm90_qqtst_128x160_128x5_2x1_v_bz_coopA_algo2_TNT";
  EXPECT_NEAR(fp8(3008, 6144, 4096, wide) / (65 + 37), 1, 0.03);
  EXPECT_NEAR(fp8(32768, 1536, 4096, wide) / 251.9, 1, 0.08);
  EXPECT_NEAR(fp8(8192, 1536, 8192, wide) / 168.5, 1, 0.03);
  EXPECT_NEAR(fp8(16384, 16384, 16384, wide) / 6491, 1, 0.03);
  EXPECT_NEAR(megabytes(4096, 4096, 16384, "nvjet_sm90_hsh_256x128_64x4_1x2_h_bz_coopA_TNT") / (604 + 34), 1,
              0.11);
}

TEST(ProductTraffic, OfWhatFitsTheCacheIsTheDefinition) {
  const Measurement x = product(64, 16384, 4096);
  const Tile tile = tile_of_name("nvjet_sm90_tst_128x64_64x8_2x1_v_bz_TNT");
  EXPECT_EQ(product_traffic(x, tile, h200), work_of(x)->bytes);
  EXPECT_EQ(product_traffic(product(512, 512, 512), tile, h200), work_of(product(512, 512, 512))->bytes);
}

// More cache never moves more, and nothing moves less than the definition.
TEST(ProductTraffic, FallsWithTheCacheToTheDefinition) {
  for (const double m : {64.0, 1000.0, 8192.0, 40000.0})
    for (const bool by_columns : {false, true}) {
      const Measurement x = product(m, 8192, 8192);
      Bytes before{1e30};
      for (const double l2 : {1e6, 1e7, 1e8, 1e9, 1e12}) {
        const Bytes now = product_traffic(
            x, {.rows = 128, .columns = 256, .is_grouped_by_columns = by_columns}, {Bytes{l2}, 132});
        EXPECT_LE(now, before);
        EXPECT_GE(now, work_of(x)->bytes);
        before = now;
      }
    }
}

TEST(ExecutedFlops, OfCausalAttentionStopAtTheTileOfTheDiagonal) {
  // Tiles of 128 queries and 64 keys, 256 tokens: the first tile sees 128 keys, the second 256.
  const Measurement x = attention("attention_prefill", 256, 256, 8, 8);
  EXPECT_EQ(executed_flops(x, {128, 64}), Flop{4.0 * 2 * 8 * 128 * (128 * 128 + 128 * 256)});
  // With tiles of one the definition itself: s (s + 1) / 2 pairs.
  EXPECT_EQ(executed_flops(x, {}), work_of(x)->flops);
}

TEST(ExecutedFlops, OfQueriesBehindACacheSeeAllOfIt) {
  // 128 queries behind 64 cached keys: one tile that sees all 192 keys.
  EXPECT_EQ(executed_flops(attention("attention_prefill", 128, 192, 8, 8), {128, 64}),
            Flop{4.0 * 2 * 8 * 128 * 128 * 192});
}

TEST(ExecutedFlops, OfDecodeFillARowForEachHeadOfTheGroupAndTheRestInVain) {
  // Groups of 4 query heads in 16 rows, 100 keys in tiles of 16: 112.
  EXPECT_EQ(executed_flops(attention("attention_decode", 1, 100, 32, 8), {16, 16}),
            Flop{4.0 * 2 * 8 * 128 * 16 * 112});
}

// FLOPs as counted on H200 in 2026-11, cuDNN 9.19: batch, heads, tokens.  (9.14 ran a tile more before each diagonal:
// 112 071 802 880, 2 917 893 570 560.)
TEST(ExecutedFlops, OfTheBackwardPassStartAtTheDiagonal) {
  const Tile tile = attention_tile_of_name(
      "cudnn_generated_fort_native_sdpa_sm90_flash_bprop_wgmma_f16_knob_26_64x64x128_1x4x1_cga1x1x1_kernel0_"
      "0");
  const struct {
    double batch, heads, kv_heads, tokens, counted;
  } cases[] = {
      {1, 64, 8, 1500, 104689827840}, {8, 32, 32, 4096, 2834678415360}, {1, 8, 1, 2048, 22817013760}};
  for (const auto& c : cases) {
    Measurement x = attention("attention_backward", c.tokens, c.tokens, c.heads, c.kv_heads);
    x.sizes["batch"] = c.batch;
    EXPECT_NEAR(executed_flops(x, tile).value() / c.counted, 1, 1e-6) << c.tokens;
    EXPECT_EQ(executed_flops(x, {}), work_of(x)->flops);
  }
}

Observation observed_as(Measurement x, std::vector<std::string> kernels, Tile tile, double megabytes) {
  Observation o{.what = std::move(x), .kernels = std::move(kernels), .tile = tile};
  o.counted[counted_read] = 1e6 * megabytes;
  return o;
}

// Bytes read and written as counted on H200 in 2026-11.
TEST(CountedKernels, KnowWhatTheNewestKernelsMove) {
  const Chip chip{Bytes{62914560}, 132};
  const auto ratio = [&](const Observation& o) { return counted_kernels({{o}}, chip)[0].memory_ratio; };
  const auto backward = [](double batch, double heads, double kv_heads, double tokens, double megabytes) {
    Measurement x = attention("attention_backward", tokens, tokens, heads, kv_heads);
    x.sizes["batch"] = batch;
    return observed_as(x, {"cudnn_sdpa_sm90_flash_bprop_knob_26_64x64x128"}, {}, megabytes);
  };
  EXPECT_NEAR(ratio(backward(1, 64, 8, 6000, 1024.1 + 715.5)), 1, 0.02);
  EXPECT_NEAR(ratio(backward(8, 32, 32, 4096, 2699.3 + 1886.9)), 1, 0.02);
  const auto narrow = [](double m, double n, double k, int bits, std::vector<std::string> kernels, Tile tile,
                         double megabytes) {
    Measurement x = product(m, n, k);
    x.library = "ridge", x.variant = bits == 8 ? "int8-weights" : "int4-weights";
    x.sizes["weight_bytes"] = bits == 8 ? 1 : 0.5 + 2.0 / 128;
    return observed_as(x, std::move(kernels), tile, megabytes);
  };
  EXPECT_NEAR(ratio(narrow(96, 5120, 13824, 8, {"few<8, 4>"}, {32, 32}, 145.2 + 1)), 1, 0.11);
  EXPECT_NEAR(ratio(narrow(64, 14336, 4096, 8, {"few<8, 4>"}, {32, 32}, 106.5 + 1.9)), 1, 0.1);
  EXPECT_NEAR(ratio(narrow(64, 14336, 4096, 4, {"few<4, 4>"}, {32, 32}, 31.2 + 1.9)), 1, 0.02);
  EXPECT_NEAR(ratio(narrow(4096, 14336, 4096, 8, {"product", "expand<8>"}, {128, 256}, 530.9 + 235.3)), 1,
              0.05);
  EXPECT_NEAR(ratio(narrow(192, 8192, 8192, 4, {"expand<4>", "product"}, {128, 256}, 172.6 + 142.5)), 1,
              0.02);
}

TEST(ExecutedFlops, OfLatentAttentionFillTilesOfKeys) {
  // 128 heads fill two tiles of 64; 100 keys fill two of 64.
  Measurement x{
      .family = "attention_latent",
      .sizes = {{"batch", 3}, {"heads", 128}, {"head_dim", 576}, {"latent_dim", 512}, {"key_tokens", 100}}};
  EXPECT_EQ(executed_flops(x, {64, 64}), Flop{2.0 * 3 * 128 * 128 * (576 + 512)});
  EXPECT_EQ(executed_flops(x, {}), work_of(x)->flops);
}

TEST(TileOfName, ReadsTheQueriesAndKeysOfLibraryAttention) {
  const Tile t = attention_tile_of_name(
      "cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_3_64x128x128_4x1x1_kernel0_0");
  EXPECT_EQ(t.rows, 128);
  EXPECT_EQ(t.columns, 128);
  EXPECT_EQ(t.cluster_rows, 1);
  EXPECT_EQ(attention_tile_of_name("prefill<128>").rows, 1);
  EXPECT_EQ(attention_tile_of_name("").rows, 1);
}

TEST(TileOfName, ReadsWhatLibrariesWrite) {
  // The library computes the transposed product: its first number are our columns.
  const Tile nvjet = tile_of_name("nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_TNT");
  EXPECT_EQ(nvjet.columns, 128);
  EXPECT_EQ(nvjet.rows, 256);
  EXPECT_EQ(nvjet.cluster_columns, 1);
  EXPECT_EQ(nvjet.cluster_rows, 2);
  EXPECT_FALSE(nvjet.is_grouped_by_columns);
  const Tile small = tile_of_name("nvjet_sm90_qqtst_72x64_128x12_4x1_v_bz_algo2_TNN");
  EXPECT_EQ(small.columns, 72);
  EXPECT_EQ(small.cluster_columns, 4);
  EXPECT_TRUE(small.is_grouped_by_columns);
  const Tile cutlass = tile_of_name("cutlass_80_tensorop_bf16_s16816gemm_bf16_256x64_32x4_tn_align8");
  EXPECT_EQ(cutlass.columns, 256);
  EXPECT_EQ(cutlass.rows, 64);
  // The instruction's shape stands first, and is smaller.
  EXPECT_EQ(
      tile_of_name("cutlass3x_sm90_tensorop_s64x128x16gemm_bf16_bf16_f32_bf16_bf16_128x192x64_2x1x1").rows,
      192);
  // Counted: 64 rows of a product are no padding for this one.
  EXPECT_EQ(tile_of_name("sm90_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize64x128x32_warpgroupsize1x1x1").rows,
            64);
  EXPECT_EQ(tile_of_name("gemv2T_kernel_val").rows, 1);
  EXPECT_EQ(tile_of_name("").rows, 1);
  EXPECT_EQ(tile_of_name("a8x").columns, 1);
}

Observation observed(const Measurement& m, double flop_factor, double read_factor) {
  Observation o{.what = m};
  o.counted[counted_tensor_flops] = flop_factor * work_of(m)->flops.value();
  o.counted[counted_read] = read_factor * work_of(m)->bytes.value();
  o.counted[counted_written] = 0;
  return o;
}

TEST(CountedKernels, SetOurFiguresAgainstTheCounters) {
  const std::vector<Observation> all{observed(product(4096, 4096, 4096), 1.005, 1.08),
                                     observed(product(8192, 8192, 8192), 1, 1.3),
                                     observed(product(64, 64, 64), 1, 0)};
  const auto rows = counted_kernels(all, {Bytes{20e6}, 132});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_NEAR(rows[0].flop_ratio, 1.005, 1e-12);
  EXPECT_NEAR(rows[0].memory_ratio, 1.08, 1e-12);
  EXPECT_TRUE(rows[0].is_past_l2);  // 3 * 4096^2 * 2 B = 100 MB against 40 MB
  EXPECT_FALSE(rows[2].is_past_l2);
  const auto families = counted_families(rows);
  ASSERT_EQ(families.size(), 1u);
  EXPECT_EQ(families[0].flop_kernels, 3);
  EXPECT_NEAR(families[0].flop_error, 0.005, 1e-12);
  EXPECT_EQ(families[0].memory_kernels, 2);
  EXPECT_NEAR(families[0].memory_error, 0.19, 1e-12);  // median of 0.08 and 0.30
}

TEST(CountedKernels, WithoutAMatrixUnitTheOrdinaryUnitsCount) {
  Observation o{.what = product(1, 4096, 4096)};
  o.counted[counted_tensor_flops] = 0;
  o.counted[counted_fma_flops] = work_of(o.what)->flops.value();
  EXPECT_EQ(counted_kernels({{o}}, {})[0].flop_ratio, 1);
  EXPECT_TRUE(counted_kernels({{Observation{.what = product(1, 1, 1)}}}, {}).empty());
}

TEST(TracedFamilies, TellTheGapBetweenKernels) {
  std::vector<Observation> all(3, {.what = product(64, 64, 64), .kernels = {"nvjet"}});
  for (std::size_t i = 0; i < 3; ++i) {
    all[i].event_time = Seconds{(11.0 + static_cast<double>(i)) * 1e-6};
    all[i].traced_time = Seconds{10e-6};
  }
  all.push_back({.what = product(1, 1, 1)});  // neither timed nor traced
  const auto t = traced_families(all);
  ASSERT_EQ(t.size(), 1u);
  EXPECT_EQ(t[0].points, 3);
  EXPECT_NEAR(t[0].gap.value(), 2e-6, 1e-12);
  EXPECT_NEAR(t[0].difference, 0.2, 1e-12);
  EXPECT_EQ(t[0].kernels, std::vector<std::string>{"nvjet"});
}

}  // namespace
}  // namespace ridge
