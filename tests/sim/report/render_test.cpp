#include "sim/report/report.h"
#include "sim/report/table_layout.h"
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
  EXPECT_EQ(wrap("", 5), (std::vector<std::string>{""}));
  EXPECT_EQ(wrap("  deep er", 6), (std::vector<std::string>{"  deep", "er"}));
  EXPECT_EQ(wrap("one\ntwo", 9), (std::vector<std::string>{"one", "two"}));
}

TEST(Layout, BreaksWordsThatAreTooLong) {
  EXPECT_EQ(wrap("incomprehensible x", 5), (std::vector<std::string>{"incom", "prehe", "nsibl", "e x"}));
  EXPECT_EQ(wrap("presets/models/gpt2.yaml", 16), (std::vector<std::string>{"presets/models/", "gpt2.yaml"}));
}

TEST(Layout, NamesCannotSpeakToTheTerminal) {
  EXPECT_EQ(safe("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(safe("a \u202E b"), "a \\u{202e} b");
  EXPECT_EQ(safe("\u00B7 \u2500 \u2026 \u00E9"), "\u00B7 \u2500 \u2026 \u00E9");
  EXPECT_EQ(wrap("a\x1b[31m", 20), (std::vector<std::string>{"a\\x1b[31m"}));
}

TEST(Layout, FoldHangsBelowTheIndentation) {
  EXPECT_EQ(fold("ab\n  one two three\n", 14), "ab\n  one two\n      three\n");
}

TEST(Layout, WidthsAreThoseOfATerminal) {
  EXPECT_EQ(text_width("\u6F22\u5B57"), 4);  // East Asian wide
  EXPECT_EQ(text_width("e\u0301"), 1);       // a combining accent
  EXPECT_EQ(text_width("\U0001F600"), 2);    // emoji
  EXPECT_EQ(text_width("\xE6\xBC"), 1);      // cut off in the middle
  EXPECT_EQ(fit("\u6F22\u5B57\u6F22", 4, true), "\u6F22\u2026");
  EXPECT_EQ(wrap("\u6F22\u5B57\u6F22", 4), (std::vector<std::string>{"\u6F22\u5B57", "\u6F22"}));
}

int columns_of(const TableLayout::Block& block) {
  int sum = -table_gap;
  for (const auto& place : block) sum += place.width + table_gap;
  return sum;
}

TEST(TableLayout, LeavesOutThenWrapsThenBreaks) {
  Table t{
      {{"name", Align::left, true}, {"a"}, {"b", Align::right, false, 1}, {"is", Align::left, true}}, {}, ""};
  t.rows.push_back({{std::string(20, 'n')}, {"12345678"}, {"12345678"}, {std::string(60, 'x')}});
  const TableLayout whole = table_layout(t, 200);
  ASSERT_EQ(whole.blocks.size(), 1u);
  EXPECT_EQ(columns_of(whole.blocks[0]), 20 + 8 + 8 + 60 + 3 * table_gap);
  EXPECT_TRUE(whole.left_out.empty());
  const TableLayout narrow = table_layout(t, 50);  // 18 + 8 + 18 + 2 gaps fit, b is too much
  ASSERT_EQ(narrow.blocks.size(), 1u);
  EXPECT_EQ(narrow.left_out, (std::vector<std::size_t>{2}));
  EXPECT_EQ(columns_of(narrow.blocks[0]), 50);
  const TableLayout blocks = table_layout(t, 24);  // 10 + 8 + 10 + 2 gaps do not fit
  ASSERT_EQ(blocks.blocks.size(), 2u);
  for (const auto& block : blocks.blocks) {
    EXPECT_EQ(block.front().column, 0u);
    EXPECT_LE(columns_of(block), 24);
  }
}

TEST(TableLayout, KeepsJoinedColumnsTogether) {
  Table t{{{"key"}, {"first"}, {"second"}, {"", Align::right, false, 0, true}}, {}, ""};
  t.rows.push_back({{"1234567890"}, {"1234567890"}, {"1234567890"}, {"+12.0 %"}});
  const TableLayout layout = table_layout(t, 36);  // three columns of ten fit, but not the difference
  ASSERT_EQ(layout.blocks.size(), 2u);
  ASSERT_EQ(layout.blocks[1].size(), 3u);
  EXPECT_EQ(layout.blocks[1][1].column, 2u);
  EXPECT_EQ(layout.blocks[1][2].column, 3u);
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
