// Memory levels by working set: bandwidth of reading, latency of dependent loads, and what the four stream
// kernels reach on memory proper.

#include "calibrate/cuda/context.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

namespace ridge::cuda {
namespace {

struct StreamKind {
  Stream op;
  const char* name;
  double moved;  // bytes per byte of an array
};
constexpr StreamKind kinds[] = {{Stream::read, "stream_read", 1},
                                {Stream::write, "stream_write", 1},
                                {Stream::copy, "copy", 2},
                                {Stream::triad, "stream_triad", 3}};

/// A copy and a triad of random numbers, every element compared on the host.
void check_streams(ProbeContext& c) {
  constexpr std::size_t n = 1u << 20;
  Buffer a(4 * n), b(4 * n), d(4 * n);
  launch_fill(a.at(), n, Fill::fp32, 1, c.stream());
  launch_fill(b.at(), n, Fill::fp32, 2, c.stream());
  check(cudaMemsetAsync(d.at(), 0xFF, 4 * n, c.stream()), "memory");
  std::vector<float> x(n), y(n), z(n);
  const auto fetch = [&](std::vector<float>& to, const Buffer& from) {
    check(cudaMemcpyAsync(to.data(), from.at(), 4 * n, cudaMemcpyDeviceToHost, c.stream()), "copy");
  };
  launch_stream(Stream::triad, d.at(), a.at(), b.at(), 4 * n, 1, 264, c.stream());
  fetch(x, a), fetch(y, b), fetch(z, d);
  check(cudaStreamSynchronize(c.stream()), "triad");
  for (std::size_t i = 0; i < n; ++i)
    if (!(z[i] == x[i] + y[i])) throw ProbeError("the stream kernel gave a wrong sum");
  launch_stream(Stream::copy, d.at(), a.at(), nullptr, 4 * n, 1, 264, c.stream());
  fetch(z, d);
  check(cudaStreamSynchronize(c.stream()), "copy");
  if (z != x) throw ProbeError("the stream kernel gave a wrong copy");
}

void streams(ProbeContext& c) {
  const int first = 12, last = 32, step = c.settings().is_quick ? 2 : 1;
  const auto buffer = std::make_shared<Buffer>(std::size_t{12} << 30);
  check(cudaMemsetAsync(buffer->at(), 1, buffer->bytes(), c.stream()), "memory");
  const int blocks = c.multiprocessors() * 4;
  std::vector<ProbeContext::Point> points;
  for (const StreamKind& kind : kinds)
    for (int e = first; e <= last; e += step) {
      const std::size_t bytes = std::size_t{1} << e;
      Measurement m{.family = "pointwise",
                    .variant = kind.name,
                    .sizes = {{"bytes", kind.moved * static_cast<double>(bytes)}},
                    .library = "ridge"};
      points.push_back({m, [&c, buffer, kind, bytes, blocks] {
                          const std::size_t third = buffer->bytes() / 3;
                          const auto turns = static_cast<int>(std::min<std::size_t>(64, third / bytes));
                          const int grid = static_cast<int>(
                              std::clamp<std::size_t>(bytes / 8192, 1, static_cast<std::size_t>(blocks)));
                          return c.timer().time(
                              [&](int i) {
                                const std::size_t at = static_cast<std::size_t>(i % turns) * bytes;
                                launch_stream(kind.op, buffer->at(at), buffer->at(third + at),
                                              buffer->at(2 * third + at), bytes, 1, grid, c.stream());
                              },
                              turns > 1 ? std::min(turns, 16) : 1);
                        }});
    }
  c.run("stream", std::move(points));
}

/// Many passes over one working set: the level that holds it decides the rate.
void levels(ProbeContext& c) {
  const auto buffer = std::make_shared<Buffer>(std::size_t{4} << 30);
  check(cudaMemsetAsync(buffer->at(), 1, buffer->bytes(), c.stream()), "memory");
  std::vector<ProbeContext::Point> points;
  for (double e = 20; e <= 32; e += c.settings().is_quick ? 1 : 0.5) {
    const auto bytes = static_cast<std::size_t>(std::exp2(e) / 65536) * 65536;
    const int passes = static_cast<int>(std::clamp(2e9 / static_cast<double>(bytes), 1.0, 400.0));
    Measurement m{.family = "memory_read",
                  .variant = "device",
                  .sizes = {{"bytes", static_cast<double>(bytes)}},
                  .library = "ridge"};
    points.push_back({m, [&c, buffer, bytes, passes] {
                        const int blocks = c.multiprocessors() * 4;
                        Timing t = c.timer().time_plain([&](int) {
                          launch_stream(Stream::read, buffer->at(), buffer->at(), nullptr, bytes, passes,
                                        blocks, c.stream());
                        });
                        for (Seconds* s : {&t.seconds.median, &t.seconds.low, &t.seconds.high}) *s /= passes;
                        return t;
                      }});
  }
  c.run("levels", std::move(points));
}

/// A random cycle through all 128-byte lines of the working set.
std::vector<std::uint32_t> cycle(std::size_t bytes, std::mt19937_64& random) {
  constexpr std::uint32_t line = 32;  // elements
  const std::size_t lines = bytes / 128;
  std::vector<std::uint32_t> order(lines);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin() + 1, order.end(), random);
  std::vector<std::uint32_t> links(bytes / 4);
  for (std::size_t i = 0; i < lines; ++i) links[order[i] * std::size_t{line}] = order[(i + 1) % lines] * line;
  return links;
}

void latencies(ProbeContext& c) {
  std::mt19937_64 random(5);
  Buffer end(256);
  const int last = c.settings().is_quick ? 28 : 30;
  for (double e = 14; e <= last && !c.is_out_of_time(); e += c.settings().is_quick ? 2 : 0.5) {
    const auto bytes = static_cast<std::size_t>(std::exp2(e) / 4096) * 4096;
    const auto links = cycle(bytes, random);
    Buffer device(bytes);
    check(cudaMemcpy(device.at(), links.data(), bytes, cudaMemcpyHostToDevice), "copy");
    const auto steps = static_cast<std::uint32_t>(std::min<std::size_t>(bytes / 128, 4096));
    std::uint32_t expected = 0, got = 0;
    for (std::uint32_t i = 0; i < steps; ++i) expected = links[expected];
    check(cudaMemset(end.at(), 0, 4), "memory");
    launch_chase(device.as<std::uint32_t>(), steps, end.as<std::uint32_t>(), c.stream());
    check(cudaStreamSynchronize(c.stream()), "chase");
    check(cudaMemcpy(&got, end.at(), 4, cudaMemcpyDeviceToHost), "copy");
    if (got != expected) throw ProbeError("the chase ended in the wrong place");
    // A thousand more steps than few: the difference leaves the launch out.
    const auto timed = [&](std::uint32_t n) {
      return c.timer().time_plain(
          [&](int) { launch_chase(device.as<std::uint32_t>(), n, end.as<std::uint32_t>(), c.stream()); });
    };
    constexpr std::uint32_t few = 512, many = 8704;
    Timing t = timed(many);
    const double less = timed(few).seconds.median.value();
    t.seconds.median = Seconds{(t.seconds.median.value() - less) / (many - few)};
    t.seconds.low = t.seconds.high = t.seconds.median;
    c.emit({.family = "memory_latency",
            .variant = "device",
            .sizes = {{"bytes", static_cast<double>(bytes)}},
            .library = "ridge"},
           t);
  }
}

}  // namespace

void probe_memory(ProbeContext& c) {
  check_streams(c);
  streams(c);
  if (c.is_looking()) return;  // what follows divides its times by passes or steps
  levels(c);
  latencies(c);
}

}  // namespace ridge::cuda
