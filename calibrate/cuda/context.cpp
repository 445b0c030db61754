#include "calibrate/cuda/context.h"

#include <algorithm>
#include <cstdio>
#include <thread>

namespace ridge::cuda {

namespace {

/// The report, and each time noted by its point's name.
ProbeReport noting(ProbeReport report, std::map<std::string, Seconds, std::less<>>& timed) {
  report.measured = [&timed, next = std::move(report.measured)](const Measurement& m) {
    timed[point_name(m)] = m.time;
    next(m);
  };
  return report;
}

/// Nothing is started any more once the device is lost.
ProbeSettings stopping_at(ProbeSettings settings, const bool& is_lost) {
  settings.is_cancelled = [&is_lost, asked = std::move(settings.is_cancelled)] {
    return is_lost || (asked && asked());
  };
  return settings;
}

}  // namespace

void ProbeContext::recover() {
  cudaGetLastError();
  const cudaError_t e = cudaStreamSynchronize(stream_);
  if (e == cudaSuccess || is_lost_) return;
  is_lost_ = true;
  report().skipped(std::string("everything else: the device failed: ") + cudaGetErrorString(e));
}

ProbeContext::ProbeContext(const ProbeSettings& settings, const ProbeReport& report)
    : runner_(stopping_at(settings, is_lost_), noting(report, timed_), chosen_probes(backend(), settings)),
      timer_(stream_) {
  check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, settings.device), "device");
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
  // Short work leaves the limit's average alone; the clock read below notices when it does not.
  sleep(busy_seconds < 20e-3 ? busy_seconds / 4 : std::min(busy_seconds, 0.1));
  for (int i = 0; i < 10; ++i) {
    const double clock = timer_.read_clock();
    highest_clock_ = std::max(highest_clock_, clock);
    if (clock >= 0.98 * highest_clock_) return;
    sleep(0.02);
  }
}

void ProbeContext::look_at(std::string_view probe, const std::vector<Point>& points) {
  const std::vector<std::size_t> chosen = look_->choose(points);
  std::size_t done = 0;
  for (const std::size_t i : chosen) {
    if (is_lost_) return;
    if (is_out_of_time()) {
      report().skipped("a look at " + std::string(probe) + ": " + std::to_string(chosen.size() - done) +
                       " points, the time was over");
      return;
    }
    ++done;
    const Point& p = points[i];
    const auto known = timed_.find(point_name(p.what));
    const Seconds event_time = known == timed_.end() ? Seconds{} : known->second;
    timer_.look(
        [&](const DeviceTimer::Work& work, int rotation) { look_->at(p, event_time, work, rotation); });
    try {
      p.time();
    } catch (const ProbeError& e) {
      report().skipped("a look at " + std::string(probe) + " " + point_name(p.what) + ": " + e.what());
      recover();
    }
    timer_.look({});
  }
  if (!report().progress || chosen.empty()) return;
  char line[160];
  std::snprintf(line, sizeof line, "[%6.1f s] a look at %.*s: %zu points", elapsed(),
                static_cast<int>(probe.size()), probe.data(), done);
  report().progress(line);
}

void ProbeContext::run(std::string_view probe, std::vector<Point> points) {
  if (look_) return look_at(probe, points);
  for (Point& p : points)
    p.time = [this, time = std::move(p.time)] {
      try {
        return time();
      } catch (const ProbeError&) {
        recover();
        throw;
      }
    };
  runner_.run(probe, std::move(points), [this](double) { rest(timer_.take_busy()); });
}

void ProbeContext::emit(Measurement m, const Timing& t) {
  if (!look_) runner_.emit(std::move(m), t);
}

std::string point_name(const Measurement& m) { return m.family + " " + m.variant + " " + sizes_text(m); }

int rotation_for(double bytes) { return std::clamp(static_cast<int>(120e6 / bytes) + 1, 1, 6); }

}  // namespace ridge::cuda
