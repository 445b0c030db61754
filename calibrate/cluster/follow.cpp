#include "calibrate/cluster/executor.h"
#include "calibrate/cluster/meeting.h"
#include "calibrate/cluster/message.h"

#include <fmt/format.h>

namespace ridge {

using nlohmann::json;

namespace {

constexpr double message_seconds = 60, idle_seconds = 3600;

void say_why(const json& quit) {
  if (const std::string why = text_in(quit, "why"); !why.empty())
    throw ChannelError("rank 0 refused: " + why);
}

}  // namespace

void follow_rank_zero(const ClusterRank& me) {
  std::string why_not;
  auto mpi = wants_mpi(me) ? mpi_transport(me.launch.rank, me.launch.ranks, why_not) : nullptr;
  Listener listener;
  Channel leader = join_rank_zero(me.place, me.launch.rank, hello_of(me, listener.port(), mpi != nullptr));
  const json welcome = message_of(leader.receive(me.place.wait + message_seconds));
  if (welcome.is_null()) throw ChannelError("rank 0 said something else than a welcome");
  if (text_in(welcome, "do") == "quit") return say_why(welcome);
  if (const int protocol = number_in(welcome, "protocol", 1); protocol != cluster_protocol)
    throw ChannelError(fmt::format("rank 0 speaks protocol {}, this rank {}: use the same version everywhere",
                                   protocol, cluster_protocol));
  Executor executor(me, fabric_of(me, welcome, leader.peer_address(), std::move(listener), std::move(mpi)));
  const Tell tell = [&](const json& what) {
    if (!what.contains("progress")) leader.send(text_of(what), message_seconds);
  };
  // While a task is under way rank 0 speaks up only to call it off, and falls silent only when it is lost.
  executor.watch([&] {
    if (leader.has_news()) throw ProbeError("rank 0 called it off, or is lost");
  });
  for (;;) {
    const json task = message_of(leader.receive(idle_seconds));
    if (task.is_null()) throw ChannelError("rank 0 gave a task that cannot be understood");
    if (text_in(task, "do") == "quit") return say_why(task);
    if (text_in(task, "do") == "stop") continue;  // seen by the watch, or too late for it
    leader.send(text_of(executor.run(task, tell)), message_seconds);
  }
}

}  // namespace ridge
