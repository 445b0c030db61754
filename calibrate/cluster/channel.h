#pragma once
/// A TCP connection that carries whole messages or raw bytes, with a time limit on everything.
///
/// ChannelError on a lost peer or when the limit is over.  IPv4.

#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace ridge {

struct ChannelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Channel {
 public:
  Channel() = default;
  explicit Channel(int socket);
  ~Channel();
  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;

  /// Tries until the limit is over.
  static Channel connect(const std::string& host, int port, double seconds);

  bool is_open() const { return socket_ >= 0; }
  int socket() const { return socket_; }
  std::string peer_address() const;

  void send(const std::string& message, double seconds);
  std::string receive(double seconds);

  /// Both ways at once, so that two who exchange large data cannot wait for each other.  Either side may be
  /// null with zero bytes; `from` may be this channel.
  void exchange(const void* out, std::size_t out_bytes, Channel& from, void* in, std::size_t in_bytes,
                double seconds);

 private:
  int socket_ = -1;
};

class Listener {
 public:
  /// On all interfaces, or the one with this address; port 0: any free one.
  explicit Listener(const std::string& address = "", int port = 0);
  ~Listener();
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) = delete;
  int port() const { return port_; }
  /// Empty when nobody came in time.
  std::optional<Channel> accept(double seconds);

 private:
  int socket_ = -1, port_ = 0;
};

/// IPv4 addresses of this host, those of the loopback last.
std::vector<std::string> own_addresses();

}  // namespace ridge
