#include "sim/io/read_scenario.h"

#include <array>

namespace ridge {
namespace {

template <class T> void add_children(std::vector<FieldInfo>& fields, std::string name, std::string doc) {
  FieldInfo f{std::move(name), SchemaOf<T>::get().name, std::move(doc)};
  f.children = children_of(static_cast<const T*>(nullptr));
  fields.push_back(std::move(f));
}

void add_plain(std::vector<FieldInfo>& fields, std::initializer_list<std::array<const char*, 3>> rows) {
  for (const auto& [name, type, doc] : rows) fields.push_back({name, type, doc});
}

}  // namespace

std::vector<FieldInfo> scenario_fields() {
  std::vector<FieldInfo> fields;
  add_plain(fields,
            {{"name", "text", "what the scenario is, for people"},
             {"model", "name | path | map", "a preset, a model YAML or a config.json; model.* keys override"},
             {"hardware", "name | path | map", "a preset or a hardware YAML; hardware.* keys override"},
             {"devices", "count", "accelerators used in all; absent: the product of the parallel degrees"},
             {"software", "name | path | map", "how operators are executed; software.* keys override"}});
  add_children<Training>(fields, "training", "one optimizer step");
  add_children<Inference>(fields, "inference", "serving");
  add_children<OperatorCase>(fields, "operator", "one operator alone");
  add_children<ParallelPlan>(fields, "parallel", "how the work is split");
  add_children<Measured>(fields, "measured", "what `ridge validate` compares with");
  add_plain(fields, {{"id", "text", "carried through"},
                     {"source", "text", "where a measurement comes from; carried through"},
                     {"group", "text", "rows summarised together; carried through"},
                     {"kind", "text", "what was counted; carried through"},
                     {"hf_repo", "text", "carried through"},
                     {"notes", "text", "carried through"}});
  return fields;
}

}  // namespace ridge
