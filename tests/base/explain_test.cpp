#include "base/explain.h"

#include "base/explain_text.h"
#include "base/literals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

inline constexpr Formula weights_formula{"memory.weights", "weight bytes of one device", "n * w",
                                         "definition"};
inline constexpr Formula total_formula{"memory.total", "bytes on one device", "sum(...)", "definition",
                                       "nothing else is allocated"};
inline constexpr Formula layers_formula{"memory.layers", "bytes of all layers", "l * one", "definition"};

Origins origins() {
  return {{"model.parameters", {Origin::Kind::preset, "presets/models/a.yaml:6", "", ""}},
          {"width", {Origin::Kind::scenario, "s.yaml:2", "", ""}}};
}

/// total = weights + layers, layers = l * weights: weights is used twice.
NodeId record(Explain& ex) {
  const auto n = input(&ex, "model.parameters", Elements{8030261248.0});
  const auto w = input(&ex, "width", BytesPerElement{2});
  const auto weights = note(&ex, weights_formula, n.value * w.value, {{"n", n}, {"w", w}});
  const auto l = constant(&ex, "layers.repeated", 3.0, "a paper");
  const auto layers = note(&ex, layers_formula, l.value * weights.value, {{"l", l}, {"one", weights}});
  const auto total =
      note(&ex, total_formula, weights.value + layers.value, {{"weights", weights}, {"layers", layers}});
  ex.label("memory.peak", total.node);
  return total.node;
}

TEST(Explain, RecordsNothingThroughANullPointer) {
  const auto n = input(nullptr, "model.parameters", Elements{5});
  const auto w = constant(nullptr, "w", BytesPerElement{2}, "x");
  const auto b = note(nullptr, weights_formula, n.value * w.value, {{"n", n}, {"w", w}});
  EXPECT_EQ(b.value, 10_B);
  EXPECT_EQ(b.node, 0u);
}

TEST(Explain, LooksOriginsUpAndRecordsAnInputOnce) {
  const Origins known = origins();
  Explain ex(&known);
  const NodeId first = ex.input("width", 2, BytesPerElement::dim);
  EXPECT_EQ(ex.input("width", 2, BytesPerElement::dim), first);
  EXPECT_EQ(ex.record(first).origin.where, "s.yaml:2");
  EXPECT_NE(ex.input("width", 4, BytesPerElement::dim), first) << "another value is another input";
  EXPECT_EQ(ex.find("width"), first);
  EXPECT_EQ(ex.find("missing"), 0u);
}

TEST(Explain, LabelsNodes) {
  Explain ex;
  const NodeId id = record(ex);
  EXPECT_EQ(ex.find("memory.peak"), id);
  EXPECT_EQ(ex.record(id).key, "memory.peak");
  ex.label("again", id);
  ex.label("nothing", 0);
  ex.label("outside", 1000);
  EXPECT_EQ(ex.labels().size(), 2u);
  EXPECT_EQ(ex.edges(id).size(), 2u);
}

TEST(ExplainText, ShowsFormulaSubstitutionAndOrigins) {
  const Origins known = origins();
  Explain ex(&known);
  const NodeId id = record(ex);
  EXPECT_EQ(explain_text(ex, id),
            "memory.peak = 59.8 GiB (64242089984 B)\n"
            "  bytes on one device\n"
            "  = sum(...)\n"
            "  = 15 GiB + 44.9 GiB\n"
            "  source: definition\n"
            "  assumes: nothing else is allocated\n"
            "  weights = 15 GiB, weight bytes of one device [#1]\n"
            "    = n * w\n"
            "    = 8.03 G elements * (2 B/element)\n"
            "    source: definition\n"
            "    n = 8.03 G elements   model.parameters   presets/models/a.yaml:6, preset\n"
            "    w = 2 B/element   width   s.yaml:2, scenario\n"
            "  layers = 44.9 GiB, bytes of all layers\n"
            "    = l * one\n"
            "    = 3 * 15 GiB\n"
            "    source: definition\n"
            "    l = 3   layers.repeated   definition; a paper\n"
            "    one = 15 GiB, see [#1]\n");
}

