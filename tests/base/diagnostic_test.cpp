#include "base/diagnostic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

namespace ridge {
namespace {

using testing::HasSubstr;
using testing::Not;

SourcePtr source(std::string text, std::string name = "presets/hardware/h100-sxm.yaml") {
  return std::make_shared<const Source>(Source{std::move(name), std::move(text)});
}

/// The second line of a rendered block, which quotes the input, and the third with the caret.
std::vector<std::string> lines(const std::string& s) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < s.size();) {
    const auto end = s.find('\n', at);
    out.push_back(s.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// An error "m" of code "c" at a place.
Diagnostic at(SourcePtr where, int line, int column, int length = 1) {
  Diagnostics all;
  return all.error("c", "m", {std::move(where), line, column, length});
}

TEST(Render, ShowsTheBlockOfTheHeader) {
  const auto text = source("name: x\nmemory:\n    bandwith: 3.35 TB/s\n");
  Diagnostic d = at(text, 3, 5, 8);
  d.code = "unknown-key";
  d.message = "unknown key 'bandwith' in 'memory'";
  d.expected = {"bandwidth", "capacity"};
  d.suggestion = "bandwidth";
  EXPECT_EQ(render(d),
            "presets/hardware/h100-sxm.yaml:3:5: error: unknown key 'bandwith' in 'memory' [unknown-key]\n"
            "    3 |     bandwith: 3.35 TB/s\n"
            "      |     ^~~~~~~~\n"
            "   expected one of: bandwidth, capacity\n"
            "   did you mean 'bandwidth'?\n");
}

TEST(Render, WorksWithoutSourceLineOrColumn) {
  EXPECT_EQ(render(Diagnostic{Severity::warning, "", "odd", {}, {"one"}, ""}),
            "warning: odd\n   expected: one\n");
  EXPECT_EQ(render(Diagnostic{Severity::note, "x", "odd", {source("a\n"), 0, 0, 1}, {}, ""}),
            "presets/hardware/h100-sxm.yaml: note: odd [x]\n");
  EXPECT_EQ(render(Diagnostic{Severity::error, "", "odd", {source("a\n", "f"), 1, 0, 1}, {}, ""}),
            "f:1: error: odd\n    1 | a\n");
  EXPECT_EQ(render(Diagnostic{Severity::error, "", "odd", {source("a\n", "f"), 99, 7, 1}, {}, ""}),
            "f:99:7: error: odd\n");
}

TEST(Render, FitsTheWidthAskedFor) {
  Diagnostic d{Severity::error,
               "c",
               "a sentence that is somewhat longer than the forty columns there are",
               {},
               {},
               {}};
  d.span = {std::make_shared<Source>(Source{"f", std::string(300, 'x') + "y" + std::string(300, 'z')}), 1,
            301, 1};
  d.expected = {"first-of-them", "second-of-them", "third-of-them"};
  std::istringstream text(render(d, false, 40));
  std::size_t lines = 0;
  for (std::string line; std::getline(text, line); ++lines) EXPECT_LE(line.size(), 40u) << line;
  EXPECT_GE(lines, 6u);
  EXPECT_NE(render(d, false, 40).find("xyz"), std::string::npos);
}

TEST(Render, ColoursOnlyOnRequest) {
  const Diagnostic d = at(source("a: 1\n", "f"), 1, 4, 1);
  EXPECT_THAT(render(d), Not(HasSubstr("\x1b")));
  EXPECT_EQ(
      render(d, true),
      "\x1b[1mf:1:4:\x1b[0m \x1b[1;31merror:\x1b[0m m [c]\n    1 | a: 1\n      | \x1b[1;32m   ^\x1b[0m\n");
}

TEST(Render, EscapesWhatATerminalWouldObey) {
  const auto text = source("a: \x1b[31mred\x07 \xE2\x80\xAE \xff\n", "evil\x1b[2J.yaml");
  const auto shown =
      render(Diagnostic{Severity::error, "c", "value '\x1b]0;x'", {text, 1, 4, 3}, {"\x1b"}, "\x1b"});
  EXPECT_THAT(shown, Not(HasSubstr("\x1b")));
  EXPECT_THAT(shown, HasSubstr("a: \\x1b[31mred\\x07 \\u{202e} \\xff"));
  EXPECT_THAT(shown, HasSubstr("      |    ^~~~~~\n")) << "the caret covers the escape's columns";
}

TEST(Render, AlignsTheCaretBehindUmlautsAndTabs) {
  const auto shown = lines(render(at(source("\xC3\xA4\tb\n", "f"), 1, 4, 1)));
  EXPECT_EQ(shown[1], "    1 | \xC3\xA4 b");
  EXPECT_EQ(shown[2], "      |   ^");
}

TEST(Render, CutsLongLinesAroundTheCaret) {
  for (int column : {1, 80, 200, 5000, 99'990, 100'000}) {
    std::string line(100'000, 'x');
    line[static_cast<std::size_t>(column - 1)] = 'Y';
    const auto shown = lines(render(at(source(line, "f"), 1, column, 1)));
    ASSERT_EQ(shown.size(), 3u);
    EXPECT_LE(shown[1].size(), 8 + 166u);
    EXPECT_EQ(shown[1].find('Y'), shown[2].find('^')) << column;
  }
}

TEST(Render, CapsTheCaretAtTheLineEnd) {
  const auto shown = lines(render(at(source("abc\n", "f"), 1, 2, 1000)));
  EXPECT_EQ(shown[2], "      |  ^~");
  const auto behind = lines(render(at(source("abc\n", "f"), 1, 9, 1)));
  EXPECT_EQ(behind[2], "      |    ^");
}

TEST(Render, SurvivesEveryColumnOfAnyBytes) {
  std::string bytes;
  for (int i = 1; i < 256; ++i)
    if (i != '\n') bytes += static_cast<char>(i);
  for (int column = -1; column < 300; ++column)
    for (int length : {-1, 0, 1, 400})
      EXPECT_FALSE(render(at(source(bytes, "f"), 1, column, length)).empty());
}

TEST(Render, StopsAfterAHundred) {
  Diagnostics all;
  for (int i = 0; i < 250; ++i) all.error("c", "m");
  EXPECT_THAT(render(all), HasSubstr("... and 150 more\n"));
  EXPECT_EQ(lines(render(all)).size(), 101u);
}

TEST(Diagnostics, OnlyErrorsCountAsErrors) {
  Diagnostics d;
  EXPECT_TRUE(d.empty());
  d.warning("w", "careful");
  EXPECT_FALSE(d.has_errors());
  Diagnostics more;
  more.error("e", "wrong").suggestion = "right";
  d.append(std::move(more));
  EXPECT_TRUE(d.has_errors());
  EXPECT_EQ(d.items().back().suggestion, "right");
}

TEST(Span, NamesFileLineAndColumn) {
  EXPECT_EQ((Span{source("", "f"), 3, 5, 1}.where()), "f:3:5");
  EXPECT_EQ((Span{source("", "f"), 3, 0, 1}.where()), "f:3");
  EXPECT_EQ((Span{source("", "f"), 3, 5, 1}.where_line()), "f:3");
  EXPECT_EQ((Span{source("", "f"), 0, 0, 1}.where()), "f");
  EXPECT_EQ(Span{}.where(), "");
}

TEST(Nearest, UsesDamerauLevenshteinWithoutCase) {
  const std::vector<std::string> keys = {"bandwidth", "capacity", "tensor", "pipeline"};
  EXPECT_EQ(nearest("bandwith", keys), "bandwidth");
  EXPECT_EQ(nearest("BANDWIDTH", keys), "bandwidth");
  EXPECT_EQ(nearest("tesnor", keys), "tensor") << "a transposition is one step";
  EXPECT_EQ(nearest("piplin", keys), "pipeline");
  EXPECT_EQ(nearest("latency", keys), "");
  EXPECT_EQ(nearest("", keys), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(nearest("ab", {"ba"}), "ba");
  EXPECT_EQ(nearest("ab", {"cd"}), "") << "two letters allow one step";
  EXPECT_EQ(nearest(std::string(1'000'000, 'b'), keys), "");
}

TEST(Printable, CutsAndEscapes) {
  EXPECT_EQ(printable("plain"), "plain");
  EXPECT_EQ(printable("a\nb"), "a\\x0ab");
  EXPECT_EQ(printable(std::string(100, 'x'), 10), "xxxxxxxxxx...");
  EXPECT_EQ(printable("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(printable("\xC0\x80"), "\\xc0\\x80") << "an overlong NUL is no character";
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80") << "a surrogate is no character";
}

}  // namespace
}  // namespace ridge
