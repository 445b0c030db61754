// The library knows every chip's counters by name, so the lists are checked without a device or a driver.
#ifdef RIDGE_HAVE_CUPTI

#include "calibrate/cuda/counters.h"

#include "calibrate/cuda/trace.h"
#include "calibrate/fit/observation.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <stdexcept>

namespace ridge::cuda {
namespace {

class Counters : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    try {
      counter_groups("GH100");
    } catch (const std::runtime_error& e) { GTEST_SKIP() << e.what(); }
  }
};

TEST_P(Counters, EveryQuantityHasOneThatTheChipKnows) {
  std::vector<std::string> quantities;
  for (const CounterGroup& g : counter_groups(GetParam())) {
    EXPECT_EQ(g.metrics.size(), g.quantities.size());
    EXPECT_EQ(g.metrics.size(), g.factors.size());
    for (const std::string& m : g.metrics) EXPECT_TRUE(has_counter(GetParam(), m)) << m;
    quantities.insert(quantities.end(), g.quantities.begin(), g.quantities.end());
  }
  for (const char* wanted : {counted_tensor_flops, counted_fma_flops, counted_read, counted_written,
                             counted_l2, counted_tensor_active})
    EXPECT_TRUE(std::ranges::find(quantities, wanted) != quantities.end()) << wanted;
}

// A kernel runs once for each pass, twice over: more than ten passes would make counting the longest probe.
TEST_P(Counters, FitInFewPasses) {
  for (const CounterGroup& g : counter_groups(GetParam())) {
    EXPECT_GE(g.passes, 1) << g.name;
    EXPECT_LE(g.passes, 10) << g.name;
  }
}

// A100, H100 and H200, L40S, B200, RTX 50.
INSTANTIATE_TEST_SUITE_P(Chips, Counters, testing::Values("GA100", "GH100", "AD102", "GB100", "GB202"));

class CounterNames : public Counters {};

TEST_P(CounterNames, ThatDoNotExistAreRefusedByName) {
  EXPECT_FALSE(has_counter(GetParam(), "sm__inst_executed_pipe_tensor_op_hgmma.sum"));
  try {
    passes_for(GetParam(), {"dram__bytes_read.sum", "dram__bites.sum"});
    FAIL() << "an unknown counter was taken";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("dram__bites.sum"), std::string::npos) << e.what();
  }
}

TEST_P(CounterNames, OfMemoryAndL2FitOnePass) {
  EXPECT_EQ(passes_for(GetParam(), {"dram__bytes_read.sum", "dram__bytes_write.sum", "lts__t_bytes.sum"}), 1);
}

TEST_P(CounterNames, UnknownChipsAreRefused) { EXPECT_THROW(counter_groups("GX999"), std::runtime_error); }

INSTANTIATE_TEST_SUITE_P(Hopper, CounterNames, testing::Values("GH100"));

// Without a driver neither can be had; what calibration then prints is this reason.
template <class T> std::string why_not() {
  try {
    const T made;
    return "";
  } catch (const std::runtime_error& e) { return e.what(); }
}

TEST(Refusal, SaysWhatWasRefusedAndWhy) {
  const std::string counters = why_not<CounterSession>(), trace = why_not<KernelTrace>();
  if (counters.empty()) GTEST_SKIP() << "this machine has counters";
  EXPECT_NE(counters.find(": "), std::string::npos) << counters;
  EXPECT_NE(trace.find(": "), std::string::npos) << trace;
}

TEST(ReadableKernel, LeavesOutOurNamespacesAndTheArguments) {
  EXPECT_EQ(readable_kernel("_ZN5ridge4cuda56_GLOBAL__N__00000000_1_x6decodeILi128EEEvNS0_9ArgumentsE"),
            "_ZN5ridge4cuda56_GLOBAL__N__00000000_1_x6decodeILi128EEEvNS0_9ArgumentsE");  // no C++ name
  EXPECT_EQ(readable_kernel("_ZN5ridge4cuda12_GLOBAL__N_16decodeILi128EEEvNS1_9ArgumentsE"), "decode<128>");
  EXPECT_EQ(readable_kernel("nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_TNT"),
            "nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_TNT");
  EXPECT_EQ(readable_kernel(nullptr), "unnamed");
}

}  // namespace
}  // namespace ridge::cuda

#endif
