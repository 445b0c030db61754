#include "calibrate/measure/storage.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/statfs.h>

namespace ridge {
namespace {

using testing::HasSubstr;

struct Folder {
  std::filesystem::path path =
      std::filesystem::current_path() /
      (std::string("storage-") + testing::UnitTest::GetInstance()->current_test_info()->name());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

std::string why_not(const std::string& folder, std::size_t bytes) {
  try {
    const DirectFile file(folder, bytes);
    return "";
  } catch (const ProbeError& e) { return e.what(); }
}

TEST(DirectFile, SaysWhyThereIsNone) {
  EXPECT_THAT(why_not("/no/such/folder", 4096), HasSubstr("/no/such/folder"));
  EXPECT_THAT(why_not(".", std::size_t{1} << 60), HasSubstr("free"));
  struct statfs s {};
  const bool is_in_memory = statfs("/dev/shm", &s) == 0 && s.f_type == 0x01021994;  // TMPFS_MAGIC
  EXPECT_THAT(why_not("/dev/shm", 4096), is_in_memory ? HasSubstr("in memory") : HasSubstr(""));
}

TEST(DirectFile, HoldsWhatWasWrittenAndLeavesNothing) {
  const Folder folder;
  const std::string why = why_not(folder.path, 1 << 20);
  if (!why.empty()) GTEST_SKIP() << why;
  const DirectFile file(folder.path, 1 << 20);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path));
  const AlignedBuffer out(8192), in(8192);
  for (int i = 0; i < 8192; ++i) out.at()[i] = static_cast<char>(i * 31 / 7);
  EXPECT_EQ(file.write(out.at(), 8192, 12288), 0);
  EXPECT_EQ(file.read(in.at(), 8192, 12288), 0);
  EXPECT_EQ(std::string(in.at(), 8192), std::string(out.at(), 8192));
  EXPECT_NE(file.read(in.at(), 8192, 1 << 20), 0);  // behind the end
}

TEST(ProbeStorage, MeasuresReadsAndWritesByDepth) {
  const Folder folder;
  const std::string why = why_not(folder.path, 64 << 20);
  if (!why.empty()) GTEST_SKIP() << why;
  Measurements all;
  ProbeReport report{.measured = [&](const Measurement& m) { all.push_back(m); }};
  report.skipped = [](const std::string& what) { ADD_FAILURE() << what; };
  PointRunner runner({.is_quick = true}, report, {});
  probe_storage(runner, folder.path, 64 << 20);
  EXPECT_EQ(all.size(), 2u * 3 * 6);  // kinds, depths, sizes from 4 KiB to 4 MiB by four
  for (const Measurement& m : all) EXPECT_GT(m.time, Seconds{});
  EXPECT_TRUE(std::filesystem::is_empty(folder.path));
}

#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // they need more address space than there is
/// Address space of this process, and so much more, for what follows.
void limit_memory(std::size_t more) {
  std::ifstream in("/proc/self/statm");
  std::size_t pages = 0;
  in >> pages;
  const rlimit limit{pages * 4096 + more, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
}

// Room for the file's pattern and a few threads, not for 32: those points are skipped and the program goes on.
TEST(ProbeStorage, SkipsWhatItHasNoThreadsFor) {
  const Folder folder;
  const std::string why = why_not(folder.path, 8 << 20);
  if (!why.empty()) GTEST_SKIP() << why;
  const auto probe = [&] {
    std::size_t measured = 0, skipped = 0;
    ProbeReport report{.measured = [&](const Measurement&) { ++measured; }};
    report.skipped = [&](const std::string&) { ++skipped; };
    PointRunner runner({.is_quick = true}, report, {});
    limit_memory(std::size_t{48} << 20);
    probe_storage(runner, folder.path, 8 << 20);
    std::_Exit(measured > 0 && skipped > 0 ? 0 : 1);
  };
  EXPECT_EXIT(probe(), testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace ridge
