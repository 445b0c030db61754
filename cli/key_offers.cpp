#include "base/schema_text.h"
#include "cli/grammar.h"
#include "sim/io/read_scenario.h"

#include <algorithm>

namespace ridge {
namespace {

/// Keys whose values are names of presets.
constexpr std::pair<std::string_view, std::string_view> preset_keys[] = {
    {"model", "models"},
    {"hardware", "hardware"},
    {"software", "software"},
    {"training.precision", "precision"},
    {"training.optimizer", "optimizers"},
    {"inference.weights", "formats"},
};

const FieldInfo* find_field(const std::vector<FieldInfo>& fields, std::string_view key) {
  const std::string_view name = key.substr(0, key.find('.'));
  const auto it =
      std::find_if(fields.begin(), fields.end(), [&](const FieldInfo& f) { return f.name == name; });
  if (it == fields.end() || name.size() == key.size()) return it == fields.end() ? nullptr : &*it;
  return find_field(it->children, key.substr(name.size() + 1));
}

}  // namespace

Offers offers_of_key(const std::string& key) {
  for (const auto& [name, kind] : preset_keys)
    if (name == key) return {{}, std::string(kind), false, kind == "models" || kind == "hardware"};
  if (key == "inference.kv_cache") return {cache_format_names()};
  static const std::vector<FieldInfo> fields = scenario_fields();
  const FieldInfo* field = find_field(fields, key);
  if (!field) return {};
  std::vector<std::string> words = choices_of(*field);
  if (words.empty() && field->type == "count" && field->range.high <= 8)
    for (double n = field->range.low; n <= field->range.high; ++n)
      words.push_back(std::to_string(static_cast<int>(n)));
  return {std::move(words)};
}

std::vector<std::string> scenario_keys() {
  std::vector<std::string> keys;
  const auto add = [&keys](const std::string& prefix, const std::vector<FieldInfo>& fields) {
    for (const std::string& key : dotted_keys(fields)) keys.push_back(prefix + key);
  };
  add("", scenario_fields());
  add("model.", schema_info<Architecture>().fields);
  add("hardware.", schema_info<Cluster>().fields);
  add("software.", schema_info<SoftwareStack>().fields);
  return keys;
}

}  // namespace ridge
