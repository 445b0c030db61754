#include "calibrate/cluster/leader.h"
#include "calibrate/cluster/pace.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {
namespace {

using nlohmann::json;

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

std::string team_name(std::size_t ranks, std::size_t nodes) {
  return fmt::format("{} ranks on {} node{}", ranks, nodes, nodes == 1 ? "" : "s");
}

}  // namespace

std::vector<Leader::Team> Leader::teams() const {
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
      for (int i = 0; i < n; ++i) {
        const Ranks& node = here[static_cast<std::size_t>(i)];
        team.ranks.insert(team.ranks.end(), node.begin(),
                          node.begin() + static_cast<std::ptrdiff_t>(per_node));
      }
      out.push_back(std::move(team));
    }
  return out;
}

bool Leader::is_known(const std::vector<Measurement>& points) const {
  if (!earlier_) return false;
  if (known_.empty()) known_ = earlier_->known().done;
  return std::ranges::all_of(points, [&](const Measurement& m) { return known_.contains(point_key(m)); });
}

std::vector<Measurement> Leader::points_of(const Job& job) const {
  std::vector<Measurement> points;
  for (const std::size_t bytes : collective_sizes(me_.settings.is_quick)) {
    points.push_back(
        {.family = name_of(job.op),
         .variant = fmt::format("{}, {}, {}", job.team.name, fabric_->element_type(), job.algorithm),
         .sizes = {{"bytes", static_cast<double>(bytes)}}});
    points.back().library = fabric_->library();
  }
  return points;
}

void Leader::collective(const Job& job) {
  std::vector<Measurement> points = points_of(job);
  if (is_known(points)) return;
  const Ranks& ranks = job.team.ranks;
  make_ids({ranks});
  Crew::Tasks tasks;
  for (const int rank : ranks)
    tasks[rank] = {{"do", "group"},
                   {"ranks", ranks},
                   {"id", ids_[ranks]},
                   {"operation", static_cast<int>(job.op)},
                   {"algorithm", job.algorithm},
                   {"sizes", collective_sizes(me_.settings.is_quick)},
                   {"budget", budget()}};
  write_collective(crew_.run(tasks, group_seconds, "collectives"), tasks.size(), std::move(points));
}

void Leader::write_collective(const std::map<int, json>& answers, std::size_t members,
                              std::vector<Measurement> points) {
  std::string why = answers.size() < members ? "a rank was lost" : "";
  for (const auto& [rank, answer] : answers) {
    const auto seen = taken(rank, answer, points.size(), why);
    for (std::size_t i = 0; seen && i < points.size(); ++i)
      if ((*seen)[i].median > points[i].time) put(points[i], (*seen)[i]);
  }
  if (!why.empty()) {
    skip(fmt::format("{} {}: {}", points[0].family, points[0].variant, why));
    return reset();
  }
  for (const Measurement& m : points) file_.point(m);
}

std::vector<Leader::Job> Leader::jobs() const {
  std::vector<Job> out;
  for (const Team& team : teams())
    for (const Collective op : all_collectives) {
      if (op == Collective::send_receive && team.ranks.size() != 2) continue;
      for (const std::string& algorithm : fabric_->algorithms(op)) out.push_back({team, op, algorithm});
    }
  return out;
}

void Leader::collectives() {
  const std::vector<Job> all = jobs();
  Pace pace("collectives", all.size(), 0);
  for (const Job& job : all) {
    if (should_stop()) return;
    if (present(job.team.ranks).size() == job.team.ranks.size()) collective(job);
    pace.step(job.team.name);
  }
}

double Leader::collectives_estimate() const {
  const double sizes = static_cast<double>(collective_sizes(me_.settings.is_quick).size());
  return me_.plan.has_collectives ? static_cast<double>(jobs().size()) * sizes * 1.5 * budget() : 0;
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
