// The further looks at timed points: a trace of their kernels, and counters of some of them.

#include "calibrate/cuda/context.h"
#include "calibrate/cuda/counters.h"
#include "calibrate/cuda/trace.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

namespace ridge::cuda {
namespace {

using Point = ProbeContext::Point;
using Log = std::map<std::string, Observation>;

double bytes_of(const Measurement& m) {
  const auto work = work_of(m);
  return work ? work->bytes.value() : m.size("bytes");
}

/// Of each family and variant as many points as `wanted` says, spread evenly over their ranks by bytes, the largest
/// among them.
std::vector<std::size_t> spread(const std::vector<Point>& points,
                                const std::function<std::size_t(const Measurement&)>& wanted) {
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Measurement& m = points[i].what;
    if (wanted(m) > 0) groups[m.family + " " + m.variant].push_back(i);
  }
  std::vector<std::size_t> chosen;
  for (auto& [name, group] : groups) {
    std::ranges::stable_sort(group, {}, [&](std::size_t i) { return bytes_of(points[i].what); });
    const std::size_t n = group.size(), k = std::min(wanted(points[group.front()].what), n);
    for (std::size_t j = 1; j <= k; ++j) chosen.push_back(group[j * n / k - 1]);
  }
  return chosen;
}

/// Points to count.  The library's products of few rows run on kernels without a matrix unit and are left out.  Of a
/// product a good many: a median over few would be that of the sample.
std::vector<std::size_t> representatives(const std::vector<Point>& points, bool is_quick) {
  constexpr std::size_t few = 2, passes = 3, kernels = 6, products = 12;
  return spread(points, [&](const Measurement& m) -> std::size_t {
    if (m.family == "gemm" && m.library != "ridge" && m.size("m") < 64) return 0;
    return is_quick ? few : m.family == "pointwise" ? passes : m.family == "gemm" ? products : kernels;
  });
}

/// Points to trace: enough to say how far events are off, and all that are counted, whose tiles the kernels' names
/// tell.  Of cuDNN's, each of which takes a search for a kernel, no more than those.
std::vector<std::size_t> traced_points(const std::vector<Point>& points, bool is_quick) {
  std::vector<std::size_t> counted = representatives(points, is_quick);
  if (!points.empty() && points.front().what.library.starts_with("cuDNN")) return counted;
  std::vector<std::size_t> chosen =
      spread(points, [](const Measurement& m) -> std::size_t { return m.family == "pointwise" ? 8 : 30; });
  for (const std::size_t i : counted)
    if (std::ranges::find(chosen, i) == chosen.end()) chosen.push_back(i);
  return chosen;
}

Observation& entry(Log& log, const Point& p, Seconds event_time) {
  Observation& o = log[point_name(p.what)];
  o.what = p.what;
  o.tile = p.tile;
  o.event_time = event_time;
  return o;
}

/// Kernels and seconds of one repetition, of `n` alike; the median over them where they can be told apart.
void note_trace(Observation& o, const std::vector<TracedKernel>& all, int n) {
  const std::size_t each = all.size() / static_cast<std::size_t>(n);
  if (each == 0) return;
  std::vector<double> sums;
  for (std::size_t i = 0; i + each <= all.size(); i += each) {
    double sum = 0;
    for (std::size_t j = i; j < i + each; ++j) sum += all[j].seconds();
    sums.push_back(sum);
  }
  double total = 0;
  for (const TracedKernel& k : all) total += k.seconds();
  const bool is_regular = all.size() % static_cast<std::size_t>(n) == 0;
  o.traced_time = Seconds{is_regular ? median(sums) : total / n};
  std::vector<TracedKernel> last(all.end() - static_cast<std::ptrdiff_t>(each), all.end());
  std::ranges::stable_sort(last, std::greater{}, &TracedKernel::seconds);
  o.kernels.clear();
  for (const TracedKernel& k : last) o.kernels.push_back(k.name);
}

/// What `n` repetitions ran, replayed as a graph like those that were timed where they were; one by one where
/// they were not, or cannot be captured.
std::vector<TracedKernel> traced(ProbeContext& c, KernelTrace& trace, const DeviceTimer::Work& work, int n,
                                 bool is_graph) {
  const auto wait = [&] { check(cudaStreamSynchronize(c.stream()), "tracing"); };
  if (is_graph) {
    try {
      const GraphReplay replay(work, n, c.stream());
      replay.queue();
      wait();
      trace.begin();
      replay.queue();
      wait();
      if (auto all = trace.end(); !all.empty()) return all;
    } catch (const ProbeError&) { cudaGetLastError(); }
  }
  work(0);
  wait();
  trace.begin();
  for (int i = 0; i < n; ++i) work(i);
  wait();
  return trace.end();
}

void trace(ProbeContext& c, const std::function<void()>& probes, Log& log) {
  KernelTrace trace;
  const ProbeContext::Look look{
      [&](const std::vector<Point>& points) { return traced_points(points, c.settings().is_quick); },
      [&](const Point& p, Seconds event_time, const DeviceTimer::Work& work, int rotation) {
        constexpr double device_seconds = 1e-3;
        const double one = event_time > Seconds{} ? event_time.value() : 1e-4;
        const int n = std::clamp(static_cast<int>(device_seconds / one), 2, std::max(10, rotation));
        note_trace(entry(log, p, event_time), traced(c, trace, work, n, one < DeviceTimer::graph_below), n);
      }};
  c.look(&look);
  probes();
  c.look(nullptr);
}

void count(ProbeContext& c, const std::function<void()>& probes, Log& log) {
  int l2 = 0;
  check(cudaDeviceGetAttribute(&l2, cudaDevAttrL2CacheSize, c.settings().device), "device");
  const Buffer foreign(std::max<std::size_t>(4 * static_cast<std::size_t>(l2), std::size_t{64} << 20));
  launch_fill(foreign.at(), foreign.bytes() / 4, Fill::fp32, 5, c.stream());
  check(cudaStreamSynchronize(c.stream()), "filling memory");
  const auto drain = [&] {
    launch_stream(Stream::read, foreign.at(), foreign.at(), nullptr, foreign.bytes(), 1,
                  c.multiprocessors() * 4, c.stream());
    check_launch("emptying the cache");
  };
  CounterSession session;
  std::vector<std::string> problems;
  std::set<std::string> seen;  // families and variants whose instructions were counted
  const ProbeContext::Look look{
      [&](const std::vector<Point>& points) { return representatives(points, c.settings().is_quick); },
      [&](const Point& p, Seconds event_time, const DeviceTimer::Work& work, int) {
        const std::string name = point_name(p.what);
        Observation& o = log.contains(name) ? log[name] : entry(log, p, event_time);
        const bool is_first = seen.insert(p.what.family + p.what.variant).second;
        o.counted = session.count([&] { work(0); }, drain, is_first, problems);
      }};
  c.look(&look);
  probes();
  c.look(nullptr);
  for (const std::string& p : problems) c.report().skipped(p);
}

}  // namespace

void observe(ProbeContext& c, const std::function<void()>& probes) {
  Log log;
  const auto attempt = [&](const char* what, auto pass) {
    if (c.is_lost()) return;
    if (c.is_out_of_time()) return c.report().skipped(std::string(what) + ": the time was over");
    try {
      pass(c, probes, log);
    } catch (const ProbeError& e) {
      c.look(nullptr);
      c.report().skipped(std::string(what) + ": " + e.what());
      c.recover();
    }
  };
  attempt("trace of kernels", trace);
  attempt("counters", count);
  if (!c.report().observed) return;
  for (const auto& [name, o] : log) c.report().observed(o);
}

}  // namespace ridge::cuda
