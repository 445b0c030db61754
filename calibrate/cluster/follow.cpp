#include "calibrate/cluster/executor.h"
#include "calibrate/cluster/meeting.h"

#include <nlohmann/json.hpp>

namespace ridge {

using nlohmann::json;

namespace {

constexpr double message_seconds = 60, idle_seconds = 3600;

}  // namespace

void follow_rank_zero(const ClusterRank& me) {
  std::string why_not;
  auto mpi = wants_mpi(me) ? mpi_transport(me.launch.rank, me.launch.ranks, why_not) : nullptr;
  Listener listener;
  Channel leader = join_rank_zero(me.place, me.launch.rank, hello_of(me, listener.port(), mpi != nullptr));
  const json welcome = json::parse(leader.receive(me.place.wait + message_seconds), nullptr, false);
  if (!welcome.is_object()) throw ChannelError("rank 0 said something else than a welcome");
  if (welcome.value("do", "") == "quit") return;
  Executor executor(me, fabric_of(me, welcome, leader.peer_address(), std::move(listener), std::move(mpi)));
  const Tell tell = [&](const json& what) {
    if (!what.contains("progress")) leader.send(what.dump(), message_seconds);
  };
  for (;;) {
    const json task = json::parse(leader.receive(idle_seconds), nullptr, false);
    if (!task.is_object() || task.value("do", "") == "quit") return;
    leader.send(executor.run(task, tell).dump(), message_seconds);
  }
}

}  // namespace ridge
