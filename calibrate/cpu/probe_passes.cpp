// Passes that do little arithmetic for each byte, in fp32 over rows, on all cores; attention of one token; what
// it costs to wake the cores; what they can multiply and add at most.

#include "calibrate/cpu/context.h"

#include <algorithm>
#include <cmath>

namespace ridge::cpu {
namespace {

enum class Pass { add, rmsnorm, silu_mul, softmax };
struct PassKind {
  Pass pass;
  const char* name;
  double moved;  // floats read and written for one of the result
};
constexpr PassKind kinds[] = {{Pass::add, "add", 3},
                              {Pass::rmsnorm, "rmsnorm", 2},
                              {Pass::silu_mul, "silu_mul", 3},
                              {Pass::softmax, "softmax", 2}};

void row(const Kernels& k, Pass pass, float* y, const float* x, const float* other, std::size_t n) {
  switch (pass) {
    case Pass::add: return k.add(y, x, other, n);
    case Pass::rmsnorm: return k.rmsnorm(y, x, other, n);
    case Pass::silu_mul: return k.silu_mul(y, x, other, n);
    case Pass::softmax: return k.softmax(y, x, n);
  }
}

std::vector<double> expected_row(Pass pass, std::span<const float> x, std::span<const float> other) {
  std::vector<double> y(x.size());
  double sum = 0;
  for (const float v : x) {
    const auto d = static_cast<double>(v);
    sum += pass == Pass::softmax ? std::exp(d) : d * d;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto a = static_cast<double>(x[i]), b = static_cast<double>(other[i]);
    switch (pass) {
      case Pass::add: y[i] = a + b; break;
      case Pass::rmsnorm: y[i] = a / std::sqrt(sum / static_cast<double>(x.size()) + 1e-6) * b; break;
      case Pass::silu_mul: y[i] = a / (1 + std::exp(-a)) * b; break;
      case Pass::softmax: y[i] = std::exp(a) / sum; break;
    }
  }
  return y;
}

void check_pass(Context& c, const PassKind& kind, std::size_t width) {
  std::vector<float> x(width), other(width), y(width, 1e30f);
  c.fill_random(x.data(), width);
  c.fill_random(other.data(), width);
  row(c.kernels(), kind.pass, y.data(), x.data(), other.data(), width);
  expect_near(y, expected_row(kind.pass, x, other), 1e-5, kind.name);
}

Timing time_pass(Context& c, const PassKind& kind, std::size_t rows, std::size_t width) {
  const Buffer& pool = c.pool();
  const std::size_t one = rows * width * sizeof(float);
  if (2 * one > pool.bytes()) throw ProbeError("operands larger than the pool");
  const auto turns = static_cast<std::size_t>(
      std::clamp<std::size_t>(pool.bytes() / (2 * one), 1, static_cast<std::size_t>(c.turns_for(3 * one))));
  Buffer result(turns * one);
  return c.time([&](int i) {
    const std::size_t turn = static_cast<std::size_t>(i) % turns;
    const auto* x = pool.as<float>(2 * turn * one);
    const auto* other = pool.as<float>((2 * turn + 1) * one);
    auto* y = result.as<float>(turn * one);
    c.team().run([&](int t) {
      const auto [from, to] = Context::share(rows, t, c.team().size());
      for (std::size_t r = from; r < to; ++r)
        row(c.kernels(), kind.pass, y + r * width, x + r * width,
            kind.pass == Pass::rmsnorm ? other : other + r * width, width);
    });
  });
}

/// A cache of fp32 keys and values; queries of `group` heads share one of its heads.
struct DecodeShape {
  std::size_t batch, kv_heads, group, head_dim, tokens;
  std::size_t cache_floats() const { return batch * kv_heads * tokens * head_dim; }
};

void decode(Context& c, const DecodeShape& s, const float* query, const float* keys, const float* values,
            float* out, std::vector<std::vector<float>>& scores) {
  c.team().run([&](int t) {
    auto& own = scores[static_cast<std::size_t>(t)];
    own.resize(s.tokens);
    const auto [from, to] = Context::share(s.batch * s.kv_heads, t, c.team().size());
    for (std::size_t h = from; h < to; ++h)
      for (std::size_t g = 0; g < s.group; ++g) {
        const std::size_t at = (h * s.group + g) * s.head_dim, cache = h * s.tokens * s.head_dim;
        c.kernels().attend(out + at, query + at, keys + cache, values + cache, own.data(), s.tokens,
                           s.head_dim);
      }
  });
}

void check_decode(Context& c) {
  const DecodeShape s{2, 3, 2, 64, 301};
  const std::size_t heads = s.batch * s.kv_heads * s.group;
  std::vector<float> q(heads * 64), k(s.cache_floats()), v(s.cache_floats()), out(heads * 64, 1e30f);
  for (auto* x : {&q, &k, &v}) c.fill_random(x->data(), x->size());
  std::vector<std::vector<float>> scores(static_cast<std::size_t>(c.team().size()));
  decode(c, s, q.data(), k.data(), v.data(), out.data(), scores);
  std::vector<double> expected(heads * 64, 0);
  for (std::size_t h = 0; h < heads; ++h) {
    const float* keys = k.data() + h / s.group * s.tokens * 64;
    const float* values = v.data() + h / s.group * s.tokens * 64;
    double sum = 0;
    for (std::size_t t = 0; t < s.tokens; ++t) {
      double score = 0;
      for (std::size_t i = 0; i < 64; ++i)
        score += static_cast<double>(q[h * 64 + i]) * static_cast<double>(keys[t * 64 + i]);
      const double p = std::exp(score / 8);
      sum += p;
      for (std::size_t i = 0; i < 64; ++i)
        expected[h * 64 + i] += p * static_cast<double>(values[t * 64 + i]);
    }
    for (std::size_t i = 0; i < 64; ++i) expected[h * 64 + i] /= sum;
  }
  expect_near(out, expected, 1e-5, "attention");
}

Timing time_decode(Context& c, const DecodeShape& s) {
  const Buffer& pool = c.pool();
  const std::size_t one = s.cache_floats() * sizeof(float);
  if (2 * one > pool.bytes()) throw ProbeError("a cache larger than the pool");
  const auto turns =
      std::clamp<std::size_t>(pool.bytes() / (2 * one), 1, static_cast<std::size_t>(c.turns_for(2 * one)));
  std::vector<float> out(s.batch * s.kv_heads * s.group * s.head_dim);
  std::vector<std::vector<float>> scores(static_cast<std::size_t>(c.team().size()));
  return c.time([&](int i) {
    const std::size_t at = 2 * one * (static_cast<std::size_t>(i) % turns);
    decode(c, s, pool.as<float>(), pool.as<float>(at), pool.as<float>(at + one), out.data(), scores);
  });
}

template <class T>
Timing time_chain(Context& c, void (*chain)(T*, std::size_t), std::size_t lanes, std::size_t steps) {
  std::vector<T> kept(static_cast<std::size_t>(c.team().size()));
  return c.time([&](int) {
    c.team().run([&](int t) {
      std::vector<T> x(lanes, static_cast<T>(t));
      chain(x.data(), steps);
      kept[static_cast<std::size_t>(t)] = x[0];  // or the chain would have no purpose
    });
  });
}

}  // namespace

void probe_passes(Context& c) {
  std::vector<Point> points;
  for (const PassKind& kind : kinds) {
    check_pass(c, kind, 1024);
    check_pass(c, kind, 3001);
    for (const std::size_t width : {1024u, 2048u, 4096u})
      for (std::size_t rows = 1; rows <= 8192; rows *= 4) {
        if (2 * rows * width * sizeof(float) > c.most_bytes()) continue;
        Measurement m{.family = "pointwise", .variant = kind.name, .library = "ridge"};
        m.sizes = {{"bytes", kind.moved * sizeof(float) * static_cast<double>(rows * width)},
                   {"rows", static_cast<double>(rows)}};
        m.is_held_out = width == 2048;
        points.push_back({m, [&c, kind, rows, width] { return time_pass(c, kind, rows, width); }});
      }
  }
  c.runner().run("passes", std::move(points));
}

void probe_decode(Context& c) {
  check_decode(c);
  std::vector<Point> points;
  const auto add = [&](const DecodeShape& s, bool is_held_out) {
    if (2 * s.cache_floats() * sizeof(float) > c.most_bytes()) return;
    Measurement m{.family = "attention_decode", .variant = "fp32-d" + std::to_string(s.head_dim)};
    m.sizes = {{"batch", static_cast<double>(s.batch)},
               {"heads", static_cast<double>(s.kv_heads * s.group)},
               {"kv_heads", static_cast<double>(s.kv_heads)},
               {"head_dim", static_cast<double>(s.head_dim)},
               {"key_tokens", static_cast<double>(s.tokens)},
               {"activation_bytes", 4},
               {"cache_bytes", 4}};
    m.library = "ridge";
    m.is_held_out = is_held_out;
    points.push_back({m, [&c, s] { return time_decode(c, s); }});
  };
  for (const std::size_t batch : {1u, 4u, 16u})
    for (const std::size_t group : {1u, 4u})
      for (const std::size_t kv_heads : {4u, 8u}) {
        for (const std::size_t tokens : {128u, 512u, 2048u, 8192u})
          add({batch, kv_heads, group, 64, tokens}, false);
        for (const std::size_t tokens : {300u, 1500u, 5000u}) add({batch, kv_heads, group, 64, tokens}, true);
      }
  c.runner().run("decode", std::move(points));
}

void probe_dispatch(Context& c) {
  const std::function<void(int)> nothing = [](int) {};
  const Timing t = c.time([&](int) { c.team().run(nothing); });
  c.runner().emit({.family = "launch", .variant = "eager", .sizes = {}, .library = "ridge"}, t);
}

void probe_peak(Context& c) {
  const Kernels& k = c.kernels();
  std::vector<float> x(k.lanes_fp32);
  c.fill_random(x.data(), x.size());
  std::vector<double> expected;
  for (const float v : x) expected.push_back(2 + (static_cast<double>(v) - 2) * std::exp2(-10));
  k.chain_fp32(x.data(), 10);
  expect_near(x, expected, 1e-6, "the chain of multiply-adds");
  constexpr std::size_t steps = 20000;
  const auto emit = [&](const char* precision, std::size_t lanes, const Timing& t) {
    const double flops = 2.0 * static_cast<double>(lanes * steps) * c.team().size();
    c.runner().emit({.family = "peak", .variant = precision, .sizes = {{"flops", flops}}, .library = "ridge"},
                    t);
  };
  emit("fp32", k.lanes_fp32, time_chain<float>(c, k.chain_fp32, k.lanes_fp32, steps));
  emit("fp64", k.lanes_fp64, time_chain<double>(c, k.chain_fp64, k.lanes_fp64, steps));
}

}  // namespace ridge::cpu
