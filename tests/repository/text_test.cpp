// House rules that a reader would otherwise have to enforce.

#include "tests/repository/source_tree.h"

#include <gtest/gtest.h>
#include <regex>
#include <string>

namespace ridge::repository {
namespace {

TEST(SourceText, FilesStayShort) {
  constexpr std::size_t hard_limit = 500;  // 300 is the length to aim below
  for (const SourceFile& file : all_source_files()) EXPECT_LE(file.lines.size(), hard_limit) << file.path;
}

TEST(SourceText, OpenEndsNameTheirIssue) {
  const std::regex open_end(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X|HA"
      "CK)\\b");
  const std::regex with_issue(
      "\\bTO"
      "DO\\(#[0-9]+\\)");
  for (const SourceFile& file : all_source_files())
    for (std::size_t i = 0; i < file.lines.size(); ++i)
      EXPECT_TRUE(!std::regex_search(file.lines[i], open_end) || std::regex_search(file.lines[i], with_issue))
          << file.path << ":" << i + 1 << ": " << file.lines[i];
}

TEST(SourceText, HeadersBeginWithPragmaOnceAndSayWhatTheyAre) {
  for (const SourceFile& file : all_source_files()) {
    if (!file.path.ends_with(".h")) continue;
    ASSERT_GE(file.lines.size(), 2u) << file.path;
    EXPECT_EQ(file.lines[0], "#pragma once") << file.path;
    EXPECT_TRUE(file.lines[1].starts_with("///")) << file.path << ": no description";
  }
}

}  // namespace
}  // namespace ridge::repository
