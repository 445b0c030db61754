#include "calibrate/cluster/lead_phases.h"

#include "calibrate/cluster/leader.h"
#include "calibrate/cluster/message.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {

using nlohmann::json;

Leader::Leader(const ClusterRank& me, Crew& crew, RunFile& file, const Fabric* fabric,
               const EarlierRun* earlier)
    : me_(me), crew_(crew), file_(file), fabric_(fabric), earlier_(earlier) {
  for (const Member& m : crew.members()) {
    if (std::ranges::find(node_names_, m.node) == node_names_.end()) node_names_.push_back(m.node);
    nodes_[m.node].push_back(m.rank);
  }
}

bool Leader::run() {
  if (me_.plan.has_devices && !should_stop()) devices();
  if (me_.plan.has_devices) alone();
  if (!fabric_ && (me_.plan.has_pairs || me_.plan.has_collectives))
    skip("pairs and collectives: nothing here carries messages between these devices");
  if (fabric_ && me_.plan.has_pairs) pairs();
  if (fabric_ && me_.plan.has_collectives) collectives();
  return !should_stop();
}

void Leader::skip(const std::string& what) {
  file_.line(skipped_line(what));
  fmt::print(stderr, "skipped {}\n", what);
}

Leader::Ranks Leader::present(const Ranks& ranks) const {
  Ranks out;
  std::ranges::copy_if(ranks, std::back_inserter(out), [&](int r) { return crew_.is_there(r); });
  return out;
}

void Leader::devices() {
  fmt::print(stderr, "devices: {} ranks on {} nodes at the same time\n", crew_.present(), node_names_.size());
  Crew::Tasks tasks;
  for (const Member& m : crew_.members()) {
    if (!crew_.is_there(m.rank)) continue;
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
    if (answer.contains("failed")) skip(fmt::format("rank {}: {}", rank, text_in(answer, "failed")));
}

void Leader::alone() {
  const Member& first = crew_.members().front();
  const bool is_known = earlier_ && std::ranges::any_of(earlier_->run.points, [](const Measurement& m) {
                          return m.source == "alone";
                        });
  if (nodes_.at(first.node).size() < 2 || is_known || should_stop()) return;
  fmt::print(stderr, "devices: one of them alone\n");
  const json task{{"do", "alone"}, {"sharers", nodes_.at(first.node).size()}, {"index", first.index}};
  crew_.run({{first.rank, task}}, group_seconds, "devices");
}

void Leader::make_ids(const std::set<Ranks>& groups) {
  if (!fabric_->needs_group_id()) return;
  Crew::Tasks tasks;
  for (const Ranks& g : groups)
    if (!ids_.contains(g)) tasks[g[0]] = {{"do", "id"}};
  const auto answers = crew_.run(tasks, group_seconds, "meeting");
  for (const Ranks& g : groups)
    if (const auto it = answers.find(g[0]); it != answers.end()) ids_[g] = text_in(it->second, "done");
}

void Leader::reset() {
  ids_.clear();
  crew_.reset();
}

std::optional<std::vector<SampleSummary>> Leader::taken(int rank, const json& answer, std::size_t count,
                                                        std::string& why) {
  if (answer.contains("failed")) {
    why = fmt::format("rank {}: {}", rank, text_in(answer, "failed"));
    return std::nullopt;
  }
  auto out = summaries_in(answer, count);
  if (out) return out;
  why = fmt::format("rank {}: an answer that cannot be understood", rank);
  crew_.refuse(rank, "its answer cannot be understood");
  return std::nullopt;
}

bool run_phases(const ClusterRank& me, Crew& crew, RunFile& file, const Fabric* fabric,
                const EarlierRun* earlier) {
  return Leader(me, crew, file, fabric, earlier).run();
}

}  // namespace ridge
