// Exchanges outside the layers' products: the divided embedding, the tied table, a divided cache.
#include "evaluate_support.h"
#include "sim/collective.h"
#include "sim/partition.h"

#include <algorithm>

namespace ridge::test {
namespace {

double part(const Estimate& e, std::string_view name) {
  for (const auto& p : e.time.parts)
    if (p.name == name) return p.amount.value.value();
  return 0;
}

OperatorList operators(const Prepared& p) {
  return list_operators(p, resolved(p.scenario.parallel, p.scenario.devices));
}

double launches(const OperatorList& list, std::string_view name, OperatorPhase phase, int layer_kind) {
  double n = 0;
  for (const Operator& o : list)
    if (o.name == name && o.phase == phase && o.layer_kind == layer_kind) n += o.count;
  return n;
}

// Shoeybi et al. 2019: the sum over ranks follows the lookup of a table whose rows are divided; with
// sequence parallelism it is a scatter, and the gradients are gathered back.
TEST(Exchange, ADividedEmbeddingIsSummed) {
  const auto count = [](std::string_view name, OperatorPhase phase, const std::vector<std::string>& set) {
    return launches(operators(prepared(train_70b, set)), name, phase, -1);
  };
  const std::vector<std::string> plain{"parallel.sequence=false", "parallel.pipeline=1"};
  std::vector<std::string> whole = plain;
  whole.emplace_back("software.sharded_embedding=false");
  EXPECT_EQ(count("tensor.all-reduce", OperatorPhase::forward, plain), 1);
  EXPECT_EQ(count("tensor.all-reduce", OperatorPhase::forward, whole), 0);
  EXPECT_EQ(count("tensor.all-reduce", OperatorPhase::backward, plain), 1);  // the head's alone
  const std::vector<std::string> sequence{"parallel.pipeline=1"};
  EXPECT_EQ(count("tensor.reduce-scatter", OperatorPhase::forward, sequence), 1);
  EXPECT_EQ(count("tensor.all-gather", OperatorPhase::backward, sequence), 1);
}

// GPT-2's table of 50257 x 768, divided over 2 ranks, in fp32 on the wire: 77.2 MB between the two ends.
TEST(Exchange, ATiedTableIsSummedOverBothEnds) {
  const std::string yaml = R"(
model: gpt2
hardware: dgx-h100
devices: 16
software: megatron-core
training: {sequence_length: 1024, micro_batch: 1, global_batch: 8}
parallel: {tensor: 2, pipeline: 4}
)";
  const Prepared tied = prepared(yaml), untied = prepared(yaml, {"model.tied_embeddings=false"});
  const double more = part(evaluate(tied), "pipeline_transfer") - part(evaluate(untied), "pipeline_transfer");
  const RankGroups g = rank_groups(resolved(tied.scenario.parallel, 16));
  const Bytes bytes{50257.0 * 768 / 2 * 4};
  const Seconds sum =
      collective_time({CollectiveKind::all_reduce, {bytes, 0}},
                      group_link(tied.scenario.hardware, 2, 3 * g.pipeline.stride, nullptr), nullptr)
          .value;
  EXPECT_GT(more, 0);
  EXPECT_NEAR(more / sum.value(), 1, 1e-9);
  EXPECT_EQ(part(evaluate(prepared(yaml, {"parallel.pipeline=1"})), "pipeline_transfer"), 0);
}

// Each of 4 ranks attends with 8 queries of 32 heads of 128 to its quarter of the cache; outputs in 2 bytes
// and a 4-byte sum for each head and query become one: 8 x 32 x (128 x 2 + 4) bytes a layer.
TEST(Exchange, ADividedCacheIsCombined) {
  const OperatorList list =
      operators(prepared(decode_8b, {"devices=4", "parallel.context=4", "inference.prompt_tokens=100000"}));
  const auto at = std::ranges::find(list, std::string_view("context.combine"), &Operator::name);
  ASSERT_NE(at, list.end());
  EXPECT_DOUBLE_EQ(at->bytes.value(), 8 * 32 * (128 * 2 + 4));
  EXPECT_EQ(at->count, 32);
  EXPECT_GT(at->time.value, Seconds{0});
  EXPECT_EQ(std::ranges::find(list, std::string_view("context.ring"), &Operator::name), list.end());
}

}  // namespace
}  // namespace ridge::test
