#include "calibrate/fit/cluster.h"
#include "calibrate/fit/robust.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <tuple>

namespace ridge {
namespace {

constexpr double least_share = 0.8;

struct Link {
  std::int64_t from = 0, to = 0;
  double latency = 0, bandwidth = 0;  // s, B/s; zero: unknown
  double noise = 0;                   // spread of the long message's samples
};

std::map<std::string, std::vector<Link>> links_by_tier(const Measurements& all) {
  using Ends = std::tuple<std::string, std::int64_t, std::int64_t>;
  std::map<Ends, std::map<double, double>> times, noise;
  for (const Measurement& m : all)
    if (m.family == "pair" && m.rank >= 0 && m.peer >= 0) {
      const Ends ends{m.variant, m.rank, m.peer};
      times[ends][m.size("bytes")] = m.time.value();
      noise[ends][m.size("bytes")] = m.spread;
    }
  std::map<std::string, std::vector<Link>> out;
  for (const auto& [ends, t] : times) {
    const auto& [tier, from, to] = ends;
    Link link{from, to};
    link.noise = noise[ends].rbegin()->second;
    link.latency = t.begin()->second;
    const double bytes = t.rbegin()->first - t.begin()->first, seconds = t.rbegin()->second - link.latency;
    if (bytes > 0 && seconds > 0) link.bandwidth = bytes / seconds;
    out[tier].push_back(link);
  }
  return out;
}

std::vector<double> values_of(const std::vector<Link>& links, double Link::*what) {
  std::vector<double> out;
  for (const Link& l : links)
    if (l.*what > 0) out.push_back(l.*what);
  return out;
}

double relative_deviation(const std::vector<double>& x) {
  const double middle = median(x);
  std::vector<double> away;
  for (const double v : x) away.push_back(std::abs(v / middle - 1));
  return 1.4826 * median(away);
}

using Ends = std::map<std::int64_t, double>;

/// Best rate that each rank reaches at one end of its links.
Ends best_by(const std::vector<Link>& links, std::int64_t Link::*end) {
  Ends best;
  for (const Link& l : links) best[l.*end] = std::max(best[l.*end], l.bandwidth);
  return best;
}

void add_slow_ends(const Ends& best, SuspectLink::Kind kind, std::vector<SuspectLink>& out) {
  if (best.size() < 3) return;  // of two, nobody can say which one is ordinary
  std::vector<double> rates;
  for (const auto& [rank, rate] : best) rates.push_back(rate);
  const double usual = median(rates);
  const double floor = 1 - std::max(1 - least_share, 3 * relative_deviation(rates));
  for (const auto& [rank, rate] : best) {
    if (rate >= floor * usual) continue;
    if (kind == SuspectLink::Kind::slow_sender) out.push_back({kind, rank, -1, rate / usual});
    else out.push_back({kind, -1, rank, rate / usual});
  }
}

void add_slow_links(const std::vector<Link>& links, std::vector<SuspectLink>& out) {
  const Ends sends = best_by(links, &Link::from), receives = best_by(links, &Link::to);
  add_slow_ends(sends, SuspectLink::Kind::slow_sender, out);
  add_slow_ends(receives, SuspectLink::Kind::slow_receiver, out);
  std::map<std::pair<std::int64_t, std::int64_t>, const Link*> way;
  std::vector<double> shares;
  const auto expected = [&](const Link& l) { return std::min(sends.at(l.from), receives.at(l.to)); };
  for (const Link& l : links)
    if (l.bandwidth > 0) shares.push_back(l.bandwidth / expected(l));
  // Where all links scatter, the usual scatter is no reason to suspect one.
  const double floor = std::min(least_share, median(shares) - 3 * relative_deviation(shares));
  for (const Link& l : links) {
    if (!(l.bandwidth > 0)) continue;
    way[{l.from, l.to}] = &l;
    const double share = l.bandwidth / expected(l);
    if (links.size() > 2 && share < floor && 1 - share > 2 * l.noise)
      out.push_back({SuspectLink::Kind::slow_link, l.from, l.to, share});
  }
  for (const auto& [ends, there] : way) {
    const auto back = way.find({ends.second, ends.first});
    if (back == way.end()) continue;
    const double share = there->bandwidth / back->second->bandwidth;
    const double noise = there->noise + back->second->noise;
    if (share < least_share && 1 - share > 2 * noise)
      out.push_back({SuspectLink::Kind::asymmetric, ends.first, ends.second, share});
  }
}

}  // namespace

std::vector<LinkTier> fit_tiers(const Measurements& all) {
  std::vector<LinkTier> out;
  for (const auto& [name, links] : links_by_tier(all)) {
    const auto latencies = values_of(links, &Link::latency), rates = values_of(links, &Link::bandwidth);
    LinkTier t{name, Seconds{median(latencies)}, BytesPerSecond{median(rates)}};
    t.pairs = static_cast<std::int64_t>(links.size());
    if (!latencies.empty()) t.latency_spread = relative_deviation(latencies);
    if (!rates.empty()) t.bandwidth_spread = relative_deviation(rates);
    out.push_back(std::move(t));
  }
  return out;
}

std::vector<SuspectLink> suspect_links(const Measurements& all) {
  std::vector<SuspectLink> out;
  for (const auto& [name, links] : links_by_tier(all)) add_slow_links(links, out);
  return out;
}

std::string text_of(const SuspectLink& s) {
  switch (s.kind) {
    case SuspectLink::Kind::slow_sender:
      return fmt::format("rank {} sends at {:.2f} of what others do", s.from, s.share);
    case SuspectLink::Kind::slow_receiver:
      return fmt::format("rank {} receives at {:.2f} of what others do", s.to, s.share);
    case SuspectLink::Kind::slow_link:
      return fmt::format("rank {} to rank {} carries {:.2f} of what both reach elsewhere", s.from, s.to,
                         s.share);
    case SuspectLink::Kind::asymmetric:
      return fmt::format("rank {} to rank {} carries {:.2f} of the way back", s.from, s.to, s.share);
  }
  return {};
}

}  // namespace ridge
