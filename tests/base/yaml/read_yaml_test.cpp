#include "base/yaml/read_document.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::HasSubstr;

struct Read {
  Node root;
  Diagnostics diagnostics;
  /// "line:column: message [code]" of the only problem.
  std::string problem() const {
    EXPECT_EQ(diagnostics.items().size(), 1u) << render(diagnostics);
    if (diagnostics.empty()) return "";
    auto& d = diagnostics.items()[0];
    return d.span.where() + ": " + d.message + " [" + d.code + "]";
  }
};

Read read(std::string text) {
  Read r;
  r.root = read_yaml(std::make_shared<const Source>(Source{"t.yaml", std::move(text)}), r.diagnostics);
  return r;
}

std::string place(const Node* n) {
  return n ? n->span.where() + '+' + std::to_string(n->span.length) : "missing";
}

TEST(ReadYaml, KnowsWhereEachValueStands) {
  const Read r = read("a: 12\nbc:\n  - x\n  - {d: \"q r\", e: 's'}\n");
  EXPECT_TRUE(r.diagnostics.empty()) << render(r.diagnostics);
  EXPECT_EQ(place(r.root.at("a")), "t.yaml:1:4+2");
  EXPECT_EQ(place(r.root.at("bc.0")), "t.yaml:3:5+1");
  EXPECT_EQ(place(r.root.at("bc.1.d")), "t.yaml:4:9+5") << "quotes belong to the length";
  EXPECT_EQ(place(r.root.at("bc.1.e")), "t.yaml:4:19+3");
  EXPECT_EQ(r.root.entries[1].key_span.where(), "t.yaml:2:1");
  EXPECT_EQ(r.root.entries[1].key_span.length, 2);
}

TEST(ReadYaml, TellsQuotedFromPlainAndNull) {
  const Read r = read("a: 1\nb: \"1\"\nc: '1'\nd: |\n  1\ne: null\nf:\ng: ~\nh: \"null\"\n");
  EXPECT_FALSE(r.root.at("a")->quoted);
  for (auto* key : {"b", "c", "d", "h"}) EXPECT_TRUE(r.root.at(key)->quoted) << key;
  for (auto* key : {"e", "f", "g"}) EXPECT_TRUE(r.root.at(key)->is_null()) << key;
}

TEST(ReadYaml, KeepsScalarsAsWritten) {
  const Read r = read("[0100, yes, 1_000, .nan, 0x1F, 190:20:30, 2001-12-14, 1e400, off]");
  ASSERT_EQ(r.root.items.size(), 9u);
  EXPECT_EQ(r.root.items[0].text, "0100");
  EXPECT_EQ(r.root.items[1].text, "yes");
  EXPECT_EQ(r.root.items[5].text, "190:20:30");
}

TEST(ReadYamlTraps, DuplicateKeysNameBothPlaces) {
  EXPECT_EQ(read("k: {bf16: 989e12, bf16: 1000e12}\n").problem(),
            "t.yaml:1:19: duplicate key 'bf16', first given at t.yaml:1:5 [duplicate-key]");
  EXPECT_EQ(read("a: 1\nb: 2\n\"a\": 3\n").problem(),
            "t.yaml:3:1: duplicate key 'a', first given at t.yaml:1:1 [duplicate-key]");
  EXPECT_EQ(read("a: 1\r\na: 2\r\n").problem(),
            "t.yaml:2:1: duplicate key 'a', first given at t.yaml:1:1 [duplicate-key]");
  EXPECT_EQ(read("a: 1\na: 2\n").root.at("a")->text, "1") << "the first stays";
}

TEST(ReadYamlTraps, DuplicateKeysOfLargeMaps) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_TRUE(read(text).diagnostics.empty());
  EXPECT_EQ(read(text + "k123: 2\n").problem(),
            "t.yaml:50001:1: duplicate key 'k123', first given at t.yaml:124:1 [duplicate-key]");
}

TEST(ReadYamlTraps, MergeKeysAndTagsAreRefused) {
  EXPECT_EQ(read("x: &a {k: 1}\ny:\n  <<: *a\n").problem(),
            "t.yaml:3:3: merge keys ('<<') are not accepted; write the keys out [bad-key]");
  EXPECT_TRUE(read("\"<<\": 1\n").diagnostics.empty()) << "a quoted key is just text";
  EXPECT_EQ(read("a: !!int 5\n").problem(),
            "t.yaml:1:4: the tag 'tag:yaml.org,2002:int' is not accepted; write the value alone [yaml-tag]");
  EXPECT_EQ(read("a: !foo [1]\n").problem(),
            "t.yaml:1:4: the tag '!foo' is not accepted; write the value alone [yaml-tag]");
}

