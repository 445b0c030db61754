// Passes of a training step: layer norm, backward passes of norms, softmax and the gated activation, and AdamW.

#include "calibrate/cuda/context.h"
#include "calibrate/cuda/fetch.h"
#include "calibrate/cuda/pass_grid.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace ridge::cuda {
namespace {

constexpr std::size_t pool_bytes = std::size_t{4} << 30;
constexpr AdamStep adam_step{1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 10.0f, 20.0f};
constexpr ChunkedAdamStep chunked_step{1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 1e-2f, 0.2236f};

enum class Pass {
  layernorm,
  rmsnorm_backward,
  layernorm_backward,
  softmax_backward,
  silu_mul_backward,
  adamw,
  adamw_chunks
};

/// Arrays are counted in units of rows x width bf16; an fp32 array is two.
struct PassKind {
  Pass pass;
  const char* name;
  int read, written, arrays;
  bool is_over_rows;
};
constexpr PassKind kinds[] = {{Pass::layernorm, "layernorm", 1, 1, 2, true},
                              {Pass::rmsnorm_backward, "rmsnorm_backward", 2, 1, 3, true},
                              {Pass::layernorm_backward, "layernorm_backward", 2, 1, 3, true},
                              {Pass::softmax_backward, "softmax_backward", 2, 1, 3, true},
                              {Pass::silu_mul_backward, "silu_mul_backward", 3, 2, 5, false},
                              {Pass::adamw, "adamw", 7, 7, 8, false},
                              {Pass::adamw_chunks, "adamw_chunks", 8, 6, 8, false}};

bool is_adam(Pass p) { return p == Pass::adamw || p == Pass::adamw_chunks; }

struct Operands {
  char* first;
  std::size_t one;  // bytes of a unit
  const void *weight, *bias;
  float* d_weight;  // with room for the parts of blocks behind it
  char* unit(int i) const { return first + static_cast<std::size_t>(i) * one; }
};

void queue(Pass pass, const Operands& x, int rows, int width, cudaStream_t s) {
  switch (pass) {
    case Pass::layernorm: return launch_layernorm(x.unit(0), x.weight, x.bias, x.unit(1), rows, width, s);
    case Pass::rmsnorm_backward:
    case Pass::layernorm_backward:
      return launch_norm_backward(pass == Pass::layernorm_backward, x.unit(0), x.unit(1), x.weight, x.unit(2),
                                  x.d_weight, x.d_weight + width, rows, width, s);
    case Pass::softmax_backward:
      return launch_softmax_backward(x.unit(0), x.unit(1), x.unit(2), rows, width, s);
    case Pass::silu_mul_backward:
      return launch_silu_mul_backward(x.unit(0), x.unit(2), x.unit(3), rows, width, s);
    case Pass::adamw:
      return launch_adam(x.unit(0), x.unit(2), x.unit(4), x.unit(6), x.unit(1), x.one / 2, adam_step, s);
    case Pass::adamw_chunks:
      return launch_adam_chunks(x.unit(0), x.unit(2), x.unit(4), x.unit(6), x.one / 2, chunked_step, s);
  }
}

std::vector<double> fetch_floats(const void* from, std::size_t elements) {
  std::vector<float> raw(elements);
  check(cudaMemcpy(raw.data(), from, elements * 4, cudaMemcpyDeviceToHost), "copy");
  return {raw.begin(), raw.end()};
}

struct Moments {
  double mean = 0, scale = 0;
};
Moments moments(const std::vector<double>& x, bool has_mean) {
  double sum = 0, squares = 0;
  for (const double v : x) sum += v;
  const auto n = static_cast<double>(x.size());
  const double mean = has_mean ? sum / n : 0;
  for (const double v : x) squares += (v - mean) * (v - mean);
  return {mean, 1 / std::sqrt(squares / n + 1e-6)};
}

std::vector<double> norm_backward_row(const std::vector<double>& x, const std::vector<double>& dy,
                                      const std::vector<double>& weight, bool has_mean) {
  const auto [mean, scale] = moments(x, has_mean);
  const auto n = static_cast<double>(x.size());
  double along = 0, shift = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    along += dy[i] * weight[i] * (x[i] - mean) * scale / n;
    if (has_mean) shift += dy[i] * weight[i] / n;
  }
  std::vector<double> out;
  for (std::size_t i = 0; i < x.size(); ++i)
    out.push_back(scale * (dy[i] * weight[i] - shift - (x[i] - mean) * scale * along));
  return out;
}

