#include "base/quantity_text.h"

#include "base/literals.h"

#include <bit>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace ridge {
namespace {

using testing::HasSubstr;

std::string error_of(std::string_view text, Dim dim) {
  auto v = parse_quantity(text, dim);
  return v ? "accepted" : v.error();
}
std::string count_error(std::string_view text) {
  auto v = parse_count(text);
  return v ? "accepted" : v.error();
}

TEST(ParseQuantity, TellsDecimalFromBinaryPrefixes) {
  EXPECT_EQ(*parse_quantity<Bytes>("80 GiB"), Bytes{85899345920.0});
  EXPECT_EQ(*parse_quantity<Bytes>("80 GB"), Bytes{80e9});
  EXPECT_EQ(*parse_quantity<Bytes>("80GB"), Bytes{80e9});
  EXPECT_EQ(*parse_quantity<Bytes>(" 1.5 KiB "), Bytes{1536});
}

TEST(ParseQuantity, TellsBitsFromBytes) {
  EXPECT_EQ(*parse_quantity<BytesPerSecond>("400 Gbps"), BytesPerSecond{50e9});
  EXPECT_EQ(*parse_quantity<BytesPerSecond>("400 Gb/s"), BytesPerSecond{50e9});
  EXPECT_EQ(*parse_quantity<BytesPerSecond>("400 GBps"), BytesPerSecond{400e9});
  EXPECT_EQ(*parse_quantity<BytesPerElement>("4.5 bit/element"), BytesPerElement{0.5625});
}

TEST(ParseQuantity, IsCorrectlyRounded) {
  // Prefixes shift the decimal exponent before rounding: no text below equals number * power in doubles
  // for all its spellings, yet each is the double nearest to the decimal value.
  EXPECT_EQ(*parse_quantity<BytesPerSecond>("3.35 TB/s"), BytesPerSecond{3350000000000.0});
  EXPECT_EQ(*parse_quantity<Seconds>("12.3 us"), Seconds{12.3e-6});
  EXPECT_EQ(*parse_quantity<Seconds>("0.7 ns"), Seconds{0.7e-9});
  EXPECT_EQ(*parse_quantity<FlopPerSecond>("1978.9 TFLOP/s"), FlopPerSecond{1978.9e12});
}

TEST(ParseQuantity, KnowsTheUnitsOfTheDomain) {
  EXPECT_EQ(*parse_quantity<Seconds>("90 min"), Seconds{5400});
  EXPECT_EQ(*parse_quantity<Seconds>("2 days"), Seconds{172800});
  EXPECT_EQ(*parse_quantity<Seconds>("3 \xC2\xB5s"), Seconds{3e-6});
  EXPECT_EQ(*parse_quantity<Tokens>("15 T tokens"), Tokens{15e12});
  EXPECT_EQ(*parse_quantity<TokensPerSecond>("2.5k tokens/s"), TokensPerSecond{2500});
  EXPECT_EQ(*parse_quantity<UsdPerSecond>("7.2 USD/h"), UsdPerSecond{0.002});
  EXPECT_EQ(*parse_quantity<Joules>("1 kWh"), Joules{3.6e6});
  EXPECT_EQ(*parse_quantity<Hertz>("5 1/s"), Hertz{5});
  EXPECT_EQ(*parse_quantity("8 pJ/bit", Joules::dim - Bytes::dim), 64e-12);
  EXPECT_EQ(*parse_quantity("3 B*s", Bytes::dim + Seconds::dim), 3);
  EXPECT_EQ(*parse_quantity("2 s^2", Seconds::dim + Seconds::dim), 2);
}

TEST(ParseQuantity, TeachesWhenTheUnitIsMissing) {
  EXPECT_EQ(error_of("80", Bytes::dim), "'80' has no unit; write '80 GiB' or '80 GB'");
  EXPECT_EQ(error_of("5", Seconds::dim), "'5' has no unit; write '5 us' or '5 ms'");
}

TEST(ParseQuantity, RefusesWhatIsAmbiguousOrWrong) {
  EXPECT_EQ(error_of("80 KB", Bytes::dim),
            "'80 KB' has the ambiguous unit 'KB'; write 'kB' (1000) or 'KiB' (1024)");
  EXPECT_THAT(error_of("989 TFLOPS", FlopPerSecond::dim), HasSubstr("does not say whether it is a rate"));
  EXPECT_THAT(error_of("80 GB", Seconds::dim),
              HasSubstr("has the unit 'GB' where one of these is needed: us, ms, s"));
  EXPECT_THAT(error_of("989 TFLOP", FlopPerSecond::dim), HasSubstr("where one of these is needed: TFLOP/s"));
  EXPECT_EQ(error_of("80 Gib", Bytes::dim), "accepted");  // gibibit
  EXPECT_THAT(error_of("80 gib", Bytes::dim), HasSubstr("unknown unit 'gib'; did you mean 'GiB'?"));
  EXPECT_THAT(error_of("80 parsec", Bytes::dim), HasSubstr("unknown unit 'parsec'"));
  EXPECT_THAT(error_of("", Bytes::dim), HasSubstr("a value with a unit is needed"));
  EXPECT_THAT(error_of("80 GB/", Bytes::dim), HasSubstr("unknown unit"));
  EXPECT_THAT(error_of("80 s^99", Seconds::dim), HasSubstr("power"));
}

TEST(ParseQuantity, RefusesNumbersThatPeopleDoNotMean) {
  for (std::string_view text : {"nan s", ".nan s", "inf s", "-.inf s", "infinity s"})
    EXPECT_NE(error_of(text, Seconds::dim), "accepted") << text;
  for (std::string_view text : {"0x10 s", "0o7 s", "0100 s", "1_000 s", "1,000 s", "s", "- s", "+ s", ". s",
                                "1e400 s", "1e-400 s", "1e s", "--1 s", "1 . s"})
    EXPECT_NE(error_of(text, Seconds::dim), "accepted") << text;
  EXPECT_THAT(error_of("0100 s", Seconds::dim), HasSubstr("leading zero"));
  EXPECT_THAT(error_of("1_000 s", Seconds::dim), HasSubstr("'_' between its digits"));
  EXPECT_THAT(error_of("1e400 s", Seconds::dim), HasSubstr("too large"));
  EXPECT_THAT(error_of("1e-400 s", Seconds::dim), HasSubstr("too small"));
  EXPECT_THAT(error_of("1e300 EB", Bytes::dim), HasSubstr("too large"));
}

TEST(ParseQuantity, SurvivesLongTexts) {
  EXPECT_NE(error_of(std::string(1'000'000, '9') + " s", Seconds::dim), "accepted");
  EXPECT_NE(error_of("1 " + std::string(1'000'000, 'k') + "s", Seconds::dim), "accepted");
  EXPECT_NE(error_of("1e" + std::string(1'000'000, '9') + " s", Seconds::dim), "accepted");
  EXPECT_LT(error_of(std::string(1'000'000, 'x'), Seconds::dim).size(), 300u);
}

TEST(ParseCount, AcceptsPrefixesOfBothKinds) {
  EXPECT_EQ(*parse_count("2k"), 2000);
  EXPECT_EQ(*parse_count("128Ki"), 131072);
  EXPECT_EQ(*parse_count("1.5M"), 1500000);
  EXPECT_EQ(*parse_count("1.5Ki"), 1536);
  EXPECT_EQ(*parse_count("8.03G"), 8030000000);
  EXPECT_EQ(*parse_count("80.0"), 80);
  EXPECT_EQ(*parse_count("1e3"), 1000);
  EXPECT_EQ(*parse_count("-7"), -7);
  EXPECT_EQ(*parse_count("0"), 0);
  EXPECT_EQ(*parse_count("4 Ki"), 4096);
}

TEST(ParseCount, IsExactUpToTheLargest) {
  EXPECT_EQ(*parse_count("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(*parse_count("9007199254740993"), 9007199254740993);  // 2^53 + 1 is no double
  EXPECT_EQ(*parse_count("9.223372036854775807E"), std::numeric_limits<std::int64_t>::max());
  EXPECT_THAT(count_error("9223372036854775808"), HasSubstr("2^63 - 1"));
  EXPECT_THAT(count_error("8Ei"), HasSubstr("2^63 - 1"));
  EXPECT_EQ(*parse_count("7Ei"), 7LL << 60);
  EXPECT_THAT(count_error("1e19"), HasSubstr("2^63 - 1"));
  EXPECT_THAT(count_error("1e999999999999"), HasSubstr("2^63 - 1"));
  EXPECT_THAT(count_error("1" + std::string(5000, '0')), HasSubstr("2^63 - 1"));
}

TEST(ParseCount, RefusesFractionsAndTraps) {
  EXPECT_EQ(count_error("80.5"), "'80.5' is not a whole number");
  EXPECT_EQ(count_error("1.0005k"), "'1.0005k' is not a whole number");
  EXPECT_EQ(count_error("1.3Ki"), "'1.3Ki' is not a whole number");
  EXPECT_EQ(count_error("1e-3"), "'1e-3' is not a whole number");
  EXPECT_THAT(count_error("0100"), HasSubstr("octal"));
  EXPECT_THAT(count_error("1_000"), HasSubstr("between its digits"));
  EXPECT_THAT(count_error("2K"), HasSubstr("ambiguous"));
  EXPECT_THAT(count_error("8B"), HasSubstr("'G' for a billion"));
  EXPECT_THAT(count_error("8 tokens"), HasSubstr("prefixes"));
  EXPECT_EQ(count_error(""), "'' is not a number");
}

TEST(ParseNumber, AcceptsPlainNumbersAndPercent) {
  EXPECT_EQ(*parse_number("0.5"), 0.5);
  EXPECT_EQ(*parse_number("-1.5e-3"), -1.5e-3);
  EXPECT_EQ(*parse_number("12 %"), 0.12);
  EXPECT_EQ(*parse_number(".5"), 0.5);
  EXPECT_EQ(*parse_number("500000.0"), 500000);
  EXPECT_FALSE(parse_number("1 GB"));
  EXPECT_FALSE(parse_number("true"));
  EXPECT_FALSE(parse_number("1e"));
}

TEST(FormatQuantity, KeepsThreeDigitsAndTheCustomaryPrefix) {
  EXPECT_EQ(format(Bytes{8.5e10}), "79.2 GiB");
  EXPECT_EQ(format(80_GiB), "80 GiB");
  EXPECT_EQ(format(1023_B), "1023 B");
  EXPECT_EQ(format(1024_B), "1 KiB");
  EXPECT_EQ(format(1023.9_GiB), "1 TiB");
  EXPECT_EQ(format(3.35_TBps), "3.35 TB/s");
  EXPECT_EQ(format(999.9_GBps), "1 TB/s");
  EXPECT_EQ(format(989.4_TFLOPps), "989 TFLOP/s");
  EXPECT_EQ(format(1.1432_s), "1.14 s");
  EXPECT_EQ(format(12.34_us), "12.3 us");
  EXPECT_EQ(format(0.9999_ms), "1 ms");
  EXPECT_EQ(format(300_s), "5 min");
  EXPECT_EQ(format(8_h), "8 h");
  EXPECT_EQ(format(72_h), "3 days");
  EXPECT_EQ(format(0_s), "0 s");
  EXPECT_EQ(format(-(2_GiB)), "-2 GiB");
  EXPECT_EQ(format(Elements{8.03e9}), "8.03 G elements");
  EXPECT_EQ(format(TokensPerSecond{12345}), "12.3 k tokens/s");
  EXPECT_EQ(format(BytesPerElement{0.5625}), "0.563 B/element");
  EXPECT_EQ(format(FlopPerByte{295.3}), "295 FLOP/B");
  EXPECT_EQ(format(UsdPerSecond{0.002}), "7.2 USD/h");
  EXPECT_EQ(format(Joules{5e-12}), "5 pJ");
  EXPECT_EQ(format_quantity(0.1234, {}), "0.123");
  EXPECT_EQ(format_quantity(std::numeric_limits<double>::infinity(), Bytes::dim).find("inf"), 0u);
}

TEST(FormatCount, GroupsByThree) {
  EXPECT_EQ(format_count(8030261248), "8 030 261 248");
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(-1000), "-1 000");
  EXPECT_EQ(format_count(-100), "-100");
  EXPECT_EQ(format_count(std::numeric_limits<std::int64_t>::min()), "-9 223 372 036 854 775 808");
  EXPECT_EQ(short_count(8.03e9), "8.03 G");
  EXPECT_EQ(short_count(12), "12");
}

const Dim every_dim[] = {Bytes::dim,
                         BytesPerSecond::dim,
                         Flop::dim,
                         FlopPerSecond::dim,
                         Seconds::dim,
                         Elements::dim,
                         Tokens::dim,
                         Usd::dim,
                         UsdPerSecond::dim,
                         Joules::dim,
                         Watts::dim,
                         Hertz::dim,
                         BytesPerElement::dim,
                         BytesPerToken::dim,
                         FlopPerByte::dim,
                         FlopPerToken::dim,
                         TokensPerSecond::dim,
                         Dim{},
                         Dim{.second = -2, .joule = 1},
                         Dim{.byte = 2, .element = -1, .token = -1}};

TEST(QuantityLaws, ExactTextParsesBackToTheSameValue) {
  std::mt19937_64 random(20260101);
  int checked = 0;
  for (int i = 0; i < 20000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const Dim dim = every_dim[random() % std::size(every_dim)];
    const std::string text = format_exact(value, dim);
    auto parsed = parse_quantity(text, dim);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error();
    ASSERT_EQ(*parsed, value) << text;
    ++checked;
  }
  EXPECT_GT(checked, 19000);
  for (double value : {0.0, 5e-324, std::numeric_limits<double>::max(), std::numeric_limits<double>::min()})
    EXPECT_EQ(*parse_quantity(format_exact(value, Bytes::dim), Bytes::dim), value);
}

TEST(QuantityLaws, RoundedTextIsWithinHalfAUnitOfTheThirdDigit) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(-11, 20);
  for (int i = 0; i < 5000; ++i) {
    const double value = std::pow(10.0, exponent(random));
    for (Dim dim : every_dim) {
      const std::string text = format_quantity(value, dim);
      auto parsed = parse_quantity(text, dim);
      ASSERT_TRUE(parsed) << text << ": " << parsed.error();
      ASSERT_NEAR(*parsed / value, 1, 0.0051) << text;
    }
  }
}

TEST(QuantityLaws, CountsRoundTrip) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20000; ++i) {
    const auto n = static_cast<std::int64_t>(random() >> (1 + random() % 62));
    ASSERT_EQ(*parse_count(std::to_string(n)), n);
    ASSERT_EQ(*parse_count('-' + std::to_string(n)), -n);
  }
}

TEST(UnitsOf, ListsSpellingsThatParse) {
  for (Dim dim : every_dim) {
    if (dim == Dim{}) continue;
    const std::string units = units_of(dim);
    for (std::size_t at = 0; at < units.size();) {
      const auto end = std::min(units.find(", ", at), units.size());
      const std::string text = "1 " + units.substr(at, end - at);
      EXPECT_TRUE(parse_quantity(text, dim)) << text;
      at = end + 2;
    }
  }
}

}  // namespace
}  // namespace ridge
