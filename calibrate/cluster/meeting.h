#pragma once
/// What ranks tell each other when they meet, and what comes of it: who is where, and over what they talk.

#include "calibrate/cluster/driver.h"
#include "calibrate/cluster/transport.h"

#include <nlohmann/json_fwd.hpp>

namespace ridge {

/// A launcher of MPI processes started us, and nothing speaks against MPI.
bool wants_mpi(const ClusterRank&);

/// {"protocol", "rank", "node", "port", "mpi", "device"}
std::string hello_of(const ClusterRank&, int data_port, bool has_mpi);

struct Member {
  int rank = 0, index = 0;  ///< index: among the ranks of its node
  std::string node, device, host;
  int port = 0;
  bool has_mpi = false;
};
/// By rank, with the indices on the nodes.  One whose hello cannot be understood, or speaks another protocol, is
/// left out and named in `refused` with the reason.
std::vector<Member> members_of(const std::map<int, std::string>& hellos,
                               const std::map<int, std::string>& hosts, std::map<int, std::string>& refused);

/// What every rank gets: the others' addresses, the token of their connections, the transport.
nlohmann::json welcome_for(const std::vector<Member>&, const std::string& token, bool is_mpi);

/// The fabric that the welcome calls for; null when the back end has none.  ChannelError for a welcome that cannot be
/// understood.
std::unique_ptr<Fabric> fabric_of(const ClusterRank&, const nlohmann::json& welcome,
                                  const std::string& leader_host, Listener, std::unique_ptr<Transport> mpi);

}  // namespace ridge
