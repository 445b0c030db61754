#include "calibrate/cluster/host_fabric.h"

#include "calibrate/cluster/algorithms.h"

#include <algorithm>
#include <chrono>
#include <random>

namespace ridge {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class HostFabric : public Fabric {
 public:
  HostFabric(std::unique_ptr<Transport> transport, int rank)
      : transport_(std::move(transport)), rank_(rank) {}

  std::string library() const override { return transport_->library(); }

  std::string element_type() const override { return "fp32"; }
  void reset() override { transport_->reset(); }
  void restart(int attempt) override { transport_->restart(attempt); }

  std::vector<std::string> algorithms(Collective op) const override {
    std::vector<std::string> out;
    switch (op) {
      case Collective::all_reduce: out = {"ring", "doubling"}; break;
      case Collective::all_gather:
      case Collective::reduce_scatter: out = {"ring"}; break;
      case Collective::all_to_all: out = {"pairwise"}; break;
      case Collective::broadcast: out = {"tree"}; break;
      case Collective::send_receive: return {"message"};
    }
    if (transport_->has_collectives()) out.emplace_back("library");
    return out;
  }

  void join(const Group& g, const std::string&) override {
    transport_->join(g);
    wait_for_group(*transport_, g);
  }
  void leave(const Group& g) override { transport_->leave(g); }

  void check(const Group& g, Collective op, const std::string& algorithm) override {
    constexpr int most = 8;
    const std::size_t share = 1021, n = share * static_cast<std::size_t>(g.size());
    const auto seed = static_cast<std::uint64_t>(agree(*transport_, g, std::random_device{}()));
    std::vector<float> in(n), out(n, 1e30f);
    for (std::size_t i = 0; i < n; ++i) in[i] = test_element(seed, g.me, i, most);
    run_collective(*transport_, g, op, algorithm, in.data(), out.data(), n);
    const bool has_result = op != Collective::send_receive || g.me == 1;
    const std::size_t filled = op == Collective::reduce_scatter ? share : n;
    const auto held = [&](int m, std::size_t j) {
      return static_cast<double>(test_element(seed, m, j, most));
    };
    for (std::size_t i = 0; has_result && i < filled; ++i)
      if (static_cast<double>(out[i]) != collective_result(op, g.me, g.size(), share, i, held))
        throw ProbeError(std::string(name_of(op)) + " gave a wrong element");
  }

  SampleSummary time(const Group& g, Collective op, const std::string& algorithm, std::size_t bytes,
                     double budget) override {
    const auto members = static_cast<std::size_t>(g.size());
    const std::size_t n = std::max(bytes / sizeof(float) / members, std::size_t{1}) * members;
    std::vector<float> in(n, 1.0f), out(n);
    const auto once = [&] { run_collective(*transport_, g, op, algorithm, in.data(), out.data(), n); };
    return rounds(g, once, budget);
  }

  SampleSummary time_message(int peer, std::size_t bytes, double budget) override {
    const Group g{{rank_, peer}, 0};
    std::vector<char> data(bytes, 1);
    char reply = 0;
    return rounds(
        g,
        [&] {
          transport_->exchange(peer, data.data(), bytes, -1, nullptr, 0);
          transport_->exchange(-1, nullptr, 0, peer, &reply, 1);
        },
        budget);
  }

  void answer(int peer, std::size_t bytes) override {
    const Group g{{peer, rank_}, 1};
    std::vector<char> data(bytes);
    const char reply = 1;
    rounds(
        g,
        [&] {
          transport_->exchange(-1, nullptr, 0, peer, data.data(), bytes);
          transport_->exchange(peer, &reply, 1, -1, nullptr, 0);
        },
        0);
  }

 private:
  /// Rounds of several repetitions between two meetings of the group; how many of each, the first member
  /// decides from two that it timed.
  template <class F> SampleSummary rounds(const Group& g, F once, double budget) {
    once();
    wait_for_group(*transport_, g);
    const double start = now();
    once();
    const double one = std::max(agree(*transport_, g, std::max(now() - start, 1e-7)), 1e-7);
    const double seconds = agree(*transport_, g, budget);
    const auto repetitions = static_cast<int>(std::clamp(seconds / 10 / one, 1.0, 50.0));
    const auto times = static_cast<int>(std::clamp(seconds / (one * repetitions), 5.0, 41.0));
    std::vector<double> samples;
    for (int i = 0; i < times; ++i) {
      wait_for_group(*transport_, g);
      const double begin = now();
      for (int k = 0; k < repetitions; ++k) once();
      samples.push_back((now() - begin) / repetitions);
    }
    return summarise_samples(samples);
  }

  std::unique_ptr<Transport> transport_;
  int rank_;
};

}  // namespace

std::unique_ptr<Fabric> host_fabric(std::unique_ptr<Transport> transport, int rank) {
  return std::make_unique<HostFabric>(std::move(transport), rank);
}

}  // namespace ridge
