#include "calibrate/cli/measure_command.h"

#include "calibrate/cli/commands.h"
#include "calibrate/cluster/driver.h"
#include "calibrate/cpu/backend.h"
#include "calibrate/measure/run_file.h"
#include "calibrate/measure/stop_signal.h"
#ifdef RIDGE_HAVE_CUDA
#include "calibrate/cuda/nccl_fabric.h"
#include "calibrate/cuda/probes.h"
#endif

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace ridge::calibrate {
namespace {

/// What is measured, or would be on a device that is not here.
struct Choice {
  Backend backend;
  std::string assumed_because;  ///< of a dry run: why there is no such device
};

/// The back end asked for; with "auto" the first that has a device.
std::optional<Choice> choose_backend(const std::string& name, bool is_dry) {
  std::string why;
#ifdef RIDGE_HAVE_CUDA
  if (name != "cpu") {
    const DeviceCount count = cuda::count_devices();
    if (count.devices > 0) return Choice{cuda::backend(), ""};
    why = count.why_none;
    if (name == "cuda" && is_dry) return Choice{cuda::backend(), why};
  }
#else
  why = "this program was built without CUDA";
#endif
  if (name == "cuda") {
    fmt::print(stderr, "Nothing to measure here: {}.\n", why);
    return std::nullopt;
  }
  if (name == "auto") fmt::print(stderr, "No GPU ({}): measuring the processor.\n", why);
  return Choice{cpu::backend(), ""};
}

bool knows_probes(const Backend& backend, const std::vector<std::string>& only) {
  std::vector<std::string> names;
  for (const ProbeInfo& p : backend.probes()) names.push_back(p.name);
  bool is_good = true;
  for (const std::string& name : only) {
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string near = nearest(name, names);
    fmt::print(stderr, "error: no probe '{}' of {}{}\n", name, backend.name,
               near.empty() ? "" : fmt::format("\n  did you mean '{}'?", near));
    is_good = false;
  }
  return is_good;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return *name ? name : "node";
}

int list_probes_json(const MeasureCommand& c, const Choice& choice, const ProbeSettings& settings,
                     const Launch& launch) {
  const auto chosen = chosen_probes(choice.backend, settings);
  const Seconds all = estimated_time(chosen, settings.is_quick);
  nlohmann::json out{{"device", choice.backend.name},
                     {"is_assumed", !choice.assumed_because.empty()},
                     {"probes", nlohmann::json::array()},
                     {"seconds", all.value()},
                     {"budget_seconds", settings.budget.value()},
                     {"ranks", launch.ranks}};
  for (const ProbeInfo& p : chosen)
    out["probes"].push_back(
        {{"name", p.name}, {"what", p.what}, {"seconds", (settings.is_quick ? p.quick : p.full).value()}});
  if (!launch.is_alone())
    for (const auto& [phase, seconds] : cluster_estimate(cluster_plan(c.phases), settings,
                                                         min(all, settings.budget).value(), launch.ranks, 1))
      out["phases"].push_back({{"name", phase}, {"seconds", seconds}});
  fmt::print("{}\n", out.dump(2));
  return done;
}

int list_probes(const MeasureCommand& c, const Choice& choice, const ProbeSettings& settings,
                const Launch& launch) {
  const auto chosen = chosen_probes(choice.backend, settings);
  if (launch.rank > 0) return done;
  if (c.is_json) return list_probes_json(c, choice, settings, launch);
  if (!choice.assumed_because.empty())
    fmt::print("On an NVIDIA device, which is assumed: there is none here ({}).\n\n", choice.assumed_because);
  for (const ProbeInfo& p : chosen)
    fmt::print("{:<12} about {:>5.1f} s  {}\n", p.name, (settings.is_quick ? p.quick : p.full).value(),
               p.what);
  fmt::print("{:<12} about {:>5.1f} s, at most {:.0f} s\n", "all",
             estimated_time(chosen, settings.is_quick).value(), settings.budget.value());
  if (launch.is_alone()) return done;
  fmt::print("\n{} ranks, from {}; with all of them on one node:\n", launch.ranks, launch.source);
  const double device = std::min(estimated_time(chosen, settings.is_quick).value(), settings.budget.value());
  for (const auto& [phase, seconds] :
       cluster_estimate(cluster_plan(c.phases), settings, device, launch.ranks, 1))
    fmt::print("{:<30} about {:>5.1f} s\n", phase, seconds);
  return done;
}

ProbeReport report_into(RunFile& file) {
  return {[&](const Measurement& m) { file.point(m); },
          [&](const Measurement& m) { file.line(visit_line(m)); },
          [&](const std::string& what) {
            file.line(skipped_line(what));
            fmt::print(stderr, "skipped {}\n", what);
          },
          [](const std::string& line) { fmt::print(stderr, "{}\n", line); },
          [&](const Observation& seen) { file.line(observation_line(seen)); }};
}

/// What an unfinished file holds; nullopt and a message when the command may not touch it.
bool open_earlier(const MeasureCommand& c, const RunFacts& facts, std::optional<EarlierRun>& earlier) {
  if (c.is_resumed) {
    Diagnostics diagnostics;
    earlier = read_earlier_run(c.out, facts, diagnostics);
    if (report_problems(diagnostics)) return false;
    if (earlier) fmt::print(stderr, "Resuming {} behind {} points.\n", c.out, earlier->run.points.size());
    return true;
  }
  if (c.is_overwriting || !holds_unfinished_run(c.out)) return true;
  fmt::print(stderr,
             "error: {} holds a run that was cut short\n  continue it with --resume, or replace it with "
             "--overwrite\n",
             c.out);
  return false;
}

void say_points(const MeasureCommand& c, std::size_t points, std::size_t ranks, std::size_t lost) {
  if (c.is_silent) return;
  if (c.is_json)
    fmt::print("{}\n",
               nlohmann::json{{"file", c.out}, {"points", points}, {"ranks", ranks}, {"lost", lost}}.dump(2));
  else if (ranks == 1) fmt::print("{} points in {}\n", points, c.out);
  else
    fmt::print("{} points of {} ranks in {}{}\n", points, ranks, c.out,
               lost > 0 ? fmt::format(", {} lost", lost) : "");
}

int run_here(const MeasureCommand& c, const Backend& backend, ProbeSettings settings) {
  RunFacts facts = backend.facts(settings);
  facts["mode"] = settings.is_quick ? "quick" : "full";
  std::optional<EarlierRun> earlier;
  if (!open_earlier(c, facts, earlier)) return bad_usage;
  const KnownPoints known = earlier ? earlier->known() : KnownPoints{};
  settings.known = &known;
  RunFile file(c.out, earlier ? &*earlier : nullptr);
  if (!file.is_good()) {
    fmt::print(stderr, "cannot write {}\n", c.out);
    return bad_usage;
  }
  if (!earlier) file.line(facts_line(facts));
  watch_stop_signals();
  const bool is_good = backend.run(settings, report_into(file));
  if (is_stop_asked()) {
    fmt::print(stderr, "Stopped behind {} points; go on with: ridge-calibrate measure --resume --out {}\n",
               file.points(), c.out);
    return not_accepted;
  }
  if (!is_good && file.points() > 0) {
    fmt::print(stderr, "The device failed behind {} points; go on with --resume and the same command.\n",
               file.points());
    return not_accepted;
  }
  file.end();
  if (!file.is_good()) {
    fmt::print(stderr, "error: {} could not be written to its end: is the disk full?\n", c.out);
    return not_accepted;
  }
  say_points(c, file.points(), 1, 0);
  return is_good && file.points() > 0 ? done : not_accepted;
}

/// What carries messages between devices of this kind; empty: processes exchange them.
std::function<std::unique_ptr<Fabric>(int, std::string&)> device_fabric(const Backend& backend,
                                                                        const ProbeSettings& settings) {
  if (backend.name != "cuda") return {};
#if defined(RIDGE_HAVE_CUDA) && defined(RIDGE_HAVE_NCCL)
  const int devices = std::max(1, backend.count().devices);
  return [devices, is_quick = settings.is_quick](int index, std::string& why_not) {
    return cuda::nccl_fabric(index % devices, is_quick, why_not);
  };
#else
  return [settings](int, std::string& why_not) {
    why_not = "this program was built without NCCL";
    return std::unique_ptr<Fabric>();
  };
#endif
}

int run_in_cluster(const MeasureCommand& c, const Backend& backend, const ProbeSettings& settings,
                   const Launch& launch) {
  Diagnostics diagnostics;
  ClusterRank me{.launch = launch,
                 .node = c.node.empty() ? host_name() : c.node,
                 .place = rendezvous_place(c.rendezvous, c.out, environment("RIDGE_RENDEZVOUS_TOKEN"), c.wait,
                                           diagnostics),
                 .plan = cluster_plan(c.phases),
                 .settings = settings,
                 .backend = backend,
                 .fabric = device_fabric(backend, settings),
                 .is_tcp = c.is_tcp};
  if (report_problems(diagnostics)) return bad_usage;
  watch_stop_signals();
  try {
    if (launch.rank > 0) {
      follow_rank_zero(me);
      return done;
    }
    LedRun led;
    const auto end = lead_ranks(
        me, c.out,
        [&](const RunFacts& facts, std::optional<EarlierRun>& earlier) {
          return open_earlier(c, facts, earlier);
        },
        &led);
    if (end == ClusterEnd::done) say_points(c, led.points, led.ranks, led.lost);
    return end == ClusterEnd::done ? done : end == ClusterEnd::stopped ? not_accepted : bad_usage;
  } catch (const ChannelError& e) {
    fmt::print(stderr, "rank {}: {}\n", launch.rank, e.what());
    return not_accepted;
  }
}

}  // namespace

bool leads(const MeasureCommand& c) {
  Diagnostics ignored;
  return detect_launch(c.launch, environment, ignored).rank == 0;
}

int measure(const MeasureCommand& c) {
  Diagnostics diagnostics;
  const Launch launch = detect_launch(c.launch, environment, diagnostics);
  if (report_problems(diagnostics)) return bad_usage;
  const auto choice = choose_backend(c.device, c.is_dry);
  if (!choice) return not_accepted;
  const Backend* const backend = &choice->backend;
  ProbeSettings settings{
      .is_quick = c.is_quick, .budget = Seconds{c.budget.value_or(c.is_quick ? 40 : 170)}, .only = c.only};
  settings.cores = c.cores;
  settings.storage = c.storage;
  settings.slow_down = c.slow_down;
  settings.is_cancelled = is_stop_asked;
  if (!knows_probes(*backend, c.only)) return bad_usage;
  if (c.is_dry) return list_probes(c, *choice, settings, launch);
  if (!launch.is_alone()) return run_in_cluster(c, *backend, settings, launch);
  return run_here(c, *backend, settings);
}

}  // namespace ridge::calibrate
