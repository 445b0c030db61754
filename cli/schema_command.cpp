#include "base/schema_text.h"
#include "cli/names.h"
#include "cli/session.h"
#include "sim/report/schema_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <ostream>

namespace ridge {
namespace {

using Json = nlohmann::ordered_json;

struct NamedSchema {
  std::string_view name;
  SchemaInfo (*info)();
};

const NamedSchema schemas[] = {
    {"scenario",
     [] {
       return SchemaInfo{"scenario", "One workload on one system under one plan", scenario_fields()};
     }},
    {"training", schema_info<Training>},
    {"inference", schema_info<Inference>},
    {"operator", schema_info<OperatorCase>},
    {"parallel", schema_info<ParallelPlan>},
    {"measured", schema_info<Measured>},
    {"model", schema_info<Architecture>},
    {"hardware", schema_info<Cluster>},
    {"device", schema_info<Device>},
    {"software", schema_info<SoftwareStack>},
    {"precision", schema_info<PrecisionRecipe>},
    {"optimizer", schema_info<OptimizerRecipe>},
    {"format", schema_info<StorageFormats>},
};

/// Plain scalars of the tree are numbers and booleans, quoted ones are texts.
Json to_json(const Node& n) {
  switch (n.kind) {
    case Node::Kind::null: return nullptr;
    case Node::Kind::scalar: {
      if (n.quoted) return n.text;
      const Json plain = Json::parse(n.text, nullptr, false);
      return plain.is_discarded() || plain.is_structured() ? Json(n.text) : plain;
    }
    case Node::Kind::map: {
      Json j = Json::object();
      for (const Node::Entry& e : n.entries) j[e.key] = to_json(e.value);
      return j;
    }
    case Node::Kind::sequence: {
      Json j = Json::array();
      for (const Node& item : n.items) j.push_back(to_json(item));
      return j;
    }
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> schema_names() {
  std::vector<std::string> names;
  for (const NamedSchema& schema : schemas) names.emplace_back(schema.name);
  return names;
}

int schema_command(Session& s) {
  const std::string name = s.arguments.positional.empty() ? "scenario" : s.arguments.positional[0];
  for (const NamedSchema& schema : schemas) {
    if (schema.name != name) continue;
    if (s.arguments.format == OutputFormat::json)
      s.out << to_json(json_schema(schema.info())).dump(2) << '\n';
    else print_report(s, schema_report(schema.info()));
    return 0;
  }
  const std::vector<std::string> names = schema_names();
  say_unknown(s, "no schema", name, names, fmt::format("schemas: {}", fmt::join(names, " ")));
  return 2;
}

}  // namespace ridge
