#include "calibrate/fit/cluster.h"

#include "calibrate/fit/robust.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <tuple>

namespace ridge {
namespace {

using PointKey = std::tuple<std::string, std::string, std::string>;
using Groups = std::map<PointKey, std::vector<const Measurement*>>;

constexpr double least_gain = 0.9;  // of the time, for a change of algorithm to be worth naming

bool is_alone(const Measurement& m) { return m.source == "alone"; }
bool is_of_rank(const Measurement& m) { return m.rank >= 0 && m.peer < 0 && !is_alone(m); }

Groups by_point(const Measurements& all) {
  Groups groups;
  for (const Measurement& m : all)
    if (is_of_rank(m)) groups[{m.family, m.variant, sizes_text(m)}].push_back(&m);
  return groups;
}

double median_time(const std::vector<const Measurement*>& same) {
  std::vector<double> t;
  for (const Measurement* m : same) t.push_back(m->time.value());
  return median(t);
}

/// 1.4826 · median |x - median|
double deviation(const std::vector<double>& x) {
  const double middle = median(x);
  std::vector<double> away;
  for (const double v : x) away.push_back(std::abs(v - middle));
  return 1.4826 * median(away);
}

}  // namespace

Measurements merged_ranks(const Measurements& all) {
  Measurements out;
  for (const Measurement& m : all)
    if (!is_of_rank(m)) out.push_back(m);
  for (const auto& [key, same] : by_point(all)) {
    std::vector<const Measurement*> sorted = same;
    std::ranges::sort(sorted, {}, [](const Measurement* m) { return std::pair(m->time, m->rank); });
    Measurement merged = *sorted[(sorted.size() - 1) / 2];
    merged.time = Seconds{median_time(same)};
    merged.low = std::min(merged.low, merged.time), merged.high = std::max(merged.high, merged.time);
    merged.rank = -1;
    merged.node.clear();
    out.push_back(std::move(merged));
  }
  return out;
}

std::vector<RankSpeed> rank_speeds(const Measurements& all) {
  std::map<std::int64_t, std::vector<double>> ratios;
  std::map<std::int64_t, std::string> nodes;
  std::vector<double> spreads;
  for (const auto& [key, same] : by_point(all)) {
    if (same.size() < 2) continue;
    const double usual = median_time(same);
    for (const Measurement* m : same) {
      ratios[m->rank].push_back(usual / m->time.value());
      nodes[m->rank] = m->node;
      spreads.push_back(m->spread);
    }
  }
  std::vector<RankSpeed> out;
  std::vector<double> speeds;
  for (const auto& [rank, r] : ratios) {
    out.push_back({rank, nodes[rank], static_cast<std::int64_t>(r.size()), median(r), false});
    speeds.push_back(out.back().speed);
  }
  const double allowed = std::max({0.03, 2 * median(spreads), 3 * deviation(speeds)});
  for (RankSpeed& r : out) r.is_straggler = r.speed < 1 - allowed;
  return out;
}

std::vector<AlgorithmChoice> algorithm_choices(const Measurements& all) {
  using Times = std::map<std::string, Seconds>;  // by algorithm
  std::map<std::pair<std::string, std::string>, std::map<double, Times>> groups;
  for (const Measurement& m : all) {
    const std::size_t comma = m.variant.rfind(", ");
    if (m.variant.find(" ranks") == std::string::npos || comma == std::string::npos || m.rank >= 0) continue;
    groups[{m.family, m.variant.substr(0, comma)}][m.size("bytes")][m.variant.substr(comma + 2)] = m.time;
  }
  std::vector<AlgorithmChoice> out;
  for (const auto& [key, sizes] : groups) {
    AlgorithmChoice choice{key.first, key.second, {}};
    std::size_t most = 0;
    for (const auto& [bytes, times] : sizes) {
      most = std::max(most, times.size());
      const auto best = std::ranges::min_element(times, {}, &Times::value_type::second);
      const auto now = choice.from.empty() ? times.end() : times.find(choice.from.back().algorithm);
      if (now == times.end() || best->second < least_gain * now->second)
        choice.from.push_back({Bytes{bytes}, best->first});
    }
    if (most >= 2) out.push_back(std::move(choice));
  }
  return out;
}

Contention contention(const Measurements& all) {
  std::map<std::pair<PointKey, std::int64_t>, Seconds> alone;
  const auto key = [](const Measurement& m) {
    return std::pair(PointKey{m.family, m.variant, sizes_text(m)}, m.rank);
  };
  for (const Measurement& m : all)
    if (is_alone(m)) alone[key(m)] = m.time;
  std::vector<double> ratios;
  for (const Measurement& m : all)
    if (const auto it = alone.find(key(m)); is_of_rank(m) && it != alone.end())
      ratios.push_back(m.time / it->second);
  if (ratios.empty()) return {};
  return {static_cast<std::int64_t>(ratios.size()), median(ratios)};
}

ClusterFindings cluster_findings(const Measurements& all, std::vector<std::string> failed) {
  ClusterFindings f{rank_speeds(all),       fit_tiers(all),    {},
                    algorithm_choices(all), std::move(failed), contention(all)};
  for (const SuspectLink& s : suspect_links(all)) f.suspects.push_back(text_of(s));
  return f;
}

Measurements fastest_collectives(const Measurements& all) {
  constexpr std::string_view group = " ranks on 1 node, ";
  std::map<PointKey, Measurement> fastest;
  for (const Measurement& m : all) {
    const std::size_t at = m.variant.find(group), comma = m.variant.rfind(", ");
    if (at == std::string::npos || m.rank >= 0) continue;
    const std::size_t type = at + group.size();
    Measurement best = m;
    const std::string algorithm = m.variant.substr(comma + 2);
    const bool is_launch = algorithm == "eager" || algorithm == "graph";  // a plan asks for one of them
    best.variant = fmt::format("{} devices, {}, {}", m.variant.substr(0, at),
                               m.variant.substr(type, comma > type ? comma - type : 0),
                               is_launch ? algorithm : "fastest");
    best.kernel = algorithm;
    const PointKey key{best.family, best.variant, sizes_text(best)};
    const auto [it, is_new] = fastest.try_emplace(key, best);
    if (!is_new && best.time < it->second.time) it->second = std::move(best);
  }
  Measurements out;
  for (auto& [key, m] : fastest) out.push_back(std::move(m));
  return out;
}

Measurements class_points(const Measurements& all) {
  Measurements out = merged_ranks(all);
  const Measurements fastest = fastest_collectives(all);
  out.insert(out.end(), fastest.begin(), fastest.end());
  std::erase_if(out, [](const Measurement& m) { return m.peer >= 0 || is_alone(m); });
  return out;
}

std::vector<std::vector<std::pair<int, int>>> tournament(int players) {
  std::vector<std::vector<std::pair<int, int>>> rounds;
  const int seats = players + players % 2;  // with an odd number, whoever meets the empty seat rests
  for (int r = 0; r + 1 < seats; ++r) {
    std::vector<std::pair<int, int>> round;
    for (int i = 0; i < seats / 2; ++i) {
      // One stays, the others move one seat around the table a round.
      const int a = i == 0 ? seats - 1 : (r + i) % (seats - 1);
      const int b = (r + seats - 1 - i) % (seats - 1);
      if (a < players && b < players) round.emplace_back(std::min(a, b), std::max(a, b));
    }
    rounds.push_back(std::move(round));
  }
  return rounds;
}

}  // namespace ridge
