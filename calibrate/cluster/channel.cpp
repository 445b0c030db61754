#include "calibrate/cluster/channel.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace ridge {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point deadline_in(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

int milliseconds_left(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1000 * 1000));
}

[[noreturn]] void fail(const char* what) {
  throw ChannelError(std::string(what) + ": " + std::strerror(errno));
}

bool is_only_busy() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == EINPROGRESS;
}

sockaddr_in address_of(const std::string& host, int port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<std::uint16_t>(port));
  if (host.empty()) {
    a.sin_addr.s_addr = htonl(INADDR_ANY);
    return a;
  }
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0 || !found)
    throw ChannelError("no address of host '" + host + "'");
  std::memcpy(&a.sin_addr, &reinterpret_cast<sockaddr_in*>(found->ai_addr)->sin_addr, sizeof a.sin_addr);
  freeaddrinfo(found);
  return a;
}

/// -1 when the host does not answer in time or refuses.
int try_connect(const sockaddr_in& to, Clock::time_point deadline) {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0) fail("socket");
  if (::connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return s;
  pollfd p{s, POLLOUT, 0};
  int error = errno;
  if (error == EINPROGRESS && poll(&p, 1, milliseconds_left(deadline)) == 1) {
    socklen_t size = sizeof error;
    getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return s;
  }
  close(s);
  errno = error;
  return -1;
}

}  // namespace

Channel::Channel(int socket) : socket_(socket) {
  const int yes = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
}
Channel::~Channel() {
  if (socket_ >= 0) close(socket_);
}
Channel::Channel(Channel&& o) noexcept : socket_(std::exchange(o.socket_, -1)) {}
Channel& Channel::operator=(Channel&& o) noexcept {
  std::swap(socket_, o.socket_);
  return *this;
}

Channel Channel::connect(const std::string& host, int port, double seconds) {
  const auto deadline = deadline_in(seconds);
  const sockaddr_in to = address_of(host, port);
  for (;;) {
    const int s = try_connect(to, deadline);
    if (s >= 0) return Channel(s);
    if (Clock::now() >= deadline) fail("connecting");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::string Channel::peer_address() const {
  sockaddr_in a{};
  socklen_t size = sizeof a;
  char text[INET_ADDRSTRLEN] = "";
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&a), &size) == 0)
    inet_ntop(AF_INET, &a.sin_addr, text, sizeof text);
  return text;
}

void Channel::exchange(const void* out, std::size_t out_bytes, Channel& from, void* in, std::size_t in_bytes,
                       double seconds) {
  const auto deadline = deadline_in(seconds);
  const auto* o = static_cast<const char*>(out);
  auto* i = static_cast<char*>(in);
  while (out_bytes > 0 || in_bytes > 0) {
    bool is_moved = false;
    if (out_bytes > 0) {
      const ssize_t n = ::send(socket_, o, out_bytes, MSG_NOSIGNAL);
      if (n < 0 && !is_only_busy()) fail("sending");
      if (n > 0) o += n, out_bytes -= static_cast<std::size_t>(n), is_moved = true;
    }
    if (in_bytes > 0) {
      const ssize_t n = ::recv(from.socket_, i, in_bytes, 0);
      if (n == 0) throw ChannelError("the other side went away");
      if (n < 0 && !is_only_busy()) fail("receiving");
      if (n > 0) i += n, in_bytes -= static_cast<std::size_t>(n), is_moved = true;
    }
    if (is_moved) continue;
    pollfd p[2];
    nfds_t count = 0;
    if (out_bytes > 0) p[count++] = {socket_, POLLOUT, 0};
    if (in_bytes > 0) p[count++] = {from.socket_, POLLIN, 0};
    if (poll(p, count, milliseconds_left(deadline)) == 0) throw ChannelError("no answer in time");
  }
}

void Channel::send(const std::string& message, double seconds) {
  const std::uint32_t size = htonl(static_cast<std::uint32_t>(message.size()));
  std::string whole(reinterpret_cast<const char*>(&size), sizeof size);
  whole += message;
  exchange(whole.data(), whole.size(), *this, nullptr, 0, seconds);
}

