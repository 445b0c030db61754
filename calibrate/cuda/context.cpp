#include "calibrate/cuda/context.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <thread>

namespace ridge::cuda {
namespace {

struct Visits {
  std::vector<Timing> seen;

  double difference() const {
    if (seen.size() < 2) return 0;
    const double a = seen[0].seconds.median.value(), b = seen[1].seconds.median.value();
    return std::abs(a - b) / std::min(a, b);
  }
  /// The visit whose median is the middle one (of two: the faster, which nothing disturbed).
  const Timing& middle() {
    std::ranges::sort(seen, {}, [](const Timing& t) { return t.seconds.median.value(); });
    return seen[(seen.size() - 1) / 2];
  }
};

}  // namespace

ProbeContext::ProbeContext(const ProbeSettings& settings, const ProbeReport& report)
    : settings_(settings), report_(report), timer_(stream_) {
  check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, 0), "device");
}

double ProbeContext::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

const Buffer& ProbeContext::random_pool(std::size_t bytes, Fill type) {
  if (pool_.bytes() >= bytes && pool_type_ == type) return pool_;
  if (pool_.bytes() < bytes) {
    pool_ = Buffer();
    pool_ = Buffer(bytes);
  }
  const std::size_t width = type == Fill::fp32 ? 4 : type == Fill::fp8 ? 1 : 2;
  launch_fill(pool_.at(), pool_.bytes() / width, type, static_cast<std::uint32_t>(random_()), stream_);
  check_launch("filling memory");
  stream_.wait();
  pool_type_ = type;
  return pool_;
}

void ProbeContext::rest(double busy_seconds) {
  const auto sleep = [](double s) { std::this_thread::sleep_for(std::chrono::duration<double>(s)); };
  sleep(std::min(busy_seconds, 0.1));
  for (int i = 0; i < 10; ++i) {
    const double clock = timer_.read_clock();
    highest_clock_ = std::max(highest_clock_, clock);
    if (clock >= 0.98 * highest_clock_) return;
    sleep(0.02);
  }
}

void ProbeContext::progress(std::string_view probe, std::size_t done, std::size_t all, double since) {
  if (!report_.progress) return;
  const double spent = elapsed() - since;
  char line[160];
  std::snprintf(line, sizeof line, "[%6.1f s] %.*s: %zu of %zu, about %.0f s left of this probe", elapsed(),
                static_cast<int>(probe.size()), probe.data(), done, all,
                done ? spent / static_cast<double>(done) * static_cast<double>(all - done) : 0.0);
  report_.progress(line);
}

void ProbeContext::look_at(std::string_view probe, const std::vector<Point>& points) {
  for (const std::size_t i : look_->choose(points)) {
    if (is_out_of_time()) return;
    const Point& p = points[i];
    const auto known = timed_.find(point_name(p.what));
    const Seconds event_time = known == timed_.end() ? Seconds{} : known->second;
    timer_.look(
        [&](const DeviceTimer::Work& work, int rotation) { look_->at(p, event_time, work, rotation); });
    try {
      p.time();
    } catch (const ProbeError& e) {
      report_.skipped("a look at " + std::string(probe) + " " + point_name(p.what) + ": " + e.what());
      cudaGetLastError();
    }
    timer_.look({});
  }
}

void ProbeContext::run(std::string_view probe, std::vector<Point> points) {
  if (look_) return look_at(probe, points);
  const std::size_t visits = settings_.is_quick ? 1 : 2;
  std::vector<Visits> seen(points.size());
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::string> failed(points.size());
  const double since = elapsed();
  std::size_t done = 0, missed = 0;
  const auto visit = [&](std::size_t i) {
    if (!failed[i].empty()) return;
    try {
      const double start = elapsed();
      seen[i].seen.push_back(points[i].time());
      if (seen[i].seen.back().clock_hz > 0) rest(elapsed() - start);
    } catch (const ProbeError& e) {
      failed[i] = e.what();
      cudaGetLastError();
    }
  };
  for (std::size_t v = 0; v < visits; ++v) {
    std::shuffle(order.begin(), order.end(), random_);
    for (const std::size_t i : order) {
      if (is_out_of_time()) ++missed;
      else visit(i);
      if (v == 1 && seen[i].seen.size() == 2 && seen[i].difference() > 0.05 && !is_out_of_time()) visit(i);
      if (++done % 50 == 0) progress(probe, done, visits * points.size(), since);
    }
  }
  progress(probe, done, visits * points.size(), since);
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!failed[i].empty())
      report_.skipped(std::string(probe) + " " + points[i].what.variant + " " + sizes_text(points[i].what) +
                      ": " + failed[i]);
    if (seen[i].seen.empty()) continue;
    points[i].what.revisit_difference = seen[i].difference();
    emit(points[i].what, seen[i].middle());
  }
  if (missed > 0)
    report_.skipped(std::string(probe) + ": " + std::to_string(missed) + " visits, the time was over");
}

void ProbeContext::emit(Measurement m, const Timing& t) {
  if (look_) return;
  m.time = t.seconds.median;
  m.low = t.seconds.low, m.high = t.seconds.high;
  m.samples = t.seconds.samples;
  m.spread = t.seconds.spread;
  m.clock = Hertz{t.clock_hz};
  timed_[point_name(m)] = m.time;
  report_.measured(m);
}

std::string point_name(const Measurement& m) { return m.family + " " + m.variant + " " + sizes_text(m); }

double relative_error(std::span<const double> got, std::span<const double> expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(got[i])) return std::numeric_limits<double>::infinity();
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  return size > 0 ? std::sqrt(difference / size) : std::numeric_limits<double>::infinity();
}

int rotation_for(double bytes) { return std::clamp(static_cast<int>(120e6 / bytes) + 1, 1, 6); }

}  // namespace ridge::cuda