TEST(ReadYamlTraps, OddKeysAreRefused) {
  EXPECT_EQ(read("? [1, 2]\n: 3\n").problem(),
            "t.yaml:1:3: a map or list is not accepted as a key [bad-key]");
  EXPECT_EQ(read("~: 3\n").problem(), "t.yaml:1:1: a key may not be empty or null [bad-key]");
  EXPECT_EQ(read("\"\": 3\n").problem(), "t.yaml:1:1: an empty key is not accepted [bad-key]");
  EXPECT_EQ(read("a: &x k\n*x : 3\n").problem(), "t.yaml:2:1: an alias is not accepted as a key [bad-key]");
}

TEST(ReadYamlTraps, AnchorsAreExpandedUpToALimit) {
  const Read r = read("a: &x [1, 2]\nb: *x\n");
  EXPECT_TRUE(r.diagnostics.empty());
  EXPECT_EQ(r.root.at("b.1")->text, "2");
  EXPECT_EQ(place(r.root.at("b.1")), "t.yaml:1:11+1") << "the text stands at the anchor";
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string a = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + a + "," + a + "," + a + "," + a +
              "," + a + "," + a + "," + a + "," + a + "," + a + "]\n";
  }
  EXPECT_THAT(read(laughs).problem(),
              HasSubstr("more than 200000 values after expanding anchors [too-large]"));
  EXPECT_THAT(read("a: &x [1, *x]\n").problem(),
              HasSubstr("t.yaml:1:11: the alias refers to the value it stands in"));
  EXPECT_THAT(read("a: *nothing\n").problem(),
              HasSubstr("t.yaml:1:4: not valid YAML: the referenced anchor is not defined"));
}

