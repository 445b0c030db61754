#pragma once
/// Rank 0's work, phase by phase: whom it gives which task, and what it writes of the answers.  Its parts lie in
/// lead_phases.cpp (devices), lead_pairs.cpp and lead_collectives.cpp.

#include "calibrate/cluster/crew.h"

#include <nlohmann/json.hpp>
#include <set>

namespace ridge {

class Leader {
 public:
  Leader(const ClusterRank&, Crew&, RunFile&, const Fabric*, const EarlierRun*);
  /// False when it was stopped.
  bool run();

 private:
  using Ranks = std::vector<int>;
  using Round = std::vector<std::pair<int, int>>;
  /// Ranks that run collectives together: "4 ranks on 2 nodes".
  struct Team {
    Ranks ranks;
    std::string name;
  };
  struct Job {
    Team team;
    Collective op;
    std::string algorithm;
  };

  void devices();
  /// Ranks of a node share power, memory and caches: a few points of one rank while the others rest tell how
  /// much that costs.
  void alone();

  void pairs();
  bool is_known_pair(int from, int to) const;
  void pair_round(const Round&, const std::string& tier);
  void write_pair(int rank, int peer, const std::string& tier, const std::vector<std::size_t>& sizes,
                  const std::vector<SampleSummary>& seen);

  void collectives();
  double collectives_estimate() const;
  /// Groups of those ranks that are still there.
  std::vector<Team> teams() const;
  std::vector<Job> jobs() const;
  std::vector<Measurement> points_of(const Job&) const;
  bool is_known(const std::vector<Measurement>&) const;
  void collective(const Job&);
  /// Of each size the time of the slowest member.
  void write_collective(const std::map<int, nlohmann::json>& answers, std::size_t members,
                        std::vector<Measurement> points);

  /// Of each group whose fabric wants an id, one from the rank that leads it; the same for the same ranks.
  void make_ids(const std::set<Ranks>& groups);
  void reset();
  /// The summaries of a rank's answer; empty when it failed, or was lost for what cannot be understood, and why.
  std::optional<std::vector<SampleSummary>> taken(int rank, const nlohmann::json& answer, std::size_t count,
                                                  std::string& why);

  bool should_stop() const { return me_.settings.is_cancelled && me_.settings.is_cancelled(); }
  double budget() const { return me_.settings.is_quick ? 3e-3 : 40e-3; }
  Ranks present(const Ranks&) const;
  void skip(const std::string& what);

  const ClusterRank& me_;
  Crew& crew_;
  RunFile& file_;
  const Fabric* fabric_;
  const EarlierRun* earlier_;
  std::vector<std::string> node_names_;
  std::map<std::string, Ranks> nodes_;
  std::map<Ranks, std::string> ids_;
  mutable std::set<std::string, std::less<>> known_;
};

/// Seconds of a task that all members of a group do together.
inline constexpr double group_seconds = 180;

inline void put(Measurement& m, const SampleSummary& s) {
  m.time = s.median, m.low = s.low, m.high = s.high, m.samples = s.samples, m.spread = s.spread;
}

}  // namespace ridge
