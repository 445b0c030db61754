#include "sim/report/report.h"
#include "sim/report/text_layout.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

Report sample() {
  Report r;
  r.title = "A title";
  Section& memory = r.section("Memory", "stage 0");
  memory.add(Bars{{{"weights", "1 GiB", 0.5, "50 %", Tone::accent, "memory.parts.weights", "1073741824"},
                   {"rest", "10 MiB", 0.001, "0 %", Tone::accent, "", "10485760"}}});
  memory.add(Facts{{{"fits", "yes", "with room", Tone::good, "memory.fits", "1"}}});
  Table t{{{"name", Align::left, true}, {"size"}}, {{{"a, \"b\""}, {"1 k", Tone::plain, "1000"}}}, "t"};
  r.section("Table").add(t);
  r.section("Notes").add(Bullets{{{"first | second"}}});
  return r;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

TEST(RenderText, KeepsTheWidthAndEndsNoLineInBlanks) {
  for (const int width : {40, 60, 80, 132, 200})
    for (const bool unicode : {true, false})
      for (const std::string& line : lines(render_text(sample(), {width, false, unicode}))) {
        EXPECT_LE(text_width(line), width) << line;
        EXPECT_FALSE(line.ends_with(' ')) << '"' << line << '"';
      }
}

TEST(RenderText, ColourAddsEscapesOnly) {
  std::string coloured = render_text(sample(), {80, true, true});
  EXPECT_NE(coloured.find("\x1b["), std::string::npos);
  for (std::size_t at; (at = coloured.find("\x1b[")) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  EXPECT_EQ(coloured, render_text(sample(), {80, false, true}));
}

TEST(RenderText, WithoutUnicodeIsAscii) {
  for (const char c : render_text(sample(), {80, false, false})) EXPECT_GE(static_cast<signed char>(c), 0);
}

TEST(RenderMarkdown, EscapesCells) {
  const std::string text = render_markdown(sample());
  EXPECT_NE(text.find("## Memory (stage 0)"), std::string::npos);
  EXPECT_NE(text.find("| **yes** |"), std::string::npos);
  EXPECT_NE(text.find("- first \\| second"), std::string::npos);
}

TEST(RenderCsv, OfOneTableIsTheTable) {
  Report r;
  r.section("T").add(Table{{{"name"}, {"size"}}, {{{"a, \"b\""}, {"1 k", Tone::plain, "1000"}}}, "t"});
  EXPECT_EQ(render_csv(r), "name,size\n\"a, \"\"b\"\"\",1000\n");
}

TEST(RenderCsv, OtherwiseListsEverythingWithExactValues) {
  const std::string text = render_csv(sample());
  EXPECT_TRUE(text.starts_with("section,item,value\n"));
  EXPECT_NE(text.find("Memory,memory.parts.weights,1073741824\n"), std::string::npos);
}

TEST(Report, ListsKeysThatCanBeExplained) {
  EXPECT_EQ(explainable_keys(sample()), (std::vector<std::string>{"memory.parts.weights", "memory.fits"}));
}

TEST(Layout, CountsCharactersNotBytes) {
  EXPECT_EQ(text_width("\u2588\u00B7x"), 3);
  EXPECT_EQ(pad_left("\u00B7", 3), "  \u00B7");
  EXPECT_EQ(fit("abcdef", 4, true), "abc\u2026");
  EXPECT_EQ(fit("abcdef", 5, false), "ab...");
  EXPECT_EQ(fit("abc", 3, true), "abc");
}

TEST(Layout, AsciiKeepsTheColumns) {
  EXPECT_EQ(ascii_text("a \u00B7 b \u00D7 \u00E9"), "a - b x ?");
  EXPECT_EQ(ascii_text("plain\n"), "plain\n");
}

TEST(Layout, WrapsAtBlanks) {
  EXPECT_EQ(wrap("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrap("incomprehensible x", 5), (std::vector<std::string>{"incomprehensible", "x"}));
  EXPECT_EQ(wrap("", 5), (std::vector<std::string>{""}));
}

TEST(Layout, BarsAreProportional) {
  EXPECT_EQ(bar(0.5, 4, false), "##  ");
  EXPECT_EQ(bar(1.0, 3, true), "\u2588\u2588\u2588");
  EXPECT_EQ(bar(0.0, 2, true), "  ");
  EXPECT_EQ(text_width(bar(0.37, 20, true)), 20);
  EXPECT_EQ(bar(5, 2, false), "##");  // more than the whole fills the bar
  EXPECT_NE(bar(1e-9, 8, true), bar(0, 8, true));
}

}  // namespace
}  // namespace ridge