std::string Channel::receive(double seconds, std::size_t most) {
  std::uint32_t size = 0;
  exchange(nullptr, 0, *this, &size, sizeof size, seconds);
  size = ntohl(size);
  if (size > most) throw ChannelError("a message of impossible length");
  std::string text(size, '\0');
  exchange(nullptr, 0, *this, text.data(), text.size(), seconds);
  return text;
}

bool Channel::has_message(std::size_t most) {
  std::uint32_t size = 0;
  std::string seen(sizeof size + most, '\0');
  const ssize_t n = ::recv(socket_, seen.data(), seen.size(), MSG_PEEK | MSG_DONTWAIT);
  if (n == 0) throw ChannelError("the other side went away");
  if (n < 0 && !is_only_busy()) fail("receiving");
  if (n < static_cast<ssize_t>(sizeof size)) return false;
  std::memcpy(&size, seen.data(), sizeof size);
  size = ntohl(size);
  if (size > most) throw ChannelError("a message of impossible length");
  return static_cast<std::size_t>(n) >= sizeof size + size;
}

bool Channel::has_news() const {
  pollfd p{socket_, POLLIN, 0};
  return poll(&p, 1, 0) == 1;
}

void Reception::take(double seconds) {
  constexpr double patience = 5;
  constexpr std::size_t most_waiting = 128;
  auto c = listener_.accept(seconds);
  if (!c) return;
  if (waiting_.size() == most_waiting) waiting_.erase(waiting_.begin());
  waiting_.push_back({std::move(*c), deadline_in(patience)});
}

std::optional<Reception::Guest> Reception::ready() {
  for (std::size_t i = 0; i < waiting_.size();) {
    std::optional<Guest> guest;
    bool is_over = Clock::now() >= waiting_[i].until;
    try {
      if (waiting_[i].channel.has_message(most_)) {
        std::string said = waiting_[i].channel.receive(1, most_);
        guest = Guest{std::move(waiting_[i].channel), std::move(said)};
      }
    } catch (const ChannelError&) { is_over = true; }
    if (!guest && !is_over) {
      ++i;
      continue;
    }
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    if (guest) return guest;
  }
  return std::nullopt;
}

std::optional<Reception::Guest> Reception::next(double seconds) {
  const auto deadline = deadline_in(seconds);
  for (;;) {
    if (auto guest = ready()) return guest;
    const auto left = std::chrono::duration<double>(deadline - Clock::now()).count();
    if (left <= 0) return std::nullopt;
    take(waiting_.empty() ? left : std::min(left, 0.01));
  }
}

Listener::Listener(const std::string& address, int port) {
  sockaddr_in a = address_of(address, port);
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) fail("socket");
  const int yes = 1;
  setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(socket_, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || listen(socket_, 1024) != 0) {
    const int error = errno;
    close(socket_);
    errno = error;
    fail("listening");
  }
  socklen_t size = sizeof a;
  getsockname(socket_, reinterpret_cast<sockaddr*>(&a), &size);
  port_ = ntohs(a.sin_port);
}
Listener::~Listener() {
  if (socket_ >= 0) close(socket_);
}
Listener::Listener(Listener&& o) noexcept : socket_(std::exchange(o.socket_, -1)), port_(o.port_) {}

std::optional<Channel> Listener::accept(double seconds) {
  pollfd p{socket_, POLLIN, 0};
  if (poll(&p, 1, milliseconds_left(deadline_in(seconds))) != 1) return std::nullopt;
  const int s = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
  if (s < 0) return std::nullopt;
  return Channel(s);
}

std::vector<std::string> own_addresses() {
  std::vector<std::string> out, loopback;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return {"127.0.0.1"};
  for (const ifaddrs* i = all; i; i = i->ifa_next) {
    if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !(i->ifa_flags & IFF_UP)) continue;
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr, text, sizeof text);
    ((i->ifa_flags & IFF_LOOPBACK) ? loopback : out).emplace_back(text);
  }
  freeifaddrs(all);
  out.insert(out.end(), loopback.begin(), loopback.end());
  return out;
}

}  // namespace ridge