std::vector<double> silu_mul_backward_row(const std::vector<double>& x, const std::vector<double>& dy) {
  const std::size_t w = dy.size();
  std::vector<double> out(2 * w);
  for (std::size_t i = 0; i < w; ++i) {
    const double s = 1 / (1 + std::exp(-x[i]));
    out[i] = dy[i] * x[w + i] * s * (1 + x[i] * (1 - s));
    out[w + i] = dy[i] * x[i] * s;
  }
  return out;
}

void expect_close(const char* name, const std::vector<double>& got, const std::vector<double>& expected) {
  const double error = relative_error(got, expected);
  if (!(error < 1e-2))
    throw ProbeError(std::string(name) + " is wrong, relative error " + std::to_string(error));
}

/// Row `r` of a pass that keeps its inputs.
void expect_row(const PassKind& kind, const Operands& x, std::size_t r, std::size_t w) {
  const auto row = [&](int unit, std::size_t widths = 1) {
    return fetch_bf16(x.unit(unit) + r * widths * w * 2, widths * w);
  };
  const auto weight = fetch_bf16(static_cast<const char*>(x.weight), w),
             bias = fetch_bf16(static_cast<const char*>(x.bias), w);
  if (kind.pass == Pass::layernorm) {
    auto y = row(0);
    const auto [mean, scale] = moments(y, true);
    for (std::size_t i = 0; i < w; ++i) y[i] = (y[i] - mean) * scale * weight[i] + bias[i];
    expect_close(kind.name, row(1), y);
  } else if (kind.pass == Pass::softmax_backward) {
    const auto y = row(0), dy = row(1);
    double sum = 0;
    for (std::size_t i = 0; i < w; ++i) sum += y[i] * dy[i];
    std::vector<double> dx;
    for (std::size_t i = 0; i < w; ++i) dx.push_back(y[i] * (dy[i] - sum));
    expect_close(kind.name, row(2), dx);
  } else if (kind.pass == Pass::silu_mul_backward) {
    expect_close(kind.name, row(3, 2), silu_mul_backward_row(row(0, 2), row(2)));
  } else {
    expect_close(kind.name, row(2),
                 norm_backward_row(row(0), row(1), weight, kind.pass == Pass::layernorm_backward));
  }
}

/// The weight's gradient, a sum over all rows.
void expect_weight_gradient(const PassKind& kind, const Operands& x, std::size_t rows, std::size_t w) {
  std::vector<double> expected(w);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto in = fetch_bf16(x.unit(0) + r * w * 2, w), dy = fetch_bf16(x.unit(1) + r * w * 2, w);
    const auto [mean, scale] = moments(in, kind.pass == Pass::layernorm_backward);
    for (std::size_t i = 0; i < w; ++i) expected[i] += dy[i] * (in[i] - mean) * scale;
  }
  expect_close(kind.name, fetch_floats(x.d_weight, w), expected);
}

double d(float f) { return static_cast<double>(f); }

/// What a step makes of a weight: both passes in double.
double next_weight(Pass pass, double w, double g, double m, double v) {
  if (pass == Pass::adamw_chunks) {
    const ChunkedAdamStep& s = chunked_step;
    const double moment = d(s.beta1) * m + (1 - d(s.beta1)) * g,
                 variance = d(s.beta2) * v + (1 - d(s.beta2)) * g * g;
    return w - d(s.rate) * d(s.decay) * w -
           d(s.step) * moment / (std::sqrt(std::abs(variance)) / d(s.root2) + d(s.epsilon));
  }
  const AdamStep& s = adam_step;
  const double moment = d(s.beta1) * m + (1 - d(s.beta1)) * g,
               variance = d(s.beta2) * v + (1 - d(s.beta2)) * g * g;
  const double step =
      moment * d(s.correction1) / (std::sqrt(std::max(variance, 0.0) * d(s.correction2)) + d(s.epsilon));
  return w - d(s.rate) * (step + d(s.decay) * w);
}

