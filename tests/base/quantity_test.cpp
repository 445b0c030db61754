// Most of the quantity type is checked when this file compiles; what must not compile is in
// tests/static/fail.
#include "base/quantity.h"

#include "base/literals.h"
#include "base/quantity_text.h"

#include <gtest/gtest.h>
#include <type_traits>

namespace ridge {
namespace {

static_assert(sizeof(Bytes) == sizeof(double) && std::is_trivially_copyable_v<Bytes>);
static_assert(!std::is_convertible_v<double, Bytes> && !std::is_convertible_v<Bytes, double>);
static_assert(std::is_same_v<decltype(Flop{} / FlopPerSecond{}), Seconds>);
static_assert(std::is_same_v<decltype(Bytes{} / Seconds{}), BytesPerSecond>);
static_assert(std::is_same_v<decltype(Elements{} * BytesPerElement{}), Bytes>);
static_assert(std::is_same_v<decltype(Joules{} / Seconds{}), Watts>);
static_assert(std::is_same_v<decltype(1.0 / Seconds{}), Hertz>);
static_assert(std::is_same_v<decltype(Flop{} / Bytes{}), FlopPerByte>);
static_assert(std::is_same_v<decltype(FlopPerByte{} * BytesPerSecond{}), FlopPerSecond>);
static_assert(std::is_same_v<decltype(Bytes{} / Bytes{}), double>, "what cancels is a plain number");
static_assert(std::is_same_v<decltype(Hertz{} * Seconds{}), double>);

static_assert((2.0_TFLOP / 4.0_TFLOPps).value() == 0.5);
static_assert((1_GiB).value() == 1073741824 && (1_GB).value() == 1e9);
static_assert(1_KiB + 24_B == 1048_B && -(1_B) < 0_B && 2 * 3_B == 3_B * 2.0 && 6_B / 2.0 == 3_B);
static_assert(max(1_s, 2_s) == 2_s && min(1_s, 2_s) == 1_s);
static_assert(Dim{.byte = 1} + Dim{.second = -1} == BytesPerSecond::dim);

TEST(Quantity, CompoundAssignmentsFollowArithmetic) {
  Bytes b = 10_B;
  b += 5_B;
  b -= 3_B;
  b *= 4;
  b /= 2;
  EXPECT_EQ(b, 24_B);
}

TEST(Quantity, NearlyEqualIsRelativeToTheLarger) {
  EXPECT_TRUE(nearly_equal(Bytes{1e12}, Bytes{1e12 + 0.5}));
  EXPECT_FALSE(nearly_equal(Bytes{1e12}, Bytes{1e12 + 2}));
  EXPECT_TRUE(nearly_equal(Bytes{0}, Bytes{0}));
  EXPECT_FALSE(nearly_equal(Bytes{0}, Bytes{1e-300}));
}

TEST(Quantity, NearlyEqualRefusesNan) { EXPECT_FALSE(nearly_equal(Bytes{std::nan("")}, Bytes{1})); }

TEST(Literals, GiveWhatTheirTextGives) {
  EXPECT_EQ(3.35_TBps, *parse_quantity<BytesPerSecond>("3.35 TB/s"));
  EXPECT_EQ(989.4_TFLOPps, *parse_quantity<FlopPerSecond>("989.4 TFLOP/s"));
  EXPECT_EQ(400_Gbps, *parse_quantity<BytesPerSecond>("400 Gbps"));
  EXPECT_EQ(12.3_us, *parse_quantity<Seconds>("12.3 us"));
  EXPECT_EQ(0.1_ms, *parse_quantity<Seconds>("0.1 ms"));
  EXPECT_EQ(1.98_GHz, *parse_quantity<Hertz>("1.98 GHz"));
  EXPECT_EQ(700_W, *parse_quantity<Watts>("700 W"));
  EXPECT_EQ(80_GiB, *parse_quantity<Bytes>("80 GiB"));
  EXPECT_EQ(2.5_h, *parse_quantity<Seconds>("2.5 h"));
}

}  // namespace
}  // namespace ridge
