#include "calibrate/cluster/lead_phases.h"

#include "calibrate/fit/cluster.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <set>

namespace ridge {
namespace {

using nlohmann::json;
using Ranks = std::vector<int>;

constexpr double group_seconds = 180;
constexpr std::size_t small_message = 8;

SampleSummary summary_of(const json& j) {
  return {Seconds{j.at(0).get<double>()}, Seconds{j.at(1).get<double>()}, Seconds{j.at(2).get<double>()},
          j.at(3).get<std::int64_t>(), j.at(4).get<double>()};
}

void put(Measurement& m, const SampleSummary& s) {
  m.time = s.median, m.low = s.low, m.high = s.high, m.samples = s.samples, m.spread = s.spread;
}

std::vector<std::size_t> collective_sizes(bool is_quick) {
  std::vector<std::size_t> out;
  for (std::size_t b = 1024; b <= (is_quick ? std::size_t{1} << 20 : std::size_t{1} << 26); b *= 2)
    out.push_back(b);
  return out;
}

/// 2, 4, 8 .. n, and n itself.
std::vector<int> doublings(int n) {
  std::vector<int> out;
  for (int k = 2; k < n; k *= 2) out.push_back(k);
  if (n >= 2) out.push_back(n);
  return out;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Steps of a phase, and what is left: a line a second.
class Pace {
 public:
  /// `later`: seconds of the phases behind this one.
  Pace(std::string phase, std::size_t steps, double later)
      : phase_(std::move(phase)), steps_(steps), later_(later) {}
  void step(const std::string& what) {
    ++done_;
    if (done_ < steps_ && now() - said_ < 1) return;
    said_ = now();
    const double left = (said_ - begin_) / static_cast<double>(done_) * static_cast<double>(steps_ - done_);
    fmt::print(stderr, "{}: {} of {} ({}), about {:.0f} s left of it, {:.0f} s in all\n", phase_, done_,
               steps_, what, left, left + later_);
  }

 private:
  std::string phase_;
  std::size_t steps_, done_ = 0;
  double later_, begin_ = now(), said_ = 0;
};

class Leader {
 public:
  Leader(const ClusterRank& me, Crew& crew, RunFile& file, const Fabric* fabric, const EarlierRun* earlier)
      : me_(me), crew_(crew), file_(file), fabric_(fabric), earlier_(earlier) {
    for (const Member& m : crew.members()) {
      if (std::ranges::find(node_names_, m.node) == node_names_.end()) node_names_.push_back(m.node);
      nodes_[m.node].push_back(m.rank);
    }
  }

  bool run() {
    if (me_.plan.has_devices && !should_stop()) devices();
    if (me_.plan.has_devices) alone();
    if (!fabric_ && (me_.plan.has_pairs || me_.plan.has_collectives))
      skip("pairs and collectives: nothing here carries messages between these devices");
    if (fabric_ && me_.plan.has_pairs) pairs();
    if (fabric_ && me_.plan.has_collectives) collectives();
    return !should_stop();
  }

 private:
  bool should_stop() const { return me_.settings.is_cancelled && me_.settings.is_cancelled(); }
  double budget() const { return me_.settings.is_quick ? 3e-3 : 40e-3; }
  void skip(const std::string& what) {
    file_.line(skipped_line(what));
    fmt::print(stderr, "skipped {}\n", what);
  }
  void say(const std::string& what) const { fmt::print(stderr, "{}\n", what); }
  Ranks present(const Ranks& ranks) const {
    Ranks out;
    std::ranges::copy_if(ranks, std::back_inserter(out), [&](int r) { return crew_.is_there(r); });
    return out;
  }

  void devices() {
    say(fmt::format("devices: {} ranks on {} nodes at the same time", crew_.members().size(),
                    node_names_.size()));
    Crew::Tasks tasks;
    for (const Member& m : crew_.members()) {
      const KnownPoints known = earlier_ ? earlier_->known(m.rank) : KnownPoints{};
      json visits = json::array();
      for (const auto& [key, seen] : known.visits)
        for (const Measurement& v : seen) visits.push_back(visit_line(v));
      tasks[m.rank] = {{"do", "device"},
                       {"sharers", nodes_.at(m.node).size()},
                       {"index", m.index},
                       {"done", known.done},
                       {"visits", std::move(visits)}};
    }
    for (const auto& [rank, answer] : crew_.run(tasks, me_.settings.budget.value() + 120, "devices"))
      if (answer.contains("failed")) skip(fmt::format("rank {}: {}", rank, answer.value("failed", "")));
  }

  /// Ranks of a node share power, memory and caches: a few points of one rank while the others rest tell how
  /// much that costs.
  void alone() {
    const Member& first = crew_.members().front();
    const bool is_known = earlier_ && std::ranges::any_of(earlier_->run.points, [](const Measurement& m) {
                            return m.source == "alone";
                          });
    if (nodes_.at(first.node).size() < 2 || is_known || should_stop()) return;
    say("devices: one of them alone");
    const json task{{"do", "alone"}, {"sharers", nodes_.at(first.node).size()}, {"index", first.index}};
    crew_.run({{first.rank, task}}, group_seconds, "devices");
  }

  // ---- pairs

  bool is_known_pair(int from, int to) const {
    return earlier_ && std::ranges::any_of(earlier_->run.points, [&](const Measurement& m) {
             return m.family == "pair" && m.rank == from && m.peer == to;
           });
  }

  using Round = std::vector<std::pair<int, int>>;

  /// Of each group whose fabric wants an id, one from the rank that leads it; the same for the same ranks.
  void make_ids(const std::set<Ranks>& groups) {
    if (!fabric_->needs_group_id()) return;
    Crew::Tasks tasks;
    for (const Ranks& g : groups)
      if (!ids_.contains(g)) tasks[g[0]] = {{"do", "id"}};
    const auto answers = crew_.run(tasks, group_seconds, "meeting");
    for (const Ranks& g : groups)
      if (const auto it = answers.find(g[0]); it != answers.end() && it->second.contains("done"))
        ids_[g] = it->second.at("done").get<std::string>();
  }
  void reset() {
    ids_.clear();
    crew_.reset();
  }

  void pair_round(const Round& round, const std::string& tier) {
    const std::size_t large = me_.settings.is_quick ? std::size_t{1} << 20 : std::size_t{1} << 24;
    Crew::Tasks tasks;
    for (const auto& [a, b] : round) {
      if (!crew_.is_there(a) || !crew_.is_there(b) || (is_known_pair(a, b) && is_known_pair(b, a))) continue;
      const json task{{"do", "pair"}, {"sizes", {small_message, large}}, {"budget", budget()}};
      tasks[a] = task, tasks[a]["peer"] = b, tasks[a]["leads"] = true;
      tasks[b] = task, tasks[b]["peer"] = a, tasks[b]["leads"] = false;
    }
    if (tasks.empty() || should_stop()) return;
    std::set<Ranks> groups;
    for (const auto& [a, b] : round) groups.insert({a, b});
    make_ids(groups);
    for (auto& [rank, task] : tasks) {
      const int peer = task.at("peer").get<int>();
      task["id"] = ids_[task.at("leads").get<bool>() ? Ranks{rank, peer} : Ranks{peer, rank}];
    }
    const auto answers = crew_.run(tasks, group_seconds, "pairs");
    bool has_failed = answers.size() < tasks.size();
    for (const auto& [rank, answer] : answers) {
      const int peer = tasks.at(rank).at("peer").get<int>();
      if (answer.contains("failed")) {
        skip(fmt::format("pair of rank {} and {}: {}", rank, peer, answer.value("failed", "")));
        has_failed = true;
      } else {
        write_pair(rank, peer, tier, {small_message, large}, answer.at("done"));
      }
    }
    if (has_failed) reset();
  }

  /// A short message there and an answer as short take twice its time; a long one's answer is taken off.
  void write_pair(int rank, int peer, const std::string& tier, const std::vector<std::size_t>& sizes,
                  const json& seen) {
    const Seconds answer = 0.5 * summary_of(seen.at(0)).median;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      Measurement m{.family = "pair", .variant = tier, .sizes = {{"bytes", static_cast<double>(sizes[i])}}};
      put(m, summary_of(seen.at(i)));
      for (Seconds* s : {&m.time, &m.low, &m.high}) *s = std::max(*s - answer, 0.1 * *s);
      m.library = fabric_->library();
      m.rank = rank, m.peer = peer;
      for (const Member& member : crew_.members())
        if (member.rank == rank) m.node = member.node;
      file_.point(m);
    }
  }

  void pairs() {
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

  // ---- collectives

  struct Team {
    Ranks ranks;
    std::string name;
  };

  static std::string team_name(std::size_t ranks, std::size_t nodes) {
    return fmt::format("{} ranks on {} node{}", ranks, nodes, nodes == 1 ? "" : "s");
  }

  /// Groups of those ranks that are still there.
  std::vector<Team> teams() const {
    std::vector<Team> out;
    std::vector<Ranks> here;
    for (const std::string& name : node_names_)
      if (Ranks r = present(nodes_.at(name)); !r.empty()) here.push_back(std::move(r));
    if (here.empty()) return out;
    const Ranks& first = *std::ranges::max_element(here, {}, &Ranks::size);
    for (const int k : doublings(static_cast<int>(first.size())))
      out.push_back({{first.begin(), first.begin() + k}, team_name(static_cast<std::size_t>(k), 1)});
    const std::size_t each = std::ranges::min_element(here, {}, &Ranks::size)->size();
    for (const int n : doublings(static_cast<int>(here.size())))
      for (const std::size_t per_node : std::set<std::size_t>{1, each}) {
        Team team{{}, team_name(per_node * static_cast<std::size_t>(n), static_cast<std::size_t>(n))};
        for (int i = 0; i < n; ++i)
          team.ranks.insert(
              team.ranks.end(), here[static_cast<std::size_t>(i)].begin(),
              here[static_cast<std::size_t>(i)].begin() + static_cast<std::ptrdiff_t>(per_node));
        out.push_back(std::move(team));
      }
    return out;
  }

  bool is_known(const std::vector<Measurement>& points) const {
    if (!earlier_) return false;
    if (known_.empty()) known_ = earlier_->known().done;
    return std::ranges::all_of(points, [&](const Measurement& m) { return known_.contains(point_key(m)); });
  }

  void collective(const Team& team, Collective op, const std::string& algorithm) {
    std::vector<Measurement> points;
    const auto sizes = collective_sizes(me_.settings.is_quick);
    for (const std::size_t bytes : sizes) {
      points.push_back({.family = collective_names[static_cast<int>(op)],
                        .variant = fmt::format("{}, {}, {}", team.name, fabric_->element_type(), algorithm),
                        .sizes = {{"bytes", static_cast<double>(bytes)}}});
      points.back().library = fabric_->library();
    }
    if (is_known(points)) return;
    make_ids({team.ranks});
    Crew::Tasks tasks;
    for (const int rank : team.ranks)
      tasks[rank] = {{"do", "group"},          {"ranks", team.ranks},
                     {"id", ids_[team.ranks]}, {"operation", static_cast<int>(op)},
                     {"algorithm", algorithm}, {"sizes", sizes},
                     {"budget", budget()}};
    write_collective(crew_.run(tasks, group_seconds, "collectives"), tasks.size(), std::move(points));
  }

  /// Of each size the time of the slowest member.
  void write_collective(const std::map<int, json>& answers, std::size_t members,
                        std::vector<Measurement> points) {
    std::string why = answers.size() < members ? "a rank was lost" : "";
    for (const auto& [rank, answer] : answers)
      if (answer.contains("failed")) why = fmt::format("rank {}: {}", rank, answer.value("failed", ""));
    if (!why.empty()) {
      skip(fmt::format("{} {}: {}", points[0].family, points[0].variant, why));
      return reset();
    }
    for (std::size_t i = 0; i < points.size(); ++i) {
      for (const auto& [rank, answer] : answers) {
        const SampleSummary s = summary_of(answer.at("done").at(i));
        if (s.median > points[i].time) put(points[i], s);
      }
      file_.point(points[i]);
    }
  }

  struct Job {
    Team team;
    Collective op;
    std::string algorithm;
  };
  std::vector<Job> jobs() const {
    std::vector<Job> out;
    for (const Team& team : teams())
      for (const Collective op : all_collectives) {
        if (op == Collective::send_receive && team.ranks.size() != 2) continue;
        for (const std::string& algorithm : fabric_->algorithms(op)) out.push_back({team, op, algorithm});
      }
    return out;
  }

  void collectives() {
    const std::vector<Job> all = jobs();
    Pace pace("collectives", all.size(), 0);
    for (const Job& job : all) {
      if (should_stop()) return;
      const bool is_complete = present(job.team.ranks).size() == job.team.ranks.size();
      if (is_complete) collective(job.team, job.op, job.algorithm);
      pace.step(job.team.name);
    }
  }

  double collectives_estimate() const {
    const double sizes = static_cast<double>(collective_sizes(me_.settings.is_quick).size());
    return me_.plan.has_collectives ? static_cast<double>(jobs().size()) * sizes * 1.5 * budget() : 0;
  }

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

}  // namespace

bool run_phases(const ClusterRank& me, Crew& crew, RunFile& file, const Fabric* fabric,
                const EarlierRun* earlier) {
  return Leader(me, crew, file, fabric, earlier).run();
}

std::vector<std::pair<std::string, double>> cluster_estimate(const ClusterPlan& plan,
                                                             const ProbeSettings& settings,
                                                             double device_seconds, int ranks, int nodes) {
  const int local = std::max(1, ranks / std::max(nodes, 1));
  const double budget = settings.is_quick ? 3e-3 : 40e-3;
  std::vector<std::pair<std::string, double>> out;
  if (plan.has_devices) out.emplace_back("devices, all at the same time", device_seconds);
  const double rounds = (local > 1 ? local - 1 : 0) + (nodes > 1 ? nodes - 1 : 0);
  if (plan.has_pairs) out.emplace_back("pairs, in rounds", rounds * 4 * 2 * budget);
  const double groups =
      static_cast<double>(doublings(local).size() + (local > 1 ? 2 : 1) * doublings(nodes).size());
  const double each = 8 * 1.5 * budget * static_cast<double>(collective_sizes(settings.is_quick).size());
  if (plan.has_collectives) out.emplace_back("collectives, by group", groups * each);
  return out;
}

}  // namespace ridge
