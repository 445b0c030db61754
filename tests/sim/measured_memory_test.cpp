/// Peaks that PyTorch and Megatron Core reported, against the model: H200 (one GPU, data parallel, FSDP,
/// tensor, pipeline, offload, adapters) and SimuMax's B200 table.
#include "prepared_scenario.h"
#include "sim/memory.h"

#include <cmath>

namespace ridge {
namespace {

/// |predicted / measured - 1| of every row that has a peak.
std::vector<std::pair<std::string, double>> peak_errors(const std::string& file) {
  Diagnostics problems;
  std::vector<std::pair<std::string, double>> errors;
  for (Node& row :
       read_csv(read_source(RIDGE_SOURCE_DIR "/tests/measurements/" + file, problems), problems)) {
    const std::string id = row_labels(row).id;
    const Prepared p = testing::prepared(row);
    if (!p.scenario.measured.peak_allocated_bytes) continue;
    const Bytes predicted = memory(p, testing::plan_of(p)).peak_allocated.value;
    errors.emplace_back(id, std::abs(predicted.value() / *p.scenario.measured.peak_allocated_bytes - 1));
  }
  EXPECT_FALSE(problems.has_errors()) << render(problems);
  return errors;
}

class MeasuredPeaks : public ::testing::TestWithParam<const char*> {};

TEST_P(MeasuredPeaks, AreMetWithinFivePercentAndOnePercentOnAverage) {
  const auto errors = peak_errors(GetParam());
  ASSERT_GE(errors.size(), 15u);
  double sum = 0;
  for (const auto& [id, error] : errors) {
    EXPECT_LE(error, 0.05) << id;
    sum += error;
  }
  EXPECT_LE(sum / static_cast<double>(errors.size()), 0.0125);
}

INSTANTIATE_TEST_SUITE_P(Files, MeasuredPeaks, ::testing::Values("h200-training.csv", "simumax-b200.csv"),
                         [](const auto& file) { return std::string(file.param).substr(0, 4); });

}  // namespace
}  // namespace ridge
