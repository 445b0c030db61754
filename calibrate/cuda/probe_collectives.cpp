// NCCL's collectives over 2 .. all devices of this node: one thread a device, captured graphs and plain
// launches; the time of a collective is that of the slowest rank.

#include "calibrate/cuda/context.h"

#include <barrier>
#include <cmath>
#include <cstdlib>
#include <cuda_bf16.h>
#include <memory>
#include <mutex>
#include <nccl.h>
#include <optional>
#include <thread>

namespace ridge::cuda {
namespace {

struct Nccl {
  SharedLibrary file{"libnccl.so.2", "libnccl.so"};
  decltype(&ncclGetVersion) version;
  decltype(&ncclGetUniqueId) unique_id;
  decltype(&ncclCommInitRank) init;
  decltype(&ncclCommDestroy) destroy;
  decltype(&ncclAllReduce) all_reduce;
  decltype(&ncclAllGather) all_gather;
  decltype(&ncclReduceScatter) reduce_scatter;
  decltype(&ncclBroadcast) broadcast;
  decltype(&ncclSend) send;
  decltype(&ncclRecv) receive;
  decltype(&ncclGroupStart) group_start;
  decltype(&ncclGroupEnd) group_end;
  decltype(&ncclGetErrorString) error;

  Nccl() {
    file.get(version, "ncclGetVersion");
    file.get(unique_id, "ncclGetUniqueId");
    file.get(init, "ncclCommInitRank");
    file.get(destroy, "ncclCommDestroy");
    file.get(all_reduce, "ncclAllReduce");
    file.get(all_gather, "ncclAllGather");
    file.get(reduce_scatter, "ncclReduceScatter");
    file.get(broadcast, "ncclBroadcast");
    file.get(send, "ncclSend");
    file.get(receive, "ncclRecv");
    file.get(group_start, "ncclGroupStart");
    file.get(group_end, "ncclGroupEnd");
    file.get(error, "ncclGetErrorString");
  }
  void check(ncclResult_t r, const char* what) const {
    if (r != ncclSuccess) throw ProbeError(std::string(what) + ": " + error(r));
  }
};

enum class Op { all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, send_receive };
constexpr const char* op_names[] = {"all_reduce", "all_gather", "reduce_scatter",
                                    "all_to_all", "broadcast",  "sendrecv"};
constexpr Op all_ops[] = {Op::all_reduce, Op::all_gather, Op::reduce_scatter,
                          Op::all_to_all, Op::broadcast,  Op::send_receive};

/// One rank's side of a collective of `elements` bf16 (of the whole buffer, as nccl-tests counts).
struct Rank {
  const Nccl& nccl;
  ncclComm_t comm;
  int rank, ranks;
  cudaStream_t stream;
  char *in, *out;

  void queue(Op op, std::size_t elements) const {
    const std::size_t share = elements / static_cast<std::size_t>(ranks);
    ncclResult_t r = ncclSuccess;
    switch (op) {
      case Op::all_reduce: r = nccl.all_reduce(in, out, elements, ncclBfloat16, ncclSum, comm, stream); break;
      case Op::all_gather: r = nccl.all_gather(in, out, share, ncclBfloat16, comm, stream); break;
      case Op::reduce_scatter:
        r = nccl.reduce_scatter(in, out, share, ncclBfloat16, ncclSum, comm, stream);
        break;
      case Op::broadcast: r = nccl.broadcast(in, out, elements, ncclBfloat16, 0, comm, stream); break;
      case Op::all_to_all:
        nccl.group_start();
        for (int peer = 0; peer < ranks; ++peer) {
          const std::size_t at = static_cast<std::size_t>(peer) * share * 2;
          nccl.send(in + at, share, ncclBfloat16, peer, comm, stream);
          nccl.receive(out + at, share, ncclBfloat16, peer, comm, stream);
        }
        r = nccl.group_end();
        break;
      case Op::send_receive:
        if (rank == 0) r = nccl.send(in, elements, ncclBfloat16, 1, comm, stream);
        if (rank == 1) r = nccl.receive(out, elements, ncclBfloat16, 0, comm, stream);
        break;
    }
    nccl.check(r, op_names[static_cast<int>(op)]);
  }
};

/// What rank `r` holds at element i: small whole numbers, whose sums over 8 ranks are exact in bf16.
float content(int r, std::size_t i) {
  return static_cast<float>((i * 7 + static_cast<std::size_t>(r) * 13) % 17) - 8;
}

float expected(Op op, int rank, int ranks, std::size_t share, std::size_t i) {
  float sum = 0;
  const std::size_t mine = static_cast<std::size_t>(rank) * share;
  switch (op) {
    case Op::all_reduce:
      for (int r = 0; r < ranks; ++r) sum += content(r, i);
      return sum;
    case Op::reduce_scatter:
      for (int r = 0; r < ranks; ++r) sum += content(r, mine + i);
      return sum;
    case Op::all_gather: return content(static_cast<int>(i / share), i % share);
    case Op::all_to_all: return content(static_cast<int>(i / share), mine + i % share);
    case Op::broadcast: return content(0, i);
    case Op::send_receive: return content(0, i);
  }
  return 0;
}

/// All ranks of one communicator size, each in its own thread.
class Team {
 public:
  Team(ProbeContext& c, const Nccl& nccl, int ranks)
      : c_(c), nccl_(nccl), ranks_(ranks), barrier_(ranks), seconds_(static_cast<std::size_t>(ranks)) {
    nccl.check(nccl.unique_id(&id_), "unique id");
  }

