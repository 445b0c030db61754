#include "calibrate/cluster/rendezvous.h"

#include "base/stable_hash.h"

#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace ridge {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double message_seconds = 10;
constexpr std::size_t most_of_first = 1024;  // bytes of a token and a number

std::string random_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

/// What rank 0 answers: shows that it knows the token too.
std::string answer_to(const std::string& token) {
  return fmt::format("ridge {:016x}", stable_hash(token + " of rank 0"));
}

struct Meeting {
  std::string token;
  int port = 0;
  std::vector<std::string> addresses;
};

/// Written beside and renamed, so that nobody reads half of it.
void write_meeting(const std::string& path, const Meeting& m) {
  const std::string half = path + ".new";
  const int file = open(half.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0) throw ChannelError("cannot write the rendezvous file " + half);
  std::string text = fmt::format("{} {}", m.token, m.port);
  for (const std::string& a : m.addresses) text += ' ' + a;
  text += '\n';
  const bool is_written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  if (!is_written || std::rename(half.c_str(), path.c_str()) != 0)
    throw ChannelError("cannot write the rendezvous file " + path);
}

std::optional<Meeting> read_meeting(const std::string& path) {
  std::ifstream in(path);
  Meeting m;
  if (!(in >> m.token >> m.port)) return std::nullopt;
  for (std::string a; in >> a;) m.addresses.push_back(a);
  return m;
}

std::optional<Channel> try_to_join(const Meeting& m, int rank, const std::string& hello) {
  for (const std::string& address : m.addresses) {
    try {
      Channel c = Channel::connect(address, m.port, 0.5);
      c.send(fmt::format("{} {}", m.token, rank), message_seconds);
      if (c.receive(message_seconds) != answer_to(m.token)) continue;
      c.send(hello, message_seconds);
      return c;
    } catch (const ChannelError&) {}  // another address, or a file of an earlier run
  }
  return std::nullopt;
}

void welcome_one(Reception::Guest guest, const std::string& token, int ranks, Gathered& all) {
  constexpr std::size_t most = 64 << 10;
  std::istringstream first(guest.said);
  std::string brought;
  int rank = -1;
  if (!(first >> brought >> rank) || brought != token || rank < 1 || rank >= ranks) return;
  guest.channel.send(answer_to(token), message_seconds);
  all.hellos[rank] = guest.channel.receive(message_seconds, most);
  all.channels[rank] = std::move(guest.channel);
}

}  // namespace

RendezvousPlace rendezvous_place(const std::string& text, const std::string& out, const std::string& token,
                                 double wait, Diagnostics& diagnostics) {
  RendezvousPlace place;
  place.wait = wait;
  const std::size_t colon = text.rfind(':');
  int port = 0;
  if (colon != std::string::npos && text.find('/') == std::string::npos)
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  if (port <= 0) {
    place.file = text.empty() ? out + ".rendezvous" : text;
    return place;
  }
  place.host = text.substr(0, colon), place.port = port, place.token = token;
  if (token.empty())
    diagnostics.error("no-token", "a rendezvous by host and port needs a token that only your ranks know")
        .suggestion = "set RIDGE_RENDEZVOUS_TOKEN to the same random text for all of them";
  else if (token.size() > most_of_first / 2 || token.find_first_of(" \t\r\n") != std::string::npos)
    diagnostics.error("bad-token", fmt::format("a token is one word of at most {} bytes", most_of_first / 2));
  return place;
}

Gathered gather_ranks(const RendezvousPlace& place, int ranks) {
  Gathered all;
  if (ranks <= 1) return all;
  Listener listener(place.host, place.port);
  const std::string token = place.file.empty() ? place.token : random_token();
  if (!place.file.empty()) write_meeting(place.file, {token, listener.port(), own_addresses()});
  Reception reception(listener, most_of_first);
  const auto start = Clock::now();
  const auto waited = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (static_cast<int>(all.channels.size()) < ranks - 1 && waited() < place.wait) {
    auto guest = reception.next(0.2);
    if (!guest) continue;
    try {
      welcome_one(std::move(*guest), token, ranks, all);
    } catch (const ChannelError&) {}  // a stranger, or one that will come again
  }
  if (!place.file.empty()) std::remove(place.file.c_str());
  return all;
}

Channel join_rank_zero(const RendezvousPlace& place, int rank, const std::string& hello) {
  const auto start = Clock::now();
  while (std::chrono::duration<double>(Clock::now() - start).count() < place.wait) {
    const auto m =
        place.file.empty() ? Meeting{place.token, place.port, {place.host}} : read_meeting(place.file);
    if (m)
      if (auto c = try_to_join(*m, rank, hello)) return std::move(*c);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw ChannelError(fmt::format("rank {} found no rank 0 within {:.0f} s by {}", rank, place.wait,
                                 place.file.empty() ? place.host : place.file));
}

}  // namespace ridge
