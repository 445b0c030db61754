// NCCL's collectives over 2 .. all devices of this node: one thread a device, captured graphs and plain
// launches; the time of a collective is that of the slowest rank.

#include "calibrate/cuda/context.h"
#include "calibrate/cuda/nccl.h"
#include "calibrate/cuda/team.h"
#include "calibrate/measure/collective.h"

#include <cmath>
#include <cstdlib>
#include <cuda_bf16.h>

namespace ridge::cuda {
namespace {

/// One rank's side of a collective of `elements` bf16 (of the whole buffer, as nccl-tests counts).
struct Rank {
  const Nccl& nccl;
  ncclComm_t comm;
  int rank, ranks;
  cudaStream_t stream;
  char *in, *out;

  void queue(Collective op, std::size_t elements) const {
    const std::size_t share = elements / static_cast<std::size_t>(ranks);
    ncclResult_t r = ncclSuccess;
    switch (op) {
      case Collective::all_reduce:
        r = nccl.all_reduce(in, out, elements, ncclBfloat16, ncclSum, comm, stream);
        break;
      case Collective::all_gather: r = nccl.all_gather(in, out, share, ncclBfloat16, comm, stream); break;
      case Collective::reduce_scatter:
        r = nccl.reduce_scatter(in, out, share, ncclBfloat16, ncclSum, comm, stream);
        break;
      case Collective::broadcast: r = nccl.broadcast(in, out, elements, ncclBfloat16, 0, comm, stream); break;
      case Collective::all_to_all:
        nccl.group_start();
        for (int peer = 0; peer < ranks; ++peer) {
          const std::size_t at = static_cast<std::size_t>(peer) * share * 2;
          nccl.send(in + at, share, ncclBfloat16, peer, comm, stream);
          nccl.receive(out + at, share, ncclBfloat16, peer, comm, stream);
        }
        r = nccl.group_end();
        break;
      case Collective::send_receive: r = send_on(elements); break;
    }
    nccl.check(r, name_of(op));
  }

