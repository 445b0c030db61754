#include "sim/report/explain_json.h"

#include "base/explain_text.h"
#include "sim/report/json_value.h"

namespace ridge {
namespace {

Json origin_json(const Origin& o) {
  Json j = {{"kind", name(o.kind)}};
  if (!o.where.empty()) j["where"] = o.where;
  if (!o.citation.empty()) j["citation"] = o.citation;
  if (!o.date.empty()) j["date"] = o.date;
  return j;
}

Json node_json(const Explain& ex, NodeId id, int depth) {
  const Explain::Record& r = ex.record(id);
  Json j = Json::object();
  if (!r.key.empty()) j["key"] = r.key;
  j["value"] = json_number(r.value);
  j["text"] = value_text(r.value, r.dim);
  if (!r.formula) {
    j["origin"] = origin_json(r.origin);
    return j;
  }
  j["formula"] = {{"id", r.formula->id},
                  {"result", r.formula->result},
                  {"expression", r.formula->expression},
                  {"source", r.formula->source}};
  if (!r.formula->assumes.empty()) j["formula"]["assumes"] = r.formula->assumes;
  if (depth < 0) return j;
  j["terms"] = Json::array();
  for (const Explain::Edge& edge : ex.edges(id)) {
    Json term = {{"symbol", edge.symbol}};
    term.update(node_json(ex, edge.node, depth - 1));
    j["terms"].push_back(std::move(term));
  }
  return j;
}

}  // namespace

std::string explain_json(const Explain& ex, NodeId id, int depth) {
  return json_text(node_json(ex, id, depth));
}

std::string explain_keys_json(const Explain& ex) {
  Json j = Json::array();
  for (const auto& [key, id] : ex.labels()) {
    const Explain::Record& r = ex.record(id);
    Json item = {{"key", key}, {"value", json_number(r.value)}, {"text", value_text(r.value, r.dim)}};
    if (r.formula) item["result"] = r.formula->result;
    j.push_back(std::move(item));
  }
  return json_text(j);
}

}  // namespace ridge
