// Every number of every stack says how far it can be trusted, and who says so.
#include "tests/sim/prepared_scenario.h"

#include <algorithm>
#include <cctype>

namespace ridge::testing {
namespace {

bool is_number(const Node& n) {
  return n.is_scalar() && !n.text.empty() && std::isdigit(static_cast<unsigned char>(n.text.front()));
}

/// Dotted keys of the numbers of a stack's file; those of its passes below "slots".
void numbers_of(const Node& n, const std::string& path, std::vector<std::string>& out) {
  if (is_number(n)) out.push_back(path);
  for (const Node::Entry& e : n.entries)
    if (e.key != "origins") numbers_of(e.value, path + '.' + e.key, out);
  for (std::size_t i = 0; path.starts_with("software.slots") && i < n.items.size(); ++i)
    numbers_of(n.items[i], path + '.' + std::to_string(i), out);
}

TEST(StackOrigins, EveryNumberOfEveryStackHasItsKindAndSource) {
  PresetReader reader(presets());
  std::size_t seen = 0;
  for (const std::string& name : presets().names(PresetKind::software)) {
    SCOPED_TRACE(name);
    Diagnostics d;
    const Node* written = presets().find(PresetKind::software, name, d);
    ASSERT_TRUE(written);
    Node part = Node::map();
    part.entries.push_back({"preset", {}, Node::scalar(name)});
    Origins origins;
    reader.software(part, &origins, d);
    EXPECT_FALSE(d.has_errors()) << render(d);
    std::vector<std::string> keys;
    numbers_of(*written, "software", keys);
    for (const std::string& key : keys) {
      const auto found = origins.find(key);
      if (found == origins.end()) continue;  // traffic terms are text to the reader
      ++seen;
      EXPECT_NE(found->second.kind, Origin::Kind::preset) << key;
      EXPECT_FALSE(found->second.citation.empty()) << key;
      if (found->second.kind == Origin::Kind::fitted) {
        EXPECT_NE(found->second.citation.find("group"), std::string::npos) << key;
      }
    }
  }
  EXPECT_GT(seen, 200u);
}

TEST(StackOrigins, AnExplanationNamesTheFit) {
  const Prepared p =
      prepared(document("model: gpt\nmodel.layers: 4\nmodel.hidden_size: 64\nmodel.heads: 4\n"
                        "hardware: dgx-a100-80g\ndevices: 1\nsoftware: megatron-lm\n"
                        "software.launch.host_per_step: 3 ms\n"
                        "training: {sequence_length: 64, global_batch: 4}\n"));
  const Origin& launch = p.scenario.origins.at("software.launch.host_per_kernel");
  EXPECT_EQ(launch.kind, Origin::Kind::fitted);
  EXPECT_NE(launch.citation.find("vtrain/single"), std::string::npos);
  EXPECT_EQ(p.scenario.origins.at("software.interval_log_sigma").kind, Origin::Kind::fitted);
  EXPECT_EQ(p.scenario.origins.at("software.launch.host_per_step").kind, Origin::Kind::scenario);
}

TEST(StackOrigins, AKeyThatNoStackHasIsRefused) {
  Diagnostics d;
  const Node n = document(
      "model: gpt2\nhardware: dgx-a100-80g\ndevices: 1\nsoftware: megatron-lm\n"
      "software.origins.lunch: {kind: fitted}\n"
      "training: {sequence_length: 64, global_batch: 4}\n");
  Node normal = n;
  normalise(normal);
  read_scenario(normal, presets(), d);
  EXPECT_TRUE(d.has_errors());
  EXPECT_NE(render(d).find("lunch"), std::string::npos);
}

}  // namespace
}  // namespace ridge::testing
