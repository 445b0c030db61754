#pragma once
/// Visits the points of a probe: shuffled, twice unless quick or a point says otherwise, a third time where two visits
/// differ; the middle of them counts.
///
/// Every result is handed on at once, first visits too, so that a run that is killed has lost one point
/// at most; what an earlier run knows is not measured again.

#include "calibrate/measure/probe.h"

#include <chrono>
#include <random>

namespace ridge {

struct Timing {
  SampleSummary seconds;
  double clock_hz = 0;  ///< of the device right behind the last sample; zero when unknown
};

/// One point of a probe: what it is, and how it is timed.
struct Point {
  Measurement what;
  std::function<Timing()> time;
  Tile tile{};     ///< of a kernel whose name does not tell it
  int visits = 2;  ///< of a full run; more where what is measured wanders (a shared drive)
};

class PointRunner {
 public:
  /// `plan`: the probes that will run, for the remaining time.
  PointRunner(const ProbeSettings&, const ProbeReport&, std::vector<ProbeInfo> plan);

  const ProbeSettings& settings() const { return settings_; }
  const ProbeReport& report() const { return report_; }
  double elapsed() const;
  /// The budget is over, but for what probes behind the current one have kept of it.
  bool is_out_of_time() const { return elapsed() > settings_.budget.value() - kept_; }
  bool is_cancelled() const { return settings_.is_cancelled && settings_.is_cancelled(); }
  /// Nothing more is to be started.
  bool should_stop() const { return is_cancelled() || is_out_of_time(); }
  /// Measured before, or not wanted this time.
  bool is_known(const Measurement& what) const;

  /// Times the points that are not known.  One that throws ProbeError is skipped and named; `after` gets the
  /// seconds that a visit took.
  void run(std::string_view probe, std::vector<Point>, const std::function<void(double)>& after = {});
  void emit(Measurement, const Timing&);

  /// Calls every probe of the plan by `start(name)`; what throws is skipped and named.
  void run_all(const std::function<void(const std::string& name)>& start);

 private:
  struct Job {
    Point* point = nullptr;
    std::size_t visits = 2;
    std::vector<Timing> seen;
    bool is_finished = false;
  };
  void visit(std::string_view probe, Job&, const std::function<void(double)>& after);
  void settle(Job&);
  void finish(Job&);
  double kept_behind(std::size_t probe) const;
  void show_progress(std::string_view probe, std::size_t done, std::size_t all, double since);

  ProbeSettings settings_;
  ProbeReport report_;
  std::vector<ProbeInfo> plan_;
  std::size_t current_ = 0;
  double last_shown_ = 0, kept_ = 0;
  std::mt19937_64 random_{20240607};
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace ridge
