#include "calibrate/cli/profile_json.h"

namespace ridge::calibrate {
namespace {

using nlohmann::json;

template <class Model> json model_json(const Model& m) {
  return {{"family", m.family},
          {"variant", m.variant},
          {"library", m.library},
          {"fitted_points", m.fitted_points},
          {"judged_points", m.hold_out.points},
          {"median", m.hold_out.median},
          {"p90", m.hold_out.p90},
          {"bias", m.hold_out.bias},
          {"interval_coverage", m.hold_out.coverage},
          {"accepted", m.objections.empty()},
          {"objections", m.objections}};
}

json cluster_json(const ClusterFindings& c) {
  json out{
      {"ranks", json::array()}, {"tiers", json::array()}, {"suspects", c.suspects}, {"failed", c.failed}};
  for (const RankSpeed& r : c.ranks)
    out["ranks"].push_back(
        {{"rank", r.rank}, {"node", r.node}, {"speed", r.speed}, {"is_straggler", r.is_straggler}});
  for (const LinkTier& t : c.tiers)
    out["tiers"].push_back({{"name", t.name},
                            {"latency_seconds", t.latency.value()},
                            {"bytes_per_second", t.bandwidth.value()},
                            {"pairs", t.pairs}});
  return out;
}

}  // namespace

json profile_json(const Profile& p) {
  json out{{"device", p.device},      {"base", p.base},           {"kind", p.kind},
           {"source", p.source},      {"facts", p.facts},         {"skipped", p.models.skipped},
           {"models", json::array()}, {"figures", json::array()}, {"counted", json::array()}};
  for (const KernelModel& m : p.models.kernels) out["models"].push_back(model_json(m));
  for (const CurveModel& m : p.models.curves) out["models"].push_back(model_json(m));
  for (const MeasuredFigure& f : p.models.figures)
    out["figures"].push_back({{"family", f.family}, {"variant", f.variant}, {"seconds", f.time.value()}});
  for (const CountedFamily& f : counted_families(p.counters))
    out["counted"].push_back({{"family", f.family},
                              {"variant", f.variant},
                              {"flop_kernels", f.flop_kernels},
                              {"flop_error", f.flop_error},
                              {"memory_kernels", f.memory_kernels},
                              {"memory_error", f.memory_error}});
  if (!p.cluster.is_empty()) out["cluster"] = cluster_json(p.cluster);
  return out;
}

}  // namespace ridge::calibrate
