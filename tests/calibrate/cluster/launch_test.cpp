#include "calibrate/cluster/launch.h"

#include <gtest/gtest.h>
#include <map>

namespace ridge {
namespace {

using Environment = std::map<std::string, std::string>;

Launch launch_of(const Environment& e, const LaunchFlags& flags = {}, bool is_good = true) {
  Diagnostics d;
  const Launch l = detect_launch(
      flags, [&](const char* name) { return e.contains(name) ? e.at(name) : std::string(); }, d);
  EXPECT_EQ(!d.has_errors(), is_good) << render(d);
  return l;
}

TEST(Launch, AloneWithoutALauncher) {
  EXPECT_TRUE(launch_of({}).is_alone());
  EXPECT_TRUE(launch_of({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}).is_alone());
  EXPECT_TRUE(launch_of({{"OMPI_COMM_WORLD_RANK", "three"}, {"OMPI_COMM_WORLD_SIZE", "4"}}).is_alone());
}

TEST(Launch, ReadsWhatEachLauncherSets) {
  const struct {
    Environment environment;
    const char* source;
    bool is_mpi;
  } cases[] = {
      {{{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, "OMPI_COMM_WORLD_RANK", true},
      {{{"PMI_RANK", "2"}, {"PMI_SIZE", "4"}}, "PMI_RANK", true},
      {{{"PMIX_RANK", "2"}, {"SLURM_NTASKS", "4"}}, "PMIX_RANK", true},
      {{{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "4"}}, "SLURM_PROCID", false},
      // mpirun inside a batch job: its own numbers hold, not those of the job's single task.
      {{{"OMPI_COMM_WORLD_RANK", "2"},
        {"OMPI_COMM_WORLD_SIZE", "4"},
        {"SLURM_PROCID", "0"},
        {"SLURM_NTASKS", "1"}},
       "OMPI_COMM_WORLD_RANK",
       true},
  };
  for (const auto& c : cases) {
    const Launch l = launch_of(c.environment);
    EXPECT_EQ(l.rank, 2) << c.source;
    EXPECT_EQ(l.ranks, 4) << c.source;
    EXPECT_EQ(l.source, c.source);
    EXPECT_EQ(l.is_mpi, c.is_mpi) << c.source;
  }
}

TEST(Launch, FlagsWinAndMustMakeSense) {
  const Launch l = launch_of({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}, {5, 8});
  EXPECT_EQ(l.rank, 5);
  EXPECT_EQ(l.ranks, 8);
  EXPECT_FALSE(l.is_mpi);
  launch_of({}, {4, 4}, false);
  launch_of({}, {1, {}}, false);
  launch_of({{"PMI_RANK", "9"}, {"PMI_SIZE", "4"}}, {}, false);
}

}  // namespace
}  // namespace ridge
