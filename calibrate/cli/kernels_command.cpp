#ifdef RIDGE_HAVE_CUDA

#include "calibrate/cli/commands.h"
#include "calibrate/cuda/probes.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ridge::calibrate {
namespace {

std::string rate(const cuda::KernelComparison& k, Seconds t) {
  const bool is_decode = k.bytes > 0 && k.flops < 100 * k.bytes;
  const double amount = is_decode ? k.bytes : k.flops;
  return fmt::format("{:>7.1f} {}", amount / t.value() / 1e12, is_decode ? "TB/s" : "TFLOP/s");
}

void print_line(const cuda::KernelComparison& k) {
  fmt::print("{}\n  {}\n", k.kernel, k.shape);
  if (!k.why_missed.empty()) {
    fmt::print("  not compared: {}\n", k.why_missed);
    return;
  }
  fmt::print("  ours {:>9.1f} us {}   {} {:>9.1f} us {}   {:.0f} %", 1e6 * k.ours.value(), rate(k, k.ours),
             k.library, 1e6 * k.theirs.value(), rate(k, k.theirs), 100 * k.share());
  if (k.target > 0)
    fmt::print(", {} {:.0f} %", k.share() >= k.target ? "at least" : "MISSES", 100 * k.target);
  fmt::print("\n");
  std::fflush(stdout);
}

nlohmann::json json_of(const cuda::KernelComparison& k) {
  nlohmann::json out{{"kernel", k.kernel}, {"shape", k.shape}};
  if (!k.why_missed.empty()) {
    out["error"] = k.why_missed;
    return out;
  }
  out.update({{"seconds", k.ours.value()},
              {"library", k.library},
              {"library_seconds", k.theirs.value()},
              {"flop", k.flops},
              {"bytes", k.bytes},
              {"share", k.share()}});
  if (k.target > 0) out["target"] = k.target;
  return out;
}

}  // namespace

int kernels(const KernelsCommand& c) {
  const DeviceCount count = cuda::count_devices();
  if (count.devices == 0) {
    fmt::print(stderr, "Nothing to compare here: {}.\n", count.why_none);
    return not_accepted;
  }
  int status = done;
  nlohmann::json all = nlohmann::json::array();
  cuda::compare_kernels(c.only, [&](const cuda::KernelComparison& k) {
    if (c.is_json) all.push_back(json_of(k));
    else print_line(k);
    if (!k.why_missed.empty() || (k.target > 0 && k.share() < k.target)) status = not_accepted;
  });
  if (c.is_json) fmt::print("{}\n", nlohmann::json{{"kernels", all}}.dump(2));
  return status;
}

}  // namespace ridge::calibrate

#endif
