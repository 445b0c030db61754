#pragma once
/// The ranks as their leader sees them: hands out tasks, collects answers, notices who is lost.

#include "calibrate/cluster/executor.h"
#include "calibrate/cluster/meeting.h"

#include <nlohmann/json.hpp>
#include <set>

namespace ridge {

class Crew {
 public:
  Crew(const ClusterRank& me, std::map<int, Channel> channels, std::vector<Member> members, Executor& own,
       RunFile& file);

  const std::vector<Member>& members() const { return members_; }
  bool is_there(int rank) const { return !lost_.contains(rank); }
  std::size_t lost() const { return lost_.size(); }
  std::size_t present() const;
  /// First message to a rank.
  void greet(int rank, const nlohmann::json& welcome);

  using Tasks = std::map<int, nlohmann::json>;
  /// All tasks at the same time, one a rank; the answers by rank, each {"done": ..} or {"failed": why}.  A rank without
  /// an answer in time is lost, and so is one that says what cannot be understood; whoever has a task together with
  /// a lost rank is told to stop waiting for it.
  std::map<int, nlohmann::json> run(const Tasks&, double seconds, const std::string& phase);
  /// After something failed, so that no rank waits for, or listens to, what belonged to it.
  void reset();
  void quit();
  void lose(int rank, const std::string& why);
  /// Tells the rank why, and loses it.
  void refuse(int rank, const std::string& why);

 private:
  /// Everything that arrived until now, or within the time.
  void drain(double seconds);
  void take(int rank, const nlohmann::json& message);
  /// Why not, when it cannot be.
  std::string keep(const nlohmann::json& told);
  void stop_waiting_for(int lost);

  const ClusterRank& me_;
  std::map<int, Channel> channels_;
  std::vector<Member> members_;
  Executor& own_;
  RunFile& file_;
  std::set<int> lost_, waiting_;
  std::map<int, nlohmann::json> answers_;
  Tasks tasks_;  ///< under way
  std::string phase_;
  int number_ = 0;   ///< of the tasks under way: answers to earlier ones are not taken for theirs
  int attempt_ = 0;  ///< how often all ranks started afresh
};

}  // namespace ridge
