// What devices of one node do to each other without a library: copies between every pair, and our own
// all-reduce of small messages, in graphs and launched one by one.

#include "calibrate/cuda/context.h"
#include "calibrate/cuda/fetch.h"
#include "calibrate/cuda/peer_reduce.h"
#include "calibrate/cuda/team.h"

#include <cmath>
#include <memory>

namespace ridge::cuda {
namespace {

/// Lets every device of the first `n` read and write the others' memory.
void open_peers(int n) {
  for (int from = 0; from < n; ++from)
    for (int to = 0; to < n; ++to) {
      if (from == to) continue;
      int can = 0;
      check(cudaDeviceCanAccessPeer(&can, from, to), "peer access");
      if (!can)
        throw ProbeError("device " + std::to_string(from) + " cannot reach the memory of device " +
                         std::to_string(to));
      check(cudaSetDevice(from), "device");
      const cudaError_t e = cudaDeviceEnablePeerAccess(to, 0);
      if (e == cudaErrorPeerAccessAlreadyEnabled) cudaGetLastError();
      else check(e, "peer access");
    }
  check(cudaSetDevice(0), "device");
}

// --- copies ------------------------------------------------------------------------------------------

constexpr std::size_t most_copied = std::size_t{1} << 30;

/// One direction of a pair: the source device's stream carries it.
struct Way {
  int from, to;
  WorkStream stream;  // of the device that is current when it is made
  Buffer source, target;

  void queue(std::size_t bytes) const {
    check(cudaMemcpyPeerAsync(target.at(), to, source.at(), from, bytes, stream), "peer copy");
  }
};

Buffer buffer_on(int device, std::size_t bytes) {
  check(cudaSetDevice(device), "device");
  return Buffer(bytes);
}

std::unique_ptr<Way> way(int from, int to, std::size_t bytes) {
  Buffer target = buffer_on(to, bytes), source = buffer_on(from, bytes);
  std::unique_ptr<Way> w(new Way{from, to, {}, std::move(source), std::move(target)});
  launch_fill(w->source.at(), bytes / 4, Fill::fp32, static_cast<std::uint32_t>(from * 8 + to + 1),
              w->stream);
  check_launch("filling memory");
  w->stream.wait();
  return w;
}

void expect_copied(const Way& w) {
  constexpr std::size_t bytes = 1u << 20;
  std::vector<char> sent(bytes), got(bytes);
  check(cudaMemset(w.target.at(), 0xFF, bytes), "memory");
  check(cudaDeviceSynchronize(), "memory");
  w.queue(bytes);
  w.stream.wait();
  check(cudaMemcpy(sent.data(), w.source.at(), bytes, cudaMemcpyDefault), "copy");
  check(cudaMemcpy(got.data(), w.target.at(), bytes, cudaMemcpyDefault), "copy");
  if (sent != got) throw ProbeError("a peer copy arrived changed");
}

Measurement copied(const std::string& variant, std::size_t bytes) {
  return {.family = "copy_peer",
          .variant = variant,
          .sizes = {{"bytes", static_cast<double>(bytes)}},
          .library = "CUDA"};
}

constexpr StopRule copy_rule{.budget = Seconds{30e-3}};

/// One direction over sizes `factor` apart; a factor of two has the middles too.
void one_way(ProbeContext& c, int from, int to, std::size_t most, std::size_t factor,
             const std::string& variant) {
  const auto w = way(from, to, most);
  expect_copied(*w);
  DeviceTimer timer(w->stream);
  const auto time = [&](std::size_t bytes) {
    if (bytes <= most && !c.is_out_of_time() && !c.runner().is_known(copied(variant, bytes)))
      c.emit(copied(variant, bytes), timer.time_plain([&](int) { w->queue(bytes); }, copy_rule));
  };
  for (std::size_t bytes = 1024; bytes <= most; bytes *= factor) {
    time(bytes);
    if (factor == 2) time(bytes + bytes / 2);
  }
}

/// Both directions at once: the second stream starts behind an event of the first and ends before it.
void both_ways(ProbeContext& c, std::size_t most) {
  const auto there = way(0, 1, most), back = way(1, 0, most);
  cudaEvent_t begin = nullptr, end = nullptr;
  check(cudaEventCreateWithFlags(&end, cudaEventDisableTiming), "event");  // device 1 is current
  check(cudaSetDevice(0), "device");
  check(cudaEventCreateWithFlags(&begin, cudaEventDisableTiming), "event");
  DeviceTimer timer(there->stream);
  for (std::size_t bytes = 65536; bytes <= most && !c.is_out_of_time(); bytes *= 2)
    c.emit(copied("both ways", bytes), timer.time_plain(
                                           [&](int) {
                                             check(cudaEventRecord(begin, there->stream), "event");
                                             check(cudaStreamWaitEvent(back->stream, begin), "event");
                                             there->queue(bytes);
                                             back->queue(bytes);
                                             check(cudaEventRecord(end, back->stream), "event");
                                             check(cudaStreamWaitEvent(there->stream, end), "event");
                                           },
                                           copy_rule));
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
}

void copies(ProbeContext& c, int devices) {
  const std::size_t most = c.settings().is_quick ? most_copied >> 3 : most_copied;
  one_way(c, 0, 1, most, c.settings().is_quick ? 4 : 2, "one way");
  both_ways(c, most);
  if (c.settings().is_quick) return;
  // Every link by itself, so that a slow one shows.
  for (int from = 0; from < devices; ++from)
    for (int to = 0; to < devices; ++to)
      if (from != to)
        one_way(c, from, to, std::size_t{256} << 20, 4,
                "link " + std::to_string(from) + " to " + std::to_string(to));
}

// --- all-reduce ------------------------------------------------------------------------------------------

constexpr std::size_t most_reduced = std::size_t{1} << 20;

/// Memory of every device, and what each sees of the others.
struct Ring {
  std::vector<Buffer> staging, flags, in, out, state;
  std::vector<PeerView> views;

