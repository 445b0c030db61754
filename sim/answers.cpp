#include "sim/answers.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ridge {
namespace {

constexpr Formula launches_formula{"answers.launches", "time of an operator in all layers", "n * t",
                                   "definition"};
constexpr Formula time_formula{"answers.time", "time of the kernels that one model answers for", "sum(...)",
                               "definition"};
constexpr Formula share_formula{"answers.share", "share of all kernels' time", "t / all", "definition"};
constexpr Formula weighted{"answers.deviation", "deviation of a model's kernels together", "d / t",
                           "definition: errors of one model are alike and add up"};
constexpr Formula deviation{"answers.operator_deviation", "time of an operator, times its deviation", "t * s",
                            "definition"};
constexpr Formula interval{"answers.interval", "half of the 90 % interval of those kernels",
                           "exp(1.645 * s) - 1",
                           "log-normal error; 1.645 is the 95 % point of the normal distribution"};

/// All operators of one model and source.
struct Group {
  std::string model;
  AnswerSource source;
  double seconds = 0, deviation = 0;
  std::vector<Term> times, deviations;
};

class Grouping {
 public:
  explicit Grouping(Explain* ex) : ex_(ex) {}

  void add(const Operator& o) {
    const bool is_preset = o.answer.source == AnswerSource::preset;
    Group& g =
        group(is_preset ? std::string(enum_name(o.kind)) : std::string(o.answer.model), o.answer.source);
    const Traced<double> n = launches(o.count);
    const auto t = note(ex_, launches_formula, n.value * o.time.value, {{"n", n}, {"t", o.time}});
    g.seconds += t.value.value();
    if (ex_) g.times.emplace_back("operator", t);
    if (is_preset || o.answer.log_sigma <= 0) return;
    const auto s = traced_sigma(o.answer, ex_);
    const auto d = note(ex_, deviation, t.value * s.value, {{"t", t}, {"s", s}});
    g.deviation += d.value.value();
    if (ex_) g.deviations.emplace_back("operator", d);
  }

  std::vector<AnsweredTime> take() {
    std::ranges::stable_sort(groups_, std::ranges::greater{}, &Group::seconds);
    std::vector<AnsweredTime> out;
    std::vector<Term> all_terms;
    double all_seconds = 0;
    for (const Group& g : groups_) {
      AnsweredTime a{
          g.model, g.source, {Seconds{g.seconds}, noted(time_formula, g.seconds, g.times)}, {}, {}};
      a.interval_fraction = fraction_of(g, a.time);
      if (ex_) all_terms.emplace_back("model", a.time);
      all_seconds += g.seconds;
      out.push_back(std::move(a));
    }
    const Traced<Seconds> all{Seconds{all_seconds}, noted(time_formula, all_seconds, all_terms)};
    for (AnsweredTime& a : out)
      a.share = note(ex_, share_formula, a.time.value / all.value, {{"t", a.time}, {"all", all}});
    return out;
  }

 private:
  Group& group(const std::string& model, AnswerSource source) {
    for (Group& g : groups_)
      if (g.model == model && g.source == source) return g;
    groups_.push_back({model, source, 0, 0, {}, {}});
    return groups_.back();
  }

  NodeId noted(const Formula& f, double value, const std::vector<Term>& terms) {
    return ex_ ? ex_->note(f, value, Seconds::dim, terms) : 0;
  }

  Traced<double> launches(double n) {
    return constant(ex_, fmt::format("launches in a pass through the model: {:g}", n), n,
                    "layers of the kind, by the model; once a step counts as its share of a micro-batch");
  }

  Traced<double> fraction_of(const Group& g, Traced<Seconds> t) {
    if (!(g.deviation > 0)) return constant(ex_, "no interval of its own", 0.0, "a preset answers");
    const Traced<Seconds> d{Seconds{g.deviation}, noted(time_formula, g.deviation, g.deviations)};
    const auto s = note(ex_, weighted, d.value / t.value, {{"d", d}, {"t", t}});
    return note(ex_, interval, std::exp(1.645 * s.value) - 1, {{"s", s}});
  }

  Explain* ex_;
  std::vector<Group> groups_;
};

/// "NCCL 22803 and 22809": libraries of which several versions answer.
std::string mixed_libraries(const std::vector<std::string>& all) {
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const std::string_view name = std::string_view(all[i]).substr(0, all[i].find(' '));
      if (all[j].starts_with(std::string(name) + ' '))
        out += fmt::format("{}{} and {}", out.empty() ? "" : ", ", all[i], all[j].substr(name.size() + 1));
    }
  return out;
}

}  // namespace

std::string_view words(AnswerSource s) {
  switch (s) {
    case AnswerSource::preset: return "preset";
    case AnswerSource::law: return "law alone, no table of such";
    case AnswerSource::table: return "between measured points";
    case AnswerSource::held: return "held at the border";
    case AnswerSource::curve: return "measured curve";
    case AnswerSource::scaled: return "of another group, scaled";
  }
  return "preset";
}

std::vector<AnsweredTime> answered_times(const OperatorList& list, Explain* ex) {
  Grouping groups(ex);
  for (const Operator& o : list)
    if (o.count > 0 && o.time.value > Seconds{0}) groups.add(o);
  return groups.take();
}

void add_profile_notes(const Prepared& p, Estimate& e) {
  const Cluster& c = p.scenario.hardware;
  const ProfileFacts& f = c.profile_facts;
  e.notes.push_back(fmt::format("kernels as profile {} has them: {}, {}", c.profile, f.device, f.made));
  if (!f.refused.empty())
    e.notes.push_back(
        fmt::format("the profile refuses, for missing its own limits: {}", fmt::join(f.refused, "; ")));
  if (const std::string mixed = mixed_libraries(f.libraries); !mixed.empty())
    e.notes.push_back("the profile joins runs with different libraries: " + mixed);
  for (const std::string& doubt : f.doubts)
    e.warnings.push_back(fmt::format("profile {} may not hold here: {}", c.profile, doubt));
  const bool is_silent =
      std::ranges::all_of(e.answers, [](const AnsweredTime& a) { return a.source == AnswerSource::preset; });
  if (is_silent && !e.answers.empty())
    e.warnings.push_back(fmt::format("profile {} answers for none of this plan's kernels", c.profile));
  for (const AnsweredTime& a : e.answers)
    if (a.source == AnswerSource::scaled)
      e.warnings.push_back(
          fmt::format("groups beyond those measured: {} is scaled by the law of the links", a.model));
}

}  // namespace ridge