  /// Two ranks: from the first to the second.  More: from each to the next, all at once.
  ncclResult_t send_on(std::size_t elements) const {
    if (ranks == 2)
      return rank == 0 ? nccl.send(in, elements, ncclBfloat16, 1, comm, stream)
                       : nccl.receive(out, elements, ncclBfloat16, 0, comm, stream);
    nccl.group_start();
    nccl.send(in, elements, ncclBfloat16, (rank + 1) % ranks, comm, stream);
    nccl.receive(out, elements, ncclBfloat16, (rank + ranks - 1) % ranks, comm, stream);
    return nccl.group_end();
  }
};

/// Sums of 8 are exact in bf16.
float held(int rank, std::size_t i) { return test_element(17, rank, i, 8); }

struct Room {
  Buffer in, out;
  ncclComm_t comm = nullptr;
};

Rank rank_of(const Nccl& nccl, const Member& me, const Room& r) {
  return {nccl, r.comm, me.rank(), me.ranks(), me.stream(), r.in.as<char>(), r.out.as<char>()};
}

void verify(const Rank& me, Collective op, const std::function<void(const char*)>& wait) {
  constexpr std::size_t elements = 3 * 8 * 1024;
  const auto ranks = static_cast<std::size_t>(me.ranks);
  const std::size_t share = elements / ranks;
  std::vector<__nv_bfloat16> data(elements);
  for (std::size_t i = 0; i < elements; ++i) data[i] = __float2bfloat16(held(me.rank, i));
  check(cudaMemcpy(me.in, data.data(), elements * 2, cudaMemcpyHostToDevice), "copy");
  check(cudaMemset(me.out, 0xFF, elements * 2), "memory");
  check(cudaDeviceSynchronize(), "memory");
  me.queue(op, elements);
  wait("collective");
  if (op == Collective::send_receive && me.ranks == 2 && me.rank != 1) return;
  check(cudaMemcpy(data.data(), me.out, elements * 2, cudaMemcpyDeviceToHost), "copy");
  const bool is_shared = op == Collective::all_gather || op == Collective::all_to_all;
  const std::size_t filled = op == Collective::reduce_scatter ? share : is_shared ? share * ranks : elements;
  for (std::size_t i = 0; i < filled; ++i)
    if (static_cast<double>(__bfloat162float(data[i])) !=
        collective_result(op, me.rank, me.ranks, share, i,
                          [](int r, std::size_t j) { return static_cast<double>(held(r, j)); }))
      throw ProbeError(std::string(name_of(op)) + " gave a wrong element");
}

/// 2^k, and 3 · 2^(k - 1) between them (2^k alone for groups that are no power of two), whole 16-byte units for
/// every rank.  Fits take every second, so that interpolation is judged between sizes a factor of two apart.
/// Sizes that are no multiple of 512 B take NCCL up to a tenth longer; real messages are.
std::vector<std::size_t> sizes_for(int ranks, std::size_t most, bool is_quick) {
  const bool is_power = (ranks & (ranks - 1)) == 0;
  const auto unit = static_cast<std::size_t>(16 * ranks);
  std::vector<std::size_t> out;
  const auto add = [&](std::size_t bytes) {
    if (bytes <= most) out.push_back(std::max<std::size_t>(bytes / unit, 1) * unit);
  };
  for (std::size_t bytes = 1024; bytes <= most; bytes *= is_quick ? 4 : 2) {
    add(bytes);
    if (is_power && !is_quick) add(bytes + bytes / 2);
  }
  return out;
}

Rounds rounds_for(std::size_t bytes, bool is_graph) {
  const bool is_large = bytes >= (std::size_t{64} << 20);
  return {is_large && !is_graph ? 4 : 20, is_large ? 7 : 41, is_graph};
}

std::vector<TeamCase> cases_for(ProbeContext& c, const Nccl& nccl, const Room& room, int ranks,
                                std::size_t most) {
  int version = 0;
  nccl.version(&version);
  std::vector<TeamCase> out;
  for (const std::size_t bytes : sizes_for(ranks, most, c.settings().is_quick))
    for (const Collective op : all_collectives)
      for (const bool is_graph : {false, true}) {
        if (is_graph && bytes > (std::size_t{4} << 20)) continue;
        Measurement m{.family = name_of(op),
                      .variant = std::to_string(ranks) + " devices, bf16, " + (is_graph ? "graph" : "eager"),
                      .sizes = {{"bytes", static_cast<double>(bytes)}}};
        m.library = "NCCL " + std::to_string(version);
        if (c.runner().is_known(m)) continue;
        out.push_back(
            {rounds_for(bytes, is_graph),
             [&nccl, &room, op, bytes](const Member& me) { rank_of(nccl, me, room).queue(op, bytes / 2); },
             [&c, m](const std::vector<double>& samples, double difference) mutable {
               m.revisit_difference = difference;
               c.emit(m, {summarise_samples(samples), 0});
             }});
      }
  return out;
}

void measure_group(ProbeContext& c, const Nccl& nccl, int ranks) {
  const std::size_t most = std::size_t{1} << (c.settings().is_quick ? 28 : 30);
  if (cases_for(c, nccl, {}, ranks, most).empty()) return;  // an earlier run has them all
  ncclUniqueId id{};
  nccl.check(nccl.unique_id(&id), "unique id");
  CaseSchedule schedule(c.settings().is_quick, [&c] { return c.is_out_of_time(); });
  Team(ranks).run([&](Member& me) {
    Room room;
    // Memory first: a member without it must not leave the others waiting for its part of the communicator.
    me.together([&] { room.in = Buffer(most), room.out = Buffer(most); });
    me.together(
        [&] { room.comm = connected(nccl, id, ranks, me.rank(), me.rank(), [&] { me.expect_all(); }); });
    const auto wait = [&](const char* what) { me.wait(what); };
    for (const Collective op : all_collectives)
      me.together([&] { verify(rank_of(nccl, me, room), op, wait); });
    if (!me.is_failed()) schedule.run(me, cases_for(c, nccl, room, ranks, most));
    // What waits for a failed member is ended before memory is freed, which would wait for it.
    if (room.comm) me.is_failed() ? nccl.abort(room.comm) : nccl.destroy(room.comm);
  });
}

}  // namespace

void probe_collectives(ProbeContext& c) {
  int devices = 0;
  check(cudaGetDeviceCount(&devices), "devices");
  devices = std::min(devices, c.settings().most_devices);
  if (devices < 2) throw ProbeError("one device has nobody to talk to");
  if (c.settings().sharers > 1)
    throw ProbeError("other ranks measure on this node's devices at the same time");
  const Nccl nccl;
  const char* nvls = std::getenv("NCCL_NVLS_ENABLE");
  if (nvls && std::string(nvls) == "0")
    c.report().skipped("NVLink multicast (NVLS): switched off by NCCL_NVLS_ENABLE=0");
  std::vector<int> groups;
  for (int ranks = 2; ranks <= devices; ranks *= 2) groups.push_back(ranks);
  for (int ranks = 3; ranks <= devices && !c.settings().is_quick; ++ranks)
    if ((ranks & (ranks - 1)) != 0) groups.push_back(ranks);
  for (const int ranks : groups) {
    if (c.is_out_of_time())
      throw ProbeError("the time was over before " + std::to_string(ranks) + " devices");
    measure_group(c, nccl, ranks);
  }
}

}  // namespace ridge::cuda
