// CSV, overrides, writing and files; YAML itself is in read_yaml_test.cpp.
#include "base/yaml/read_document.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace ridge {
namespace {

using testing::HasSubstr;

SourcePtr source(std::string text) {
  return std::make_shared<const Source>(Source{"t.csv", std::move(text)});
}

std::string problems(const Diagnostics& d) {
  std::string out;
  for (auto& item : d.items()) out += item.span.where() + ": " + item.message + "\n";
  return out;
}

TEST(ReadCsv, KeepsHeaderKeysAndLocations) {
  Diagnostics d;
  const auto rows =
      read_csv(source("id,model,model.layers,note\nr1,gpt,12,\"a, \"\"b\"\"\"\n\nr2 , llama,,\n"), d);
  EXPECT_TRUE(d.empty()) << render(d);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].find("model.layers")->text, "12");
  EXPECT_EQ(rows[0].find("note")->text, "a, \"b\"");
  EXPECT_FALSE(rows[0].find("note")->quoted);
  EXPECT_EQ(rows[0].find("model.layers")->span.where(), "t.csv:2:8");
  EXPECT_EQ(rows[0].entries[2].key_span.where(), "t.csv:1:10");
  EXPECT_EQ(rows[1].find("id")->text, "r2");
  EXPECT_EQ(rows[1].find("model")->text, "llama");
  EXPECT_FALSE(rows[1].find("model.layers")) << "empty cells are absent";
  EXPECT_EQ(rows[1].span.where(), "t.csv:4:1");
}

TEST(ReadCsv, AcceptsCrLfQuotedLineBreaksAndBom) {
  Diagnostics d;
  const auto rows = read_csv(source("\xEF\xBB\xBF"
                                    "a,b\r\n\"1\n2\",3\r\n4,5"),
                             d);
  EXPECT_TRUE(d.empty()) << render(d);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].find("a")->text, "1\n2");
  EXPECT_EQ(rows[1].find("b")->span.where(), "t.csv:4:3");
}

TEST(ReadCsv, ReportsAndSkipsBadRows) {
  Diagnostics d;
  const auto rows = read_csv(source("a,b\n1\n1,2,3\n4,5\n"), d);
  EXPECT_EQ(rows.size(), 1u);
  EXPECT_EQ(problems(d),
            "t.csv:2:1: this row has 1 cells where the header has 2\nt.csv:3:1: this row has 3 cells where "
            "the header has 2\n");
}

TEST(ReadCsv, ReportsBadHeadersAndQuotes) {
  Diagnostics d;
  EXPECT_EQ(read_csv(source("a,,a\n1,2,3\n"), d).size(), 1u);
  EXPECT_EQ(problems(d),
            "t.csv:1:3: a column has no name\nt.csv:1:4: duplicate column 'a', first given at t.csv:1:1\n");
  Diagnostics open;
  read_csv(source("a,b\n\"x,2\n"), open);
  EXPECT_THAT(problems(open), HasSubstr("t.csv:2:1: the quote opened here is never closed"));
  Diagnostics tail;
  read_csv(source("a\n\"x\"y\n"), tail);
  EXPECT_THAT(problems(tail), HasSubstr("t.csv:2:4: text follows a closed quote"));
  for (std::string text : {"", "\n\n", " \n"}) {
    Diagnostics empty;
    EXPECT_TRUE(read_csv(source(text), empty).empty());
    EXPECT_TRUE(empty.has_errors());
  }
}

Node yaml(std::string text) {
  Diagnostics d;
  Node n = read_yaml(source(std::move(text)), d);
  EXPECT_TRUE(d.empty()) << render(d);
  return n;
}

TEST(ApplyOverride, SetsScalarsListsAndMaps) {
  Diagnostics d;
  Node n = yaml("parallel: {tensor: 1}\n");
  EXPECT_TRUE(apply_override(n, "parallel.tensor=8", d));
  EXPECT_TRUE(apply_override(n, " training.shape = [1, \"2\"] ", d));
  EXPECT_TRUE(apply_override(n, "name=a: b # c", d));
  EXPECT_TRUE(apply_override(n, "quoted=\"8\"", d));
  EXPECT_TRUE(apply_override(n, "gone=", d));
  EXPECT_TRUE(apply_override(n, "url=a=b", d));
  EXPECT_TRUE(d.empty()) << render(d);
  EXPECT_EQ(n.at("parallel.tensor")->text, "8");
  EXPECT_EQ(n.at("parallel.tensor")->span.where(), "--set:1:17");
  EXPECT_EQ(n.at("training.shape.1")->text, "2");
  EXPECT_EQ(n.at("training.shape.1")->span.where(), "--set:1:23");
  EXPECT_EQ(n.at("name")->text, "a: b # c");
  EXPECT_TRUE(n.at("quoted")->quoted);
  EXPECT_TRUE(n.at("gone")->is_null());
  EXPECT_EQ(n.at("url")->text, "a=b");
}

TEST(ApplyOverride, KeepsAScalarBesideItsOverrides) {
  Diagnostics d;
  Node n = yaml("model: gpt2\n");
  EXPECT_TRUE(apply_override(n, "model.layers=12", d));
  EXPECT_TRUE(apply_override(n, "model.layers=14", d));
  EXPECT_EQ(n.find("model")->text, "gpt2");
  EXPECT_EQ(n.find("model.layers")->text, "14");
  EXPECT_EQ(n.entries.size(), 2u);
}

