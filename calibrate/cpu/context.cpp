#include "calibrate/cpu/context.h"

#include "calibrate/cpu/backend.h"

#include <algorithm>
#include <random>
#include <sys/mman.h>
#include <utility>

namespace ridge::cpu {
namespace {

constexpr double mebi = 1024.0 * 1024;

double cache_bytes(const HostFacts& host) {
  return host.last_level > Bytes{} ? host.last_level.value() : 32 * mebi;
}

}  // namespace

Buffer::Buffer(std::size_t bytes) : bytes_(bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw ProbeError("no memory for " + std::to_string(bytes) + " bytes");
  data_ = p;
  madvise(data_, bytes, MADV_HUGEPAGE);
}
Buffer::~Buffer() {
  if (data_) munmap(data_, bytes_);
}
Buffer::Buffer(Buffer&& o) noexcept
    : data_(std::exchange(o.data_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}
Buffer& Buffer::operator=(Buffer&& o) noexcept {
  std::swap(data_, o.data_);
  std::swap(bytes_, o.bytes_);
  return *this;
}

Context::Context(const ProbeSettings& settings, const ProbeReport& report)
    : runner_(settings, report, chosen_probes(backend(), settings)),
      host_(host_facts()),
      team_(cores_used(host_, settings)),
      random_(std::random_device{}() | 1u) {}

StopRule Context::rule() const {
  StopRule rule;
  rule.budget = is_quick() ? Seconds{5e-3} : Seconds{40e-3};
  rule.least = is_quick() ? 5 : 10;
  return rule;
}

std::size_t Context::most_bytes() const {
  const double wanted = std::max((is_quick() ? 4 : 8) * cache_bytes(host_), 128 * mebi);
  const double free = host_.free_memory.value() / (8.0 * runner_.settings().sharers);
  return static_cast<std::size_t>(std::clamp(wanted, mebi, std::max(free, mebi)));
}

void Context::fill_random(float* to, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    to[i] = static_cast<float>(random_ >> 40) * 0x1p-23f - 1;
  }
}

const Buffer& Context::pool() {
  if (pool_.bytes() > 0) return pool_;
  const std::size_t unique = std::size_t{4} << 20;  // the same numbers elsewhere are other cache lines
  pool_ = Buffer(std::max(most_bytes(), unique) / unique * unique);
  fill_random(pool_.as<float>(), unique / sizeof(float));
  for (std::size_t at = unique; at < pool_.bytes(); at += unique)
    std::copy_n(pool_.as<float>(), unique / sizeof(float), pool_.as<float>(at));
  return pool_;
}

int Context::turns_for(std::size_t bytes) const {
  const double turns = 2 * cache_bytes(host_) / static_cast<double>(bytes) + 1;
  const double room = static_cast<double>(most_bytes()) / static_cast<double>(bytes);
  return static_cast<int>(std::clamp(std::min(turns, room), 1.0, 4096.0));
}

std::pair<std::size_t, std::size_t> Context::share(std::size_t n, int thread, int threads) {
  const auto t = static_cast<std::size_t>(thread), all = static_cast<std::size_t>(threads);
  return {n * t / all, n * (t + 1) / all};
}

void expect_near(std::span<const float> got, std::span<const double> expected, double most,
                 const char* what) {
  const std::vector<double> wide(got.begin(), got.end());
  const double error = relative_error(wide, expected);
  if (!(error < most))
    throw ProbeError(std::string(what) + " is wrong, relative error " + std::to_string(error));
}

}  // namespace ridge::cpu
