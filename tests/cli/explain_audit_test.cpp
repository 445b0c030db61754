// Every number of every report can be opened, and every formula gives its number again.
#include "base/explain_text.h"
#include "sim/io/read_scenario.h"
#include "sim/prepare.h"
#include "sim/report/plan_report.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

template <class Check> void for_every_preset_scenario(Check check) {
  const PresetIndex presets;
  PresetReader reader(presets);
  for (const std::string& name : presets.names(PresetKind::scenario)) {
    SCOPED_TRACE(name);
    Diagnostics d;
    const Prepared p = prepare(read_scenario(scenario_document(name, presets, d), reader, d));
    ASSERT_FALSE(d.has_errors()) << render(d);
    Explain record(&p.scenario.origins);
    const Estimate e = evaluate(p, &record);
    check(p, record, e);
  }
}

TEST(ExplainAudit, EveryFormulaGivesItsNumberAgain) {
  for_every_preset_scenario([](const Prepared&, const Explain& record, const Estimate&) {
    for (const std::string& fault : audit(record)) ADD_FAILURE() << fault;
  });
}

TEST(ExplainAudit, EveryKeyOfTheReportIsExplained) {
  for_every_preset_scenario([](const Prepared& p, const Explain& record, const Estimate& e) {
    const Report report = plan_report({p.scenario, e, &record, {}, "x"});
    EXPECT_GT(explainable_keys(report).size(), 8u);
    for (const std::string& key : explainable_keys(report)) EXPECT_NE(record.find(key), 0u) << key;
  });
}

TEST(ExplainAudit, RecordingDoesNotChangeTheAnswer) {
  for_every_preset_scenario([](const Prepared& p, const Explain&, const Estimate& recorded) {
    const Estimate plain = evaluate(p);
    ASSERT_EQ(plain.time.totals.size(), recorded.time.totals.size());
    for (std::size_t i = 0; i < plain.time.totals.size(); ++i)
      EXPECT_EQ(plain.time.totals[i].amount.value, recorded.time.totals[i].amount.value);
    EXPECT_EQ(plain.memory.peak_allocated.value, recorded.memory.peak_allocated.value);
  });
}

TEST(ExplainAudit, EveryInputHasAnOrigin) {
  for_every_preset_scenario([](const Prepared&, const Explain& record, const Estimate& e) {
    const NodeId headline = record.find("time." + std::string(e.time.totals.front().name));
    for (const NodeId input : leaf_inputs(record, headline)) {
      const Explain::Record& r = record.record(input);
      const bool is_traceable = !r.origin.where.empty() || !r.origin.citation.empty() ||
                                r.origin.kind == Origin::Kind::default_value;
      EXPECT_TRUE(is_traceable) << r.key << " " << origin_text(r.origin);
    }
  });
}

}  // namespace
}  // namespace ridge
