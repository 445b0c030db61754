#include "calibrate/cpu/host.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace ridge::cpu {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

/// The value behind "key :" in a file of such lines.
std::string value_of(const std::string& path, std::string_view key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find(':');
    const std::size_t at = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    if (at != std::string::npos) return line.substr(at);
  }
  return {};
}

double number(const std::string& text) {
  double x = 0;
  std::from_chars(text.data(), text.data() + text.size(), x);
  return x;
}

/// "32768K", "1M"
Bytes cache_size(const std::string& text) {
  const double unit = text.ends_with('K') ? 1024 : text.ends_with('M') ? 1024.0 * 1024 : 1;
  return Bytes{number(text) * unit};
}

void read_caches(HostFacts& facts) {
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string type = first_line(folder + "type"), level = first_line(folder + "level");
    const Bytes size = cache_size(first_line(folder + "size"));
    if (type != "Data" && type != "Unified") continue;
    if (level == "1") facts.l1 = size;
    if (level == "2") facts.l2 = size;
    facts.last_level = std::max(facts.last_level, size);
  }
}

/// What a container's control group leaves to this process.
Bytes memory_limit() {
  const double limit = number(first_line("/sys/fs/cgroup/memory.max"));
  return Bytes{limit > 0 ? limit : 1e18};
}

}  // namespace

HostFacts host_facts() {
  HostFacts facts;
  facts.name = value_of("/proc/cpuinfo", "model name");
  if (facts.name.empty()) facts.name = value_of("/proc/cpuinfo", "Model");
  if (facts.name.empty()) facts.name = "processor";
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) facts.cores = std::max(CPU_COUNT(&allowed), 1);
  read_caches(facts);
  facts.memory = std::min(Bytes{1024 * number(value_of("/proc/meminfo", "MemTotal"))}, memory_limit());
  facts.free_memory = std::min(Bytes{1024 * number(value_of("/proc/meminfo", "MemAvailable"))}, facts.memory);
  return facts;
}

int cores_used(const HostFacts& host, const ProbeSettings& settings) {
  const int mine = std::max(1, host.cores / std::max(1, settings.sharers));
  return settings.cores > 0 ? std::min(settings.cores, mine) : mine;
}

std::int64_t preemptions() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

}  // namespace ridge::cpu
