// Memory levels by working set: rates of reading, writing, copying and adding on one core and on all, and the
// latency of dependent loads.

#include "calibrate/cpu/context.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <random>

namespace ridge::cpu {
namespace {

enum class Kind { read, write, copy, triad };
struct StreamKind {
  Kind kind;
  const char* family;
  std::size_t arrays;
};
constexpr StreamKind kinds[] = {{Kind::read, "memory_read", 1},
                                {Kind::write, "memory_write", 1},
                                {Kind::copy, "memory_copy", 2},
                                {Kind::triad, "memory_triad", 3}};

/// One pass over `bytes` of working set, all arrays together.
std::uint64_t pass(const Kernels& k, Kind kind, char* at, std::size_t bytes) {
  const std::size_t half = bytes / 16 * 8, third = bytes / 24 * 8;
  switch (kind) {
    case Kind::read: return k.read(reinterpret_cast<std::uint64_t*>(at), bytes / 8);
    case Kind::write: k.write(reinterpret_cast<std::uint64_t*>(at), bytes / 8, bytes); break;
    case Kind::copy:
      k.copy(reinterpret_cast<std::uint64_t*>(at + half), reinterpret_cast<std::uint64_t*>(at), half / 8);
      break;
    case Kind::triad:
      k.triad(reinterpret_cast<float*>(at + 2 * third), reinterpret_cast<float*>(at),
              reinterpret_cast<float*>(at + third), third / 4);
      break;
  }
  return 0;
}

void check_loops(Context& c) {
  constexpr std::size_t n = 30011;
  std::vector<float> a(n), b(n), sum(n), copied(n + 1);
  c.fill_random(a.data(), n);
  c.fill_random(b.data(), n);
  c.kernels().triad(sum.data(), a.data(), b.data(), n);
  std::vector<double> expected(n);
  for (std::size_t i = 0; i < n; ++i) expected[i] = static_cast<double>(a[i]) + 2 * static_cast<double>(b[i]);
  expect_near(sum, expected, 1e-6, "the triad");
  std::vector<std::uint64_t> words(n), other(n);
  std::mt19937_64 random(std::random_device{}());
  for (std::uint64_t& w : words) w = random();
  if (c.kernels().read(words.data(), n) != std::accumulate(words.begin(), words.end(), std::uint64_t{0}))
    throw ProbeError("the reading loop gave a wrong sum");
  c.kernels().copy(other.data(), words.data(), n);
  if (other != words) throw ProbeError("the copying loop gave a wrong copy");
  c.kernels().write(other.data(), n, words[0]);
  if (std::ranges::count(other, words[0]) != static_cast<std::ptrdiff_t>(n))
    throw ProbeError("the writing loop left something out");
}

Timing time_passes(Context& c, Kind kind, const Buffer& buffer, std::size_t bytes, int threads) {
  const std::size_t own = bytes / static_cast<std::size_t>(threads) / 64 * 64;
  const auto passes = static_cast<int>(std::clamp(1e6 / static_cast<double>(own), 1.0, 1000.0));
  std::atomic<std::uint64_t> sink{0};
  const std::function<void(int)> work = [&](int t) {
    std::uint64_t sum = 0;
    for (int p = 0; p < passes; ++p)
      sum += pass(c.kernels(), kind, buffer.as<char>(static_cast<std::size_t>(t) * own), own);
    sink.fetch_add(sum, std::memory_order_relaxed);
  };
  Timing t = threads == 1 ? c.time_alone([&](int) { work(0); }) : c.time([&](int) { c.team().run(work); });
  for (Seconds* s : {&t.seconds.median, &t.seconds.low, &t.seconds.high}) *s /= passes;
  return t;
}

/// A random cycle through all 64-byte lines of the working set, as offsets in words.
std::vector<std::uint32_t> cycle(std::size_t bytes, std::mt19937_64& random) {
  constexpr std::uint32_t line = 16;
  const std::size_t lines = bytes / 64;
  std::vector<std::uint32_t> order(lines);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin() + 1, order.end(), random);
  std::vector<std::uint32_t> links(bytes / 4);
  for (std::size_t i = 0; i < lines; ++i) links[order[i] * std::size_t{line}] = order[(i + 1) % lines] * line;
  return links;
}

std::uint32_t chase(const std::uint32_t* links, std::uint32_t from, std::size_t steps) {
  for (std::size_t i = 0; i < steps; ++i) from = links[from];
  return from;
}

Timing time_chase(Context& c, std::size_t bytes) {
  std::mt19937_64 random(bytes);
  const auto links = cycle(bytes, random);
  Buffer buffer(bytes);
  std::copy(links.begin(), links.end(), buffer.as<std::uint32_t>());
  const auto* at = buffer.as<std::uint32_t>();
  if (chase(at, 0, bytes / 64) != 0 || chase(at, 0, bytes / 128) == 0)
    throw ProbeError("the chain of loads does not close");
  constexpr std::size_t steps = 4096;
  std::uint32_t from = 0;
  Timing t = c.time_alone([&](int) { from = chase(at, from, steps); });
  if (from >= bytes / 4) throw ProbeError("the chain of loads left its memory");
  for (Seconds* s : {&t.seconds.median, &t.seconds.low, &t.seconds.high}) *s /= steps;
  return t;
}

}  // namespace

void probe_memory(Context& c) {
  check_loops(c);
  const auto buffer = std::make_shared<Buffer>(c.most_bytes() + 4096);
  c.team().run([&](int t) {  // each core touches its own part first
    const auto [from, to] = Context::share(buffer->bytes() / 8, t, c.team().size());
    c.kernels().write(buffer->as<std::uint64_t>(8 * from), to - from, 1);
  });
  std::vector<Point> points;
  const auto add = [&](const StreamKind& kind, int threads, double exponent) {
    const auto bytes = static_cast<std::size_t>(std::exp2(exponent) / 4096) * 4096;
    if (bytes > c.most_bytes()) return;
    Measurement m{.family = kind.family,
                  .variant = threads == 1 ? "one core" : "all cores",
                  .sizes = {{"bytes", static_cast<double>(bytes)}},
                  .library = "ridge"};
    points.push_back({m, [&c, buffer, kind, bytes, threads] {
                        return time_passes(c, kind.kind, *buffer, bytes, threads);
                      }});
  };
  const double step = c.is_quick() ? 1 : 0.5;
  for (const StreamKind& kind : kinds)
    for (double e = 13; e <= 40; e += step) {
      add(kind, 1, e);
      if (c.team().size() > 1) add(kind, c.team().size(), e + std::floor(std::log2(c.team().size())));
    }
  c.runner().run("memory", std::move(points));
}

void probe_latency(Context& c) {
  std::vector<Point> points;
  for (double e = 13; e <= 40; e += c.is_quick() ? 1 : 0.5) {
    const auto bytes = static_cast<std::size_t>(std::exp2(e) / 4096) * 4096;
    if (bytes > std::min(c.most_bytes(), std::size_t{1} << 32)) break;
    Measurement m{.family = "memory_latency",
                  .variant = "one core",
                  .sizes = {{"bytes", static_cast<double>(bytes)}},
                  .library = "ridge"};
    points.push_back({m, [&c, bytes] { return time_chase(c, bytes); }});
  }
  c.runner().run("latency", std::move(points));
}

}  // namespace ridge::cpu
