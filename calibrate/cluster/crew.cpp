#include "calibrate/cluster/crew.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <poll.h>

namespace ridge {
namespace {

using nlohmann::json;
constexpr double message_seconds = 30;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Crew::Crew(const ClusterRank& me, std::map<int, Channel> channels, std::vector<Member> members, Executor& own,
           RunFile& file)
    : me_(me), channels_(std::move(channels)), members_(std::move(members)), own_(own), file_(file) {}

void Crew::lose(int rank, const std::string& why) {
  if (!lost_.insert(rank).second) return;
  waiting_.erase(rank);
  channels_.erase(rank);
  std::string node = "unknown";
  for (const Member& m : members_)
    if (m.rank == rank) node = m.node;
  const std::string text = fmt::format("rank {} on node {}: {}", rank, node, why);
  file_.line(failed_line(text));
  if (me_.settings.is_cancelled && me_.settings.is_cancelled()) return;
  fmt::print(stderr, "lost {}\n", text);
}

std::size_t Crew::present() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [&](const Member& m) { return is_there(m.rank); }));
}

void Crew::greet(int rank, const json& welcome) {
  try {
    channels_.at(rank).send(welcome.dump(), message_seconds);
  } catch (const ChannelError& e) { lose(rank, fmt::format("lost when greeted: {}", e.what())); }
}

void Crew::keep(const json& told) {
  const auto text = [&](const char* key) { return told.value(key, ""); };
  if (told.contains("point")) file_.point_line(text("point"));
  if (told.contains("visit")) file_.line(text("visit"));
  if (told.contains("observed")) file_.line(text("observed"));
  if (told.contains("progress")) fmt::print(stderr, "{}\n", text("progress"));
  if (!told.contains("skipped")) return;
  file_.line(skipped_line(text("skipped")));
  fmt::print(stderr, "skipped {}\n", text("skipped"));
}

void Crew::take(int rank, const json& message) {
  if (!message.is_object()) return lose(rank, "it said what nobody understands");
  if (!message.contains("done") && !message.contains("failed")) return keep(message);
  answers_[rank] = message;
  waiting_.erase(rank);
}

void Crew::drain(double seconds) {
  std::vector<pollfd> sockets;
  std::vector<int> ranks;
  for (const auto& [rank, channel] : channels_) {
    sockets.push_back({channel.socket(), POLLIN, 0});
    ranks.push_back(rank);
  }
  if (sockets.empty()) return;
  if (poll(sockets.data(), sockets.size(), static_cast<int>(1000 * seconds)) <= 0) return;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (sockets[i].revents == 0) continue;
    try {
      take(ranks[i], json::parse(channels_.at(ranks[i]).receive(message_seconds), nullptr, false));
    } catch (const ChannelError& e) { lose(ranks[i], fmt::format("lost in {}: {}", phase_, e.what())); }
  }
}

std::map<int, json> Crew::run(const Tasks& tasks, double seconds, const std::string& phase) {
  answers_.clear();
  phase_ = phase;
  for (const auto& [rank, task] : tasks) {
    if (rank == me_.launch.rank || !channels_.contains(rank)) continue;
    try {
      channels_.at(rank).send(task.dump(), message_seconds);
      waiting_.insert(rank);
    } catch (const ChannelError& e) { lose(rank, fmt::format("lost in {}: {}", phase, e.what())); }
  }
  if (const auto mine = tasks.find(me_.launch.rank); mine != tasks.end())
    answers_[me_.launch.rank] = own_.run(mine->second, [&](const json& told) {
      keep(told);
      drain(0);
    });
  // From the end of this rank's own task, in which answers of the others may have gone unread.
  drain(0);
  const double end = now() + seconds;
  while (!waiting_.empty() && now() < end) drain(0.1);
  const std::set<int> silent = waiting_;
  for (const int rank : silent) lose(rank, fmt::format("no answer in {} within {:.0f} s", phase, seconds));
  return answers_;
}

void Crew::reset() {
  ++attempt_;
  Tasks tasks;
  for (const Member& m : members_)
    if (is_there(m.rank)) tasks[m.rank] = {{"do", "reset"}, {"attempt", attempt_}};
  run(tasks, message_seconds, phase_);
}

void Crew::quit() {
  for (auto& [rank, channel] : channels_) {
    try {
      channel.send(json{{"do", "quit"}}.dump(), message_seconds);
    } catch (const ChannelError&) {}  // it ends anyway
  }
}

}  // namespace ridge
