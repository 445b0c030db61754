#include "sim/io/advise.h"

#include "sim/io/read_scenario.h"
#include "sim/io/scenario_document.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace ridge {
namespace {

constexpr std::size_t beam = 3;      ///< plans that are changed further
constexpr double impossible = 1000;  ///< badness of a plan that no memory would help
constexpr double worth_a_second_change = 0.97;

/// A scenario after some changes.
struct Point {
  AdviceKind kind = AdviceKind::plan;
  std::string label;
  std::vector<std::string> settings;
  std::set<std::string> keys;      ///< of all settings
  std::set<std::string> subjects;  ///< the first key of each change: what it is about
  std::int64_t devices = 1;
  Seconds time{};
  TokensPerSecond rate{};
  Bytes peak{};
  bool fits = false;
  double badness = 0;  ///< reasons against it that are not memory, then memory over capacity
};

std::string key_of(const std::string& setting) { return setting.substr(0, setting.find('=')); }

/// Later settings replace earlier ones of the same key.
std::vector<std::string> merged(std::vector<std::string> settings, const std::vector<std::string>& more) {
  for (const std::string& m : more) {
    std::erase_if(settings, [&](const std::string& s) { return key_of(s) == key_of(m); });
    settings.push_back(m);
  }
  return settings;
}

double badness_of(const Estimate& e) {
  double reasons = 0;
  for (const Violation& v : e.violations) reasons += v.code.starts_with("out-of-") ? 0 : impossible;
  const double capacity = e.memory.capacity.value.value();
  return reasons + (capacity > 0 ? e.memory.peak_allocated.value.value() / capacity : 0);
}

void note_figures(const Estimate& e, Point& p) {
  p.time = e.time.totals.empty() ? Seconds{0} : e.time.totals.front().amount.value;
  p.rate = e.throughput.tokens_per_second.value;
  p.peak = e.memory.peak_allocated.value;
  p.fits = e.fits;
  p.badness = badness_of(e);
}

class Adviser {
 public:
  Adviser(const Node& document, PresetReader& reader, const Prepared& prepared, const Estimate& now,
          AdviceOptions options)
      : document_(document), reader_(reader), prepared_(prepared), options_(options) {
    const auto states = [&](const char* key) { return document.at(key) != nullptr; };
    stated_ = {states("devices"), states("parallel.data") && prepared.scenario.parallel.data > 0,
               states("training.global_batch")};
    note_figures(now, now_);
  }

  std::vector<Advice> run() {
    now_.fits ? improve() : repair();
    return std::move(out_);
  }

 private:
  /// The scenario with these settings; nothing when it cannot be read.
  std::optional<Scenario> changed(const std::vector<std::string>& settings) {
    Node document = document_;
    Diagnostics diagnostics;
    override_document(document, settings, diagnostics);
    Scenario s = read_scenario(document, reader_, diagnostics, {.needs_workload = true, .origins = false});
    return diagnostics.has_errors() ? std::nullopt : std::optional<Scenario>(std::move(s));
  }

  /// What a further change makes of it; null when it cannot be evaluated or was already.
  std::shared_ptr<Point> point(const Point* from, const Change& change) {
    auto p = std::make_shared<Point>();
    p->kind = from ? std::max(from->kind, change.kind) : change.kind;
    p->label = from && !from->label.empty() ? from->label + ", " + change.label : change.label;
    p->settings = merged(from ? from->settings : std::vector<std::string>{}, change.settings);
    std::string identity;
    for (const std::string& s : std::set<std::string>(p->settings.begin(), p->settings.end()))
      identity += s + ' ';
    if (!seen_.insert(identity).second) return nullptr;
    std::optional<Scenario> s = changed(p->settings);
    if (!s) return nullptr;
    for (const std::string& setting : p->settings) p->keys.insert(key_of(setting));
    if (from) p->subjects = from->subjects;
    p->subjects.insert(key_of(change.settings.front()));
    p->devices = s->devices;
    note_figures(evaluate(prepare(std::move(*s))), *p);
    return p->time.value() > 0 ? p : nullptr;
  }

  using Points = std::vector<std::shared_ptr<Point>>;

  /// Every change of one scenario whose kind is wanted; a key is changed once.
  template <class Wanted> Points step(const Point* from, Wanted is_wanted) {
    const std::optional<Scenario> base = from ? changed(from->settings) : prepared_.scenario;
    StatedKeys stated = stated_;
    if (from) {
      stated.devices |= from->keys.contains("devices");
      stated.data |= from->keys.contains("parallel.data");
      stated.global_batch |= from->keys.contains("training.global_batch");
    }
    Points found;
    for (const Change& change : possible_changes(*base, stated, now_.fits)) {
      if (!is_wanted(change.kind)) continue;
      if (from && from->keys.contains(key_of(change.settings.front()))) continue;
      if (auto p = point(from, change)) found.push_back(std::move(p));
    }
    return found;
  }

