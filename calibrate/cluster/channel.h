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
  /// ChannelError for one that is announced to be longer than `most` bytes.
  std::string receive(double seconds, std::size_t most = std::size_t{64} << 20);
  /// True when a whole message of at most `most` bytes, some hundred, has come; ChannelError for a longer one, and
  /// when the other side went away.  Never waits.
  bool has_message(std::size_t most);
  /// Something has come, or the other side went away.
  bool has_news() const;

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

/// Takes connections and their first message.  Strangers that say nothing, or too much, neither end the run nor hold
/// up those who come meanwhile.
class Reception {
 public:
  /// `most`: bytes of a first message, some hundred.
  Reception(Listener& listener, std::size_t most) : listener_(listener), most_(most) {}
  struct Guest {
    Channel channel;
    std::string said;
  };
  /// The next whose first message is whole; empty when there was none in time.
  std::optional<Guest> next(double seconds);

 private:
  struct Waiting {
    Channel channel;
    std::chrono::steady_clock::time_point until;
  };
  void take(double seconds);
  std::optional<Guest> ready();
  Listener& listener_;
  std::size_t most_;
  std::vector<Waiting> waiting_;
};

/// IPv4 addresses of this host, those of the loopback last.
std::vector<std::string> own_addresses();

}  // namespace ridge
