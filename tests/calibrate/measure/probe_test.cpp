#include "calibrate/measure/probe.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

std::span<const ProbeInfo> two_probes() {
  static const std::vector<ProbeInfo> all{{"usual", "runs by itself", Seconds{1}, Seconds{1}},
                                          {"extra", "runs when named", Seconds{1}, Seconds{1}, true}};
  return all;
}

std::vector<std::string> chosen(std::vector<std::string> only) {
  const Backend backend{.name = "two", .probes = two_probes};
  std::vector<std::string> names;
  for (const ProbeInfo& p : chosen_probes(backend, {.only = std::move(only)})) names.push_back(p.name);
  return names;
}

TEST(ChosenProbes, ExtraOnesRunOnlyWhenNamed) {
  EXPECT_EQ(chosen({}), std::vector<std::string>{"usual"});
  EXPECT_EQ(chosen({"extra"}), std::vector<std::string>{"extra"});
}

}  // namespace
}  // namespace ridge
