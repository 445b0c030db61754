#include "calibrate/cuda/team.h"

#include "calibrate/cuda/kernels.h"
#include "calibrate/fit/robust.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <random>
#include <thread>

namespace ridge::cuda {
namespace {

struct Clock {
  cudaEvent_t begin = nullptr, end = nullptr;
  std::optional<GraphReplay> graph;
  ~Clock() {
    if (begin) cudaEventDestroy(begin);
    if (end) cudaEventDestroy(end);
  }
};

double difference(const std::vector<std::vector<double>>& visits) {
  if (visits.size() < 2) return 0;
  const double a = median(visits[0]), b = median(visits[1]);
  return std::abs(a - b) / std::min(a, b);
}

const std::vector<double>& middle(std::vector<std::vector<double>>& visits) {
  std::ranges::sort(visits, {}, [](const auto& v) { return median(v); });
  return visits[(visits.size() - 1) / 2];
}

}  // namespace

int Member::ranks() const { return team_.ranks_; }
bool Member::is_failed() const { return team_.is_failed_; }

void Member::expect_all() const {
  if (team_.is_failed_) throw ProbeError("another device failed");
}

void Member::wait(const char* what) const {
  for (cudaError_t e; (e = cudaStreamQuery(stream_)) != cudaSuccess;) {
    if (e != cudaErrorNotReady) check(e, what);
    expect_all();
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

void Member::together(const std::function<void()>& f) {
  if (!team_.is_failed_) {
    try {
      f();
    } catch (const ProbeError& e) { team_.fail(e.what()); }
  }
  team_.barrier_.arrive_and_wait();
}

std::vector<double> Member::time(const std::function<void()>& queue, const Rounds& r) {
  Clock clock;
  together([&] {
    check(cudaEventCreate(&clock.begin), "event");
    check(cudaEventCreate(&clock.end), "event");
    if (r.is_graph) clock.graph.emplace([&](int) { queue(); }, r.inner, stream_);
  });
  const auto once = [&] {
    if (clock.graph) clock.graph->queue();
    else
      for (int i = 0; i < r.inner; ++i) queue();
  };
  together([&] {
    once();
    wait("warming up");
    if (rank_ == 0) team_.flag_.set(false);
  });
  std::vector<double> samples;
  for (int round = 0; round < r.rounds && !is_failed(); ++round) {
    together([&] {
      launch_hold(team_.flag_.get(), stream_);
      check(cudaEventRecord(clock.begin, stream_), "event");
      once();
      check(cudaEventRecord(clock.end, stream_), "event");
    });
    if (rank_ == 0) team_.flag_.set(true);
    together([&] {
      wait("timing");
      float ms = 0;
      check(cudaEventElapsedTime(&ms, clock.begin, clock.end), "event");
      team_.seconds_[static_cast<std::size_t>(rank_)] = 1e-3 * static_cast<double>(ms) / r.inner;
    });
    // After a failure someone's stream may not have seen the flag yet: it stays set.
    if (rank_ == 0 && !is_failed()) {
      samples.push_back(*std::ranges::max_element(team_.seconds_));
      team_.flag_.set(false);
    }
    team_.barrier_.arrive_and_wait();
  }
  if (rank_ == 0) team_.flag_.set(true);
  return samples;
}

Team::Team(int ranks) : ranks_(ranks), barrier_(ranks), seconds_(static_cast<std::size_t>(ranks)) {}

void Team::fail(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = why;
  is_failed_ = true;
}

void Team::run(const std::function<void(Member&)>& body) {
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks_; ++rank)
    threads.emplace_back([this, &body, rank] {
      Member me(*this, rank);
      me.together([&] {
        check(cudaSetDevice(rank), "device");
        check(cudaStreamCreateWithFlags(&me.stream_, cudaStreamNonBlocking), "stream");
      });
      try {
        if (!is_failed_) body(me);
      } catch (const ProbeError& e) {  // outside together(): the others go on without this member
        fail(e.what());
        barrier_.arrive_and_drop();
      }
      if (me.stream_) cudaStreamDestroy(me.stream_);
    });
  for (std::thread& t : threads) t.join();
  if (!failure_.empty()) throw ProbeError(failure_);
}

bool CaseSchedule::is_wanted(const Visits& seen, int visit) const {
  constexpr double alike = 0.03;
  return visit < 2 || difference(seen) > alike;
}

void CaseSchedule::run(Member& me, const std::vector<TeamCase>& cases) {
  const bool is_first = me.rank() == 0;
  me.together([&] {
    if (is_first) visits_.assign(cases.size(), {});
  });
  std::vector<std::size_t> order(cases.size());
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(17);  // the same order for every member
  for (int visit = 0; visit < (is_quick_ ? 1 : 3) && !me.is_failed(); ++visit) {
    std::ranges::shuffle(order, random);
    me.together([&] {
      if (!is_first) return;
      wanted_.clear();
      for (const Visits& v : visits_) wanted_.push_back(is_wanted(v, visit));
    });
    for (const std::size_t i : order) {
      if (!wanted_[i] || me.is_failed()) continue;
      me.together([&] {
        if (is_first && is_over_()) std::ranges::fill(wanted_, 0);
      });
      if (!wanted_[i]) break;
      auto samples = me.time([&] { cases[i].queue(me); }, cases[i].rounds);
      if (is_first && !samples.empty()) visits_[i].push_back(std::move(samples));
    }
    me.together([] {});
  }
  me.together([&] {
    for (std::size_t i = 0; is_first && i < cases.size(); ++i) {
      if (visits_[i].empty()) continue;
      const double differing = difference(visits_[i]);
      cases[i].done(middle(visits_[i]), differing);
    }
  });
}

}  // namespace ridge::cuda
