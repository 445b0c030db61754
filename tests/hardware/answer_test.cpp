// Who answers for a kernel's time, and the interval of its regime.
#include "hardware/answer.h"

#include "hardware/roofline.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>

namespace ridge {
namespace {

CalibratedInterval interval(const char* regime, double f) {
  CalibratedInterval i;
  EXPECT_TRUE(set_regime(i, regime)) << regime;
  i.fraction = f, i.log_sigma = std::log1p(f) / 1.645;
  i.origin = {Origin::Kind::measured, "p.yaml:9", "profile mine", "2026"};
  return i;
}

TEST(Answer, KnowsTheRegimesOfTheCalibrator) {
  const std::vector<CalibratedInterval> by_rows{interval("m <= 64", 0.3), interval("m > 1024", 0.1)};
  EXPECT_EQ(interval_at(by_rows, 64), &by_rows[0]);
  EXPECT_EQ(interval_at(by_rows, 1025), &by_rows[1]);
  EXPECT_EQ(interval_at(by_rows, 500), &by_rows[0]) << "none of the regime: the widest";
  EXPECT_EQ(interval_at({}, 500), nullptr);
  CalibratedInterval none;
  EXPECT_FALSE(set_regime(none, "on Sundays"));
}

// f = 0.2 is a 90 % interval of [t / 1.2, 1.2 t]: s = ln 1.2 / 1.645 = 0.1108; twice beyond the table's knots.
TEST(Answer, IsTwiceAsUnsureBeyondWhatWasMeasured) {
  CalibratedTable t{"gemm bf16",
                    std::make_shared<const ResidualTable>(
                        ResidualTable{{{"m", {16, 1024}}, {"n", {1024}}, {"k", {1024}}}, {0.1, -0.1}}),
                    {}};
  t.is_by_rows = true;
  t.intervals = {interval("m <= 64", 0.2), interval("m 65 - 1024", 0.1)};
  KernelConstants k;
  EXPECT_EQ(answer_at(k, std::array{32.0, 1024.0, 1024.0}, Seconds{1e-5}).source, AnswerSource::preset);
  k.residual = &t;
  const Answer inside = answer_at(k, std::array{32.0, 1024.0, 1024.0}, Seconds{1e-5});
  EXPECT_EQ(inside.source, AnswerSource::table);
  EXPECT_NEAR(inside.log_sigma, 0.1108, 1e-4);
  EXPECT_EQ(inside.model, "gemm bf16");
  const Answer held = answer_at(k, std::array{8.0, 1024.0, 1024.0}, Seconds{1e-5});
  EXPECT_EQ(held.source, AnswerSource::held);
  EXPECT_DOUBLE_EQ(held.log_sigma, 2 * inside.log_sigma);
  EXPECT_EQ(answer_at(k, std::array{32.0, 2048.0, 1024.0}, Seconds{1e-5}).source, AnswerSource::held);
  const Answer law = answer_of_law(k, 500, Seconds{1e-5});
  EXPECT_EQ(law.source, AnswerSource::law);
  EXPECT_NEAR(law.log_sigma, 2 * std::log(1.1) / 1.645, 1e-15);
}

TEST(Answer, OpensToTheProfilesLine) {
  const CalibratedInterval i = interval("20 - 500 us", 0.2);
  Explain ex;
  const auto s = traced_sigma(answer_from(AnswerSource::held, "all_reduce 4 devices", &i), &ex);
  EXPECT_NEAR(s.value, 2 * std::log(1.2) / 1.645, 1e-15);
  const auto& f = ex.record(ex.edges(s.node)[1].node);
  EXPECT_EQ(f.key, "90 % interval of all_reduce 4 devices, 20 - 500 us");
  EXPECT_EQ(f.origin.where, "p.yaml:9");
}

}  // namespace
}  // namespace ridge
