#include "calibrate/cuda/nccl_fabric.h"

#include "calibrate/cuda/graph_replay.h"
#include "calibrate/cuda/nccl.h"
#include "calibrate/fit/robust.h"

#include <algorithm>
#include <chrono>
#include <cuda_bf16.h>
#include <map>
#include <optional>
#include <random>
#include <thread>

namespace ridge::cuda {
namespace {

/// Seconds for members to answer: a lost one must not hold the others.
constexpr auto patience = std::chrono::seconds(60);
constexpr auto watch_every = std::chrono::milliseconds(50);

class NcclFabric : public Fabric {
 public:
  NcclFabric(int device, std::size_t most) : device_(device), in_(most), out_(most), word_(64) {
    check(cudaEventCreate(&begin_), "event");
    check(cudaEventCreate(&end_), "event");
    check(cudaMemset(word_.at(), 0, word_.bytes()), "memory");
    check(cudaDeviceSynchronize(), "memory");
  }
  ~NcclFabric() override {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
    for (const auto& [ranks, comm] : comms_) nccl_.destroy(comm);
  }

  std::string library() const override {
    int version = 0;
    nccl_.version(&version);
    return "NCCL " + std::to_string(version);
  }
  std::string element_type() const override { return "bf16"; }
  std::vector<std::string> algorithms(Collective) const override { return {"eager", "graph"}; }

  bool needs_group_id() const override { return true; }
  std::string make_group_id() override {
    ncclUniqueId id;
    nccl_.check(nccl_.unique_id(&id), "unique id");
    return {id.internal, id.internal + sizeof id.internal};
  }
  void join(const Group& g, const std::string& id) override {
    check(cudaSetDevice(device_), "device");
    if (comms_.contains(g.ranks)) return;
    ncclUniqueId made{};
    if (id.size() != sizeof made.internal) throw ProbeError("a communicator's id of the wrong length");
    std::copy_n(id.data(), id.size(), made.internal);
    comms_[g.ranks] = connected(nccl_, made, g.size(), g.me, device_, watch_);
    meet(g);
    wait();
  }
  /// Making a communicator takes seconds: it is kept for the group's next task.
  void leave(const Group&) override {}
  void watch(std::function<void()> f) override { watch_ = std::move(f); }
  /// Ends what waits for a lost rank; an orderly end would wait for it too.
  void reset() override {
    for (const auto& [ranks, comm] : comms_) nccl_.abort(comm);
    comms_.clear();
  }

  void check(const Group& g, Collective op, const std::string&) override {
    const std::size_t share = 1024, n = share * static_cast<std::size_t>(g.size());
    const auto seed = static_cast<std::uint64_t>(agree(g, std::random_device{}()));
    std::vector<__nv_bfloat16> data(n);
    for (std::size_t i = 0; i < n; ++i) data[i] = __float2bfloat16(test_element(seed, g.me, i, 1));
    ridge::cuda::check(cudaMemcpy(in_.at(), data.data(), 2 * n, cudaMemcpyHostToDevice), "copy");
    ridge::cuda::check(cudaMemset(out_.at(), 0xFF, 2 * n), "memory");
    ridge::cuda::check(cudaDeviceSynchronize(), "memory");
    queue(g, op, n);
    wait();
    if (op == Collective::send_receive && g.me != 1) return;
    ridge::cuda::check(cudaMemcpy(data.data(), out_.at(), 2 * n, cudaMemcpyDeviceToHost), "copy");
    const std::size_t filled = op == Collective::reduce_scatter ? share : n;
    const auto held = [&](int m, std::size_t j) { return static_cast<double>(test_element(seed, m, j, 1)); };
    for (std::size_t i = 0; i < filled; ++i)
      if (static_cast<double>(__bfloat162float(data[i])) !=
          collective_result(op, g.me, g.size(), share, i, held))
        throw ProbeError(std::string(name_of(op)) + " gave a wrong element");
  }

  SampleSummary time(const Group& g, Collective op, const std::string& algorithm, std::size_t bytes,
                     double budget) override {
    const auto members = static_cast<std::size_t>(g.size());
    const std::size_t n = std::max(bytes / 2 / members, std::size_t{1}) * members;
    if (2 * n > in_.bytes()) throw ProbeError("a message larger than its buffer");
    return rounds(
        g, [&] { queue(g, op, n); }, budget, algorithm == "graph");
  }

  SampleSummary time_message(int peer, std::size_t bytes, double budget) override {
    return message(peer, bytes, budget, true);
  }
  void answer(int peer, std::size_t bytes) override { message(peer, bytes, 0, false); }

 private:
  using Ranks = std::vector<int>;
  static void check(cudaError_t e, const char* what) { ridge::cuda::check(e, what); }

  ncclComm_t comm(const Group& g) const {
    const auto it = comms_.find(g.ranks);
    if (it == comms_.end()) throw ProbeError("a group that nobody joined");
    return it->second;
  }

