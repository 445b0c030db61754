// Whatever the lines of a run hold, reading and fitting end, with finite figures and reasons for what was left out.

#include "calibrate/io/measurement_lines.h"
#include "calibrate/io/profile.h"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>

namespace ridge {
namespace {

using nlohmann::json;

constexpr double odd[] = {0,    -1,    1,    2,     3,     7,        1e-300, 5e-324, 1e-9,      0.5,
                          1.5,  64,    100,  1024,  4096,  4096.001, 1e6,    1e9,    1e17,      1e18,
                          1e30, 1e308, -0.0, 16384, 16385, 32768,    128,    1e-6,   1 + 1e-15, 1 + 2e-15};
const char* const families[] = {"gemm",
                                "attention_prefill",
                                "attention_decode",
                                "attention_backward",
                                "attention_latent",
                                "pointwise",
                                "all_reduce",
                                "pair",
                                "sustained",
                                "launch",
                                "storage_read",
                                "h2d",
                                "something"};
const char* const names[] = {"m",
                             "n",
                             "k",
                             "bytes",
                             "batch",
                             "heads",
                             "kv_heads",
                             "head_dim",
                             "key_tokens",
                             "query_tokens",
                             "latent_dim",
                             "count",
                             "causal",
                             "cache_bytes",
                             "weight_bytes",
                             "activation_bytes",
                             "output_bytes"};

class Odd {
 public:
  explicit Odd(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  double number() {
    if (below(3) > 0) return std::exp2(static_cast<double>(below(24)));
    return odd[below(std::size(odd))];
  }
  json sizes() {
    json out = json::object();
    for (const char* name : names)
      if (below(6) > 0) out[name] = number();
    return out;
  }
  json line(const char* family) {
    json j{{"family", family}, {"variant", below(4) == 0 ? "fp8" : "bf16-d128"}, {"sizes", sizes()}};
    j["seconds"] = below(20) == 0 ? number() : 1e-6 * std::exp2(static_cast<double>(below(16)));
    if (below(8) == 0) j["held_out"] = true;
    if (below(8) == 0) j["rank"] = below(4), j["peer"] = below(4), j["node"] = "n";
    return j;
  }
  json observed(const char* family) {
    return {{"observed", line(family)},
            {"tile", {number(), number()}},
            {"kernels", {"nvjet_0x0_99999999999x1_1x2"}},
            {"counted", {{"tensor_flops", number()}, {"memory_bytes_read", number()}}},
            {"event_seconds", number()},
            {"traced_seconds", number()}};
  }

 private:
  std::mt19937 random_;
};

void expect_finite(const Models& m) {
  for (const KernelModel& k : m.kernels) {
    for (const double v : k.residual.values) EXPECT_TRUE(std::isfinite(v)) << k.family;
    for (const double v : {k.law.fixed_time.value(), k.law.flop_fraction, k.law.bandwidth_fraction,
                           k.law.exponent, k.hold_out.median, k.hold_out.p90})
      EXPECT_TRUE(std::isfinite(v)) << k.family << ' ' << k.variant;
    for (const TableAxis& a : k.residual.axes)
      EXPECT_TRUE(std::ranges::is_sorted(a.knots, std::less_equal{}) && a.knots.front() > 0) << k.family;
  }
  for (const CurveModel& c : m.curves) EXPECT_EQ(curve_problem(c.curve), "") << c.family;
}

TEST(OddLines, AreReadAndFittedToTheEnd) {
  for (unsigned seed = 0; seed < 24; ++seed) {
    Odd make(seed);
    std::string text =
        json{{"run", {{"device", "NVIDIA H200"}, {"l2", make.number()}, {"multiprocessors", "many"}}}}
            .dump() +
        "\n";
    const std::size_t lines = 1 + make.below(200);
    const char* family = families[make.below(std::size(families))];
    for (std::size_t i = 0; i < lines; ++i) {
      if (make.below(40) == 0) family = families[make.below(std::size(families))];
      text += (make.below(10) == 0 ? make.observed(family) : make.line(family)).dump() + "\n";
    }
    SCOPED_TRACE("seed " + std::to_string(seed));
    Diagnostics problems;
    const MeasuredRun run =
        read_measurement_lines(std::make_shared<const Source>(Source{"odd.jsonl", text}), problems);
    const MachineLimits limits{.peak = [](std::string_view) { return FlopPerSecond{989e12}; },
                               .bandwidth = BytesPerSecond{4.8e12}};
    Profile profile{.device = "NVIDIA H200", .models = fit_models(run.points, limits, {.most_knots = 4})};
    expect_finite(profile.models);
    profile.counters = counted_kernels(run.observed, {Bytes{60e6}, 132});
    profile.traces = traced_families(run.observed);
    for (const CountedKernel& k : profile.counters) {
      EXPECT_TRUE(std::isfinite(k.flop_ratio)) << k.family << ' ' << k.sizes;
      EXPECT_TRUE(std::isfinite(k.memory_ratio)) << k.family << ' ' << k.sizes;
    }
    // Its figures may be none that a profile can have: then it is refused, each with its line.
    Diagnostics again;
    const auto source = std::make_shared<const Source>(Source{"odd.yaml", profile_text(profile)});
    const bool is_read = read_profile(source, again).has_value();
    EXPECT_EQ(is_read, !again.has_errors()) << render(again);
  }
}

}  // namespace
}  // namespace ridge
