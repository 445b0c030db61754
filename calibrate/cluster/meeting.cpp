#include "calibrate/cluster/meeting.h"

#include "calibrate/cluster/host_fabric.h"
#include "calibrate/cluster/message.h"

#include <algorithm>
#include <fmt/format.h>

namespace ridge {

using nlohmann::json;

bool wants_mpi(const ClusterRank& me) { return me.launch.is_mpi && !me.is_tcp && !me.fabric; }

std::string hello_of(const ClusterRank& me, int data_port, bool has_mpi) {
  const DeviceFacts facts = me.backend.facts(me.settings);
  const auto device = facts.find("device");
  return text_of({{"protocol", cluster_protocol},
                  {"rank", me.launch.rank},
                  {"node", me.node},
                  {"port", data_port},
                  {"mpi", has_mpi},
                  {"device", device == facts.end() ? "" : device->second}});
}

std::vector<Member> members_of(const std::map<int, std::string>& hellos,
                               const std::map<int, std::string>& hosts, std::map<int, std::string>& refused) {
  std::vector<Member> out;
  for (const auto& [rank, text] : hellos) {
    const json j = message_of(text);
    const int protocol = j.is_null() ? -1 : number_in(j, "protocol", 1), port = number_in(j, "port", -1);
    Member m{rank};
    if (j.is_object()) m.node = text_in(j, "node"), m.device = text_in(j, "device");
    m.port = port, m.has_mpi = flag_in(j, "mpi");
    if (protocol < 0) refused[rank] = "its greeting cannot be understood";
    else if (protocol != cluster_protocol)
      refused[rank] = fmt::format("it speaks protocol {}, rank 0 speaks {}: use the same version everywhere",
                                  protocol, cluster_protocol);
    else if (m.node.empty() || port < 0 || port > 65535)
      refused[rank] = "its greeting names no node or no port";
    if (refused.contains(rank)) continue;
    if (const auto host = hosts.find(rank); host != hosts.end()) m.host = host->second;
    m.index = static_cast<int>(std::ranges::count(out, m.node, &Member::node));
    out.push_back(std::move(m));
  }
  return out;
}

json welcome_for(const std::vector<Member>& members, const std::string& token, bool is_mpi) {
  json peers = json::array();
  for (const Member& m : members) peers.push_back({m.rank, m.host, m.port, m.index});
  return {{"protocol", cluster_protocol}, {"peers", std::move(peers)}, {"token", token}, {"mpi", is_mpi}};
}

namespace {

struct Peer {
  int rank = 0, port = 0, index = 0;
  std::string host;
};

/// [rank, host, port, index] each; ChannelError for anything else.
std::vector<Peer> peers_in(const json& welcome) {
  std::vector<Peer> out;
  const auto peers = welcome.find("peers");
  bool is_good = peers != welcome.end() && peers->is_array();
  for (std::size_t i = 0; is_good && i < peers->size(); ++i) {
    const json& p = (*peers)[i];
    is_good = p.is_array() && p.size() == 4 && p[0].is_number_integer() && p[1].is_string() &&
              p[2].is_number_integer() && p[3].is_number_integer();
    if (is_good) out.push_back({p[0].get<int>(), p[2].get<int>(), p[3].get<int>(), p[1].get<std::string>()});
  }
  if (!is_good) throw ChannelError("rank 0's welcome cannot be understood: is it of another version?");
  return out;
}

}  // namespace

std::unique_ptr<Fabric> fabric_of(const ClusterRank& me, const json& welcome, const std::string& leader_host,
                                  Listener listener, std::unique_ptr<Transport> mpi) {
  const std::vector<Peer> peers = peers_in(welcome);
  if (me.fabric) {
    const auto mine = std::ranges::find(peers, me.launch.rank, &Peer::rank);
    std::string why_not;
    auto own = me.fabric(mine == peers.end() ? 0 : std::max(mine->index, 0), why_not);
    if (!own) fmt::print(stderr, "rank {}: no messages between devices: {}\n", me.launch.rank, why_not);
    return own;
  }
  if (me.backend.name != "cpu") return nullptr;
  if (flag_in(welcome, "mpi") && mpi) return host_fabric(std::move(mpi), me.launch.rank);
  std::map<int, PeerAddress> addresses;
  for (const Peer& p : peers) addresses[p.rank] = {p.host.empty() ? leader_host : p.host, p.port};
  return host_fabric(
      tcp_transport(me.launch.rank, std::move(addresses), std::move(listener), text_in(welcome, "token")),
      me.launch.rank);
}

}  // namespace ridge
