// Our attention of one query a sequence over a compressed cache: 512 latent and 64 rotary numbers a token.

#include "calibrate/cuda/attention_case.h"

#include <memory>

namespace ridge::cuda {
namespace {

Timing time_latent(ProbeContext& c, const AttentionLayout& s, bool& is_checked) {
  AttentionCase one(c, s);
  const LatentPlan plan = latent_plan(s, c.multiprocessors());
  const Buffer workspace(latent_workspace_bytes(s, plan));
  const AttentionCase::Kernel kernel = [&](const void* q, const void* k, const void*, void* o) {
    if (!launch_latent(q, k, o, s, workspace.at(), plan, c.stream()))
      throw ProbeError("no wgmma on this device, or heads in no multiple of 64");
  };
  if (!is_checked && !c.is_looking()) one.expect_right(kernel);
  is_checked = true;
  return one.time(kernel);
}

Measurement described_latent(const AttentionLayout& s) {
  Measurement m{.family = "attention_latent", .variant = "bf16", .library = "ridge", .kernel = "wgmma"};
  m.sizes = {{"batch", static_cast<double>(s.batch)},
             {"heads", static_cast<double>(s.heads)},
             {"head_dim", static_cast<double>(s.head_dim)},
             {"latent_dim", static_cast<double>(s.latent_dim)},
             {"key_tokens", static_cast<double>(s.keys)},
             {"activation_bytes", 2},
             {"cache_bytes", 2}};
  return m;
}

}  // namespace

void probe_latent(ProbeContext& c) {
  std::vector<Point> points;
  const AttentionTile of_kernel = latent_tile();
  const Tile tile{static_cast<double>(of_kernel.rows), static_cast<double>(of_kernel.keys)};
  const auto add = [&](std::initializer_list<std::int64_t> heads, std::initializer_list<std::int64_t> batches,
                       std::initializer_list<std::int64_t> tokens, bool is_held_out) {
    for (const std::int64_t h : heads)
      for (const std::int64_t b : batches)
        for (const std::int64_t t : tokens) {
          if (b * t > 4194304) continue;
          const AttentionLayout s{b, h, 1, 1, t, 576, true, true, 512};
          Measurement m = described_latent(s);
          m.is_held_out = is_held_out;
          const auto is_checked = std::make_shared<bool>(false);
          points.push_back({m, [&c, s, is_checked] { return time_latent(c, s, *is_checked); }, tile});
        }
  };
  if (c.settings().is_quick) {
    add({128}, {1, 16, 128}, {512, 4096}, false);
  } else {
    // A range a multiprocessor and 64 heads: on both sides of 66 and 132 sequences the last round is full or empty.
    add({128}, {1, 4, 16, 64, 72, 128, 140, 256}, {128, 384, 512, 1024, 2048, 4096, 8192, 32768}, false);
    add({128}, {32}, {128, 512, 2048, 8192}, false);
    add({64}, {1, 16, 256}, {512, 4096}, false);
    add({128}, {2, 24, 100}, {300, 700, 1500, 3000, 6000, 20000}, true);
  }
  c.run("latent attention", std::move(points));
}

}  // namespace ridge::cuda