TEST(ExplainText, StopsAtTheDepthAskedFor) {
  Explain ex;
  const NodeId id = record(ex);
  EXPECT_EQ(explain_text(ex, id, {.max_depth = 0, .show_sources = false}),
            "memory.peak = 59.8 GiB (64242089984 B)\n"
            "  bytes on one device\n"
            "  = sum(...)\n"
            "  = 15 GiB + 44.9 GiB\n"
            "  weights = 15 GiB, weight bytes of one device ...\n"
            "  layers = 44.9 GiB, bytes of all layers ...\n");
  EXPECT_EQ(explain_text(ex, 0), "not recorded\n");
  EXPECT_EQ(explain_text(ex, 999), "not recorded\n");
}

TEST(ExplainText, SummarisesLeafInputs) {
  const Origins known = origins();
  Explain ex(&known);
  const NodeId id = record(ex);
  EXPECT_THAT(leaf_inputs(ex, id),
              ElementsAre(ex.find("model.parameters"), ex.find("width"), ex.find("layers.repeated")));
  EXPECT_EQ(inputs_summary(ex, id), "3 inputs: 1 scenario, 1 preset, 1 definition");
  EXPECT_EQ(inputs_summary(ex, ex.find("width")), "1 input: 1 scenario");
}

TEST(Audit, AcceptsAConsistentRecord) {
  const Origins known = origins();
  Explain ex(&known);
  record(ex);
  EXPECT_THAT(audit(ex), IsEmpty());
}

/// The only fault of a one-formula record whose terms are 6 and 7.
std::string fault(const char* expression, double value, const char* second_symbol = "b") {
  static Formula f;
  f = {"f", "a test", expression, "definition"};
  Explain ex;
  const auto a = constant(&ex, "six", 6.0, "definition"), b = constant(&ex, "seven", 7.0, "definition");
  note(&ex, f, value, {{"a", a}, {second_symbol, b}});
  const auto faults = audit(ex);
  EXPECT_EQ(faults.size(), 1u);
  return faults.empty() ? "" : faults.front();
}

TEST(Audit, FindsEveryKindOfFault) {
  EXPECT_EQ(fault("a * b", 43), "node 3 f: 'a * b' gives 42, recorded is 43");
  EXPECT_EQ(fault("a / b", 6.0 / 7.0 * (1 + 1e-11)).substr(0, 16), "node 3 f: 'a / b");
  EXPECT_THAT(fault("a * q", 42), HasSubstr("unknown symbol 'q'"));
  EXPECT_EQ(fault("a", 6), "node 3 f: the expression does not use the term 'b'");
  EXPECT_EQ(fault("a * a", 36, "a"), "node 3 f: the symbol 'a' occurs twice");
  EXPECT_EQ(fault("(a * b) ", 42 + 1e-11).substr(0, 10), "node 3 f: ")
      << "42.00000000001 is no sum of whole numbers";
}

TEST(Audit, FindsTermsWithoutNodesAndInputsWithoutOrigin) {
  Explain ex;
  const Traced<double> unrecorded{5, 0};
  const auto b = input(&ex, "somewhere", 2.0);
  static constexpr Formula f{"f", "a test", "a * b", "definition"};
  note(&ex, f, 10.0, {{"a", unrecorded}, {"b", b}});
  EXPECT_THAT(audit(ex),
              ElementsAre("node 1 'somewhere': an input without origin", "node 2 f: term 'a' has no node"));
  Explain infinite;
  infinite.input("x", std::numeric_limits<double>::infinity(), {}, {Origin::Kind::default_value, "", "", ""});
  EXPECT_THAT(audit(infinite), ElementsAre("node 1 'x': the value is not finite"));
}

TEST(Audit, AllowsRoundingWhereItMustHappen) {
  Explain ex;
  const auto a = constant(&ex, "a", 0.1, "definition"), b = constant(&ex, "b", 3.0, "definition");
  static constexpr Formula f{"f", "a test", "b * a", "definition"};
  note(&ex, f, 0.3, {{"a", a}, {"b", b}});  // 3 * 0.1 is the double next to 0.3
  EXPECT_THAT(audit(ex), IsEmpty());
}

TEST(ExplainText, NamesOriginsAndCounts) {
  EXPECT_EQ(origin_text({Origin::Kind::datasheet, "h.yaml:3", "H100 datasheet", "2024-03"}),
            "h.yaml:3, datasheet; H100 datasheet, 2024-03");
  EXPECT_EQ(origin_text({Origin::Kind::default_value, "", "", ""}), "default");
  EXPECT_EQ(value_text(4096, {}), "4 096");
  EXPECT_EQ(value_text(0.25, {}), "0.25");
}

}  // namespace
}  // namespace ridge
