#include "base/document.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

Node tree() {
  Node root = Node::map();
  set(root, "parallel.tensor", Node::scalar("8"), {});
  set(root, "name", Node::scalar("x"), {});
  Node list;
  list.kind = Node::Kind::sequence;
  list.items = {Node::scalar("a"), Node::map()};
  set(list.items[1], "size", Node::scalar("5"), {});
  set(root, "levels", list, {});
  return root;
}

TEST(Document, FindsByDottedKey) {
  const Node root = tree();
  ASSERT_TRUE(root.at("parallel.tensor"));
  EXPECT_EQ(root.at("parallel.tensor")->text, "8");
  EXPECT_EQ(root.at("levels.0")->text, "a");
  EXPECT_EQ(root.at("levels.1.size")->text, "5");
  EXPECT_EQ(root.at(""), &root);
  for (auto* missing :
       {"parallel.data", "name.x", "levels.2", "levels.-1", "levels.x", "levels.0.size", ".", "parallel."})
    EXPECT_FALSE(root.at(missing)) << missing;
}

TEST(Document, SetReplacesAScalarInTheWay) {
  Node root = tree();
  set(root, "name.first", Node::scalar("y"), {});
  EXPECT_EQ(root.at("name.first")->text, "y");
  set(root, "levels.0", Node::scalar("b"), {});
  EXPECT_EQ(root.at("levels.0")->text, "b");
  EXPECT_EQ(root.at("levels.1.size")->text, "5");
}

TEST(Document, MergeReplacesScalarsAndListsAndJoinsMaps) {
  Node under = tree(), over = Node::map();
  set(over, "parallel.data", Node::scalar("2"), {});
  set(over, "levels", Node::scalar("none"), {});
  auto source = std::make_shared<const Source>(Source{"over.yaml", ""});
  over.find("levels")->span = {source, 3, 1, 1};
  merge(under, over);
  EXPECT_EQ(under.at("parallel.tensor")->text, "8");
  EXPECT_EQ(under.at("parallel.data")->text, "2");
  EXPECT_EQ(under.at("levels")->text, "none");
  EXPECT_EQ(under.at("levels")->span.where(), "over.yaml:3:1");
}

TEST(Document, MergeIsIdempotent) {
  Node once = tree();
  merge(once, tree());
  EXPECT_EQ(once.entries.size(), tree().entries.size());
  EXPECT_EQ(once.at("parallel.tensor")->text, "8");
}

TEST(Document, NestsDottedKeysAroundAScalar) {
  Node row = Node::map();
  row.entries.push_back({"model.layers", {}, Node::scalar("12")});
  row.entries.push_back({"model", {}, Node::scalar("gpt2")});
  row.entries.push_back({"parallel.tensor", {}, Node::scalar("2")});
  ASSERT_TRUE(row.at("model.layers")) << "a whole dotted key is found before nesting, too";
  nest_dotted_keys(row);
  EXPECT_EQ(row.at("model.preset")->text, "gpt2");
  EXPECT_EQ(row.at("model.layers")->text, "12");
  EXPECT_EQ(row.at("parallel.tensor")->text, "2");
  EXPECT_EQ(row.entries.size(), 2u);
}

}  // namespace
}  // namespace ridge
