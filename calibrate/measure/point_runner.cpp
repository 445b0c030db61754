#include "calibrate/measure/point_runner.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace ridge {
namespace {

constexpr double agreement = 0.05, seconds_between_lines = 1;

double difference(const std::vector<Timing>& seen) {
  if (seen.size() < 2) return 0;
  const double a = seen[0].seconds.median.value(), b = seen[1].seconds.median.value();
  return std::abs(a - b) / std::min(a, b);
}

/// The visit whose median is the middle one; of two the faster, which nothing disturbed.
Timing middle(std::vector<Timing> seen) {
  std::ranges::sort(seen, {}, [](const Timing& t) { return t.seconds.median.value(); });
  return seen[(seen.size() - 1) / 2];
}

Measurement with_timing(Measurement m, const Timing& t, double slow_down) {
  m.time = slow_down * t.seconds.median;
  m.low = slow_down * t.seconds.low, m.high = slow_down * t.seconds.high;
  m.samples = t.seconds.samples;
  m.spread = t.seconds.spread;
  m.clock = Hertz{t.clock_hz};
  return m;
}

Timing timing_of(const Measurement& m, double slow_down) {
  return {{m.time / slow_down, m.low / slow_down, m.high / slow_down, m.samples, m.spread}, m.clock.value()};
}

}  // namespace

PointRunner::PointRunner(const ProbeSettings& settings, const ProbeReport& report,
                         std::vector<ProbeInfo> plan)
    : settings_(settings), report_(report), plan_(std::move(plan)) {}

double PointRunner::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

bool PointRunner::is_known(const Measurement& what) const {
  if (!settings_.known) return false;
  const KnownPoints& known = *settings_.known;
  const std::string key = point_key(what);
  return known.done.contains(key) || (!known.wanted.empty() && !known.wanted.contains(key));
}

void PointRunner::emit(Measurement m, const Timing& t) {
  if (!is_known(m)) report_.measured(with_timing(std::move(m), t, settings_.slow_down));
}

void PointRunner::visit(std::string_view probe, Job& job, const std::function<void(double)>& after) {
  const Measurement& what = job.point->what;
  try {
    const double start = elapsed();
    job.seen.push_back(job.point->time());
    if (after) after(elapsed() - start);
  } catch (const ProbeError& e) {
    job.is_finished = true;
    report_.skipped(fmt::format("{} {} {}: {}", probe, what.variant, sizes_text(what), e.what()));
  }
}

void PointRunner::finish(Job& job) {
  if (job.is_finished || job.seen.empty()) return;
  job.point->what.revisit_difference = difference(job.seen);
  emit(job.point->what, middle(job.seen));
  job.is_finished = true;
}

void PointRunner::settle(Job& job) {
  if (job.is_finished) return;
  if (job.seen.size() >= job.visits) finish(job);
  else if (report_.visited && !job.seen.empty())
    report_.visited(with_timing(job.point->what, job.seen.back(), settings_.slow_down));
}

void PointRunner::show_progress(std::string_view probe, std::size_t done, std::size_t all, double since) {
  if (!report_.progress || (done != all && elapsed() - last_shown_ < seconds_between_lines)) return;
  last_shown_ = elapsed();
  const double spent = last_shown_ - since;
  const double left = done == 0 ? 0 : spent / static_cast<double>(done) * static_cast<double>(all - done);
  double later = 0;
  for (std::size_t i = current_ + 1; i < plan_.size(); ++i)
    later += (settings_.is_quick ? plan_[i].quick : plan_[i].full).value();
  const double in_all = std::min(left + later, std::max(settings_.budget.value() - last_shown_, 0.0));
  report_.progress(fmt::format("[{:6.1f} s] {}: {} of {}, about {:.0f} s left of it, {:.0f} s in all",
                               last_shown_, probe, done, all, left, in_all));
}

void PointRunner::run(std::string_view probe, std::vector<Point> points,
                      const std::function<void(double)>& after) {
  std::vector<Job> jobs;
  for (Point& p : points) {
    if (is_known(p.what)) continue;
    const int visits = settings_.is_quick ? 1 : std::max(p.visits, 1);
    Job job{&p, static_cast<std::size_t>(visits), {}, false};
    if (settings_.known)
      if (const auto it = settings_.known->visits.find(point_key(p.what));
          it != settings_.known->visits.end())
        for (const Measurement& m : it->second) job.seen.push_back(timing_of(m, settings_.slow_down));
    jobs.push_back(std::move(job));
  }
  std::vector<std::size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), 0);
  std::size_t done = 0, missed = 0, all = 0, most = 0;
  for (const Job& job : jobs) all += job.visits, most = std::max(most, job.visits);
  const double since = elapsed();
  for (std::size_t v = 0; v < most; ++v) {
    std::shuffle(order.begin(), order.end(), random_);
    for (const std::size_t i : order) {
      Job& job = jobs[i];
      if (job.visits <= v) continue;
      ++done;
      if (job.is_finished) continue;
      if (job.seen.size() <= v) {
        if (should_stop()) {
          ++missed;
          continue;
        }
        visit(probe, job, after);
        const bool differs = job.visits == 2 && job.seen.size() == 2 && difference(job.seen) > agreement;
        if (differs && !should_stop()) visit(probe, job, after);
      }
      settle(job);
      show_progress(probe, done, all, since);
    }
  }
  if (is_cancelled()) return;
  for (Job& job : jobs) finish(job);
  if (missed > 0) report_.skipped(fmt::format("{}: {} visits, the time was over", probe, missed));
}

/// Seconds kept by the probes behind this one, half of the budget at most.
double PointRunner::kept_behind(std::size_t probe) const {
  double kept = 0;
  for (std::size_t i = probe + 1; i < plan_.size(); ++i)
    if (plan_[i].has_kept_time) kept += (settings_.is_quick ? plan_[i].quick : plan_[i].full).value();
  return std::min(kept, settings_.budget.value() / 2);
}

void PointRunner::run_all(const std::function<void(const std::string& name)>& start) {
  for (current_ = 0; current_ < plan_.size() && !is_cancelled(); ++current_) {
    const std::string& name = plan_[current_].name;
    kept_ = kept_behind(current_);
    if (is_out_of_time()) {
      report_.skipped(name + ": the time was over");
      continue;
    }
    try {
      start(name);
    } catch (const ProbeError& error) { report_.skipped(name + ": " + error.what()); }
  }
}

}  // namespace ridge
