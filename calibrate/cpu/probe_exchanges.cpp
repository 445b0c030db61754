// Collectives between the cores of this host through shared memory: each core is a rank with buffers of its
// own, and copies or adds what it needs straight from the others' buffers.

#include "calibrate/cpu/context.h"

#include <algorithm>
#include <memory>
#include <string>

namespace ridge::cpu {
namespace {

enum class Op { all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, send_receive };
constexpr const char* op_names[] = {"all_reduce", "all_gather", "reduce_scatter",
                                    "all_to_all", "broadcast",  "sendrecv"};
constexpr Op all_ops[] = {Op::all_reduce, Op::all_gather, Op::reduce_scatter,
                          Op::all_to_all, Op::broadcast,  Op::send_receive};

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
  void run(Op op, int rank, std::size_t n) {
    const std::size_t share = n / static_cast<std::size_t>(ranks_),
                      mine = static_cast<std::size_t>(rank) * share;
    barrier_.wait();
    switch (op) {
      case Op::all_reduce:
        reduce(out(rank) + mine, mine, share);
        barrier_.wait();
        gather(rank, share, [&](int peer) { return out(peer) + static_cast<std::size_t>(peer) * share; });
        break;
      case Op::reduce_scatter: reduce(out(rank), mine, share); break;
      case Op::all_gather: gather(rank, share, [&](int peer) { return in(peer); }); break;
      case Op::all_to_all: gather(rank, share, [&](int peer) { return in(peer) + mine; }); break;
      case Op::broadcast: copy(out(rank), in(0), n); break;
      case Op::send_receive:
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

double expected(const Exchange& x, Op op, int rank, int ranks, std::size_t share, std::size_t i) {
  const std::size_t mine = static_cast<std::size_t>(rank) * share;
  const auto at = [&](int r, std::size_t j) { return static_cast<double>(x.in(r)[j]); };
  double sum = 0;
  switch (op) {
    case Op::all_reduce:
      for (int r = 0; r < ranks; ++r) sum += at(r, i);
      return sum;
    case Op::reduce_scatter:
      for (int r = 0; r < ranks; ++r) sum += at(r, mine + i);
      return sum;
    case Op::all_gather: return at(static_cast<int>(i / share), i % share);
    case Op::all_to_all: return at(static_cast<int>(i / share), mine + i % share);
    case Op::broadcast:
    case Op::send_receive: return at(0, i);
  }
  return 0;
}

void check_exchange(Context& c, int ranks, Op op) {
  const std::size_t share = 1021, n = share * static_cast<std::size_t>(ranks);
  Exchange x(c, ranks, n);
  for (int r = 0; r < ranks; ++r) c.fill_random(x.in(r), n);
  c.team().run([&](int t) {
    if (t < ranks) x.run(op, t, n);
  });
  for (int r = 0; r < ranks; ++r) {
    if (op == Op::send_receive && r != 1) continue;
    const std::size_t filled = op == Op::reduce_scatter ? share : n;
    std::vector<double> want;
    for (std::size_t i = 0; i < filled; ++i) want.push_back(expected(x, op, r, ranks, share, i));
    expect_near(std::span(x.out(r), filled), want, 1e-6, op_names[static_cast<int>(op)]);
  }
}

Timing time_exchange(Context& c, Exchange& x, Op op, int ranks, std::size_t bytes) {
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
    for (const Op op : all_ops) check_exchange(c, ranks, op);
    const auto x =
        std::make_shared<Exchange>(c, ranks, most / sizeof(float) + static_cast<std::size_t>(ranks));
    for (int r = 0; r < ranks; ++r) c.fill_random(x->in(r), most / sizeof(float));
    std::vector<Point> points;
    for (std::size_t bytes = 1024; bytes <= most; bytes *= 2)
      for (const Op op : all_ops) {
        if (op == Op::send_receive && ranks != 2) continue;
        Measurement m{.family = op_names[static_cast<int>(op)],
                      .sizes = {{"bytes", static_cast<double>(bytes)}}};
        m.variant = std::to_string(ranks) + " cores, fp32, shared memory";
        m.library = "ridge";
        points.push_back({m, [&c, x, op, ranks, bytes] { return time_exchange(c, *x, op, ranks, bytes); }});
      }
    c.runner().run("exchanges of " + std::to_string(ranks) + " cores", std::move(points));
  }
}

}  // namespace ridge::cpu
