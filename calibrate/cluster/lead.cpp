#include "calibrate/cluster/lead_phases.h"
#include "calibrate/cluster/message.h"

#include <algorithm>
#include <fmt/format.h>
#include <random>

namespace ridge {
namespace {

using nlohmann::json;

RunFacts facts_of(const ClusterRank& me, const std::vector<Member>& members, const Fabric* fabric) {
  RunFacts facts = me.backend.facts(me.settings);
  facts["mode"] = me.settings.is_quick ? "quick" : "full";
  facts["ranks"] = fmt::format("{}", me.launch.ranks);
  std::string nodes;
  for (const Member& m : members) nodes += (nodes.empty() ? "" : " ") + m.node;
  facts["nodes"] = nodes;
  facts["fabric"] = fabric ? fabric->library() : "none";
  return facts;
}

/// The run does not begin.
void send_home(Gathered& all) {
  for (auto& [rank, channel] : all.channels) {
    try {
      channel.send(text_of({{"do", "quit"}}), 10);
    } catch (const ChannelError&) {}  // it is gone already
  }
}

std::string fresh_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

ClusterPlan cluster_plan(const std::vector<std::string>& phases) {
  if (phases.empty()) return {};
  const auto has = [&](const char* name) { return std::ranges::find(phases, name) != phases.end(); };
  return {has(cluster_phases[0]), has(cluster_phases[1]), has(cluster_phases[2])};
}

ClusterEnd lead_ranks(const ClusterRank& me, const std::string& path,
                      const std::function<bool(const RunFacts&, std::optional<EarlierRun>&)>& open_earlier,
                      LedRun* led) {
  std::string why_not;
  auto mpi = wants_mpi(me) ? mpi_transport(me.launch.rank, me.launch.ranks, why_not) : nullptr;
  if (wants_mpi(me) && !mpi) fmt::print(stderr, "No MPI ({}): messages go over TCP.\n", why_not);
  Listener listener;
  Gathered gathered = gather_ranks(me.place, me.launch.ranks);
  gathered.hellos[0] = hello_of(me, listener.port(), mpi != nullptr);
  std::map<int, std::string> hosts;
  for (const auto& [rank, channel] : gathered.channels) hosts[rank] = channel.peer_address();
  std::map<int, std::string> refused;
  std::vector<Member> members = members_of(gathered.hellos, hosts, refused);
  const bool is_mpi =
      static_cast<int>(members.size()) == me.launch.ranks && std::ranges::all_of(members, &Member::has_mpi);
  const json welcome = welcome_for(members, fresh_token(), is_mpi);
  Executor own(me, fabric_of(me, welcome, "127.0.0.1", std::move(listener), std::move(mpi)));
  const RunFacts facts = facts_of(me, members, own.fabric());
  std::optional<EarlierRun> earlier;
  if (!open_earlier(facts, earlier)) {
    send_home(gathered);
    return ClusterEnd::refused;
  }
  RunFile file(path, earlier ? &*earlier : nullptr);
  if (!file.is_good()) {
    fmt::print(stderr, "cannot write {}\n", path);
    return ClusterEnd::refused;
  }
  file.line(earlier ? resumed_line() : facts_line(facts));
  Crew crew(me, std::move(gathered.channels), members, own, file);
  for (const auto& [rank, why] : refused) crew.refuse(rank, why);
  for (const Member& m : members)
    if (m.rank != 0) crew.greet(m.rank, welcome);
  for (int rank = 1; rank < me.launch.ranks; ++rank)
    if (!gathered.hellos.contains(rank))
      crew.lose(rank, fmt::format("did not come within {:.0f} s", me.place.wait));
  const bool is_done = run_phases(me, crew, file, own.fabric(), earlier ? &*earlier : nullptr);
  crew.quit();
  if (!is_done) {
    fmt::print(stderr, "Stopped behind {} points; the same command with --resume goes on.\n", file.points());
    return ClusterEnd::stopped;
  }
  file.end();
  if (!file.is_good()) {
    fmt::print(stderr, "error: {} could not be written to its end: is the disk full?\n", path);
    return ClusterEnd::stopped;
  }
  if (led) *led = {file.points(), crew.present(), crew.lost()};
  return ClusterEnd::done;
}

}  // namespace ridge
