// Our own attention kernels: over many queries (prefill), and one query a sequence (decode).

#include "calibrate/cuda/attention_case.h"

#include <memory>
#include <optional>

namespace ridge::cuda {
namespace {

Timing time_attention(ProbeContext& c, const AttentionLayout& s, bool& is_checked) {
  AttentionCase one(c, s);
  std::optional<DecodeKernel> decode;
  if (s.is_decode) decode.emplace(c, s);
  const AttentionCase::Kernel kernel = [&](const void* q, const void* k, const void* v, void* o) {
    if (decode) decode->queue(q, k, v, o);
    else queue_prefill(s, q, k, v, o, c.stream());
  };
  if (!is_checked && !c.is_looking()) one.expect_right(kernel);
  is_checked = true;
  return one.time(kernel);
}

void add(std::vector<ProbeContext::Point>& points, ProbeContext& c, const AttentionLayout& s,
         bool is_held_out) {
  Measurement m = described(s);
  m.is_held_out = is_held_out;
  m.kernel = s.is_decode ? "mma.sync" : prefill_kernel(s.head_dim);
  const auto is_checked = std::make_shared<bool>(false);
  const AttentionTile tile = s.is_decode                     ? decode_tile()
                             : has_prefill_wgmma(s.head_dim) ? prefill_wgmma_tile(s.head_dim)
                                                             : prefill_tile(s.head_dim);
  if (!s.is_decode && has_prefill_wgmma(s.head_dim)) {
    m.sizes["tile_rows"] = tile.rows, m.sizes["tile_columns"] = tile.keys;
    m.sizes["blocks_at_once"] = c.multiprocessors();  // a block fills one
  }
  points.push_back({m, [&c, s, is_checked] { return time_attention(c, s, *is_checked); },
                    Tile{static_cast<double>(tile.rows), static_cast<double>(tile.keys)},
                    s.is_decode && !is_held_out ? 1 : 2});
}

struct Heads {
  std::int64_t heads, kv_heads;
};

}  // namespace

void probe_prefill(ProbeContext& c) {
  std::vector<ProbeContext::Point> points;
  const auto add_grid = [&](int d, std::initializer_list<Heads> all,
                            std::initializer_list<std::int64_t> batches,
                            std::initializer_list<std::int64_t> tokens, bool is_held_out) {
    for (const auto& [heads, kv_heads] : all)
      for (const std::int64_t b : batches)
        for (const std::int64_t t : tokens) {
          const double flops = 2.0 * static_cast<double>(b * heads * t) * static_cast<double>(t) * d;
          if (flops > 4e12 || b * t > 262144) continue;
          add(points, c, {b, heads, kv_heads, t, t, d, true, false}, is_held_out);
        }
  };
  if (c.settings().is_quick) {
    add_grid(128, {{32, 8}, {8, 8}}, {1, 8}, {128, 512, 2048, 8192}, false);
    add_grid(128, {{32, 8}, {16, 4}}, {2}, {384, 1024, 3000, 4096}, true);
  } else {
    add_grid(128, {{8, 1}, {32, 8}, {32, 32}}, {1, 8}, {64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384},
             false);
    add_grid(128, {{32, 8}}, {1}, {32768}, false);
    add_grid(128, {{64, 8}, {16, 4}, {28, 4}}, {1, 4}, {200, 384, 768, 1500, 3000, 6000}, true);
    add_grid(64, {{16, 16}}, {1, 2, 4, 8, 16}, {128, 256, 384, 512, 768, 1024, 2048, 4096, 8192}, false);
    add_grid(64, {{16, 16}}, {1, 4}, {64, 16384}, false);
    add_grid(64, {{16, 16}, {32, 8}}, {4}, {200, 400, 700, 1500, 3000, 6000}, true);
    add_grid(256, {{16, 8}}, {1, 2, 4, 8}, {128, 256, 384, 512, 768, 1024, 2048, 4096, 8192}, false);
    add_grid(256, {{16, 8}}, {1}, {64, 16384}, false);
    add_grid(256, {{16, 8}, {8, 4}}, {2, 3}, {200, 400, 700, 1500, 3000, 6000}, true);
  }
  c.run("prefill", std::move(points));
}

void probe_decode(ProbeContext& c) {
  std::vector<ProbeContext::Point> points;
  const auto add_grid = [&](int d, std::initializer_list<Heads> all,
                            std::initializer_list<std::int64_t> batches,
                            std::initializer_list<std::int64_t> tokens, bool is_held_out) {
    for (const auto& [heads, kv_heads] : all)
      for (const std::int64_t b : batches)
        for (const std::int64_t t : tokens) {
          if (static_cast<double>(b * kv_heads * t) * d * 4 > 11e9) continue;
          add(points, c, {b, heads, kv_heads, 1, t, d, true, true}, is_held_out);
        }
  };
  if (c.settings().is_quick) {
    add_grid(128, {{32, 8}}, {1, 8, 64}, {256, 1024, 4096, 16384}, false);
    add_grid(128, {{64, 8}, {32, 32}}, {2, 32}, {700, 2048, 6000}, true);
  } else {
    add_grid(128, {{32, 8}, {16, 1}, {64, 8}, {32, 32}}, {1, 4, 16, 64, 256},
             {16, 64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 65536}, false);
    add_grid(128, {{8, 8}}, {1, 2, 8, 32, 128}, {128, 512, 2048, 8192, 32768}, false);
    add_grid(128, {{64, 8}, {28, 4}, {8, 2}}, {1, 8, 24, 100}, {300, 700, 2500, 6000, 20000}, true);
    add_grid(64, {{32, 8}, {8, 8}}, {1, 4, 16, 64, 256}, {64, 256, 512, 1024, 2048, 4096, 16384}, false);
    add_grid(64, {{16, 16}}, {4, 32}, {200, 700, 2500, 6000, 20000}, true);
  }
  c.run("decode", std::move(points));
}

}  // namespace ridge::cuda
