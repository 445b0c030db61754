// Copies between host and device, from pinned and from pageable memory.

#include "calibrate/cuda/context.h"

#include <chrono>
#include <cstring>

namespace ridge::cuda {
namespace {

constexpr std::size_t most = std::size_t{512} << 20;

/// Pageable copies return when the host's part is done, so the host's clock times them.
Timing host_timed(ProbeContext& c, const std::function<void()>& copy) {
  std::vector<double> seconds;
  copy();
  while (!enough_samples(seconds)) {
    check(cudaStreamSynchronize(c.stream()), "copy");
    const auto start = std::chrono::steady_clock::now();
    copy();
    check(cudaStreamSynchronize(c.stream()), "copy");
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return {summarise_samples(seconds), 0};
}

/// Pinned host memory.
struct Pinned {
  void* data = nullptr;
  Pinned() { check(cudaHostAlloc(&data, most, cudaHostAllocDefault), "pinned memory"); }
  ~Pinned() { cudaFreeHost(data); }
};

}  // namespace

void probe_host_copies(ProbeContext& c) {
  Pinned pinned;
  std::vector<char> pageable(most, 1), back(1u << 20);
  Buffer device(most);
  std::mt19937_64 random(8);
  for (std::size_t i = 0; i + 8 <= back.size(); i += 8) {
    const std::uint64_t x = random();
    std::memcpy(static_cast<char*>(pinned.data) + i, &x, 8);
  }
  check(cudaMemcpy(device.at(), pinned.data, back.size(), cudaMemcpyHostToDevice), "copy");
  check(cudaMemcpy(back.data(), device.at(), back.size(), cudaMemcpyDeviceToHost), "copy");
  if (std::memcmp(back.data(), pinned.data, back.size()) != 0) throw ProbeError("a copy came back changed");
  const StopRule rule{.budget = Seconds{40e-3}};
  std::vector<ProbeContext::Point> points;
  for (const bool is_up : {true, false})
    for (const bool is_pinned : {true, false})
      for (std::size_t bytes = 1024; bytes <= most; bytes *= c.settings().is_quick ? 8 : 2) {
        if (c.settings().is_quick && !is_pinned) continue;
        Measurement m{.family = is_up ? "copy_host_to_device" : "copy_device_to_host",
                      .variant = is_pinned ? "pinned" : "pageable",
                      .sizes = {{"bytes", static_cast<double>(bytes)}},
                      .library = "CUDA"};
        void* host = is_pinned ? pinned.data : pageable.data();
        const auto copy = [&c, &device, host, bytes, is_up] {
          check(is_up ? cudaMemcpyAsync(device.at(), host, bytes, cudaMemcpyHostToDevice, c.stream())
                      : cudaMemcpyAsync(host, device.at(), bytes, cudaMemcpyDeviceToHost, c.stream()),
                "copy");
        };
        if (is_pinned)
          points.push_back(
              {m, [&c, copy, rule] { return c.timer().time_plain([&](int) { copy(); }, rule); }});
        else points.push_back({m, [&c, copy] { return host_timed(c, copy); }});
      }
  c.run("host copies", std::move(points));
}

}  // namespace ridge::cuda
