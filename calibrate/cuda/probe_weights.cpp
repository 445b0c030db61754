// Our products with weights of 8 and 4 bits.

#include "calibrate/cuda/product_case.h"

#include <algorithm>
#include <memory>

namespace ridge::cuda {
namespace {

struct Shape : ProductShape {
  bool is_held_out;
};

std::vector<Shape> shapes(bool is_quick) {
  std::vector<Shape> out;
  // The kernels take 8, 16 or 32 rows at once, up to 96: on both sides of each step.
  const std::vector<std::int64_t> rows =
      is_quick ? std::vector<std::int64_t>{1, 32, 4096}
               : std::vector<std::int64_t>{1, 8, 9, 16, 17, 32, 33, 64, 65, 96, 97, 256, 1024, 4096};
  constexpr std::int64_t grid[][2] = {{2048, 2048},  {2048, 8192},  {2048, 16384}, {4096, 2048},
                                      {4096, 8192},  {4096, 16384}, {8192, 2048},  {8192, 8192},
                                      {8192, 16384}, {16384, 2048}, {16384, 8192}};
  for (const std::int64_t m : rows)
    for (const auto& [n, k] : grid)
      if (!is_quick || k == 8192) out.push_back({{m, n, k}, false});
  constexpr std::int64_t layers[][2] = {{6144, 4096}, {4096, 14336}, {5120, 13824}, {3072, 7168}};
  const std::vector<std::int64_t> held =
      is_quick ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{2, 7, 24, 48, 96, 256, 640, 3000};
  for (std::size_t i = 0; i < 2 * held.size(); ++i) {
    const auto& [n, k] = layers[(i + 2 * (i / held.size())) % 4];
    out.push_back({{held[i % held.size()], n, k}, true});
  }
  return out;
}

/// Random weights and scales, enough for several sets of a shape.
struct Session {
  Buffer weights{std::size_t{1} << 30}, scales{std::size_t{64} << 20}, result{std::size_t{512} << 20},
      expanded{std::size_t{256} << 20};
  ProductChecker checker;
  Blas blas;  ///< multiplies what was widened, where rows are many
  explicit Session(ProbeContext& c) {
    launch_fill(weights.at(), weights.bytes(), Fill::int8, 21, c.stream());
  }
};

Timing time_product(ProbeContext& c, Session& session, int bits, const Shape& s, bool& is_checked) {
  const Buffer& pool = c.random_pool(std::size_t{4} << 30, Fill::bf16);
  // int8 has scales of 4 bytes a row, int4 of 2 bytes for 128 numbers; random bits of the wrong type are no scales.
  const bool is_wide = bits == 8;
  const std::size_t count = static_cast<std::size_t>(is_wide ? s.n : s.n * s.k / 128);
  launch_fill(session.scales.at(), count, is_wide ? Fill::fp32 : Fill::bf16, 22, c.stream());
  const auto x_bytes = static_cast<std::size_t>(s.m * s.k) * 2,
             w_bytes = static_cast<std::size_t>(s.n * s.k) * static_cast<std::size_t>(bits) / 8;
  const int turns = rotation_for(static_cast<double>(x_bytes + w_bytes));
  if (w_bytes * static_cast<std::size_t>(turns) > session.weights.bytes() ||
      x_bytes * static_cast<std::size_t>(turns) > pool.bytes())
    throw ProbeError("operands larger than the pool");
  const auto product = [&](int i) {
    const auto turn = static_cast<std::size_t>(i % turns);
    return WeightProduct{bits,
                         s.m,
                         s.n,
                         s.k,
                         pool.at(turn * x_bytes),
                         session.weights.at(turn * w_bytes),
                         session.scales.at(),
                         session.result.at(),
                         session.expanded.at(),
                         c.multiprocessors()};
  };
  std::unique_ptr<Blas::Product> wide;
  const auto queue = [&](int i) {
    const WeightProduct p = product(i);
    if (launch_weight_expansion(p, c.stream())) {
      if (!wide) wide = session.blas.prepare(ProductType::bf16, s.m, s.n, s.k);
      return wide->queue(p.x, p.expanded, p.d, c.stream());
    }
    if (!launch_weight_product(p, c.stream())) throw ProbeError("k is no multiple of 128");
  };
  if (!is_checked && !c.is_looking())
    session.checker.expect_right(
        c, [&] { queue(0); }, ProductType::bf16, s, session.result,
        [&](const std::int64_t* rows, const std::int64_t* cols, double* out) {
          launch_weight_reference(product(0), rows, cols, ProductChecker::samples, out, c.stream());
        });
  is_checked = true;
  return c.timer().time(queue, turns);
}

}  // namespace

void probe_weights(ProbeContext& c) {
  const auto session = std::make_shared<Session>(c);
  for (const int bits : {8, 4}) {
    std::vector<Point> points;
    for (const Shape& s : shapes(c.settings().is_quick)) {
      Measurement m{
          .family = "gemm", .variant = bits == 8 ? "int8-weights" : "int4-weights", .library = "ridge"};
      m.sizes = {{"m", static_cast<double>(s.m)},
                 {"n", static_cast<double>(s.n)},
                 {"k", static_cast<double>(s.k)},
                 {"activation_bytes", 2},
                 {"weight_bytes", bits == 8 ? 1.0 : 0.5 + 2.0 / 128},
                 {"output_bytes", 2}};
      m.is_held_out = s.is_held_out;
      const auto is_checked = std::make_shared<bool>(false);
      const ProductTile tile = weight_tile(s.m);
      points.push_back(
          {m, [&c, session, bits, s, is_checked] { return time_product(c, *session, bits, s, *is_checked); },
           Tile{static_cast<double>(tile.rows), static_cast<double>(tile.columns)}});
    }
    c.run(bits == 8 ? "8-bit weights" : "4-bit weights", std::move(points));
  }
}

}  // namespace ridge::cuda