TEST(ReadYamlTraps, RepeatingALongTextCountsToo) {
  std::string text = "a: &x " + std::string(1'000'000, 'y') + "\nb: [";
  for (int i = 0; i < 10'000; ++i) text += "*x,";
  EXPECT_THAT(read(text + "]\n").problem(), HasSubstr("[too-large]"));
}

TEST(ReadYamlTraps, DeepNestingIsRefusedWithoutCrash) {
  EXPECT_THAT(read(std::string(150, '[') + std::string(150, ']')).problem(),
              HasSubstr("t.yaml:1:101: nested more than 100 levels deep"));
  for (std::string part : {"[", "{", "- ", "? ", "&a ", "{a: "}) {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += part;
    EXPECT_TRUE(read(text).diagnostics.has_errors()) << part;
  }
}

TEST(ReadYamlTraps, OneDocumentOnly) {
  EXPECT_EQ(read("a: 1\n---\nb: 2\n").problem(),
            "t.yaml:2:1: a second YAML document starts here; only one is read [several-documents]");
  EXPECT_TRUE(read("---\na: 1\n...\n").diagnostics.empty());
}

TEST(ReadYamlTraps, OnlyUtf8WithoutNul) {
  EXPECT_EQ(read(std::string("a: 1\nb: \0x\n", 11)).problem(),
            "t.yaml:2:4: the text holds a NUL byte [bad-encoding]");
  EXPECT_EQ(read("a: 1\nb: caf\xE9\n").problem(), "t.yaml:2:7: the text is not valid UTF-8 [bad-encoding]");
  EXPECT_THAT(read("\xFF\xFE"
                   "a")
                  .problem(),
              HasSubstr("t.yaml:1:1: the text is not valid UTF-8"));
  EXPECT_THAT(read("a: \xED\xA0\x80\n").problem(), HasSubstr("not valid UTF-8")) << "a surrogate";
  EXPECT_THAT(read("a: \xC0\xAF\n").problem(), HasSubstr("not valid UTF-8")) << "an overlong slash";
  const Read bom = read(
      "\xEF\xBB\xBF"
      "a: 1\nb: 2\n");
  EXPECT_TRUE(bom.diagnostics.empty());
  EXPECT_EQ(place(bom.root.at("b")), "t.yaml:2:4+1");
}

TEST(ReadYamlTraps, SyntaxErrorsHaveAPlaceAndAdvice) {
  EXPECT_EQ(read("a: [1, 2\nb: 3\n").problem(),
            "t.yaml:2:2: not valid YAML: end of sequence flow not found (a '[' is not closed before this) "
            "[yaml-syntax]");
  EXPECT_EQ(read("a: b: c\n").problem(),
            "t.yaml:1:5: not valid YAML: illegal map value (check the indentation, and quote a text that "
            "holds ': ') [yaml-syntax]");
  EXPECT_EQ(read("a:\n\tb: 1\n").problem(),
            "t.yaml:2:3: a tab indents this line; YAML needs spaces [yaml-syntax]");
  for (std::string text :
       {"a: \"x\n", "a: \"x\\\"\n", "a: 'x''\n", "a: \"x\n\n  y\n"})  // yaml-cpp itself takes some of these
    EXPECT_THAT(read(text).problem(), HasSubstr("never closed")) << text;
  EXPECT_TRUE(read("a: \"x\n\n  y\"\nb: 'it''s\n  two'\n").diagnostics.empty());
  EXPECT_THAT(read("%YAML 3.0\n---\na: 1\n").problem(), HasSubstr("t.yaml:1:1: not valid YAML"));
}

TEST(ReadYamlTraps, AJsonTextThatEndsEarlySaysWhereAndWhatIsOpen) {
  EXPECT_EQ(read("{\"a\": 1,\n \"b\": [1, 2\n").problem(),
            "t.yaml:2:11: the file ends early: '[' of line 2, column 7 is never closed [ends-early]");
  EXPECT_EQ(read("{\"a\": 1,\n \"b").problem(),
            "t.yaml:2:3: the file ends early: the quote of line 2, column 2 is never closed [ends-early]");
  EXPECT_THAT(read("{\"a\": \"}\"").problem(), HasSubstr("'{' of line 1, column 1"));
  for (std::string text : {"{\"a\": \"[\\\"{\"}", "{a: don't, b: 'it''s {'}", "{a: 1, # a '[' here\n b: 2}"})
    EXPECT_TRUE(read(text).diagnostics.empty()) << text;
}

TEST(ReadYaml, EmptyTextsAreNull) {
  for (std::string text : {"", "\n\n", "# only a comment\n", "---\n", "~"}) {
    const Read r = read(text);
    EXPECT_TRUE(r.diagnostics.empty()) << text;
    EXPECT_TRUE(r.root.is_null()) << text;
  }
  Diagnostics d;
  EXPECT_TRUE(read_yaml(nullptr, d).is_null());
}

TEST(ReadYaml, RefusesTextsBeyondTheLimit) {
  EXPECT_THAT(read(std::string(max_input_bytes + 1, 'a')).problem(), HasSubstr("[too-large]"));
}

TEST(ReadJson, ReadsWhatAConfigFileHolds) {
  const Read r = read(
      "{\n\t\"a\":{\"b\":1,\"c\":[1,2.5e-3,true,null]},\n\t\"long\" : \"x\\/y \\u00e9 \\\"q\\\" \\\\ "
      "\\n\\t\", \"n\":-0.0,\"e\":{},\"l\":[]}\n");
  EXPECT_TRUE(r.diagnostics.empty()) << render(r.diagnostics);
  EXPECT_EQ(r.root.at("a.b")->text, "1");
  EXPECT_FALSE(r.root.at("a.b")->quoted);
  EXPECT_EQ(r.root.at("a.c.1")->text, "2.5e-3");
  EXPECT_TRUE(r.root.at("a.c.3")->is_null());
  EXPECT_EQ(r.root.at("long")->text, "x/y \xC3\xA9 \"q\" \\ \n\t");
  EXPECT_TRUE(r.root.at("long")->quoted);
  EXPECT_EQ(place(r.root.at("a.b")), "t.yaml:2:11+1");
  EXPECT_TRUE(r.root.at("e")->is_map());
  EXPECT_TRUE(r.root.at("l")->is_sequence());
}

TEST(ReadJson, JoinsSurrogatePairs) {
  const Read r = read("{\"a\": \"\\ud83d\\ude00!\", \"b\": \"\\\\ud83d\\\\ude00\"}");
  EXPECT_TRUE(r.diagnostics.empty()) << render(r.diagnostics);
  EXPECT_EQ(r.root.at("a")->text, "\xF0\x9F\x98\x80!");
  EXPECT_EQ(r.root.at("b")->text, "\\ud83d\\ude00") << "an escaped backslash starts no escape";
  EXPECT_TRUE(read("{\"a\": \"\\ud83d alone\"}").diagnostics.has_errors());
}

TEST(ReadYaml, ReadsAHundredLinesInWellUnderAMillisecond) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "key_" + std::to_string(i) + ": 3.35 TB/s\n";
  const auto source = std::make_shared<const Source>(Source{"t.yaml", text});
  double best = 1e9;
  for (int i = 0; i < 20; ++i) {
    Diagnostics d;
    const auto start = std::chrono::steady_clock::now();
    const Node n = read_yaml(source, d);
    best = std::min(
        best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    EXPECT_EQ(n.entries.size(), 100u);
  }
  RecordProperty("milliseconds", std::to_string(best));
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(best, 2.0) << "a debug build takes 0.4 ms";
#endif
}

}  // namespace
}  // namespace ridge