  void run() {
    std::vector<std::thread> threads;
    for (int r = 0; r < ranks_; ++r) threads.emplace_back([this, r] { guarded(r); });
    for (std::thread& t : threads) t.join();
    if (!failure_.empty()) throw ProbeError(failure_);
  }

 private:
  void fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = why;
    is_failed_ = true;
  }

  /// A rank that fails keeps meeting the others at the barriers, or they would wait for ever.
  template <class F> void together(F f) {
    if (!is_failed_) {
      try {
        f();
      } catch (const ProbeError& e) { fail(e.what()); }
    }
    barrier_.arrive_and_wait();
  }

  void guarded(int rank) {
    std::optional<WorkStream> stream;
    Buffer in, out;
    ncclComm_t comm = nullptr;
    const std::size_t most = std::size_t{1} << (c_.settings().is_quick ? 28 : 30);
    together([&] {
      check(cudaSetDevice(rank), "device");
      stream.emplace();
      in = Buffer(most), out = Buffer(most);
      nccl_.check(nccl_.init(&comm, ranks_, id_, rank), "communicator");
    });
    if (is_failed_) return;
    const Rank me{nccl_, comm, rank, ranks_, *stream, in.as<char>(), out.as<char>()};
    for (const Op op : all_ops) together([&] { verify(me, op); });
    for (std::size_t bytes = 1024; bytes <= most; bytes *= c_.settings().is_quick ? 4 : 2)
      for (const Op op : all_ops) {
        if (op == Op::send_receive && ranks_ != 2) continue;
        time_one(me, op, bytes, false);
        if (bytes <= (std::size_t{4} << 20)) time_one(me, op, bytes, true);
      }
    if (comm) nccl_.destroy(comm);
  }

  void verify(const Rank& me, Op op) {
    constexpr std::size_t elements = 3 * 8 * 1024;
    const std::size_t share = elements / static_cast<std::size_t>(ranks_);
    std::vector<__nv_bfloat16> data(elements);
    for (std::size_t i = 0; i < elements; ++i) data[i] = __float2bfloat16(content(me.rank, i));
    check(cudaMemcpy(me.in, data.data(), elements * 2, cudaMemcpyHostToDevice), "copy");
    check(cudaMemset(me.out, 0xFF, elements * 2), "memory");
    check(cudaDeviceSynchronize(), "memory");
    me.queue(op, elements);
    check(cudaStreamSynchronize(me.stream), op_names[static_cast<int>(op)]);
    if (op == Op::send_receive && me.rank != 1) return;
    check(cudaMemcpy(data.data(), me.out, elements * 2, cudaMemcpyDeviceToHost), "copy");
    const std::size_t filled = op == Op::reduce_scatter ? share : elements;
    for (std::size_t i = 0; i < filled; ++i)
      if (__bfloat162float(data[i]) != expected(op, me.rank, ranks_, share, i))
        throw ProbeError(std::string(op_names[static_cast<int>(op)]) + " gave a wrong element");
  }

