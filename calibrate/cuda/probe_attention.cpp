// Our own attention kernels: over many queries (prefill), and one query a sequence (decode).

#include "calibrate/cuda/context.h"

#include <algorithm>
#include <cuda_bf16.h>
#include <memory>

namespace ridge::cuda {
namespace {

struct Sizes {
  std::size_t q, k, o;  // bytes of queries, of keys (and as many of values), of outputs
  std::size_t operands() const { return q + 2 * k; }
};

Sizes sizes_of(const AttentionLayout& s) {
  const auto aligned = [](std::int64_t elements) {
    return (static_cast<std::size_t>(elements) * 2 + 255) / 256 * 256;
  };
  const std::size_t q = aligned(s.batch * s.queries * s.heads * s.head_dim);
  return {q, aligned(s.batch * s.keys * s.kv_heads * s.head_dim), q};
}

/// Whole output rows against double sums; the first and the last row are always among them.
void expect_right(ProbeContext& c, const AttentionLayout& s, const void* q, const void* k, const void* v,
                  const void* o) {
  const int samples = s.keys > 8192 ? 4 : 12;
  const auto d = static_cast<std::size_t>(s.head_dim), n = static_cast<std::size_t>(samples);
  std::mt19937_64 random(static_cast<std::uint64_t>(s.keys * 31 + s.batch));
  const auto below = [&](std::int64_t x) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(x));
  };
  std::vector<std::int64_t> rows{0, 0, 0, s.batch - 1, s.heads - 1, s.queries - 1};
  while (rows.size() < 3 * n) rows.insert(rows.end(), {below(s.batch), below(s.heads), below(s.queries)});
  Buffer device_rows(rows.size() * 8), out(n * d * 8);
  check(cudaMemcpy(device_rows.at(), rows.data(), rows.size() * 8, cudaMemcpyHostToDevice), "copy");
  launch_attention_reference(q, k, v, s, device_rows.as<std::int64_t>(), samples, out.as<double>(),
                             c.stream());
  check_launch("reference attention");
  check(cudaStreamSynchronize(c.stream()), "attention");
  std::vector<double> expected(n * d), got;
  check(cudaMemcpy(expected.data(), out.at(), n * d * 8, cudaMemcpyDeviceToHost), "copy");
  std::vector<__nv_bfloat16> row(d);
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t at =
        ((rows[3 * i] * s.queries + rows[3 * i + 2]) * s.heads + rows[3 * i + 1]) * s.head_dim;
    check(cudaMemcpy(row.data(), static_cast<const char*>(o) + at * 2, d * 2, cudaMemcpyDeviceToHost),
          "copy");
    for (const __nv_bfloat16 x : row) got.push_back(static_cast<double>(__bfloat162float(x)));
  }
  const double error = relative_error(got, expected);
  if (!(error < 2e-2)) throw ProbeError("a wrong attention result, relative error " + std::to_string(error));
}

Measurement described(const AttentionLayout& s) {
  Measurement m{.family = s.is_decode ? "attention_decode" : "attention_prefill",
                .variant = "bf16-d" + std::to_string(s.head_dim),
                .library = "ridge"};
  m.sizes = {{"batch", static_cast<double>(s.batch)},
             {"heads", static_cast<double>(s.heads)},
             {"kv_heads", static_cast<double>(s.kv_heads)},
             {"head_dim", static_cast<double>(s.head_dim)},
             {"key_tokens", static_cast<double>(s.keys)},
             {"activation_bytes", 2},
             {"cache_bytes", 2}};
  if (!s.is_decode) m.sizes["query_tokens"] = static_cast<double>(s.queries), m.sizes["causal"] = s.is_causal;
  return m;
}

constexpr std::size_t pool_bytes = std::size_t{12} << 30;

