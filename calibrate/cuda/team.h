#pragma once
/// Devices of one node at work together, a thread each, and the time of what they do together: that of the
/// slowest.
///
///   Team team(4);
///   team.run([&](Member& me) { ... me.together([&] { ... }); ... });
///
/// A member that fails keeps meeting the others, or they would wait for it for ever; run() then throws what
/// went wrong first.

#include "calibrate/cuda/graph_replay.h"

#include <atomic>
#include <barrier>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace ridge::cuda {

class Team;

/// How one case is timed: `rounds` samples of `inner` repetitions, launched one by one or as a graph.
struct Rounds {
  int inner = 20, rounds = 41;
  bool is_graph = false;
};

class Member {
 public:
  int rank() const { return rank_; }
  int ranks() const;
  cudaStream_t stream() const { return stream_; }
  bool is_failed() const;
  /// Waits for the own stream; throws ProbeError when another member has failed, whom its work may wait for.
  void wait(const char* what) const;
  /// Throws ProbeError when another member has failed.
  void expect_all() const;
  /// Runs f unless someone has failed, and meets the others.
  void together(const std::function<void()>& f);
  /// Seconds of one repetition in each round, the slowest member's; only the first member has them.  All
  /// streams are held until everything is queued everywhere, so that the hosts' launching, which wavers by a
  /// third for eight-microsecond collectives, is not in the time.
  std::vector<double> time(const std::function<void()>& queue, const Rounds&);

 private:
  friend class Team;
  Member(Team& team, int rank) : team_(team), rank_(rank) {}
  Team& team_;
  int rank_;
  cudaStream_t stream_ = nullptr;
};

class Team {
 public:
  explicit Team(int ranks);
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  /// `body` on every member, its device current; throws ProbeError with the first failure.
  void run(const std::function<void(Member&)>& body);

 private:
  friend class Member;
  void fail(const std::string& why);
  int ranks_;
  std::barrier<> barrier_;
  std::vector<double> seconds_;
  HoldFlag flag_;  // of all members' streams; once someone has failed it stays released
  std::mutex mutex_;
  std::atomic<bool> is_failed_ = false;
  std::string failure_;
};

/// One case of a team: what it is called, how it is timed, and one repetition of it for a member.
struct TeamCase {
  Rounds rounds;
  std::function<void(const Member&)> queue;
  std::function<void(const std::vector<double>& samples, double revisit_difference)> done;
};

/// Visits every case twice, in shuffled orders so that a slow moment does not fall on one of them, and a
/// third time where the two differ by more than 3 %.  The visit with the median in the middle counts (of two
/// the lower, which nothing disturbed).  One schedule for all members of a team; `done` is called by the first.
class CaseSchedule {
 public:
  CaseSchedule(bool is_quick, std::function<bool()> is_over)
      : is_quick_(is_quick), is_over_(std::move(is_over)) {}
  void run(Member&, const std::vector<TeamCase>&);

 private:
  using Visits = std::vector<std::vector<double>>;  // of one case: samples of each visit
  bool is_wanted(const Visits&, int visit) const;
  bool is_quick_;
  std::function<bool()> is_over_;
  // Written by the first member, read by the others behind a barrier.
  std::vector<Visits> visits_;
  std::vector<char> wanted_;
};

}  // namespace ridge::cuda
