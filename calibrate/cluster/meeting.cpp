#include "calibrate/cluster/meeting.h"

#include "calibrate/cluster/host_fabric.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ridge {

using nlohmann::json;

bool wants_mpi(const ClusterRank& me) { return me.launch.is_mpi && !me.is_tcp && !me.fabric; }

std::string hello_of(const ClusterRank& me, int data_port, bool has_mpi) {
  const DeviceFacts facts = me.backend.facts(me.settings);
  const auto device = facts.find("device");
  return json{{"rank", me.launch.rank},
              {"node", me.node},
              {"port", data_port},
              {"mpi", has_mpi},
              {"device", device == facts.end() ? "" : device->second}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<Member> members_of(const std::map<int, std::string>& hellos,
                               const std::map<int, std::string>& hosts) {
  std::vector<Member> out;
  for (const auto& [rank, text] : hellos) {
    const json j = json::parse(text, nullptr, false);
    if (!j.is_object()) continue;
    Member m{rank};
    m.node = j.value("node", ""), m.device = j.value("device", "");
    m.port = j.value("port", 0), m.has_mpi = j.value("mpi", false);
    if (const auto host = hosts.find(rank); host != hosts.end()) m.host = host->second;
    m.index = static_cast<int>(std::ranges::count(out, m.node, &Member::node));
    out.push_back(std::move(m));
  }
  return out;
}

json welcome_for(const std::vector<Member>& members, const std::string& token, bool is_mpi) {
  json peers = json::array();
  for (const Member& m : members) peers.push_back({m.rank, m.host, m.port, m.index});
  return {{"peers", std::move(peers)}, {"token", token}, {"mpi", is_mpi}};
}

std::unique_ptr<Fabric> fabric_of(const ClusterRank& me, const json& welcome, const std::string& leader_host,
                                  Listener listener, std::unique_ptr<Transport> mpi) {
  if (me.fabric) {
    int index = 0;
    for (const json& p : welcome.at("peers"))
      if (p.at(0).get<int>() == me.launch.rank) index = p.at(3).get<int>();
    std::string why_not;
    auto own = me.fabric(index, why_not);
    if (!own) fmt::print(stderr, "rank {}: no messages between devices: {}\n", me.launch.rank, why_not);
    return own;
  }
  if (me.backend.name != "cpu") return nullptr;
  if (welcome.value("mpi", false) && mpi) return host_fabric(std::move(mpi), me.launch.rank);
  std::map<int, PeerAddress> peers;
  for (const json& p : welcome.at("peers")) {
    const auto host = p.at(1).get<std::string>();
    peers[p.at(0).get<int>()] = {host.empty() ? leader_host : host, p.at(2).get<int>()};
  }
  return host_fabric(
      tcp_transport(me.launch.rank, std::move(peers), std::move(listener), welcome.value("token", "")),
      me.launch.rank);
}

}  // namespace ridge
