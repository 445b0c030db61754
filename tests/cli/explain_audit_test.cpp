// Every number of every report can be opened, and every formula gives its number again.
#include "base/explain_text.h"
#include "sim/io/advise.h"
#include "sim/io/read_scenario.h"
#include "sim/labels.h"
#include "sim/prepare.h"
#include "sim/report/plan_json.h"
#include "sim/report/plan_report.h"

#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>

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

using Json = nlohmann::json;

/// The key of each number in a report's JSON: its path, or for members of lists the key they state.
void numbers_of(const Json& j, const std::string& path, std::map<std::string, double>& out) {
  const auto below = [&](const std::string& name) { return path.empty() ? name : path + '.' + name; };
  if (j.is_number()) out[path] = j.get<double>();
  if (j.is_object())
    for (const auto& [name, value] : j.items()) numbers_of(value, below(name), out);
  for (std::size_t i = 0; j.is_array() && i < j.size(); ++i) {
    const bool has_key = j[i].is_object() && j[i].contains("key");
    numbers_of(j[i], has_key ? j[i]["key"].get<std::string>() : below(std::to_string(i)), out);
  }
}

/// Numbers that no formula gives: they name what the others belong to.
bool is_name(const std::string& key) { return key.starts_with("memory.stages.") && key.ends_with(".stage"); }

void expect_opens(const Explain& record, const std::string& key, double value) {
  const NodeId node = find_number(record, key);
  ASSERT_NE(node, 0u) << key;
  EXPECT_EQ(record.record(node).value, value) << key;
}

TEST(ExplainAudit, EveryNumberOfTheJsonOpensToItself) {
  for_every_preset_scenario([](const Prepared& p, const Explain& record, const Estimate& e) {
    std::map<std::string, double> numbers;
    numbers_of(Json::parse(plan_json({p.scenario, e, {}, {}})), "", numbers);
    EXPECT_GT(numbers.size(), 30u);
    for (const auto& [key, value] : numbers)
      if (!is_name(key)) expect_opens(record, key, value);
  });
}

TEST(ExplainAudit, EveryNumberOfAdviceOpensToItself) {
  const PresetIndex presets;
  PresetReader reader(presets);
  std::size_t opened = 0;
  for (const char* name : {"llama-3-70b-64-h100", "llama-3-70b-decode", "llama-3-70b-too-big"}) {
    SCOPED_TRACE(name);
    Diagnostics d;
    const Node document = scenario_document(name, presets, d);
    const Prepared now = prepare(read_scenario(document, reader, d));
    const Estimate before = evaluate(now);
    const std::vector<Advice> advice = advise(document, reader, now, before);
    std::map<std::string, double> numbers;
    numbers_of(Json::parse(plan_json({now.scenario, before, advice, {}}))["advice"], "advice", numbers);
    for (std::size_t i = 0; i < advice.size(); ++i) {
      Node changed = document;
      override_document(changed, advice[i].settings, d);
      const Prepared then = prepare(read_scenario(changed, reader, d));
      Explain record(&then.scenario.origins);
      const Estimate after = evaluate(then, &record);
      const std::string under = "advice." + std::to_string(i);
      label_change(before, after, under, record);
      for (const std::string& fault : audit(record)) ADD_FAILURE() << fault;
      for (const auto& [key, value] : numbers)
        if (key.starts_with(under + ".")) expect_opens(record, key, value), ++opened;
    }
    ASSERT_FALSE(d.has_errors()) << render(d);
  }
  EXPECT_GT(opened, 20u);
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