  static bool is_plan(AdviceKind k) { return k == AdviceKind::plan; }

  void improve() {
    Points singles = step(nullptr, [](AdviceKind) { return true; });
    Points plans, others;
    for (const auto& p : singles)
      if (p->fits) (is_plan(p->kind) ? plans : others).push_back(p);
    by_time(plans);
    for (const auto& first : promising(singles))
      for (const auto& p : step(first.get(), is_plan))
        if (p->fits && (!first->fits || p->time < worth_a_second_change * first->time)) plans.push_back(p);
    by_time(plans);
    keep(plans, AdviceKind::plan);
    std::stable_sort(others.begin(), others.end(),
                     [](const auto& a, const auto& b) { return a->rate > b->rate; });
    keep(others, AdviceKind::load);
    by_time(others);
    keep(others, AdviceKind::numerics);
    machines();
  }

  /// Plans that would be faster, whether they fit or not.
  Points promising(Points from) const {
    std::erase_if(from, [this](const auto& p) {
      return !is_plan(p->kind) || p->badness >= impossible || p->time >= worth_a_second_change * now_.time;
    });
    by_time(from);
    if (from.size() > beam) from.resize(beam);
    return from;
  }

  void machines() {
    Points found;
    for (const Change& change : machine_changes(prepared_.scenario))
      if (auto p = point(nullptr, change)) found.push_back(std::move(p));
    by_time(found);
    keep(found, AdviceKind::machine);
  }

  /// Changes of the plan until one fits, the least bad plans first; then the other kinds.
  void repair() {
    Points tried = step(nullptr, [](AdviceKind) { return true; }), open;
    for (const auto& p : tried)
      if (is_plan(p->kind)) open.push_back(p);
    const auto fits = [](const auto& p) { return p->fits; };
    for (int depth = 1; depth < 3 && std::none_of(open.begin(), open.end(), fits) && !open.empty(); ++depth) {
      std::stable_sort(open.begin(), open.end(),
                       [](const auto& a, const auto& b) { return a->badness < b->badness; });
      Points next;
      for (std::size_t i = 0; i < std::min(beam, open.size()); ++i)
        for (const auto& p : step(open[i].get(), [depth](AdviceKind k) { return depth == 1 || is_plan(k); }))
          (is_plan(p->kind) ? next : tried).push_back(p);
      tried.insert(tried.end(), next.begin(), next.end());
      open = std::move(next);
    }
    std::erase_if(tried, [&](const auto& p) { return !p->fits; });
    by_time(tried);
    keep(tried, AdviceKind::plan);
    keep(tried, AdviceKind::numerics);
    std::stable_sort(tried.begin(), tried.end(),
                     [](const auto& a, const auto& b) { return a->rate > b->rate; });
    keep(tried, AdviceKind::load);
    const auto devices = [](const auto& p) { return p->devices; };
    std::stable_sort(tried.begin(), tried.end(),
                     [&](const auto& a, const auto& b) { return devices(a) < devices(b); });
    keep(tried, AdviceKind::devices);
  }

  static void by_time(Points& points) {
    std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
      return a->time != b->time ? a->time < b->time : a->settings.size() < b->settings.size();
    });
  }

  bool is_worth(const Point& p) const {
    if (!now_.fits) return true;
    const bool is_faster = p.time.value() <= (1 - options_.least_gain) * now_.time.value();
    const bool is_more = p.rate.value() >= (1 + 5 * options_.least_gain) * now_.rate.value();
    return p.kind == AdviceKind::load ? is_more : is_faster;
  }

  /// The first ones of a kind, no two of which are about the same keys.
  void keep(const Points& from, AdviceKind kind) {
    std::vector<std::set<std::string>> kept;
    for (const auto& p : from) {
      if (p->kind != kind || !is_worth(*p) || kept.size() == options_.at_most) continue;
      const std::set<std::string> own = kind == AdviceKind::numerics
                                            ? std::set<std::string>(p->settings.begin(), p->settings.end())
                                            : p->subjects;
      if (std::find(kept.begin(), kept.end(), own) != kept.end()) continue;
      kept.push_back(own);
      const auto fraction = [](double to, double of) { return of > 0 ? to / of : 1; };
      out_.push_back({kind, p->label, p->settings, p->devices, p->time,
                      fraction(p->time.value(), now_.time.value()), p->rate,
                      fraction(p->rate.value(), now_.rate.value()), p->peak});
    }
  }

  const Node& document_;
  PresetReader& reader_;
  const Prepared& prepared_;
  AdviceOptions options_;
  StatedKeys stated_;
  Point now_;
  std::set<std::string> seen_;
  std::vector<Advice> out_;
};

}  // namespace

std::vector<Advice> advise(const Node& document, PresetReader& reader, const Prepared& prepared,
                           const Estimate& now, AdviceOptions options) {
  return Adviser(document, reader, prepared, now, options).run();
}

}  // namespace ridge
