// Passes that do little arithmetic for each byte: norm, gated activation, addition, softmax; bf16.

#include "calibrate/cuda/context.h"
#include "calibrate/cuda/fetch.h"
#include "calibrate/cuda/pass_grid.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace ridge::cuda {
namespace {

enum class Pass { rmsnorm, rmsnorm_looped, silu_mul, add, softmax };
struct PassKind {
  Pass pass;
  const char* name;
  int read, written;  // rows of `width` bf16 per row
  bool is_over_rows;
};
constexpr PassKind kinds[] = {{Pass::rmsnorm, "rmsnorm", 1, 1, true},
                              {Pass::rmsnorm_looped, "rmsnorm_looped", 1, 1, true},
                              {Pass::silu_mul, "silu_mul", 2, 1, false},
                              {Pass::add, "add", 2, 1, false},
                              {Pass::softmax, "softmax", 1, 1, true}};

bool is_norm(Pass p) { return p == Pass::rmsnorm || p == Pass::rmsnorm_looped; }

void queue(Pass pass, const void* x, void* y, const void* other, int rows, int width, cudaStream_t s) {
  switch (pass) {
    case Pass::rmsnorm: return launch_rmsnorm(x, other, y, rows, width, s);
    case Pass::rmsnorm_looped: return launch_rmsnorm_looped(x, other, y, rows, width, s);
    case Pass::silu_mul: return launch_silu_mul(x, y, rows, width, s);
    case Pass::add:
      return launch_add(x, other, y, static_cast<std::size_t>(rows) * static_cast<std::size_t>(width), s);
    case Pass::softmax: return launch_softmax(x, y, rows, width, s);
  }
}

/// One row by definition; x holds two rows for the gated activation.
std::vector<double> expected_row(Pass pass, const std::vector<double>& x, const std::vector<double>& other,
                                 std::size_t width) {
  std::vector<double> y(width);
  double sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += pass == Pass::softmax ? std::exp(x[i]) : x[i] * x[i];
  for (std::size_t i = 0; i < width; ++i) switch (pass) {
      case Pass::rmsnorm:
      case Pass::rmsnorm_looped:
        y[i] = x[i] / std::sqrt(sum / static_cast<double>(width) + 1e-6) * other[i];
        break;
      case Pass::silu_mul: y[i] = x[i] / (1 + std::exp(-x[i])) * x[width + i]; break;
      case Pass::add: y[i] = x[i] + other[i]; break;
      case Pass::softmax: y[i] = std::exp(x[i]) / sum; break;
    }
  return y;
}

void expect_right(ProbeContext& c, const PassKind& kind, int rows, int width) {
  const Buffer& pool = c.random_pool(std::size_t{4} << 30, Fill::bf16);
  const auto w = static_cast<std::size_t>(width), r = static_cast<std::size_t>(rows);
  Buffer y(r * w * 2);
  const char* other = static_cast<const char*>(pool.at(std::size_t{1} << 30));
  check(cudaMemsetAsync(y.at(), 0xFF, y.bytes(), c.stream()), "memory");
  queue(kind.pass, pool.at(), y.at(), other, rows, width, c.stream());
  check_launch(kind.name);
  check(cudaStreamSynchronize(c.stream()), kind.name);
  const std::size_t inputs = kind.pass == Pass::silu_mul ? 2 : 1;
  for (const std::size_t row : {std::size_t{0}, r / 2, r - 1}) {
    const auto x = fetch_bf16(pool.at(row * inputs * w * 2), inputs * w);
    const auto o = fetch_bf16(is_norm(kind.pass) ? other : other + row * w * 2, w);
    const double error = relative_error(fetch_bf16(y.at(row * w * 2), w), expected_row(kind.pass, x, o, w));
    if (!(error < 1e-2))
      throw ProbeError(std::string(kind.name) + " is wrong, relative error " + std::to_string(error));
  }
}

Timing time_pass(ProbeContext& c, const PassKind& kind, int rows, int width) {
  const Buffer& pool = c.random_pool(std::size_t{4} << 30, Fill::bf16);
  const std::size_t one = static_cast<std::size_t>(rows) * static_cast<std::size_t>(width) * 2, set = 4 * one;
  const auto turns = static_cast<int>(std::clamp<std::size_t>(
      pool.bytes() / set, 1, static_cast<std::size_t>(rotation_for(static_cast<double>(3 * one)))));
  if (set > pool.bytes()) throw ProbeError("operands larger than the pool");
  return c.timer().time(
      [&](int i) {
        const std::size_t at = static_cast<std::size_t>(i % turns) * set;
        queue(kind.pass, pool.at(at), pool.at(at + 3 * one), pool.at(at + 2 * one), rows, width, c.stream());
      },
      turns);
}

}  // namespace

void probe_pointwise(ProbeContext& c) {
  std::vector<ProbeContext::Point> points;
  for (const PassKind& kind : kinds) {
    if (!c.is_looking()) expect_right(c, kind, 7, 1024), expect_right(c, kind, 300, 8192);
    for (const PassShape& s : pass_shapes(kind.is_over_rows, c.settings().is_quick, 4, 3.9e9))
      points.push_back({described_pass(kind.name, s, kind.is_over_rows, kind.read + kind.written),
                        [&c, kind, s] { return time_pass(c, kind, s.rows, s.width); }});
  }
  c.run("pointwise", std::move(points));
  c.release_pool();  // overwritten by results
}

}  // namespace ridge::cuda
