#include "support.h"

#include <filesystem>
#include <set>

namespace ridge::test {
namespace {

const std::set<std::string> families = {"gpt", "llama", "mpt", "bloom"};

TEST(ModelPresets, AllReadAndHaveASource) {
  const auto list = list_models(repository("presets/models"));
  EXPECT_GE(list.size(), 70u);
  for (const ModelListing& preset : list) {
    EXPECT_FALSE(preset.source.empty()) << preset.name;
    if (families.count(preset.name)) continue;
    const Architecture a = model(preset.name);
    EXPECT_EQ(a.name, preset.name);
    EXPECT_GT(inventory(a).parameters, 1'000'000) << preset.name;
  }
}

TEST(ModelPresets, NamesAndAliasesAreUniqueAndLowerCase) {
  std::set<std::string> seen;
  for (const ModelListing& preset : list_models(repository("presets/models"))) {
    EXPECT_TRUE(seen.insert(preset.name).second) << preset.name;
    for (const std::string& alias : preset.aliases) {
      EXPECT_TRUE(seen.insert(alias).second) << alias;
      EXPECT_EQ(alias.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ "), std::string::npos) << alias;
    }
  }
}

// Five BLOOM rows give 96 heads for a width of 14336, which no head width divides; their source trained
// with 64 heads (bigscience tr11-176B-ml/chronicles-prequel.md, "all NHEADS=64 (above too)").
bool is_impossible(const Node& row) {
  return cell(row, "model.hidden_size") == "14336" && cell(row, "model.heads") == "96";
}

// The measurement files' models are known, each with its overrides.
TEST(ModelPresets, EveryMeasuredModelIsKnown) {
  int refused = 0;
  for (const auto& file : std::filesystem::directory_iterator(repository("tests/measurements"))) {
    if (file.path().extension() != ".csv") continue;
    Diagnostics unread;
    for (const Node& row : read_csv(read_source(file.path().string(), unread), unread)) {
      Diagnostics d;
      const std::string name = cell(row, "model");
      if (name.empty()) continue;
      Node n = read_model(name, repository("presets/models"), d);
      for (const Node::Entry& e : row.entries)
        if (e.key.starts_with("model.")) set(n, e.key.substr(6), e.value, {});
      ReadContext c{d};
      resolve(n, c);
      EXPECT_EQ(d.has_errors(), is_impossible(row)) << name << "\n" << render(d);
      refused += d.has_errors();
    }
  }
  EXPECT_EQ(refused, 5);
}

TEST(ModelPresets, FamiliesTakeTheirSizeFromOverrides) {
  // Megatron's 22B: h 6144, L 48, V 51200, s 2048; biases, norms and positions counted.
  const Architecture gpt = model("gpt", {{"layers", "48"}, {"hidden_size", "6144"}, {"heads", "64"}});
  const std::int64_t d = 6144;
  EXPECT_EQ(inventory(gpt).parameters, 51200 * d + 2048 * d + 48 * (12 * d * d + 13 * d) + 2 * d);
  const Architecture llama = model("llama", {{"layers", "32"}, {"hidden_size", "4096"}, {"heads", "32"}});
  EXPECT_EQ(inventory(llama).parameters, 6'738'415'616);  // LLaMA 7B: 11008 is derived
  const Architecture bloom = model("bloom", {{"layers", "70"}, {"hidden_size", "14336"}, {"heads", "112"}});
  EXPECT_EQ(inventory(bloom).parameters, 176'247'271'424);
}

TEST(ModelPresets, UnknownNameSuggestsTheNearest) {
  Diagnostics d;
  EXPECT_TRUE(read_model("lama-3-8b", repository("presets/models"), d).is_null());
  ASSERT_TRUE(d.has_errors());
  EXPECT_EQ(d.items()[0].suggestion, "llama-3-8b");
}

TEST(ModelPresets, ExtendsChangesAnotherPreset) {
  const std::string path = ::testing::TempDir() + "extends.yaml";
  FILE* f = fopen(path.c_str(), "w");
  fputs("extends: llama-3-8b\nlayers: 16\n", f);
  fclose(f);
  Diagnostics d;
  const Node n = read_model(path, repository("presets/models"), d);
  ReadContext c{d};
  const Architecture a = resolve(n, c);
  EXPECT_FALSE(d.has_errors()) << render(d);
  EXPECT_EQ(a.layers, 16);
  EXPECT_EQ(a.ffn_hidden_size, 14336);
}

}  // namespace
}  // namespace ridge::test