  void queue(const Group& g, Collective op, std::size_t n) const {
    const ncclComm_t c = comm(g);
    const std::size_t share = n / static_cast<std::size_t>(g.size());
    auto *in = in_.as<char>(), *out = out_.as<char>();
    ncclResult_t r = ncclSuccess;
    switch (op) {
      case Collective::all_reduce: r = nccl_.all_reduce(in, out, n, ncclBfloat16, ncclSum, c, stream_); break;
      case Collective::all_gather: r = nccl_.all_gather(in, out, share, ncclBfloat16, c, stream_); break;
      case Collective::reduce_scatter:
        r = nccl_.reduce_scatter(in, out, share, ncclBfloat16, ncclSum, c, stream_);
        break;
      case Collective::broadcast: r = nccl_.broadcast(in, out, n, ncclBfloat16, 0, c, stream_); break;
      case Collective::all_to_all:
        nccl_.group_start();
        for (int peer = 0; peer < g.size(); ++peer) {
          const std::size_t at = 2 * static_cast<std::size_t>(peer) * share;
          nccl_.send(in + at, share, ncclBfloat16, peer, c, stream_);
          nccl_.receive(out + at, share, ncclBfloat16, peer, c, stream_);
        }
        r = nccl_.group_end();
        break;
      case Collective::send_receive:
        if (g.me == 0) r = nccl_.send(in, n, ncclBfloat16, 1, c, stream_);
        if (g.me == 1) r = nccl_.receive(out, n, ncclBfloat16, 0, c, stream_);
        break;
    }
    nccl_.check(r, name_of(op));
  }

  void wait() const {
    const auto begin = std::chrono::steady_clock::now();
    auto asked = begin;
    for (cudaError_t e; (e = cudaStreamQuery(stream_)) != cudaSuccess;) {
      if (e != cudaErrorNotReady) check(e, "waiting for the device");
      const auto now = std::chrono::steady_clock::now();
      if (now > begin + patience) throw ProbeError("the other members of the group did not answer");
      if (now > asked + watch_every && watch_) asked = now, watch_();
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }

  /// A small all-reduce: no rank's stream is beyond it before all came to it.
  void meet(const Group& g) const {
    nccl_.check(nccl_.all_reduce(word_.at(), word_.at(), 1, ncclFloat, ncclSum, comm(g), stream_), "meeting");
  }

  /// The first member's value, at all members.
  double agree(const Group& g, double value) const {
    check(cudaMemcpy(word_.at(32), &value, sizeof value, cudaMemcpyHostToDevice), "copy");
    nccl_.check(nccl_.broadcast(word_.at(32), word_.at(32), sizeof value, ncclChar, 0, comm(g), stream_),
                "agreeing");
    wait();
    check(cudaMemcpy(&value, word_.at(32), sizeof value, cudaMemcpyDeviceToHost), "copy");
    return value;
  }

  /// The stream is held until everything is queued, so that the host's launching is not in the time.
  template <class F> double timed(const Group& g, F work) const {
    const HeldStream held(flag_, stream_);
    meet(g);
    check(cudaEventRecord(begin_, stream_), "event");
    work();
    check(cudaEventRecord(end_, stream_), "event");
    held.release();
    wait();
    float ms = 0;
    check(cudaEventElapsedTime(&ms, begin_, end_), "event");
    return 1e-3 * static_cast<double>(ms);
  }

  template <class F> SampleSummary rounds(const Group& g, F once, double budget, bool is_graph) const {
    once();
    const double one = agree(g, std::max(timed(g, once), 1e-6));
    const double seconds = agree(g, budget);
    const auto repetitions = static_cast<int>(std::clamp(seconds / 10 / one, 1.0, 20.0));
    const auto times = static_cast<int>(std::clamp(seconds / (one * repetitions), 5.0, 41.0));
    std::optional<GraphReplay> graph;
    if (is_graph) {
      graph.emplace([&](int) { once(); }, repetitions, stream_);
      graph->queue();
      wait();
    }
    const auto all = [&] {
      if (graph) return graph->queue();
      for (int i = 0; i < repetitions; ++i) once();
    };
    std::vector<double> samples;
    for (int i = 0; i < times; ++i) samples.push_back(timed(g, all) / repetitions);
    return summarise_samples(samples);
  }

  SampleSummary message(int peer, std::size_t bytes, double budget, bool is_first) {
    const auto joined = std::ranges::find_if(comms_, [&](const auto& c) {
      return c.first.size() == 2 && std::ranges::find(c.first, peer) != c.first.end();
    });
    if (joined == comms_.end()) throw ProbeError("no communicator with the peer");
    // The one who sends counts as first, whatever the communicator's order.
    Group g{joined->first, 0};
    const int other = g.ranks[0] == peer ? 0 : 1;
    g.me = 1 - other;
    const ncclComm_t c = joined->second;
    const auto once = [&] {
      if (is_first) {
        nccl_.check(nccl_.send(in_.at(), bytes, ncclChar, other, c, stream_), "sending");
        nccl_.check(nccl_.receive(word_.at(16), 1, ncclChar, other, c, stream_), "receiving");
      } else {
        nccl_.check(nccl_.receive(out_.at(), bytes, ncclChar, other, c, stream_), "receiving");
        nccl_.check(nccl_.send(word_.at(16), 1, ncclChar, other, c, stream_), "sending");
      }
    };
    // Both sides have to count alike: rounds() takes the numbers of the communicator's first rank.
    return rounds(g, once, std::max(budget, least_budget), false);
  }

  static constexpr double least_budget = 3e-3;

  int device_;
  Nccl nccl_;
  WorkStream stream_;
  Buffer in_, out_, word_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  HoldFlag flag_;
  std::function<void()> watch_;
  std::map<Ranks, ncclComm_t> comms_;
};

}  // namespace

std::unique_ptr<Fabric> nccl_fabric(int device, bool is_quick, std::string& why_not) {
  try {
    check(cudaSetDevice(device), "device");
    return std::make_unique<NcclFabric>(device, std::size_t{1} << (is_quick ? 24 : 26));
  } catch (const ProbeError& e) {
    why_not = e.what();
    return nullptr;
  }
}

}  // namespace ridge::cuda
