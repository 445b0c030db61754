#pragma once
/// How ranks that were started somewhere find each other: a star of connections around rank 0.
///
///   file  rank 0 writes its addresses, a port and a random token into a file of mode 600 on a shared
///         folder; the others read it.  What mpirun and srun use when nothing is said.
///   host  --rendezvous HOST:PORT: rank 0 listens on that address; the token comes from the environment
///         variable RIDGE_RENDEZVOUS_TOKEN, the same for all.
///
/// A connection that does not bring the token is dropped, and rank 0 answers with the token's digest, so that
/// neither side talks to a stranger.  Every rank brings a hello and gets the welcome, both JSON, whose content
/// is the driver's.

#include "calibrate/cluster/channel.h"
#include "calibrate/cluster/launch.h"

#include <map>

namespace ridge {

struct RendezvousPlace {
  std::string file;  ///< else
  std::string host;  ///< and
  int port = 0;
  std::string token;  ///< of the host form
  double wait = 60;   ///< seconds for everybody to come
};

/// "HOST:PORT" or a file's path; empty: beside `out`.  Errors: a host without a token.
RendezvousPlace rendezvous_place(const std::string& text, const std::string& out, const std::string& token,
                                 double wait, Diagnostics&);

/// Rank 0's side.  Whoever did not come in time is missing from the result.
struct Gathered {
  std::map<int, Channel> channels;
  std::map<int, std::string> hellos;
};
Gathered gather_ranks(const RendezvousPlace&, int ranks);

/// The others' side.  ChannelError when rank 0 is not found in time.
Channel join_rank_zero(const RendezvousPlace&, int rank, const std::string& hello);

}  // namespace ridge
