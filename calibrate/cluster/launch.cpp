#include "calibrate/cluster/launch.h"

#include <charconv>
#include <fmt/format.h>

namespace ridge {
namespace {

constexpr int most_ranks = 1 << 20;

std::optional<int> whole(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Variables {
  const char *rank, *size;
  bool is_mpi;
};
constexpr Variables sources[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", true},
                                 {"PMI_RANK", "PMI_SIZE", true},
                                 {"PMIX_RANK", "SLURM_NTASKS", true},
                                 {"SLURM_PROCID", "SLURM_NTASKS", false}};

}  // namespace

Launch detect_launch(const LaunchFlags& flags, const std::function<std::string(const char*)>& variable,
                     Diagnostics& diagnostics) {
  Launch launch;
  if (flags.rank) {
    launch = {*flags.rank, flags.ranks.value_or(0), "flags", false};
  } else {
    for (const Variables& s : sources) {
      const auto rank = whole(variable(s.rank));
      const auto size = flags.ranks ? flags.ranks : whole(variable(s.size));
      if (!rank || !size) continue;
      launch = {*rank, *size, s.rank, s.is_mpi};
      break;
    }
  }
  if (launch.ranks < 1 || launch.ranks > most_ranks || launch.rank < 0 || launch.rank >= launch.ranks) {
    diagnostics
        .error("bad-launch",
               fmt::format("rank {} of {} ranks, from {}", launch.rank, launch.ranks, launch.source))
        .suggestion = "--rank counts from 0 and is below --ranks";
    return {};
  }
  return launch;
}

}  // namespace ridge
