#pragma once
/// Messages between ranks of processes, by whatever carries them.

#include "calibrate/cluster/channel.h"
#include "calibrate/measure/fabric.h"

#include <map>
#include <memory>
#include <mutex>

namespace ridge {

class Transport {
 public:
  virtual ~Transport() = default;
  virtual std::string library() const = 0;
  /// Sends to one rank while receiving from another; -1: neither.  ChannelError when a peer is lost.
  virtual void exchange(int to, const void* out, std::size_t out_bytes, int from, void* in,
                        std::size_t in_bytes) = 0;

  /// Drops all connections, so that those who wait for this rank see it.
  virtual void reset() {}
  /// The same on all ranks at once: connections of another attempt, by its number, are not taken for new ones.
  virtual void restart(int) {}

  // The library's own collectives, where it has some: floats, summed.
  virtual bool has_collectives() const { return false; }
  virtual void join(const Group&) {}
  virtual void leave(const Group&) {}
  virtual void collective(const Group&, Collective, const float*, float*, std::size_t) {}
};

/// Where each rank listens for the others.
struct PeerAddress {
  std::string host;
  int port = 0;
};

/// Connections are made when first used: the lower rank listens, the higher one comes.
std::unique_ptr<Transport> tcp_transport(int rank, std::map<int, PeerAddress> peers, Listener listener,
                                         std::string token);

/// Through a library of this program that was built with MPI (ridge_calibrate_mpi); null and a reason when
/// there is none.  Starts MPI, which only a launcher of MPI processes lets succeed.
std::unique_ptr<Transport> mpi_transport(int rank, int ranks, std::string& why_not);

}  // namespace ridge