void expect_adam(ProbeContext& c, const PassKind& kind, const Operands& x, int rows, int width) {
  const bool is_chunked = kind.pass == Pass::adamw_chunks;
  const std::size_t n = 4096, skip = x.one / 2 - n;
  const auto g = is_chunked ? fetch_floats(x.unit(0) + skip * 4, n) : fetch_bf16(x.unit(0) + skip * 2, n),
             m = fetch_floats(x.unit(2) + skip * 4, n), v = fetch_floats(x.unit(4) + skip * 4, n);
  auto w = fetch_floats(x.unit(6) + skip * 4, n);
  queue(kind.pass, x, rows, width, c.stream());
  check_launch(kind.name);
  check(cudaStreamSynchronize(c.stream()), kind.name);
  for (std::size_t i = 0; i < n; ++i) w[i] = next_weight(kind.pass, w[i], g[i], m[i], v[i]);
  expect_close(kind.name, fetch_floats(x.unit(6) + skip * 4, n), w);
  if (!is_chunked) expect_close(kind.name, fetch_bf16(x.unit(1) + skip * 2, n), w);
}

std::size_t gradient_bytes(const PassKind& kind, int rows, int width) {
  const int blocks = norm_backward_blocks(kind.pass == Pass::layernorm_backward, rows, width);
  return static_cast<std::size_t>(width) * 4 * static_cast<std::size_t>(blocks + 1);
}

void expect_right(ProbeContext& c, const PassKind& kind, int rows, int width) {
  c.release_pool();  // results of other passes may lie in it
  const Buffer& pool = c.random_pool(pool_bytes, Fill::bf16);
  const auto w = static_cast<std::size_t>(width), r = static_cast<std::size_t>(rows);
  const Buffer d_weight(gradient_bytes(kind, rows, width));
  const Operands x{static_cast<char*>(pool.at()), r * w * 2, pool.at(std::size_t{3} << 30),
                   pool.at((std::size_t{3} << 30) + w * 2), d_weight.as<float>()};
  if (is_adam(kind.pass)) return expect_adam(c, kind, x, rows, width);
  check(cudaMemsetAsync(x.unit(kind.read), 0xFF, x.one * static_cast<std::size_t>(kind.written), c.stream()),
        "memory");
  queue(kind.pass, x, rows, width, c.stream());
  check_launch(kind.name);
  check(cudaStreamSynchronize(c.stream()), kind.name);
  for (const std::size_t row : {std::size_t{0}, r / 2, r - 1}) expect_row(kind, x, row, w);
  if (kind.pass == Pass::rmsnorm_backward || kind.pass == Pass::layernorm_backward)
    expect_weight_gradient(kind, x, r, w);
}

Timing time_pass(ProbeContext& c, const PassKind& kind, int rows, int width) {
  const Buffer& pool = c.random_pool(pool_bytes, Fill::bf16);
  const std::size_t one = static_cast<std::size_t>(rows) * static_cast<std::size_t>(width) * 2,
                    set = static_cast<std::size_t>(kind.arrays) * one;
  if (set > pool.bytes()) throw ProbeError("operands larger than the pool");
  const auto turns = static_cast<int>(std::clamp<std::size_t>(
      pool.bytes() / set, 1, static_cast<std::size_t>(rotation_for(static_cast<double>(set)))));
  const Buffer d_weight(gradient_bytes(kind, rows, width));
  const std::size_t end = pool.bytes();
  return c.timer().time(
      [&](int i) {
        const Operands x{static_cast<char*>(pool.at(static_cast<std::size_t>(i % turns) * set)), one,
                         pool.at(end - (128u << 10)), pool.at(end - (64u << 10)), d_weight.as<float>()};
        queue(kind.pass, x, rows, width, c.stream());
      },
      turns);
}

}  // namespace

void probe_training(ProbeContext& c) {
  std::vector<Point> points;
  for (const PassKind& kind : kinds) {
    if (!c.is_looking()) expect_right(c, kind, 7, 1024), expect_right(c, kind, 300, 8192);
    for (const PassShape& s : pass_shapes(kind.is_over_rows, c.settings().is_quick, kind.arrays, 3.9e9))
      points.push_back({described_pass(kind.name, s, kind.is_over_rows, kind.read + kind.written),
                        [&c, kind, s] { return time_pass(c, kind, s.rows, s.width); }});
  }
  c.run("training passes", std::move(points));
  c.release_pool();  // overwritten by results
}

}  // namespace ridge::cuda
