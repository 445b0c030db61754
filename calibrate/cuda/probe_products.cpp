// Matrix products through cuBLASLt in four precisions, and what remains of the speed after seconds of load.

#include "calibrate/cuda/product_case.h"

#include <chrono>
#include <memory>
#include <thread>

namespace ridge::cuda {
namespace {

struct Shape : ProductShape {
  bool is_held_out;
};

bool is_fp8(ProductType t) { return t == ProductType::fp8 || t == ProductType::fp8_rows; }

/// Dense for the types that models run in, fp8 by either kind of scale; the others' kernels change at the same sizes, so that the fit carries what
/// a dense table knows to a sparse one.
enum class Grid { quick, sparse, dense };

/// TFLOP of the largest product: one of 16 takes as long as a hundred others and tells no more.
constexpr double most_tera = 8;

/// The grid, and beside it layers of real models at odd row counts, which no fit sees.
std::vector<Shape> shapes(Grid grid, ProductType type) {
  std::vector<Shape> out;
  using Sizes = std::vector<std::int64_t>;
  Sizes rows{1, 64, 256, 1024, 4096, 16384}, inner{512, 4096, 16384}, columns = inner;
  // Tiles have 128 rows or twice as many: just above them a whole tile more is computed.
  if (grid == Grid::sparse) rows = {1, 16, 64, 128, 144, 256, 272, 512, 1024, 4096, 16384};
  if (grid == Grid::dense) {
    columns = inner = {512, 4096, 8192, 16384};
    rows = {1, 16, 64, 128, 144, 256, 272, 512, 544, 1024, 2048, 4096, 8192, 32768};
    if (type == ProductType::bf16) rows.insert(rows.end(), {8, 32, 384, 768});
  }
  for (const std::int64_t m : rows)
    for (const std::int64_t n : columns)
      for (const std::int64_t k : inner)
        if (2e-12 * static_cast<double>(m * n) * static_cast<double>(k) < most_tera)
          out.push_back({{m, n, k}, false});
  constexpr std::int64_t layers[][2] = {{6144, 4096},  {4096, 4096},  {28672, 4096}, {4096, 14336},
                                        {10240, 8192}, {8192, 28672}, {2048, 7168},  {8960, 1536},
                                        {13824, 5120}, {2560, 9728}};
  const std::vector<std::int64_t> held{8, 32, 48, 96, 160, 320, 640, 1500, 3000, 6144, 8192, 12000};
  const bool is_few = grid != Grid::dense;
  std::size_t turn = 0;
  for (const auto& [n, k] : layers)
    for (int i = 0; i < (is_few ? 2 : 6); ++i) {
      const std::int64_t m = held[turn++ * 5 % held.size()];
      out.push_back({{is_fp8(type) ? (m + 15) / 16 * 16 : m, n, k}, true});
      if (i == 5 || (is_few && i == 1)) ++turn;
    }
  return out;
}

struct Session {
  Blas blas;
  ProductChecker checker;
  Buffer result{std::size_t{2} << 30};
};

Timing time_product(ProbeContext& c, Session& session, ProductType type, const Shape& s, Measurement* said) {
  const ProductOperands x(c, type, s);
  const auto product = session.blas.prepare(type, s.m, s.n, s.k);
  const auto queue = [&](int i) { product->queue(x.a(i), x.w(i), session.result.at(), c.stream()); };
  if (said->kernel.empty() && !c.is_looking())
    session.checker.expect_right(
        c, [&] { queue(0); }, type, s, session.result, x.a(0), x.w(0));
  said->kernel = product->kernel();
  return c.timer().time(queue, x.turns());
}

void probe_type(ProbeContext& c, const std::shared_ptr<Session>& session, ProductType type, Grid grid) {
  std::vector<ProbeContext::Point> points;
  for (const Shape& s : shapes(grid, type)) {
    Measurement m{.family = "gemm", .variant = name_of(type)};
    m.sizes = {{"m", static_cast<double>(s.m)},       {"n", static_cast<double>(s.n)},
               {"k", static_cast<double>(s.k)},       {"activation_bytes", operand_bytes(type)},
               {"weight_bytes", operand_bytes(type)}, {"output_bytes", result_bytes(type)}};
    m.is_held_out = s.is_held_out;
    m.library = "cuBLASLt " + std::to_string(session->blas.version());
    const auto said = std::make_shared<Measurement>();
    points.push_back(
        {m, [&c, session, type, s, said] { return time_product(c, *session, type, s, said.get()); }});
  }
  c.run(std::string("products in ") + name_of(type), std::move(points));
}

}  // namespace

void probe_products(ProbeContext& c) {
  const auto session = std::make_shared<Session>();
  const bool is_quick = c.settings().is_quick;
  for (const ProductType type : {ProductType::bf16, ProductType::fp8})
    probe_type(c, session, type, is_quick ? Grid::quick : Grid::dense);
  if (is_quick) return;
  for (const ProductType type : {ProductType::fp16, ProductType::tf32})
    probe_type(c, session, type, Grid::sparse);
}

void probe_row_scales(ProbeContext& c) {
  probe_type(c, std::make_shared<Session>(), ProductType::fp8_rows,
             c.settings().is_quick ? Grid::quick : Grid::dense);
}

/// The same product after a rest: for less than the power limit needs to lower the clock, for a tenth of a second as
/// benchmarks of single kernels do, and behind seconds of it.
void probe_sustained(ProbeContext& c) {
  Session session;
  const Shape s{{8192, 8192, 8192}, false};
  Measurement said;
  time_product(c, session, ProductType::bf16, s, &said);
  const Buffer& pool = c.random_pool(std::size_t{4} << 30, Fill::bf16);
  const auto product = session.blas.prepare(ProductType::bf16, s.m, s.n, s.k);
  const std::size_t operand = static_cast<std::size_t>(s.m * s.k) * 2;
  const auto timed = [&](std::int64_t least, std::int64_t most, Seconds budget) {
    return c.timer().time_plain(
        [&](int) { product->queue(pool.at(), pool.at(operand), session.result.at(), c.stream()); },
        {.least = least, .most = most, .relative = 0, .absolute = Seconds{}, .budget = budget});
  };
  const auto emit = [&](const char* how, const Timing& t) {
    Measurement m{.family = "sustained",
                  .variant = "bf16",
                  .sizes = {{"m", 8192}, {"n", 8192}, {"k", 8192}},
                  .library = "cuBLASLt"};
    m.kernel = how;
    c.emit(m, t);
  };
  const auto rest = [] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); };
  rest();
  emit("burst", timed(5, 8, Seconds{0.02}));
  rest();
  emit("tenth", timed(10, 1000, Seconds{0.1}));
  const double start = c.elapsed(), seconds = c.settings().is_quick ? 2 : 4;
  Timing last;
  while (c.elapsed() - start < seconds) last = timed(100, 300, Seconds{0.5});
  emit("sustained", last);
}

}  // namespace ridge::cuda
