#include "base/expression.h"
#include "sim/schedule_builder.h"

#include <gtest/gtest.h>

namespace ridge {
namespace {

StageTimes times(double f, double b, double w) { return {{Seconds{f}}, {Seconds{b}}, {Seconds{w}}}; }

Schedule build(ScheduleKind kind, std::int64_t p, const StageTimes& t, const PipelineShape& shape) {
  std::vector<StageTimes> stages(static_cast<std::size_t>(p), t);
  auto s = build_schedule(kind, stages, shape);
  EXPECT_TRUE(s) << s.error();
  return s ? *s : Schedule{};
}

Seconds closed(ScheduleKind kind, std::int64_t p, const StageTimes& t, const PipelineShape& shape) {
  const StageGroup group{t, p};
  return pipeline_time(kind, {&group, 1}, shape).value;
}

struct Case {
  ScheduleKind kind;
  std::int64_t p, m, v;
  double f, b, w;
  double bubble;  ///< idle time beyond m (F + B + W), from the publication
};

// GPipe and 1F1B: (p-1)(F+B+W).  Interleaved: that / v.  ZB-H1: (p-1)(F+B-W).
// ZB-H2: (p-1)(F+B-2W).  ZB-V: 0 for equal F, B, W.  DualPipe: (p/2-1)(F+2B-W).
// The rows with F < B or W < B of the zero-bubble kinds are read off the built schedule.
const Case cases[] = {
    {ScheduleKind::gpipe, 4, 8, 1, 1, 1, 1, 9},
    {ScheduleKind::gpipe, 8, 3, 1, 1, 1.5, 0.5, 21},
    {ScheduleKind::one_f_one_b, 4, 8, 1, 1, 1, 1, 9},
    {ScheduleKind::one_f_one_b, 8, 32, 1, 1, 1.3, 0.9, 7 * 3.2},
    {ScheduleKind::one_f_one_b, 8, 2, 1, 1, 1, 1, 21},
    {ScheduleKind::one_f_one_b, 1, 4, 1, 1, 1, 1, 0},
    {ScheduleKind::interleaved, 4, 8, 2, 1, 1, 1, 4.5},
    {ScheduleKind::interleaved, 8, 64, 3, 1, 1.1, 0.9, 7},
    {ScheduleKind::zb_h1, 4, 8, 1, 1, 1, 1, 3},
    {ScheduleKind::zb_h1, 8, 32, 1, 1, 1.2, 0.8, 7 * 1.4},
    {ScheduleKind::zb_h2, 4, 12, 1, 1, 1, 1, 0},
    {ScheduleKind::zb_h2, 8, 40, 1, 1, 1.2, 0.9, 7 * 0.4},
    {ScheduleKind::zbv, 4, 12, 1, 1, 1, 1, 0},
    {ScheduleKind::zbv, 8, 32, 1, 1, 1, 1, 0},
    {ScheduleKind::zb_h1, 8, 32, 1, 0.8, 1, 1, 7 * 1.0},
    {ScheduleKind::zb_h2, 8, 32, 1, 0.8, 1, 1, 7 * 0.2},
    {ScheduleKind::zbv, 8, 32, 1, 0.8, 1, 0.7, 7 * 0.3},
    {ScheduleKind::zbv, 8, 32, 1, 0.8, 1, 1, 7 * 0.1},
    {ScheduleKind::dualpipe, 8, 20, 1, 1, 1, 1, 6},
    {ScheduleKind::dualpipe, 4, 8, 1, 1, 1, 1, 2},
};

TEST(Schedule, ClosedFormsArePublishedBubbles) {
  for (const Case& c : cases) {
    const PipelineShape shape{.micro_batches = c.m, .virtual_stages = c.v};
    const double busy = static_cast<double>(c.m) * (c.f + c.b + c.w);
    EXPECT_NEAR(closed(c.kind, c.p, times(c.f, c.b, c.w), shape).value(), busy + c.bubble, 1e-9)
        << static_cast<int>(c.kind) << " p " << c.p << " m " << c.m;
  }
}

TEST(Schedule, BuiltSchedulesTakeTheClosedFormsTime) {
  for (const Case& c : cases) {
    const PipelineShape shape{.micro_batches = c.m, .virtual_stages = c.v};
    const StageTimes t = times(c.f, c.b, c.w);
    EXPECT_NEAR(build(c.kind, c.p, t, shape).step.value(), closed(c.kind, c.p, t, shape).value(), 1e-9)
        << static_cast<int>(c.kind) << " p " << c.p << " m " << c.m;
  }
}

TEST(Schedule, BuiltSchedulesHoldTheStatedMicroBatches) {
  for (const Case& c : cases) {
    const PipelineShape shape{.micro_batches = c.m, .virtual_stages = c.v};
    const Schedule s = build(c.kind, c.p, times(c.f, c.b, c.w), shape);
    double most = 0, stated = 0;
    for (std::int64_t i = 0; i < c.p; ++i) {
      const double held = peak_in_flight(s, static_cast<std::size_t>(i), c.kind, shape);
      const double bound = micro_batches_in_flight(c.kind, i, c.p, shape).value;
      EXPECT_LE(held, bound + 1e-12) << static_cast<int>(c.kind) << " p " << c.p << " m " << c.m << " stage "
                                     << i;
      most = std::max(most, held), stated = std::max(stated, bound);
    }
    EXPECT_DOUBLE_EQ(most, stated) << static_cast<int>(c.kind) << " p " << c.p << " m " << c.m;
  }
}

// With an expensive last stage (the head) the closed form and the built schedule agree too: work before
// it, then m times its own, then the way back.
TEST(Schedule, UnequalStagesAgreeWhenTheLastIsSlowest) {
  const std::vector<StageTimes> stages = {times(1, 1, 1), times(1, 1, 1), times(1, 1, 1),
                                          times(1.5, 1.5, 1.2)};
  const StageGroup groups[] = {{times(1, 1, 1), 3}, {times(1.5, 1.5, 1.2), 1}};
  for (ScheduleKind kind : {ScheduleKind::gpipe, ScheduleKind::one_f_one_b}) {
    const PipelineShape shape{.micro_batches = 16, .transfer = {Seconds{0.125}}};
    EXPECT_NEAR(build_schedule(kind, stages, shape)->step.value(),
                pipeline_time(kind, groups, shape).value.value(), 1e-9);
  }
}

// Stages that differ by up to 60 %: the closed form is what must happen at the worst stage, so it stays
// close to the built schedule; zero-bubble kinds assume more waiting than a good order needs.
TEST(Schedule, UnequalStagesStayCloseToTheBuiltSchedule) {
  const double pace[] = {1.0, 0.83, 1.27, 0.9, 1.18, 0.8, 1.3, 1.05};
  for (ScheduleKind kind : {ScheduleKind::gpipe, ScheduleKind::one_f_one_b, ScheduleKind::interleaved,
                            ScheduleKind::zb_h1, ScheduleKind::zb_h2, ScheduleKind::zbv}) {
    for (std::size_t p : {2u, 3u, 4u, 6u, 8u}) {
      std::vector<StageTimes> stages;
      std::vector<StageGroup> groups;
      for (std::size_t i = 0; i < p; ++i) {
        stages.push_back(times(pace[i], 1.05 * pace[i], 0.9 * pace[i]));
        groups.push_back({stages.back(), 1});
      }
      const PipelineShape shape{.micro_batches = 24, .virtual_stages = 2, .transfer = {Seconds{0.02}}};
      const double built = build_schedule(kind, stages, shape)->step.value();
      const double closed_form = pipeline_time(kind, groups, shape).value.value();
      EXPECT_GE(closed_form, built * 0.99) << static_cast<int>(kind) << " p " << p;
      EXPECT_LE(closed_form, built * 1.03) << static_cast<int>(kind) << " p " << p;
    }
  }
}

TEST(Schedule, NeverShorterThanItsBusiestStage) {
  for (const Case& c : cases) {
    const PipelineShape shape{.micro_batches = c.m, .virtual_stages = c.v, .transfer = {Seconds{0.25}}};
    const Schedule s = build(c.kind, c.p, times(c.f, c.b, c.w), shape);
    EXPECT_GE(s.step.value(), static_cast<double>(c.m) * (c.f + c.b + c.w) - 1e-9);
    for (const auto& stage : s.stages) {
      for (std::size_t i = 1; i < stage.size(); ++i) EXPECT_GE(stage[i].start, stage[i - 1].end);
    }
  }
}

TEST(Schedule, EveryMicroBatchRunsOnceForwardAndBackwardOnEveryStage) {
  for (const Case& c : cases) {
    const PipelineShape shape{.micro_batches = c.m, .virtual_stages = c.v};
    const Schedule s = build(c.kind, c.p, times(c.f, c.b, c.w), shape);
    const std::int64_t chunks = chunks_per_stage(c.kind, c.v);
    for (const auto& stage : s.stages) {
      std::int64_t forward = 0, input = 0, weight = 0;
      for (const ScheduledWork& w : stage) {
        forward += w.work == Work::forward;
        input += w.work == Work::backward || w.work == Work::backward_input;
        weight += w.work == Work::backward || w.work == Work::backward_weight;
      }
      EXPECT_EQ(forward, c.m * chunks);
      EXPECT_EQ(input, c.m * chunks);
      EXPECT_EQ(weight, c.m * chunks);
    }
  }
}

TEST(Schedule, SaysWhatAShapeLacks) {
  const std::vector<StageTimes> three(3, times(1, 1, 1));
  EXPECT_FALSE(build_schedule(ScheduleKind::dualpipe, three, {.micro_batches = 8}));
  EXPECT_FALSE(build_schedule(ScheduleKind::interleaved, three, {.micro_batches = 8, .virtual_stages = 2}));
  EXPECT_FALSE(build_schedule(ScheduleKind::gpipe, {}, {.micro_batches = 8}));
}

TEST(Schedule, StepGrowsWithMicroBatchesStagesAndTimes) {
  for (ScheduleKind kind :
       {ScheduleKind::gpipe, ScheduleKind::one_f_one_b, ScheduleKind::interleaved, ScheduleKind::zb_h1,
        ScheduleKind::zb_h2, ScheduleKind::zbv, ScheduleKind::dualpipe}) {
    const PipelineShape shape{.micro_batches = 32, .virtual_stages = 2};
    const Seconds base = closed(kind, 8, times(1, 1.1, 0.8), shape);
    EXPECT_GE(closed(kind, 8, times(1.1, 1.1, 0.8), shape), base);
    EXPECT_GE(closed(kind, 10, times(1, 1.1, 0.8), shape), base);
    EXPECT_GT(closed(kind, 8, times(1, 1.1, 0.8), {.micro_batches = 33, .virtual_stages = 2}), base);
  }
}

TEST(Schedule, ExplainedStepEvaluatesToItsValue) {
  const StageGroup groups[] = {{times(1, 1, 1), 3}, {times(1.5, 1.4, 1.2), 1}};
  for (ScheduleKind kind :
       {ScheduleKind::gpipe, ScheduleKind::one_f_one_b, ScheduleKind::interleaved, ScheduleKind::zb_h1,
        ScheduleKind::zb_h2, ScheduleKind::zbv, ScheduleKind::dualpipe}) {
    Explain ex;
    StageGroup traced[2] = {groups[0], groups[1]};
    for (StageGroup& g : traced) {
      for (auto* t : {&g.times.forward, &g.times.backward_input, &g.times.backward_weight}) {
        *t = input(&ex, "stage." + std::to_string(t->value.value()), t->value);
      }
    }
    const PipelineShape shape{.micro_batches = 16, .virtual_stages = 2, .transfer = {Seconds{0.125}}};
    EXPECT_EQ(pipeline_time(kind, traced, shape, &ex).value, pipeline_time(kind, groups, shape).value);
    for (NodeId id = 1; id <= ex.size(); ++id) {
      const auto& r = ex.record(id);
      if (!r.formula) continue;
      std::vector<Binding> terms;
      for (const auto& e : ex.edges(id)) {
        ASSERT_NE(e.node, 0u) << r.formula->id << ' ' << e.symbol;
        terms.push_back({e.symbol, ex.record(e.node).value});
      }
      const auto value = evaluate(r.formula->expression, terms);
      ASSERT_TRUE(value) << r.formula->id << ": " << value.error();
      EXPECT_NEAR(*value, r.value, 1e-12 * std::abs(r.value)) << r.formula->id;
    }
  }
}

TEST(Schedule, BubbleFractionIsPublishedShare) {
  const StageGroup group{times(1, 1, 1), 4};  // (p - 1)/(m + p - 1), Narayanan et al. 2021
  const PipelineShape shape{.micro_batches = 8};
  const auto step = pipeline_time(ScheduleKind::one_f_one_b, {&group, 1}, shape);
  EXPECT_NEAR(bubble_fraction(step, {&group, 1}, shape).value, 3.0 / 11.0, 1e-12);
}

}  // namespace
}  // namespace ridge