  explicit Ring(int ranks) : views(static_cast<std::size_t>(ranks)) {
    for (int r = 0; r < ranks; ++r) {
      check(cudaSetDevice(r), "device");
      staging.emplace_back(peer_staging_bytes(ranks)), flags.emplace_back(peer_flag_bytes());
      in.emplace_back(most_reduced), out.emplace_back(most_reduced), state.emplace_back(peer_state_bytes());
      for (const Buffer* b : {&staging.back(), &flags.back(), &state.back()})
        check(cudaMemset(b->at(), 0, b->bytes()), "memory");
      check(prepare_peer_kernels(), "loading kernels");
      check(cudaDeviceSynchronize(), "memory");
    }
    for (int r = 0; r < ranks; ++r) {
      PeerView& v = views[static_cast<std::size_t>(r)];
      v.rank = r, v.ranks = ranks;
      v.state = state[static_cast<std::size_t>(r)].as<std::uint32_t>();
      for (std::size_t p = 0; p < views.size(); ++p) {
        v.staging[p] = staging[p].as<std::uint64_t>(), v.flags[p] = flags[p].as<std::uint32_t>();
        v.in[p] = in[p].at(), v.out[p] = out[p].at();
      }
    }
    check(cudaSetDevice(0), "device");
  }
};

enum class Shots { one_shot, two_shot };
constexpr const char* shot_names[] = {"one-shot", "two-shot"};

void queue(const Ring& ring, Shots shots, std::size_t bytes, const Member& me) {
  const PeerView& v = ring.views[static_cast<std::size_t>(me.rank())];
  if (shots == Shots::one_shot) launch_peer_one_shot(v, bytes, me.stream());
  else launch_peer_two_shot(v, bytes, me.stream());
  check_launch("peer all-reduce");
}

/// Fresh random inputs, poisoned outputs, three rounds; every element of the member's output against the
/// sum in double precision: half a unit in the last place of bf16, and what fp32 sums lose.
void expect_right(Member& me, const Ring& ring, Shots shots, std::size_t bytes, std::uint32_t seed) {
  const auto own = static_cast<std::size_t>(me.rank());
  me.together([&] {
    check(cudaMemsetAsync(ring.out[own].at(), 0xFF, bytes, me.stream()), "memory");
    launch_fill(ring.in[own].at(), bytes / 2, Fill::bf16, seed * 64 + static_cast<std::uint32_t>(me.rank()),
                me.stream());
    check_launch("filling memory");
    check(cudaStreamSynchronize(me.stream()), "filling memory");
  });
  me.together([&] {
    for (int times = 0; times < 3; ++times) queue(ring, shots, bytes, me);
    check(cudaStreamSynchronize(me.stream()), "peer all-reduce");
  });
  me.together([&] {
    std::uint32_t is_late = 0;
    check(cudaMemcpy(&is_late, static_cast<const char*>(ring.state[own].at(peer_failure_offset())), 4,
                     cudaMemcpyDeviceToHost),
          "copy");
    if (is_late) throw ProbeError("a device waited in vain for another");
    std::vector<double> sum(bytes / 2), size(bytes / 2);
    for (const Buffer& b : ring.in) {
      const auto x = fetch_bf16(b.at(), bytes / 2);
      for (std::size_t i = 0; i < x.size(); ++i) sum[i] += x[i], size[i] += std::abs(x[i]);
    }
    const auto got = fetch_bf16(ring.out[own].at(), bytes / 2);
    for (std::size_t i = 0; i < got.size(); ++i)
      if (!(std::abs(got[i] - sum[i]) <= 0x1p-8 * std::abs(sum[i]) + 0x1p-20 * size[i]))
        throw ProbeError(std::string("a wrong sum in the ") + shot_names[static_cast<int>(shots)] +
                         " all-reduce");
  });
}

std::vector<std::size_t> sizes_for(int ranks) {
  std::vector<std::size_t> out;
  const auto unit = static_cast<std::size_t>(16 * ranks);
  for (std::size_t b = 1024; b <= most_reduced; b *= 2) {
    out.push_back(b / unit * unit);
    if (b < most_reduced) out.push_back((b + b / 2) / unit * unit);
  }
  return out;
}

std::vector<TeamCase> cases_for(ProbeContext& c, const Ring& ring, int ranks) {
  std::vector<TeamCase> out;
  for (const std::size_t bytes : sizes_for(ranks))
    for (const Shots shots : {Shots::one_shot, Shots::two_shot})
      for (const bool is_graph : {true, false}) {
        Measurement m{.family = "peer_all_reduce", .sizes = {{"bytes", static_cast<double>(bytes)}}};
        m.variant = std::to_string(ranks) + " devices, bf16, " + (is_graph ? "graph, " : "eager, ") +
                    shot_names[static_cast<int>(shots)];
        m.library = "ridge";
        if (c.runner().is_known(m)) continue;
        out.push_back({{.is_graph = is_graph},
                       [&ring, shots, bytes](const Member& me) { queue(ring, shots, bytes, me); },
                       [&c, m](const std::vector<double>& samples, double difference) mutable {
                         m.revisit_difference = difference;
                         c.emit(m, {summarise_samples(samples), 0});
                       }});
      }
  return out;
}

void reduce_among(ProbeContext& c, int ranks) {
  const Ring ring(ranks);
  CaseSchedule schedule(c.settings().is_quick, [&c] { return c.is_out_of_time(); });
  Team(ranks).run([&](Member& me) {
    std::uint32_t seed = 1;
    const auto check_all = [&] {
      for (const std::size_t bytes : sizes_for(ranks))
        for (const Shots shots : {Shots::one_shot, Shots::two_shot})
          expect_right(me, ring, shots, bytes, ++seed);
    };
    check_all();
    schedule.run(me, cases_for(c, ring, ranks));
    check_all();  // thousands of rounds later, on other data
  });
}

}  // namespace

void probe_peers(ProbeContext& c) {
  const KeepDevice kept;
  int devices = 0;
  check(cudaGetDeviceCount(&devices), "devices");
  devices = std::min({devices, c.settings().most_devices, most_peers});
  if (devices < 2) throw ProbeError("one device has nobody to talk to");
  if (c.settings().sharers > 1)
    throw ProbeError("other ranks measure on this node's devices at the same time");
  open_peers(devices);
  for (int ranks = 2; ranks <= devices; ++ranks) {
    if (c.is_out_of_time())
      throw ProbeError("the time was over before " + std::to_string(ranks) + " devices");
    reduce_among(c, ranks);
  }
  copies(c, devices);
}

}  // namespace ridge::cuda
