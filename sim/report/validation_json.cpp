#include "sim/report/json_value.h"
#include "sim/report/validation.h"

namespace ridge {
namespace {

Json optional_number(const std::optional<double>& value) {
  return value ? json_number(*value) : Json(nullptr);
}

Json row_json(const ValidationRow& r) {
  Json j = {{"id", r.id}, {"group", r.group}, {"metric", r.metric}, {"measured", json_number(r.measured)}};
  if (!r.error.empty()) {
    j["error"] = r.error;
    return j;
  }
  j["predicted"] = json_number(r.predicted);
  j["relative_error"] = json_number(r.relative_error());
  j["inside_interval"] = r.inside_interval ? Json(*r.inside_interval) : Json(nullptr);
  j["fits"] = r.fits;
  return j;
}

Json summary_json(const GroupSummary& g) {
  const ErrorSummary& e = g.errors;
  const bool any = e.rows > 0;
  const auto figure = [any](double value) { return any ? json_number(value) : Json(nullptr); };
  return {{"group", g.group},
          {"metric", g.metric},
          {"rows", e.rows},
          {"failed", g.failed},
          {"mean", figure(e.mean)},
          {"median", figure(e.median)},
          {"p90", figure(e.p90)},
          {"max", figure(e.max)},
          {"bias", figure(e.bias)},
          {"kendall_tau", optional_number(e.kendall_tau)},
          {"interval_coverage", optional_number(e.interval_coverage)}};
}

}  // namespace

std::string validation_json(const std::vector<ValidationRow>& rows, const std::vector<GroupSummary>& groups) {
  Json j = {{"rows", Json::array()}, {"summary", Json::array()}};
  for (const ValidationRow& r : rows) j["rows"].push_back(row_json(r));
  for (const GroupSummary& g : groups) j["summary"].push_back(summary_json(g));
  return json_text(j);
}

}  // namespace ridge
