// `ridge calibrate`: what it passes on, and where it finds the program.
#include "cli/calibrate_command.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

TEST(CalibrateCommand, MeasuresAndFitsUnlessToldOtherwise) {
  EXPECT_THAT(calibrate_arguments({}), ElementsAre("run"));
  EXPECT_THAT(calibrate_arguments({"--quick"}), ElementsAre("run", "--quick"));
  EXPECT_THAT(calibrate_arguments({"--compare", "a", "b"}), ElementsAre("compare", "a", "b"));
  EXPECT_THAT(calibrate_arguments({"fit", "x"}), ElementsAre("fit", "x"));
  EXPECT_THAT(calibrate_arguments({"--help"}), ElementsAre("--help"));
}

TEST(CalibrateCommand, FindsTheProgramBesideItselfBeforeThePath) {
  const fs::path root = fs::path(testing::TempDir()) / "calibrator-search";
  const auto make = [&](const fs::path& folder) {
    fs::create_directories(folder);
    std::ofstream(folder / "ridge-calibrate") << "#!/bin/sh\n";
    fs::permissions(folder / "ridge-calibrate", fs::perms::owner_all);
    return (folder / "ridge-calibrate").string();
  };
  const std::string searched = make(root / "path");
  fs::create_directories(root / "own");
  const std::string path = "/nowhere:" + (root / "path").string();
  EXPECT_EQ(find_calibrator((root / "own").string(), path), searched);
  EXPECT_EQ(find_calibrator((root / "own").string(), ""), "");
  const std::string built = make(root / "own" / "calibrate");
  EXPECT_EQ(find_calibrator((root / "own").string(), path), built);
  const std::string installed = make(root / "own");
  EXPECT_EQ(find_calibrator((root / "own").string(), path), installed);
  fs::remove_all(root);
}

}  // namespace
}  // namespace ridge
