#include "sim/io/preset_index.h"

#include "sim/io/alias_lines.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(AliasLines, ReadsFlowAndBlockLists) {
  EXPECT_THAT(alias_lines("name: x\naliases: [a, 'b c', \"d\"]\n"), ElementsAre("a", "b c", "d"));
  EXPECT_THAT(alias_lines("aliases:\n  - a\n  - b  # why\nlayers: 3\n"), ElementsAre("a", "b"));
  EXPECT_THAT(alias_lines("aliases: [a,\n  b]\n"), ElementsAre("a", "b"));
  EXPECT_TRUE(alias_lines("aliases: []\nx: [1]\n").empty());
  EXPECT_TRUE(alias_lines("model:\n  aliases: [inner]\n").empty());
  EXPECT_TRUE(alias_lines("aliases:").empty());
}

TEST(PresetIndex, FindsNamesWhateverTheirCase) {
  const PresetIndex presets;
  EXPECT_EQ(presets.resolve_name(PresetKind::model, "Llama-3-8B"), "llama-3-8b");
  EXPECT_EQ(presets.resolve_name(PresetKind::optimizer, "adam"), "adamw");  // an alias
  EXPECT_EQ(presets.resolve_name(PresetKind::model, "no-such-model"), "");
  EXPECT_EQ(presets.resolve_name(PresetKind::model, "../models/gpt2"), "");
}

TEST(PresetIndex, EveryAliasNamesOnePreset) {
  const PresetIndex presets;
  for (const PresetKind kind : {PresetKind::model, PresetKind::hardware, PresetKind::device,
                                PresetKind::software, PresetKind::precision, PresetKind::optimizer})
    for (const auto& [alias, name] : presets.aliases(kind)) {
      EXPECT_THAT(presets.names(kind), Contains(name));
      EXPECT_THAT(presets.names(kind), testing::Not(Contains(alias))) << alias << " is also a file";
    }
}

TEST(PresetIndex, ParsesAFileOnce) {
  const PresetIndex presets;
  Diagnostics d;
  const Node* first = presets.find(PresetKind::model, "gpt2", d);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first, presets.find(PresetKind::model, "gpt2", d));
  EXPECT_EQ(first->span.source->name, "presets/models/gpt2.yaml");
}

TEST(PresetIndex, SuggestsTheNearestName) {
  const PresetIndex presets;
  Diagnostics d;
  EXPECT_EQ(presets.document(PresetKind::hardware, "dgx-h10", {}, d), nullptr);
  ASSERT_EQ(d.items().size(), 1u);
  EXPECT_EQ(d.items()[0].code, "unknown-hardware");
  EXPECT_EQ(d.items()[0].suggestion, "dgx-h100");
}

TEST(PresetIndex, OverlayGoesFirst) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(testing::TempDir()) / "ridge-overlay-test";
  fs::create_directories(root / "models");
  std::ofstream(root / "models" / "gpt2.yaml") << "layers: 1\n";
  std::ofstream(root / "models" / "mine.yaml") << "layers: 2\naliases: [my-own]\n";
  const PresetIndex presets(root.string());
  Diagnostics d;
  EXPECT_EQ(presets.find(PresetKind::model, "gpt2", d)->find("layers")->text, "1");
  EXPECT_EQ(presets.find(PresetKind::model, "My-Own", d)->find("layers")->text, "2");
  EXPECT_THAT(presets.names(PresetKind::model), Contains("mine"));
  EXPECT_THAT(presets.names(PresetKind::model), Contains("llama-3-8b"));
  fs::remove_all(root);
}

TEST(PresetIndex, AMissingFileIsNamed) {
  const PresetIndex presets;
  Diagnostics d;
  EXPECT_EQ(presets.document_or_file(PresetKind::model, "no/such/file.yaml", {}, d), nullptr);
  ASSERT_TRUE(d.has_errors());
  EXPECT_THAT(d.items()[0].message, HasSubstr("no/such/file.yaml"));
}

}  // namespace
}  // namespace ridge
