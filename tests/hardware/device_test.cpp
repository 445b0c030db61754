// Which precision a device really multiplies in.
#include "hardware/device.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

using enum Precision;
constexpr double T = 1e12;

Device device(std::initializer_list<std::pair<Precision, double>> matrix,
              std::initializer_list<std::pair<Precision, double>> vector) {
  Device d;
  for (auto& [p, peak] : matrix) d.peaks[p] = assumed(FlopPerSecond{peak}, "test");
  for (auto& [p, peak] : vector) d.vector_peaks[p] = assumed(FlopPerSecond{peak}, "test");
  return d;
}

const Device hopper = device({{fp64, 66.9 * T},
                              {tf32, 494.7 * T},
                              {bf16, 989.4 * T},
                              {fp16, 989.4 * T},
                              {fp8, 1978.9 * T},
                              {int8, 1978.9 * T}},
                             {{fp64, 33.5 * T}, {fp32, 66.9 * T}});
const Device volta = device({{fp16, 125 * T}}, {{fp64, 7.8 * T}, {fp32, 15.7 * T}, {int8, 62.8 * T}});
const Device apple = device({}, {{fp32, 10.62 * T}, {fp16, 10.62 * T}});

void executes(const Device& d, Precision asked, Precision in, bool on_matrix_unit) {
  const auto e = matrix_execution(d, asked);
  ASSERT_TRUE(e) << enum_name(asked);
  EXPECT_EQ(e->precision, in) << enum_name(asked) << " runs in " << enum_name(e->precision);
  EXPECT_EQ(e->on_matrix_unit, on_matrix_unit);
  EXPECT_EQ(e->peak, (on_matrix_unit ? d.peaks : d.vector_peaks).find(in)->value);
}

TEST(MatrixExecution, UsesTheFormatItself) {
  for (Precision p : {fp64, tf32, bf16, fp16, fp8, int8}) executes(hopper, p, p, true);
}

TEST(MatrixExecution, NeverTurnsFp32IntoTf32) { executes(hopper, fp32, fp32, false); }

TEST(MatrixExecution, WidensNarrowFormats) {
  executes(hopper, fp4, fp8, true);
  executes(hopper, fp6, fp8, true);
  executes(hopper, int4, int8, true);
  executes(hopper, fp16_acc16, fp16, true);
  executes(volta, fp8, fp16, true);
  executes(volta, int8, int8, false);  // DP4A
}

TEST(MatrixExecution, RunsBf16InFp32WhereThereIsNone) {
  executes(volta, bf16, fp32, false);
  executes(apple, bf16, fp32, false);
  executes(apple, fp16, fp16, false);
}

TEST(MatrixExecution, IsEmptyWhenNothingCanRunIt) {
  EXPECT_FALSE(matrix_execution(apple, fp64));
  EXPECT_FALSE(matrix_execution(Device{}, fp16));
}

TEST(MatrixExecution, NamesTheKeyOfItsPeak) {
  EXPECT_EQ(peak_key(*matrix_execution(hopper, bf16)), "peaks.bf16");
  EXPECT_EQ(peak_key(*matrix_execution(volta, bf16)), "vector_peaks.fp32");
}

TEST(Device, CapacityIsWhatTheDriverLeaves) {
  Device d;
  d.hbm.capacity = assumed(Bytes{100}, "test");
  EXPECT_EQ(memory_capacity(d), Bytes{100});
  d.hbm.usable = assumed(Bytes{95}, "test");
  EXPECT_EQ(memory_capacity(d), Bytes{95});
}

}  // namespace
}  // namespace ridge
