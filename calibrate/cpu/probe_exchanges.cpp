// Collectives between the cores of this host through shared memory: each core is a rank with buffers of its
// own, and copies or adds what it needs straight from the others' buffers.

#include "calibrate/cpu/context.h"
#include "calibrate/measure/collective.h"

#include <algorithm>
#include <memory>
#include <string>

namespace ridge::cpu {
namespace {

/// Buffers of n ranks of `floats` each; a collective counts the whole buffer, as nccl-tests does.
class Exchange {
 public:
  Exchange(Context& c, int ranks, std::size_t floats)
      : kernels_(c.kernels()), ranks_(ranks), barrier_(ranks) {
    for (int r = 0; r < ranks; ++r) {
      in_.emplace_back(floats * sizeof(float));
      out_.emplace_back(floats * sizeof(float));
    }
  }
  float* in(int rank) const { return in_[static_cast<std::size_t>(rank)].as<float>(); }
  float* out(int rank) const { return out_[static_cast<std::size_t>(rank)].as<float>(); }

  /// One rank's side; all ranks call it with the same op and n, a multiple of the ranks.
  void run(Collective op, int rank, std::size_t n) {
    const std::size_t share = n / static_cast<std::size_t>(ranks_),
                      mine = static_cast<std::size_t>(rank) * share;
    barrier_.wait();
    switch (op) {
      case Collective::all_reduce:
        reduce(out(rank) + mine, mine, share);
        barrier_.wait();
        gather(rank, share, [&](int peer) { return out(peer) + static_cast<std::size_t>(peer) * share; });
        break;
      case Collective::reduce_scatter: reduce(out(rank), mine, share); break;
      case Collective::all_gather: gather(rank, share, [&](int peer) { return in(peer); }); break;
      case Collective::all_to_all: gather(rank, share, [&](int peer) { return in(peer) + mine; }); break;
      case Collective::broadcast: copy(out(rank), in(0), n); break;
      case Collective::send_receive:
        if (rank == 1) copy(out(1), in(0), n);
        break;
    }
    barrier_.wait();
  }

 private:
  static void copy(float* to, const float* from, std::size_t n) {
    if (to != from) std::copy_n(from, n, to);
  }
  void reduce(float* to, std::size_t at, std::size_t n) const {
    copy(to, in(0) + at, n);
    for (int peer = 1; peer < ranks_; ++peer) kernels_.accumulate(to, in(peer) + at, n);
  }
  template <class From> void gather(int rank, std::size_t share, From from) const {
    for (int i = 0; i < ranks_; ++i) {  // each starts at another peer
      const int peer = (rank + i) % ranks_;
      copy(out(rank) + static_cast<std::size_t>(peer) * share, from(peer), share);
    }
  }

  const Kernels& kernels_;
  int ranks_;
  SpinBarrier barrier_;
  std::vector<Buffer> in_, out_;
};

void check_exchange(Context& c, int ranks, Collective op) {
  const std::size_t share = 1021, n = share * static_cast<std::size_t>(ranks);
  Exchange x(c, ranks, n);
  for (int r = 0; r < ranks; ++r) c.fill_random(x.in(r), n);
  c.team().run([&](int t) {
    if (t < ranks) x.run(op, t, n);
  });
  for (int r = 0; r < ranks; ++r) {
    if (op == Collective::send_receive && r != 1) continue;
    const std::size_t filled = op == Collective::reduce_scatter ? share : n;
    const auto held = [&](int m, std::size_t j) { return static_cast<double>(x.in(m)[j]); };
    std::vector<double> want;
    for (std::size_t i = 0; i < filled; ++i) want.push_back(collective_result(op, r, ranks, share, i, held));
    expect_near(std::span(x.out(r), filled), want, 1e-6, name_of(op));
  }
}

Timing time_exchange(Context& c, Exchange& x, Collective op, int ranks, std::size_t bytes) {
  const auto all = static_cast<std::size_t>(ranks);
  const std::size_t n = std::max(bytes / sizeof(float) / all, std::size_t{1}) * all;
  const auto rounds = static_cast<int>(std::clamp(4e5 / static_cast<double>(bytes), 1.0, 50.0));
  Timing t = c.time([&](int) {
    c.team().run([&](int rank) {
      for (int i = 0; rank < ranks && i < rounds; ++i) x.run(op, rank, n);
    });
  });
  for (Seconds* s : {&t.seconds.median, &t.seconds.low, &t.seconds.high}) *s /= rounds;
  return t;
}

}  // namespace

void probe_exchanges(Context& c) {
  if (c.team().size() < 2) throw ProbeError("one core has nobody to talk to");
  const std::size_t most = c.is_quick() ? std::size_t{1} << 24 : std::size_t{1} << 26;
  for (int ranks = 2; ranks <= c.team().size(); ranks *= 2) {
    for (const Collective op : all_collectives) check_exchange(c, ranks, op);
    const auto x =
        std::make_shared<Exchange>(c, ranks, most / sizeof(float) + static_cast<std::size_t>(ranks));
    for (int r = 0; r < ranks; ++r) c.fill_random(x->in(r), most / sizeof(float));
    std::vector<Point> points;
    for (std::size_t bytes = 1024; bytes <= most; bytes *= 2)
      for (const Collective op : all_collectives) {
        if (op == Collective::send_receive && ranks != 2) continue;
        Measurement m{.family = name_of(op), .sizes = {{"bytes", static_cast<double>(bytes)}}};
        m.variant = std::to_string(ranks) + " cores, fp32, shared memory";
        m.library = "ridge";
        points.push_back({m, [&c, x, op, ranks, bytes] { return time_exchange(c, *x, op, ranks, bytes); }});
      }
    c.runner().run("exchanges of " + std::to_string(ranks) + " cores", std::move(points));
  }
}

}  // namespace ridge::cpu
