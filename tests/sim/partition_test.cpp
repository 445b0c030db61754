#include "sim/partition.h"

#include "base/explain_text.h"
#include "prepared_scenario.h"

#include <numeric>

namespace ridge {
namespace {

Inventory model(const std::string& name, const std::vector<std::string>& assignments = {}) {
  std::vector<std::string> all = {"devices=1", "training.sequence_length=512", "training.micro_batch=1",
                                  "training.global_batch=1"};
  all.insert(all.end(), assignments.begin(), assignments.end());
  return testing::prepared("model: " + name + "\nhardware: dgx-h100\nsoftware: megatron-core\n", all)
      .inventory;
}

std::vector<std::int64_t> layers_of_stages(const Inventory& inv, const ParallelPlan& plan) {
  std::vector<std::int64_t> layers;
  for (const StageLayers& s : partition(inv, plan))
    layers.insert(layers.end(), static_cast<std::size_t>(s.count), s.layers);
  return layers;
}

TEST(Partition, EqualStagesAreOneEntryBetweenTheEnds) {
  const auto stages = partition(model("llama-3-70b"), {.pipeline = 8});
  ASSERT_EQ(stages.size(), 3u);  // first, six in the middle, last
  EXPECT_EQ(stages[0].count, 1);
  EXPECT_EQ(stages[1].count, 6);
  EXPECT_EQ(stages[2].count, 1);
  for (const StageLayers& s : stages) EXPECT_EQ(s.layers, 10);
  EXPECT_EQ(stages[0].embeddings, 1);
  EXPECT_EQ(stages[2].outputs, 1);
  EXPECT_EQ(stages[1].embeddings + stages[1].outputs + stages[0].outputs + stages[2].embeddings, 0);
}

// Llama 3 405B trains 126 layers over 16 stages: 7 on the first and last, 8 between (The Llama 3 Herd
// of Models, section 3.3.2).
TEST(Partition, EndsHoldFewerWhenLayersDoNotDivide) {
  std::vector<std::int64_t> expected(16, 8);
  expected.front() = expected.back() = 7;
  EXPECT_EQ(layers_of_stages(model("llama-3.1-405b"), {.pipeline = 16}), expected);
}

TEST(Partition, EveryLayerLiesOnOneStage) {
  for (const char* name : {"llama-3-70b", "deepseek-v3", "gemma-3-27b", "t5-base", "jamba-v0.1"}) {
    const Inventory inv = model(name);
    const std::int64_t all = inv.layers.encoder_layers + inv.layers.decoder_layers + inv.layers.mtp_layers;
    for (std::int64_t p : {1, 2, 3, 5, 7, 8}) {
      for (ScheduleKind kind : {ScheduleKind::one_f_one_b, ScheduleKind::zbv, ScheduleKind::interleaved}) {
        const ParallelPlan plan{
            .pipeline = p, .virtual_stages = kind == ScheduleKind::interleaved ? 2 : 1, .schedule = kind};
        const auto layers = layers_of_stages(inv, plan);
        EXPECT_EQ(static_cast<std::int64_t>(layers.size()), p);
        EXPECT_EQ(std::accumulate(layers.begin(), layers.end(), std::int64_t{0}), all) << name << " p " << p;
      }
    }
  }
}

TEST(Partition, DualpipeHoldsBothEndsLayersTwice) {
  const auto layers =
      layers_of_stages(model("llama-3-70b"), {.pipeline = 8, .schedule = ScheduleKind::dualpipe});
  EXPECT_EQ(std::accumulate(layers.begin(), layers.end(), std::int64_t{0}), 2 * 80);
}

TEST(Partition, TiedTableIsCopiedToTheLastStageOnly) {
  const Inventory inv = model("llama-3.2-1b");
  ASSERT_TRUE(inv.tied_embeddings);
  EXPECT_EQ(partition(inv, {}).front().token_copies, 0);
  const auto stages = partition(inv, {.pipeline = 4});
  EXPECT_EQ(stages.back().token_copies, 1);
  EXPECT_EQ(stages.front().token_copies, 0);
}

TEST(Partition, RanksLieTensorFastestThenContextDataPipeline) {
  const RankGroups g =
      rank_groups({.data = 4, .tensor = 8, .pipeline = 2, .context = 2, .expert = 16, .expert_tensor = 2});
  EXPECT_EQ(g.tensor.stride, 1);
  EXPECT_EQ(g.context.stride, 8);
  EXPECT_EQ(g.data.stride, 16);
  EXPECT_EQ(g.pipeline.stride, 64);
  EXPECT_EQ(g.replicas.ranks, 8);
  EXPECT_EQ(g.expert.stride, 2);
  EXPECT_EQ(g.expert_replicas.ranks, 2);  // 4 x 2 x 8 / (16 x 2)
  EXPECT_EQ(g.expert_replicas.stride, 32);
}

// DeepSeek-V3's 3 dense layers lie on the first stages of 16; Gemma 3's global layers are every sixth.
TEST(Partition, MixedKindsOpenToTheModelsFields) {
  const std::tuple<const char*, const char*, ParallelPlan> cases[] = {
      {"deepseek-v3", "model.first_dense_layers", {.pipeline = 16}},
      {"deepseek-v3", "model.first_dense_layers", {.pipeline = 8, .schedule = ScheduleKind::dualpipe}},
      {"gemma-3-27b", "model.global_every", {.pipeline = 4}},
      {"gpt-oss-20b",
       "model.layers",
       {.pipeline = 4, .virtual_stages = 2, .schedule = ScheduleKind::interleaved}}};
  for (const auto& [name, key, plan] : cases) {
    const Prepared p = testing::prepared(std::string("model: ") + name +
                                         "\nhardware: dgx-h100\nsoftware: megatron-core\n"
                                         "training: {sequence_length: 512, global_batch: 1}\n");
    const Inventory& inv = p.inventory;
    for (const StageLayers& stage : partition(inv, plan))
      for (std::size_t k = 0; k < inv.layers.kinds.size(); ++k) {
        if (stage.of_kind[k] == 0 || inv.layers.kinds[k].is_mtp) continue;
        Explain record(&p.scenario.origins);
        const auto n = layers_on_stage(p.scenario.model, inv, plan, stage, k, &record);
        EXPECT_EQ(n.value, stage.of_kind[k]);
        EXPECT_EQ(record.record(n.node).value, stage.of_kind[k]);
        for (const std::string& fault : audit(record)) ADD_FAILURE() << name << ": " << fault;
        EXPECT_TRUE(record.find(key) != 0 || record.find("model.layers") != 0)
            << name << " stage " << stage.first;
        for (NodeId id = 1; id <= record.size(); ++id)
          EXPECT_FALSE(record.record(id).key.starts_with("layers on stage"))
              << name << ' ' << record.record(id).key;
      }
  }
}

}  // namespace
}  // namespace ridge
