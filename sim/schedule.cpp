#include "sim/schedule.h"

#include <algorithm>
#include <string>

namespace ridge {
namespace {

constexpr std::string_view narayanan = "Narayanan et al. 2021, arXiv 2104.04473, section 2.2";
constexpr std::string_view qi = "Qi et al. 2023, arXiv 2401.10241, section 2";

inline constexpr Formula gpipe_in_flight{"pipeline.in_flight.gpipe", "micro-batches a stage holds", "m",
                                         narayanan, "every forward pass runs before the first backward pass"};
inline constexpr Formula one_f_one_b_in_flight{"pipeline.in_flight.1f1b", "micro-batches a stage holds",
                                               "min(m, p - i)", narayanan};
inline constexpr Formula interleaved_in_flight{
    "pipeline.in_flight.interleaved", "micro-batches a stage holds",
    "min(m, (2 * (p - 1 - i) + (v - 1) * p + 1) / v)",
    "Korthikanti et al. 2022, arXiv 2205.05198: p + (p - 1)/v at i = 0"};
inline constexpr Formula zb_in_flight{"pipeline.in_flight.zero_bubble", "micro-batches a stage holds",
                                      "min(m, p)", qi,
                                      "weight gradients wait until p micro-batches are held"};
inline constexpr Formula zb_h2_in_flight{"pipeline.in_flight.zb_h2", "micro-batches a stage holds",
                                         "min(m, 2 * p - 1)", qi};
inline constexpr Formula dualpipe_in_flight{"pipeline.in_flight.dualpipe", "micro-batches a stage holds",
                                            "min(m, p + 1)", "DeepSeek-V3, arXiv 2412.19437, table 2"};

inline constexpr Formula gpipe_time{"time.pipeline.gpipe", "duration of a step",
                                    "fill_f + (m - 1) * max_f + fill_b + (m - 1) * max_b - 2 * c",
                                    "flow shop of m equal jobs, forward then backward"};
inline constexpr Formula one_f_one_b_time{
    "time.pipeline.1f1b", "duration of a step",
    "before / v + m * (F + B) + (max(0, after - n * F) + max(0, after - n * B)) / v", narayanan,
    "stage j is the one that ends last; n stages follow it; B includes the weight gradient"};
inline constexpr Formula zero_bubble_time{"time.pipeline.zero_bubble", "duration of a step",
                                          "m * T + (shares - own) * scale", qi,
                                          "m is large enough to fill the pipeline"};

double real(std::int64_t n) { return static_cast<double>(n); }
Seconds positive(Seconds s) { return s.value() > 0 ? s : Seconds{0}; }

Traced<std::int64_t> micro_batches(const PipelineShape& shape, Explain* ex) {
  if (!ex) return {shape.micro_batches, 0};
  return {shape.micro_batches,
          ex->input("pipeline.micro_batches", static_cast<double>(shape.micro_batches), Dim{},
                    {Origin::Kind::definition, {}, "global_batch / (micro_batch data)", {}})};
}

std::int64_t count_stages(std::span<const StageGroup> groups) {
  std::int64_t stages = 0;
  for (const StageGroup& g : groups) stages += g.count;
  return stages;
}

inline constexpr Formula fill_step{"time.pipeline.fill", "time through stages one after the other",
                                   "total + n * (T + hops * c)", "definition"};
inline constexpr Formula work{"time.pipeline.stage", "time of one micro-batch on one stage", "sum(...)",
                              "definition"};
inline constexpr Formula slowest{"time.pipeline.slowest", "slowest stage", "max(...)", "definition"};

Traced<Seconds> backward_of(const StageTimes& s, Explain* ex) {
  return note(ex, work, s.backward(), {{"B", s.backward_input}, {"W", s.backward_weight}});
}
Traced<Seconds> total_of(const StageTimes& s, Explain* ex) {
  return note(ex, work, s.total(), {{"F", s.forward}, {"B", s.backward_input}, {"W", s.backward_weight}});
}
Traced<Seconds> zero(Explain* ex) { return constant(ex, "pipeline.start", Seconds{0}, "definition"); }
/// A count that the schedule fixes, under what it counts and its value.
Traced<double> counted(Explain* ex, std::string_view what, double n, std::string_view rule) {
  if (!ex) return {n, 0};
  return constant(ex, std::string(what) + ": " + std::to_string(std::int64_t(n)), n, rule);
}

/// Adds `n` stages of time `t`, each with `hops` transfers.
Traced<Seconds> add_stages(Traced<Seconds> total, std::int64_t n, Traced<Seconds> t, double hops,
                           Traced<Seconds> transfer, Explain* ex) {
  const Seconds sum = total.value + (t.value + transfer.value * hops) * real(n);
  if (!ex) return {sum, 0};
  return note(
      ex, fill_step, sum,
      {{"total", total},
       {"n", counted(ex, "equal stages", real(n), "sim/partition.h: neighbouring stages that hold the same")},
       {"T", t},
       {"hops", counted(ex, "transfers of a stage", hops, "one each way that the formula counts")},
       {"c", transfer}});
}

Traced<Seconds> time_gpipe(std::span<const StageGroup> groups, const PipelineShape& shape, Explain* ex) {
  Traced<Seconds> fill_f = zero(ex), fill_b = zero(ex), max_f = zero(ex), max_b = zero(ex);
  for (const StageGroup& g : groups) {
    const Traced<Seconds> f = g.times.forward, b = backward_of(g.times, ex);
    fill_f = add_stages(fill_f, g.count, f, 1, shape.transfer, ex);
    fill_b = add_stages(fill_b, g.count, b, 1, shape.transfer, ex);
    max_f = note(ex, slowest, max(max_f.value, f.value), {{"a", max_f}, {"b", f}});
    max_b = note(ex, slowest, max(max_b.value, b.value), {{"a", max_b}, {"b", b}});
  }
  const double rest = real(shape.micro_batches - 1);
  const Seconds hop = shape.transfer.value;
  return note(ex, gpipe_time,
              fill_f.value + rest * max_f.value + fill_b.value + rest * max_b.value - 2.0 * hop,
              {{"fill_f", fill_f},
               {"m", micro_batches(shape, ex)},
               {"max_f", max_f},
               {"fill_b", fill_b},
               {"max_b", max_b},
               {"c", shape.transfer}});
}

/// What bounds a 1F1B step at one stage: the stages before it, itself, what it waits for those after.
struct Critical {
  std::size_t group = 0;
  std::int64_t place = 0;      ///< within the group
  std::int64_t following = 0;  ///< stages after it
  Seconds step{-1};
};

/// The bound is convex over equal neighbours, so the first and last stage of each group suffice.
Critical critical_stage(std::span<const StageGroup> groups, const PipelineShape& shape, double chunks) {
  const Seconds hop = shape.transfer.value * 2.0;
  Seconds all{0}, before{0};
  for (const StageGroup& g : groups) all += (g.times.total() + hop) * real(g.count);
  std::int64_t following = count_stages(groups);
  Critical worst;
  for (std::size_t k = 0; k < groups.size(); ++k) {
    const StageTimes& s = groups[k].times;
    for (std::int64_t i : {std::int64_t{0}, groups[k].count - 1}) {
      const Seconds ahead = before + (s.total() + hop) * real(i), after = all - ahead - s.total() - hop;
      const double n = real(following - 1 - i);
      const Seconds wait = positive(after - s.forward.value * n) + positive(after - s.backward() * n);
      const Seconds step = (ahead + wait) / chunks + s.total() * real(shape.micro_batches);
      if (step > worst.step) worst = {k, i, following - 1 - i, step};
    }
    before += (s.total() + hop) * real(groups[k].count);
    following -= groups[k].count;
  }
  return worst;
}

/// Time through stages [0, place) of the groups up to `group`, or those after it.
Traced<Seconds> fill(std::span<const StageGroup> groups, const Critical& c, bool after,
                     const PipelineShape& shape, Explain* ex) {
  Traced<Seconds> total = zero(ex);
  for (std::size_t k = 0; k < groups.size(); ++k) {
    std::int64_t n = k == c.group ? (after ? groups[k].count - 1 - c.place : c.place) : groups[k].count;
    if (after ? k < c.group : k > c.group) n = 0;
    if (n > 0) total = add_stages(total, n, total_of(groups[k].times, ex), 2, shape.transfer, ex);
  }
  return total;
}

Traced<Seconds> time_one_f_one_b(std::span<const StageGroup> groups, const PipelineShape& shape,
                                 double chunks, Explain* ex) {
  const Critical c = critical_stage(groups, shape, chunks);
  if (!ex) return {c.step, 0};
  const StageTimes& s = groups[c.group].times;
  return note(
      ex, one_f_one_b_time, c.step,
      {{"before", fill(groups, c, false, shape, ex)},
       {"v", counted(ex, "chunks of a stage", chunks, "parallel.schedule and parallel.virtual_stages")},
       {"m", micro_batches(shape, ex)},
       {"F", s.forward},
       {"B", backward_of(s, ex)},
       {"after", fill(groups, c, true, shape, ex)},
       {"n", counted(ex, "stages after the one that ends last", real(c.following), narayanan)}});
}

inline constexpr Formula zb_h1_share{"time.pipeline.bubble.zb_h1", "idle time that one more stage brings",
                                     "max(F + B - W, B) + 2 * c", qi, "F + B - W is the paper's, for W <= F"};
inline constexpr Formula zb_h2_share{"time.pipeline.bubble.zb_h2", "idle time that one more stage brings",
                                     "max(0, F + B - 2 * W, B - F) + 2 * c", qi,
                                     "F + B - 2 W is the paper's"};
inline constexpr Formula zbv_share{"time.pipeline.bubble.zbv", "idle time that one more stage brings",
                                   "max(0, F - W, B - W, (B - F) / 2) + 2 * c",
                                   "build_schedule of Qi et al. 2024's order (arXiv 2405.15362)",
                                   "0 for F = B = W as published; the rest read off built schedules"};
inline constexpr Formula dualpipe_share{
    "time.pipeline.bubble.dualpipe", "idle time that one more stage brings", "max(0, F + 2 * B - W) + 2 * c",
    "DeepSeek DualPipe: (p/2 - 1)(F&B + B - 3 W), B there both gradients",
    "a forward and a backward pass run together take F + B + W"};

Traced<Seconds> share_of(ScheduleKind kind, const StageTimes& s, const PipelineShape& shape, Explain* ex) {
  const Seconds f = s.forward.value, b = s.backward_input.value, w = s.backward_weight.value;
  const Seconds hop = 2.0 * shape.transfer.value, none{0};
  const Formula* formula = &zb_h1_share;
  Seconds idle = max(f + b - w, b);
  if (kind == ScheduleKind::zb_h2) {
    formula = &zb_h2_share;
    idle = max(none, max(f + b - 2.0 * w, b - f));
  } else if (kind == ScheduleKind::zbv) {
    formula = &zbv_share;
    idle = max(max(none, f - w), max(b - w, (b - f) / 2.0));
  } else if (kind == ScheduleKind::dualpipe) {
    formula = &dualpipe_share;
    idle = max(none, f + 2.0 * b - w);
  }
  return note(ex, *formula, idle + hop,
              {{"F", s.forward}, {"B", s.backward_input}, {"W", s.backward_weight}, {"c", shape.transfer}});
}

/// Every stage but one waits for its neighbour; dualpipe fills from both ends.
double bubble_scale(ScheduleKind kind, double stages) {
  if (kind != ScheduleKind::dualpipe) return 1;
  return stages > 2 ? (stages / 2 - 1) / (stages - 1) : 0;
}

Traced<Seconds> time_zero_bubble(ScheduleKind kind, std::span<const StageGroup> groups,
                                 const PipelineShape& shape, Explain* ex) {
  const double stages = real(count_stages(groups)), m = real(shape.micro_batches);
  const double scale = bubble_scale(kind, stages);
  Seconds shares{0}, step{-1};
  std::size_t worst = 0;
  for (const StageGroup& g : groups) shares += share_of(kind, g.times, shape, nullptr).value * real(g.count);
  for (std::size_t k = 0; k < groups.size(); ++k) {
    const StageTimes& s = groups[k].times;
    const Seconds t = s.total() * m + (shares - share_of(kind, s, shape, nullptr).value) * scale;
    if (t > step) step = t, worst = k;
  }
  if (!ex) return {step, 0};
  Traced<Seconds> total = zero(ex), none = constant(ex, "pipeline.no_transfer", Seconds{0}, "definition");
  for (const StageGroup& g : groups) {
    total = add_stages(total, g.count, share_of(kind, g.times, shape, ex), 0, none, ex);
  }
  const StageTimes& s = groups[worst].times;
  return note(ex, zero_bubble_time, step,
              {{"m", micro_batches(shape, ex)},
               {"T", total_of(s, ex)},
               {"shares", total},
               {"own", share_of(kind, s, shape, ex)},
               {"scale", constant(ex, "pipeline.bubble_scale", scale, qi)}});
}

}  // namespace

Traced<double> micro_batches_in_flight(ScheduleKind kind, std::int64_t stage, std::int64_t stages,
                                       const PipelineShape& shape, Explain* ex) {
  const std::int64_t v = std::max<std::int64_t>(shape.virtual_stages, 1);
  const std::int64_t all = std::max<std::int64_t>(shape.micro_batches, 1);
  const auto m = micro_batches({.micro_batches = all}, ex);
  const auto p = input(ex, "parallel.pipeline", stages);
  const Traced<std::int64_t> i{stage,
                               ex ? ex->input("pipeline.stage." + std::to_string(stage), real(stage), Dim{},
                                              {Origin::Kind::definition, {}, "position in the pipeline", {}})
                                  : 0};
  auto at_most = [&](std::int64_t held) { return std::min(real(all), real(held)); };
  switch (kind) {
    case ScheduleKind::gpipe: return note(ex, gpipe_in_flight, real(all), {{"m", m}});
    case ScheduleKind::one_f_one_b:
      return note(ex, one_f_one_b_in_flight, at_most(stages - stage), {{"m", m}, {"p", p}, {"i", i}});
    case ScheduleKind::interleaved: {
      const double held = real(2 * (stages - 1 - stage) + (v - 1) * stages + 1) / real(v);
      return note(ex, interleaved_in_flight, std::min(real(all), held),
                  {{"m", m}, {"p", p}, {"i", i}, {"v", input(ex, "parallel.virtual_stages", v)}});
    }
    case ScheduleKind::zb_h1:
    case ScheduleKind::zbv: return note(ex, zb_in_flight, at_most(stages), {{"m", m}, {"p", p}});
    case ScheduleKind::zb_h2: return note(ex, zb_h2_in_flight, at_most(2 * stages - 1), {{"m", m}, {"p", p}});
    case ScheduleKind::dualpipe:
      return note(ex, dualpipe_in_flight, at_most(stages + 1), {{"m", m}, {"p", p}});
  }
  return {1, 0};
}

Traced<Seconds> pipeline_time(ScheduleKind kind, std::span<const StageGroup> groups,
                              const PipelineShape& given, Explain* ex) {
  PipelineShape shape = given;
  if (ex && shape.transfer.node == 0)
    shape.transfer = constant(ex, "pipeline.transfer", shape.transfer.value, "given");
  switch (kind) {
    case ScheduleKind::gpipe: return time_gpipe(groups, shape, ex);
    case ScheduleKind::one_f_one_b:
    case ScheduleKind::interleaved:
      return time_one_f_one_b(groups, shape, real(chunks_per_stage(kind, shape.virtual_stages)), ex);
    default: return time_zero_bubble(kind, groups, shape, ex);
  }
}

Traced<double> bubble_fraction(Traced<Seconds> step, std::span<const StageGroup> groups,
                               const PipelineShape& shape, Explain* ex) {
  static constexpr Formula formula{"pipeline.bubble_fraction", "idle share of the busiest stage",
                                   "max(0, step - m * T) / step", "definition"};
  const StageGroup* busiest = nullptr;
  for (const StageGroup& g : groups) {
    if (!busiest || g.times.total() > busiest->times.total()) busiest = &g;
  }
  if (!busiest || step.value.value() <= 0) return constant(ex, "pipeline.no_bubble", 0.0, "definition");
  const Seconds idle = positive(step.value - real(shape.micro_batches) * busiest->times.total());
  return note(ex, formula, idle / step.value,
              {{"m", micro_batches(shape, ex)}, {"T", total_of(busiest->times, ex)}, {"step", step}});
}

}  // namespace ridge