Timing time_attention(ProbeContext& c, const AttentionLayout& s, bool& is_checked) {
  const Buffer& pool = c.random_pool(pool_bytes, Fill::bf16);
  const Sizes z = sizes_of(s);
  if (z.operands() > pool.bytes()) throw ProbeError("operands larger than the pool");
  int turns = rotation_for(static_cast<double>(z.operands()));
  while (turns > 1 && static_cast<std::size_t>(turns) * z.operands() > pool.bytes()) --turns;
  Buffer out(z.o), workspace;
  const int splits = s.is_decode ? decode_splits(s, c.multiprocessors()) : 1;
  if (s.is_decode) {
    workspace = Buffer(decode_workspace_bytes(s, splits));
    check(cudaMemsetAsync(workspace.at(), 0, workspace.bytes(), c.stream()), "memory");
  }
  const auto queue = [&](int i) {
    const std::size_t at = static_cast<std::size_t>(i % turns) * z.operands();
    const void *q = pool.at(at), *k = pool.at(at + z.q), *v = pool.at(at + z.q + z.k);
    const bool known = s.is_decode ? launch_decode(q, k, v, out.at(), s, workspace.at(), splits, c.stream())
                                   : launch_prefill(q, k, v, out.at(), s, c.stream());
    if (!known) throw ProbeError("no kernel for this head size or group");
    check_launch("attention");
  };
  if (!is_checked) {
    check(cudaMemsetAsync(out.at(), 0xFF, z.o, c.stream()), "memory");
    queue(0);
    expect_right(c, s, pool.at(), pool.at(z.q), pool.at(z.q + z.k), out.at());
    is_checked = true;
  }
  const StopRule rule{.budget = Seconds{30e-3}};
  return c.timer().time(queue, turns, rule);
}

void add(std::vector<ProbeContext::Point>& points, ProbeContext& c, const AttentionLayout& s,
         bool is_held_out) {
  Measurement m = described(s);
  m.is_held_out = is_held_out;
  const auto is_checked = std::make_shared<bool>(false);
  const AttentionTile tile = s.is_decode ? decode_tile() : prefill_tile(s.head_dim);
  points.push_back({m, [&c, s, is_checked] { return time_attention(c, s, *is_checked); },
                    Tile{static_cast<double>(tile.rows), static_cast<double>(tile.keys)}});
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
          if (flops > 1.5e13 || b * t > 262144) continue;
          add(points, c, {b, heads, kv_heads, t, t, d, true, false}, is_held_out);
        }
  };
  if (c.settings().is_quick) {
    add_grid(128, {{32, 8}, {8, 8}}, {1, 8}, {128, 512, 2048, 8192}, false);
    add_grid(128, {{32, 8}, {16, 4}}, {2}, {384, 1024, 3000, 4096}, true);
  } else {
    add_grid(128, {{8, 1}, {32, 8}, {32, 32}}, {1, 4, 16}, {64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384},
             false);
    add_grid(128, {{32, 8}}, {1}, {32768}, false);
    add_grid(128, {{64, 8}, {16, 4}, {28, 4}}, {1, 2, 8}, {200, 384, 768, 1500, 3000, 6000}, true);
    add_grid(64, {{16, 16}}, {1, 16}, {64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384}, false);
    add_grid(64, {{16, 16}, {32, 8}}, {4}, {200, 384, 768, 1500, 3000, 6000}, true);
    add_grid(256, {{16, 8}}, {1, 4, 16}, {64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384}, false);
    add_grid(256, {{16, 8}, {8, 4}}, {2}, {200, 512, 768, 1500, 3000, 6000}, true);
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
             {16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536}, false);
    add_grid(128, {{8, 8}}, {1, 2, 8, 32, 128}, {128, 512, 2048, 8192, 32768}, false);
    add_grid(128, {{64, 8}, {28, 4}, {8, 2}}, {1, 8, 24, 100}, {300, 700, 2500, 6000, 20000}, true);
    add_grid(64, {{32, 8}, {8, 8}}, {1, 4, 16, 64, 256}, {64, 256, 512, 1024, 2048, 4096, 16384}, false);
    add_grid(64, {{16, 16}}, {4, 32}, {200, 700, 2500, 6000, 20000}, true);
  }
  c.run("decode", std::move(points));
}

}  // namespace ridge::cuda
