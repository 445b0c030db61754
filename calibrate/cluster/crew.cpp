#include "calibrate/cluster/crew.h"

#include "calibrate/cluster/message.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <poll.h>

namespace ridge {
namespace {

using nlohmann::json;
constexpr double message_seconds = 30;

/// The task needs the rank as well.
bool is_together(const json& task, int rank) {
  if (number_in(task, "peer", -1) == rank) return true;
  const auto ranks = task.find("ranks");
  return ranks != task.end() && std::ranges::find(*ranks, json(rank)) != ranks->end();
}

/// What a rank measured, as a line of the file; false for text that would spoil it.
bool is_line(const std::string& text) {
  Diagnostics problems;
  const auto source = std::make_shared<const Source>(Source{"a rank's line", text + "\n"});
  const MeasuredRun run = read_measurement_lines(source, problems);
  return !problems.has_errors() && text.find('\n') == std::string::npos &&
         run.points.size() + run.visits.size() + run.observed.size() == 1;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Crew::Crew(const ClusterRank& me, std::map<int, Channel> channels, std::vector<Member> members, Executor& own,
           RunFile& file)
    : me_(me), channels_(std::move(channels)), members_(std::move(members)), own_(own), file_(file) {
  own_.watch([this] {
    drain(0);
    const auto mine = tasks_.find(me_.launch.rank);
    for (const int rank : lost_)
      if (mine != tasks_.end() && is_together(mine->second, rank))
        throw ProbeError(fmt::format("rank {} was lost", rank));
  });
}

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
  stop_waiting_for(rank);
}

void Crew::refuse(int rank, const std::string& why) {
  if (const auto it = channels_.find(rank); it != channels_.end()) {
    try {
      it->second.send(text_of({{"do", "quit"}, {"why", why}}), message_seconds);
    } catch (const ChannelError&) {}  // it is lost anyway
  }
  lose(rank, why);
}

void Crew::stop_waiting_for(int lost) {
  const std::set<int> waiting = waiting_;
  for (const int rank : waiting) {
    const auto channel = channels_.find(rank);
    if (channel == channels_.end() || !is_together(tasks_.at(rank), lost)) continue;
    try {
      channel->second.send(text_of({{"do", "stop"}}), message_seconds);
    } catch (const ChannelError&) {}  // seen as lost when it is listened to
  }
}

std::size_t Crew::present() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [&](const Member& m) { return is_there(m.rank); }));
}

void Crew::greet(int rank, const json& welcome) {
  try {
    channels_.at(rank).send(text_of(welcome), message_seconds);
  } catch (const ChannelError& e) { lose(rank, fmt::format("lost when greeted: {}", e.what())); }
}

std::string Crew::keep(const json& told) {
  for (const char* kind : {"point", "visit", "observed"}) {
    const std::string line = text_in(told, kind);
    if (line.empty()) continue;
    if (!is_line(line)) return "it said what is no measurement";
    if (std::string_view(kind) == "point") file_.point_line(line);
    else file_.line(line);
    return "";
  }
  if (const std::string line = text_in(told, "progress"); !line.empty()) {
    fmt::print(stderr, "{}\n", line);
    return "";
  }
  const std::string what = text_in(told, "skipped");
  if (what.empty()) return "it said what nobody understands";
  file_.line(skipped_line(what));
  fmt::print(stderr, "skipped {}\n", what);
  return "";
}

void Crew::take(int rank, const json& message) {
  if (message.is_null()) return refuse(rank, "it said what nobody understands");
  if (!message.contains("done") && !message.contains("failed")) {
    if (const std::string why = keep(message); !why.empty()) refuse(rank, why);
    return;
  }
  if (number_in(message, "number", 0) != number_) return;  // of a task that was given up
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
    const auto channel = channels_.find(ranks[i]);
    if (sockets[i].revents == 0 || channel == channels_.end()) continue;
    try {
      take(ranks[i], message_of(channel->second.receive(message_seconds)));
    } catch (const ChannelError& e) { lose(ranks[i], fmt::format("lost in {}: {}", phase_, e.what())); }
  }
}

std::map<int, json> Crew::run(const Tasks& tasks, double seconds, const std::string& phase) {
  answers_.clear();
  phase_ = phase;
  tasks_ = tasks;
  ++number_;
  for (auto& [rank, task] : tasks_) {
    task["number"] = number_;
    if (rank == me_.launch.rank || !channels_.contains(rank)) continue;
    waiting_.insert(rank);
  }
  const std::set<int> asked = waiting_;
  for (const int rank : asked) {
    if (!waiting_.contains(rank)) continue;  // lost meanwhile
    try {
      channels_.at(rank).send(text_of(tasks_.at(rank)), message_seconds);
    } catch (const ChannelError& e) { lose(rank, fmt::format("lost in {}: {}", phase, e.what())); }
  }
  for (const int rank : asked)
    if (lost_.contains(rank)) stop_waiting_for(rank);  // told some before their task came
  if (const auto mine = tasks_.find(me_.launch.rank); mine != tasks_.end())
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
  tasks_.clear();
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
      channel.send(text_of({{"do", "quit"}}), message_seconds);
    } catch (const ChannelError&) {}  // it ends anyway
  }
}

}  // namespace ridge
