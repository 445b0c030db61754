#include "calibrate/cluster/transport.h"

#include <fmt/format.h>
#include <sstream>

namespace ridge {
namespace {

constexpr double connect_seconds = 15, exchange_seconds = 30;
constexpr std::size_t most_of_greeting = 256;

class TcpTransport : public Transport {
 public:
  TcpTransport(int rank, std::map<int, PeerAddress> peers, Listener listener, std::string token)
      : rank_(rank), peers_(std::move(peers)), listener_(std::move(listener)), token_(std::move(token)) {}

  std::string library() const override { return "tcp"; }

  void reset() override { channels_.clear(); }
  void restart(int attempt) override {
    channels_.clear();
    attempt_ = attempt;
  }

  void exchange(int to, const void* out, std::size_t out_bytes, int from, void* in,
                std::size_t in_bytes) override {
    if (to == rank_ || from == rank_) throw ChannelError("a rank does not talk to itself");
    if (to < 0 && from < 0) return;
    // In rank order, so that two who need each other and a third do not wait in a circle.
    const int first = to < 0 ? from : from < 0 ? to : std::min(to, from);
    Channel& one = channel(first);
    Channel& other = channel(to < 0 || from < 0 ? first : std::max(to, from));
    Channel& sends = to == first || to < 0 ? one : other;
    Channel& receives = from == first || from < 0 ? one : other;
    sends.exchange(out, to < 0 ? 0 : out_bytes, receives, in, from < 0 ? 0 : in_bytes, exchange_seconds);
  }

 private:
  Channel& channel(int peer) {
    if (const auto it = channels_.find(peer); it != channels_.end()) return it->second;
    if (peer < rank_) {
      const auto address = peers_.find(peer);
      if (address == peers_.end()) throw ChannelError(fmt::format("rank {} is not there", peer));
      Channel c = Channel::connect(address->second.host, address->second.port, connect_seconds);
      c.send(fmt::format("{} {} {}", token_, rank_, attempt_), connect_seconds);
      return channels_[peer] = std::move(c);
    }
    for (;;) {  // others may come first
      auto guest = reception_.next(connect_seconds);
      if (!guest) throw ChannelError(fmt::format("rank {} did not connect in time", peer));
      std::istringstream greeting(guest->said);
      std::string token;
      int who = -1, attempt = -1;
      if (!(greeting >> token >> who >> attempt) || token != token_ || attempt != attempt_) continue;
      if (!peers_.contains(who)) continue;
      channels_[who] = std::move(guest->channel);
      if (who == peer) return channels_[peer];
    }
  }

  int rank_, attempt_ = 0;
  std::map<int, PeerAddress> peers_;
  Listener listener_;
  Reception reception_{listener_, most_of_greeting};
  std::string token_;
  std::map<int, Channel> channels_;
};

}  // namespace

std::unique_ptr<Transport> tcp_transport(int rank, std::map<int, PeerAddress> peers, Listener listener,
                                         std::string token) {
  return std::make_unique<TcpTransport>(rank, std::move(peers), std::move(listener), std::move(token));
}

}  // namespace ridge
