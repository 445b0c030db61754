/// Single operators: what a stack launches around expert products, and which kernels its formats choose.

#include "base/explain_text.h"
#include "tests/sim/evaluate_support.h"

#include <functional>
#include <map>

namespace ridge::test {
namespace {

/// 4 devices, 8 experts of 512 -> 1024, 2 a token, 1000 tokens on each device.
const std::string experts = R"(
hardware: hgx-h200
devices: 4
software: mine
operator: {kind: moe_layer, tokens: 1000, hidden: 512, ffn: 1024, experts: 8, top_k: 2, expert_parallel: 4}
)";

Prepared with_slots(std::vector<std::pair<std::string, std::string>> slots) {
  std::string yaml = experts;
  yaml.replace(yaml.find("mine"), 4, "kernels");
  Prepared p = prepared(yaml);
  p.scenario.software.slots.clear();
  for (const auto& [slot, pass] : slots) {
    Diagnostics d;
    ReadContext c{d};
    Pass one;
    read_value(read_yaml(std::make_shared<Source>(Source{"pass.yaml", pass}), d), one, c);
    EXPECT_TRUE(d.empty()) << render(d);
    p.scenario.software.slots[slot].push_back(one);
  }
  return p;
}

// 1000 tokens, bf16: copies 2 · 512 read and written once are 1000 · (1024 + 1024) · 2 B; logits in fp32 8 · 4 B.
TEST(ExpertLayer, LaunchesThePassesOfItsStack) {
  const Prepared p = with_slots({{"router",
                                  "{name: permute, when: moe, kernels: 3, read: [expert_hidden, fp32 "
                                  "experts], write: [expert_hidden]}"},
                                 {"activation", "{name: gate, when: gated, read: [2 ffn], write: [ffn]}"},
                                 {"activation", "{name: bias, when: plain, read: [ffn], write: [ffn]}"},
                                 {"after_down", "{name: sum, read: [expert_hidden], write: [hidden]}"}});
  Explain ex(&p.scenario.origins);
  const Estimate e = evaluate(p, &ex);
  std::map<std::string_view, double> bytes;
  double sum = 0;
  for (const Operator& op : list_operators(p, p.scenario.parallel)) {
    if (op.kind == OperatorKind::pass) bytes[op.name] = op.bytes.value();
    sum += op.time.value.value();
  }
  EXPECT_EQ(bytes, (std::map<std::string_view, double>{{"permute", 1000 * (2 * 1024 * 2 + 8 * 4)},
                                                       {"gate", 1000 * 3 * 2 * 1024 * 2.0},
                                                       {"sum", 1000 * (1024 + 512) * 2.0}}));
  EXPECT_NEAR(sum, total(e, "seconds"), 1e-12);
  EXPECT_TRUE(audit(ex).empty()) << audit(ex)[0];
}

TEST(ExpertLayer, TakesLongerWithPassesThanWithout) {
  EXPECT_LT(
      total(evaluate(with_slots({})), "seconds"),
      total(evaluate(with_slots({{"after_down", "{name: sum, read: [expert_hidden], write: [hidden]}"}})),
            "seconds"));
}

TEST(ScaledProducts, AreChosenByTheStackAndOnlyForFp8) {
  const auto seconds = [](const char* dtype, OperandScales scales, bool is_known) {
    Prepared p = prepared(
        std::string("hardware: hgx-h200\ndevices: 1\nsoftware: kernels\noperator: {kind: gemm, m: 4096, n: "
                    "4096, k: 4096, dtype: ") +
        dtype + "}\n");
    p.scenario.software.fp8_scales = scales;
    ScaledProducts rows{"rows", *p.scenario.hardware.device.achievable.gemm.find(Precision::fp8)};
    rows.fit.fixed_time.value = Seconds{1e-3};
    if (is_known) p.scenario.hardware.device.achievable.fp8_scaled = {rows};
    Explain ex(&p.scenario.origins);
    const double t = total(evaluate(p, &ex), "seconds");
    EXPECT_TRUE(audit(ex).empty());
    return t;
  };
  const double one_scale = seconds("fp8", OperandScales::tensor, true);
  EXPECT_GT(seconds("fp8", OperandScales::rows, true), 1e-3);
  EXPECT_LT(one_scale, 1e-3);
  EXPECT_EQ(seconds("fp8", OperandScales::rows, false), one_scale);
  EXPECT_EQ(seconds("bf16", OperandScales::rows, true), seconds("bf16", OperandScales::tensor, true));
}

double seconds(const std::string& what, const std::function<void(Scenario&)>& change) {
  Prepared p =
      prepared("hardware: hgx-h200-calibrated\ndevices: 4\nsoftware: kernels\noperator: {" + what + "}\n");
  change(p.scenario);
  Explain ex(&p.scenario.origins);
  const double t = total(evaluate(p, &ex), "seconds");
  EXPECT_TRUE(audit(ex).empty()) << audit(ex)[0];
  return t;
}

// 8192 cubed takes 1.4 ms, 200 of them more than a tenth of a second, which the product's FLOPs decide; 64 rows of it
// take some 30 us.
TEST(LongProducts, TakeTheClockOfATenthOfASecondWhereAProfileKnowsIt) {
  const auto clock = [](double fraction) {
    return [=](Scenario& s) {
      s.hardware.device.achievable.tenth_fraction = {fraction, Origin::Kind::measured, "", ""};
    };
  };
  const std::string long_one = "kind: gemm, m: 8192, n: 8192, k: 8192",
                    short_one = "kind: gemm, m: 64, n: 8192, k: 8192";
  EXPECT_NEAR(seconds(long_one, clock(0.8)) / seconds(long_one, clock(1)), 1.25, 0.03);
  EXPECT_EQ(seconds(short_one, clock(0.8)), seconds(short_one, clock(1)));
  const auto plain = [&](Scenario& s) { s.hardware.device.achievable.tenth_fraction = {}; };
  EXPECT_NEAR(seconds(long_one, plain), seconds(long_one, clock(1)), 1e-12);
}

TEST(GraphedCollectives, TakeWhatLaunchingTheirGraphAdds) {
  const auto launch = [](double added) {
    return [=](Scenario& s) { s.software.launch.graph_per_collective = Seconds{added}; };
  };
  const std::string sum = "kind: collective, collective: all_reduce, bytes: 65536, launch: ";
  EXPECT_NEAR(seconds(sum + "graph", launch(5e-6)) - seconds(sum + "graph", launch(0)), 5e-6, 1e-12);
  EXPECT_EQ(seconds(sum + "stream", launch(5e-6)), seconds(sum + "stream", launch(0)));
}

TEST(OptimizerStep, ReachesTheStacksShareOfTheBandwidth) {
  const auto share = [](double e) { return [=](Scenario& s) { s.software.optimizer_efficiency = e; }; };
  const std::string step = "kind: optimizer, dtype: fp32, parameters: 1000000000";
  EXPECT_NEAR(seconds(step, share(0.5)) / seconds(step, share(1)), 2, 0.01);
}

}  // namespace
}  // namespace ridge::test
