#include "calibrate/cluster/executor.h"

#include "calibrate/cluster/message.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <iterator>
#include <new>

namespace ridge {
namespace {

using nlohmann::json;

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string bytes_of(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    out += static_cast<char>(value);
  }
  return out;
}

/// Of a message; 1 GiB is the largest that anyone asks for.
std::size_t bytes_in(const json& size) {
  const auto bytes = size.get<double>();
  if (!(bytes >= 0 && bytes <= 0x1p30)) throw ProbeError("a message of impossible size");
  return static_cast<std::size_t>(bytes);
}

/// Products and reading memory: what devices that work at the same time take from each other.
bool is_to_compare(std::string_view key) {
  return key.starts_with("gemm|") || key.starts_with("memory_read|");
}

KnownPoints known_points(const json& task) {
  KnownPoints known;
  for (const json& key : task.at("done")) known.done.insert(key.get<std::string>());
  std::string lines;
  for (const json& line : task.at("visits")) lines += line.get<std::string>() + "\n";
  Diagnostics ignored;
  const auto source = std::make_shared<const Source>(Source{"visits", lines});
  for (const Measurement& m : read_measurement_lines(source, ignored).visits)
    known.visits[point_key(m)].push_back(m);
  return known;
}

}  // namespace

/// The probe is of the node, not of a device: one rank's measuring is enough.
void Executor::leave_out(ProbeSettings& settings, std::string_view probe) const {
  const auto chosen = chosen_probes(me_.backend, settings);
  settings.only.clear();
  for (const ProbeInfo& p : chosen)
    if (p.name != probe) settings.only.push_back(p.name);
}

Executor::Executor(const ClusterRank& me, std::unique_ptr<Fabric> fabric)
    : me_(me), fabric_(std::move(fabric)) {}
Executor::~Executor() = default;

void Executor::watch(std::function<void()> f) {
  if (fabric_) fabric_->watch(std::move(f));
}

json Executor::device(const json& task, const Tell& tell) {
  const KnownPoints known = known_points(task);
  for (const std::string& key : known.done)
    if (is_to_compare(key)) measured_.insert(key);
  ProbeSettings settings = me_.settings;
  if (task.at("index").get<int>() > 0) {
    leave_out(settings, "storage");
    if (settings.only.empty()) return {{"done", true}};
  }
  return measure(task, known, settings, "", tell);
}

json Executor::alone(const json& task, const Tell& tell) {
  constexpr std::size_t points = 10;
  KnownPoints known;
  std::size_t i = 0;
  for (const std::string& key : measured_)
    if (i++ % std::max<std::size_t>(measured_.size() / points, 1) == 0) known.wanted.insert(key);
  if (known.wanted.empty()) return {{"done", true}};
  ProbeSettings settings = me_.settings;
  settings.only = {"memory", "products"};
  settings.budget = std::min(settings.budget, Seconds{15});
  return measure(task, known, settings, "alone", tell);
}

json Executor::measure(const json& task, const KnownPoints& known, ProbeSettings settings,
                       const std::string& source, const Tell& tell) {
  settings.sharers = task.at("sharers").get<int>();
  if (settings.sharers > 1) settings.most_devices = 1;  // the others belong to other ranks
  const int devices = std::max(1, me_.backend.count().devices);
  settings.device = task.at("index").get<int>() % devices;
  settings.known = &known;
  const auto placed = [&](Measurement m) {
    if (const std::string key = point_key(m); source.empty() && is_to_compare(key)) measured_.insert(key);
    m.rank = me_.launch.rank, m.node = me_.node, m.source = source;
    return m;
  };
  const ProbeReport report{[&](const Measurement& m) {
                             tell({{"point", measurement_line(placed(m))}});
                           },
                           [&](const Measurement& m) {
                             if (source.empty()) tell({{"visit", visit_line(placed(m))}});
                           },
                           [&](const std::string& what) {
                             if (source.empty())
                               tell({{"skipped", fmt::format("rank {}: {}", me_.launch.rank, what)}});
                           },
                           [&](const std::string& line) {
                             tell({{"progress", line}});
                           },
                           [&](const Observation& seen) {
                             tell({{"observed", observation_line(seen)}});
                           }};
  if (!me_.backend.run(settings, report)) return {{"failed", "nothing could be measured"}};
  return {{"done", true}};
}

json Executor::pair(const json& task) {
  const int peer = task.at("peer").get<int>();
  const double budget = task.at("budget").get<double>();
  const bool leads = task.at("leads").get<bool>();
  Group both{{me_.launch.rank, peer}, 0};
  if (!leads) both = {{peer, me_.launch.rank}, 1};
  if (fabric_->needs_group_id()) fabric_->join(both, bytes_of(task.at("id").get<std::string>()));
  json out = json::array();
  for (const bool is_first : {true, false})
    for (const json& size : task.at("sizes")) {
      const auto bytes = bytes_in(size);
      if (is_first == leads) out.push_back(summary_json(fabric_->time_message(peer, bytes, budget)));
      else fabric_->answer(peer, bytes);
    }
  if (fabric_->needs_group_id()) fabric_->leave(both);
  return {{"done", out}};
}

json Executor::group(const json& task) {
  Group g{task.at("ranks").get<std::vector<int>>(), 0};
  g.me = static_cast<int>(std::ranges::find(g.ranks, me_.launch.rank) - g.ranks.begin());
  const auto op = static_cast<Collective>(task.at("operation").get<int>());
  const bool is_known = std::ranges::find(all_collectives, op) != std::end(all_collectives);
  if (g.me == g.size() || !is_known)
    throw ProbeError("a group that this rank is not in, or an unknown operation");
  const auto algorithm = task.at("algorithm").get<std::string>();
  fabric_->join(g, bytes_of(task.at("id").get<std::string>()));
  fabric_->check(g, op, algorithm);
  json out = json::array();
  for (const json& size : task.at("sizes"))
    out.push_back(
        summary_json(fabric_->time(g, op, algorithm, bytes_in(size), task.at("budget").get<double>())));
  fabric_->leave(g);
  return {{"done", out}};
}

json Executor::perform(const json& task, const Tell& tell) {
  const auto what = task.at("do").get<std::string>();
  if (what == "device") return device(task, tell);
  if (what == "alone") return alone(task, tell);
  if (what == "reset") {
    if (fabric_) fabric_->restart(task.at("attempt").get<int>());
    return {{"done", true}};
  }
  if (!fabric_) return {{"failed", "there is nothing that carries messages"}};
  if (what == "pair") return pair(task);
  if (what == "group") return group(task);
  if (what == "id") return {{"done", hex(fabric_->make_group_id())}};
  return {{"failed", "an unknown task: " + what}};
}

json Executor::run(const json& task, const Tell& tell) {
  json answer = attempt(task, tell);
  answer["number"] = number_in(task, "number", 0);
  return answer;
}

json Executor::attempt(const json& task, const Tell& tell) {
  const auto failed = [&](const std::string& why) {
    // Those who wait for us must not wait any longer.
    if (fabric_) fabric_->reset();
    return json{{"failed", why}};
  };
  try {
    return perform(task, tell);
  } catch (const ChannelError& e) { return failed(e.what()); } catch (const ProbeError& e) {
    return failed(e.what());
  } catch (const json::exception&) {
    return failed("a task that cannot be understood: is rank 0 of another version?");
  } catch (const std::bad_alloc&) { return failed("no memory for what the task wants"); }
}

}  // namespace ridge