  /// Rounds of `inner` collectives between two events on every rank; a round's time is the slowest rank's.
  void time_one(const Rank& me, Op op, std::size_t bytes, bool is_graph) {
    const auto elements = std::max(bytes / 2, static_cast<std::size_t>(ranks_));
    const int inner = is_graph ? 20 : bytes >= (std::size_t{64} << 20) ? 4 : 20;
    const int rounds = bytes >= (std::size_t{64} << 20) ? 7 : 41;
    cudaEvent_t begin = nullptr, end = nullptr;
    cudaGraphExec_t exec = nullptr;
    together([&] {
      check(cudaEventCreate(&begin), "event");
      check(cudaEventCreate(&end), "event");
      for (int i = 0; i < 2; ++i) me.queue(op, elements);
      check(cudaStreamSynchronize(me.stream), "warming up");
      if (is_graph) exec = captured(me, op, elements, inner);
    });
    std::vector<double> samples;
    for (int round = 0; round < rounds && !is_failed_; ++round) {
      together([&] {
        check(cudaEventRecord(begin, me.stream), "event");
        if (exec) check(cudaGraphLaunch(exec, me.stream), "replaying");
        else
          for (int i = 0; i < inner; ++i) me.queue(op, elements);
        check(cudaEventRecord(end, me.stream), "event");
        check(cudaStreamSynchronize(me.stream), "timing");
        float ms = 0;
        check(cudaEventElapsedTime(&ms, begin, end), "event");
        seconds_[static_cast<std::size_t>(me.rank)] = 1e-3 * static_cast<double>(ms) / inner;
      });
      if (me.rank == 0) samples.push_back(*std::max_element(seconds_.begin(), seconds_.end()));
      barrier_.arrive_and_wait();
    }
    if (begin) cudaEventDestroy(begin);
    if (end) cudaEventDestroy(end);
    if (exec) cudaGraphExecDestroy(exec);
    if (me.rank == 0 && !is_failed_) emit(op, bytes, is_graph, samples);
  }

  static cudaGraphExec_t captured(const Rank& me, Op op, std::size_t elements, int inner) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t exec = nullptr;
    check(cudaStreamBeginCapture(me.stream, cudaStreamCaptureModeThreadLocal), "capturing");
    for (int i = 0; i < inner; ++i) me.queue(op, elements);
    check(cudaStreamEndCapture(me.stream, &graph), "capturing");
    const cudaError_t made = cudaGraphInstantiate(&exec, graph, 0);
    cudaGraphDestroy(graph);
    check(made, "instantiating");
    check(cudaGraphLaunch(exec, me.stream), "replaying");
    check(cudaStreamSynchronize(me.stream), "replaying");
    return exec;
  }

  void emit(Op op, std::size_t bytes, bool is_graph, const std::vector<double>& samples) {
    int version = 0;
    nccl_.version(&version);
    Measurement m{.family = op_names[static_cast<int>(op)], .sizes = {{"bytes", static_cast<double>(bytes)}}};
    m.variant = std::to_string(ranks_) + " devices, bf16, " + (is_graph ? "graph" : "eager");
    m.library = "NCCL " + std::to_string(version);
    c_.emit(m, {summarise_samples(samples), 0});
  }

  ProbeContext& c_;
  const Nccl& nccl_;
  int ranks_;
  std::barrier<> barrier_;
  ncclUniqueId id_{};
  std::vector<double> seconds_;
  std::mutex mutex_;
  std::atomic<bool> is_failed_ = false;
  std::string failure_;
};

}  // namespace

void probe_collectives(ProbeContext& c) {
  int devices = 0;
  check(cudaGetDeviceCount(&devices), "devices");
  devices = std::min(devices, c.settings().most_devices);
  if (devices < 2) throw ProbeError("one device has nobody to talk to");
  const Nccl nccl;
  const char* nvls = std::getenv("NCCL_NVLS_ENABLE");
  if (nvls && std::string(nvls) == "0")
    c.report().skipped("NVLink multicast (NVLS): switched off by NCCL_NVLS_ENABLE=0");
  for (int ranks = 2; ranks <= devices; ranks *= 2) {
    if (c.is_out_of_time())
      throw ProbeError("the time was over before " + std::to_string(ranks) + " devices");
    Team(c, nccl, ranks).run();
  }
  check(cudaSetDevice(0), "device");
}

}  // namespace ridge::cuda
