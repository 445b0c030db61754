#include "calibrate/cluster/leader.h"
#include "calibrate/cluster/pace.h"
#include "calibrate/fit/cluster.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {

using nlohmann::json;

namespace {

constexpr std::size_t small_message = 8;

}  // namespace

bool Leader::is_known_pair(int from, int to) const {
  return earlier_ && std::ranges::any_of(earlier_->run.points, [&](const Measurement& m) {
           return m.family == "pair" && m.rank == from && m.peer == to;
         });
}

void Leader::pair_round(const Round& round, const std::string& tier) {
  const std::size_t large = me_.settings.is_quick ? std::size_t{1} << 20 : std::size_t{1} << 24;
  const std::vector<std::size_t> sizes{small_message, large};
  Crew::Tasks tasks;
  std::set<Ranks> groups;
  for (const auto& [a, b] : round) {
    if (!crew_.is_there(a) || !crew_.is_there(b) || (is_known_pair(a, b) && is_known_pair(b, a))) continue;
    const json task{{"do", "pair"}, {"sizes", sizes}, {"budget", budget()}};
    tasks[a] = task, tasks[a]["peer"] = b, tasks[a]["leads"] = true;
    tasks[b] = task, tasks[b]["peer"] = a, tasks[b]["leads"] = false;
    groups.insert({a, b});
  }
  if (tasks.empty() || should_stop()) return;
  make_ids(groups);
  for (auto& [rank, task] : tasks) {
    const int peer = task.at("peer").get<int>();
    task["id"] = ids_[task.at("leads").get<bool>() ? Ranks{rank, peer} : Ranks{peer, rank}];
  }
  const auto answers = crew_.run(tasks, group_seconds, "pairs");
  bool has_failed = answers.size() < tasks.size();
  for (const auto& [rank, answer] : answers) {
    const int peer = tasks.at(rank).at("peer").get<int>();
    std::string why;
    if (const auto seen = taken(rank, answer, sizes.size(), why)) {
      write_pair(rank, peer, tier, sizes, *seen);
    } else {
      skip(fmt::format("pair of rank {} and {}: {}", rank, peer, why));
      has_failed = true;
    }
  }
  if (has_failed) reset();
}

/// A short message there and an answer as short take twice its time; a long one's answer is taken off.
void Leader::write_pair(int rank, int peer, const std::string& tier, const std::vector<std::size_t>& sizes,
                        const std::vector<SampleSummary>& seen) {
  const Seconds answer = 0.5 * seen.front().median;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Measurement m{.family = "pair", .variant = tier, .sizes = {{"bytes", static_cast<double>(sizes[i])}}};
    put(m, seen[i]);
    for (Seconds* s : {&m.time, &m.low, &m.high}) *s = std::max(*s - answer, 0.1 * *s);
    m.library = fabric_->library();
    m.rank = rank, m.peer = peer;
    for (const Member& member : crew_.members())
      if (member.rank == rank) m.node = member.node;
    file_.point(m);
  }
}

void Leader::pairs() {
  std::size_t most = 0;
  for (const auto& [name, ranks] : nodes_) most = std::max(most, ranks.size());
  const auto local = tournament(static_cast<int>(most));
  const auto between = tournament(static_cast<int>(node_names_.size()));
  const std::size_t all = (most > 1 ? local.size() : 0) + (node_names_.size() > 1 ? between.size() : 0);
  Pace pace("pairs", all, collectives_estimate());
  for (const auto& plan : local) {
    if (most < 2) break;
    Round round;
    for (const auto& [name, ranks] : nodes_)
      for (const auto& [a, b] : plan)
        if (static_cast<std::size_t>(b) < ranks.size())
          round.emplace_back(ranks[static_cast<std::size_t>(a)], ranks[static_cast<std::size_t>(b)]);
    pair_round(round, "node");
    pace.step("within nodes");
  }
  for (const auto& plan : between) {
    if (node_names_.size() < 2) break;
    Round round;
    for (const auto& [a, b] : plan) {
      const Ranks& left = nodes_.at(node_names_[static_cast<std::size_t>(a)]);
      const Ranks& right = nodes_.at(node_names_[static_cast<std::size_t>(b)]);
      for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i)
        round.emplace_back(left[i], right[i]);
    }
    pair_round(round, "network");
    pace.step("between nodes");
  }
}

}  // namespace ridge