TEST(ApplyOverride, ReportsBadAssignments) {
  for (std::string bad :
       {"parallel.tensor", "=8", ".a=1", "a.=1", "a..b=1", "a=[1", "a={b: 1, b: 2}", "a=\"x"}) {
    Diagnostics d;
    Node n = yaml("a: 1\n");
    EXPECT_FALSE(apply_override(n, bad, d)) << bad;
    EXPECT_TRUE(d.has_errors()) << bad;
    EXPECT_EQ(n.at("a")->text, "1") << bad;
  }
  Diagnostics d;
  Node n;
  std::string deep = "a";
  for (int i = 0; i < 10'000; ++i) deep += ".a";
  EXPECT_FALSE(apply_override(n, deep + "=1", d));
  EXPECT_FALSE(apply_override(n, "a=" + std::string(max_override_bytes, 'x'), d));
}

/// A random tree; `quoted` is set where a scalar could not stand plain.
Node random_tree(std::mt19937_64& random, int depth) {
  const std::string texts[] = {"8",     "80 GiB",   "a: b",
                               "-",     "- a",      "null",
                               "",      " x",       "x ",
                               "#",     "a #b",     "yes",
                               "0100",  "[",        "{",
                               "&a",    "*a",       "!t",
                               "|",     ">",        "%",
                               "@",     "`",        "'",
                               "\"",    "a,b",      "a\nb",
                               "\n",    "\t",       "\x01",
                               "\x7f",  "\xC3\xA9", "\xE2\x80\xA8",
                               "...",   "---",      "? x",
                               ": x",   "x:",       "a:b",
                               "-1",    "+1",       ".5",
                               "1:2",   "<<",       "=",
                               "~",     "true",     "\\",
                               "a\\nb", "\xC2\x85", "\xEF\xBB\xBF"};
  const auto text = [&] { return texts[random() % std::size(texts)]; };
  Node n;
  switch (depth == 0 ? random() % 2 : random() % 4) {
    case 0: break;
    case 1:
      n = Node::scalar(text());
      n.quoted = random() % 2;
      break;
    case 2:
      n = Node::map();
      for (auto i = random() % 4; i > 0; --i) {
        const std::string key = text();
        if (!key.empty() && !n.find(key)) n.entries.push_back({key, {}, random_tree(random, depth - 1)});
      }
      break;
    default:
      n.kind = Node::Kind::sequence;
      for (auto i = random() % 4; i > 0; --i) n.items.push_back(random_tree(random, depth - 1));
  }
  return n;
}

void expect_same(const Node& a, const Node& b, const std::string& text) {
  ASSERT_EQ(a.kind, b.kind) << text;
  ASSERT_EQ(a.text, b.text) << text;
  ASSERT_TRUE(b.quoted || !a.quoted) << text;
  ASSERT_EQ(a.entries.size(), b.entries.size()) << text;
  ASSERT_EQ(a.items.size(), b.items.size()) << text;
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    ASSERT_EQ(a.entries[i].key, b.entries[i].key) << text;
    expect_same(a.entries[i].value, b.entries[i].value, text);
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) expect_same(a.items[i], b.items[i], text);
}

TEST(WriteYamlLaws, ReadingGivesTheSameTree) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 5000; ++i) {
    const Node n = random_tree(random, 4);
    const std::string text = write_yaml(n);
    Diagnostics d;
    const Node back = read_yaml(source(text), d);
    ASSERT_TRUE(d.empty()) << text << render(d);
    expect_same(n, back, text);
    if (HasFatalFailure()) return;
    ASSERT_EQ(write_yaml(back), text) << "writing is idempotent";
  }
}

TEST(WriteYaml, LooksAsPeopleWriteIt) {
  EXPECT_EQ(write_yaml(yaml("{name: Llama 3 8B, memory: {capacity: 80 GiB, levels: [{a: 1, b: '2'}, x]}, "
                            "none: {}, empty: [], t: true}")),
            "name: Llama 3 8B\n"
            "memory:\n"
            "  capacity: 80 GiB\n"
            "  levels:\n"
            "    - a: 1\n"
            "      b: \"2\"\n"
            "    - x\n"
            "none: {}\n"
            "empty: []\n"
            "t: true\n");
}

class TemporaryFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("ridge_" + std::to_string(std::random_device{}()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

using ReadSource = TemporaryFolder;

TEST_F(ReadSource, ReadsAWholeFile) {
  std::ofstream(folder_ / "a.yaml", std::ios::binary) << std::string("x\0y\r\n", 5);
  Diagnostics d;
  const auto s = read_source((folder_ / "a.yaml").string(), d);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->text, std::string("x\0y\r\n", 5));
  EXPECT_EQ(s->name, (folder_ / "a.yaml").string());
}

TEST_F(ReadSource, ReportsWhatCannotBeRead) {
  std::ofstream(folder_ / "llama.yaml") << "a: 1\n";
  Diagnostics d;
  EXPECT_FALSE(read_source((folder_ / "lama.yaml").string(), d));
  EXPECT_EQ(d.items().back().suggestion, (folder_ / "llama.yaml").string());
  EXPECT_THAT(d.items().back().message, HasSubstr("No such file"));
  EXPECT_FALSE(read_source(folder_.string(), d));
  EXPECT_EQ(d.items().back().code, "not-a-file");
  EXPECT_FALSE(read_source("", d));
  EXPECT_FALSE(read_source((folder_ / "no" / "where.yaml").string(), d));
  std::ofstream(folder_ / "big.yaml") << std::string(max_input_bytes + 1, 'x');
  EXPECT_FALSE(read_source((folder_ / "big.yaml").string(), d));
  EXPECT_EQ(d.items().back().code, "too-large");
  EXPECT_EQ(d.items().size(), 5u);
}

}  // namespace
}  // namespace ridge
