#include "calibrate/cluster/algorithms.h"

#include <algorithm>
#include <vector>

namespace ridge {
namespace {

class Ranks {
 public:
  Ranks(Transport& t, const Group& g) : transport_(t), group_(g) {}
  int size() const { return group_.size(); }
  int me() const { return group_.me; }
  /// Members by index; -1: nobody.
  void exchange(int to, const float* out, std::size_t out_floats, int from, float* in,
                std::size_t in_floats) {
    const auto rank = [&](int member) {
      return member < 0 ? -1 : group_.ranks[static_cast<std::size_t>(member)];
    };
    transport_.exchange(rank(to), out, out_floats * sizeof(float), rank(from), in, in_floats * sizeof(float));
  }

 private:
  Transport& transport_;
  const Group& group_;
};

void add(float* to, const float* from, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) to[i] += from[i];
}

/// Share `s` of the buffer travels round; each rank ends with all shares.
void ring_gather(Ranks& r, float* buffer, std::size_t share) {
  const int n = r.size(), right = (r.me() + 1) % n, left = (r.me() + n - 1) % n;
  for (int step = 0; step + 1 < n; ++step) {
    const auto out = static_cast<std::size_t>((r.me() - step + n) % n) * share;
    const auto in = static_cast<std::size_t>((r.me() - step - 1 + n) % n) * share;
    r.exchange(right, buffer + out, share, left, buffer + in, share);
  }
}

/// Leaves the sum of share `me` in buffer + me * share; the rest of the buffer is partial sums.
void ring_reduce(Ranks& r, float* buffer, std::size_t share) {
  const int n = r.size(), right = (r.me() + 1) % n, left = (r.me() + n - 1) % n;
  std::vector<float> arrived(share);
  for (int step = 0; step + 1 < n; ++step) {
    const auto out = static_cast<std::size_t>((r.me() - step - 1 + 2 * n) % n) * share;
    const auto in = static_cast<std::size_t>((r.me() - step - 2 + 2 * n) % n) * share;
    r.exchange(right, buffer + out, share, left, arrived.data(), share);
    add(buffer + in, arrived.data(), share);
  }
}

void doubling_reduce(Ranks& r, float* buffer, std::size_t n) {
  int power = 1;
  while (2 * power <= r.size()) power *= 2;
  const int beyond = r.size() - power, me = r.me();
  std::vector<float> arrived(n);
  if (me >= power) {
    r.exchange(me - power, buffer, n, -1, nullptr, 0);
  } else {
    if (me < beyond) {
      r.exchange(-1, nullptr, 0, me + power, arrived.data(), n);
      add(buffer, arrived.data(), n);
    }
    for (int distance = 1; distance < power; distance *= 2) {
      r.exchange(me ^ distance, buffer, n, me ^ distance, arrived.data(), n);
      add(buffer, arrived.data(), n);
    }
  }
  if (me >= power) r.exchange(-1, nullptr, 0, me - power, buffer, n);
  else if (me < beyond) r.exchange(me + power, buffer, n, -1, nullptr, 0);
}

void tree_broadcast(Ranks& r, float* buffer, std::size_t n) {
  const int me = r.me();
  int distance = 1;
  while (distance <= me) distance *= 2;  // I get it in the step that reaches me
  if (me > 0) r.exchange(-1, nullptr, 0, me - distance / 2, buffer, n);
  for (int d = me == 0 ? 1 : distance; me + d < r.size(); d *= 2)
    r.exchange(me + d, buffer, n, -1, nullptr, 0);
}

void pairwise(Ranks& r, const float* in, float* out, std::size_t share) {
  const int n = r.size();
  const auto at = [&](int member) { return static_cast<std::size_t>(member) * share; };
  std::copy_n(in + at(r.me()), share, out + at(r.me()));
  for (int step = 1; step < n; ++step) {
    const int to = (r.me() + step) % n, from = (r.me() - step + n) % n;
    r.exchange(to, in + at(to), share, from, out + at(from), share);
  }
}

}  // namespace

void run_collective(Transport& t, const Group& g, Collective op, const std::string& algorithm,
                    const float* in, float* out, std::size_t n) {
  if (algorithm == "library") return t.collective(g, op, in, out, n);
  Ranks r(t, g);
  const std::size_t share = n / static_cast<std::size_t>(g.size()),
                    mine = static_cast<std::size_t>(g.me) * share;
  switch (op) {
    case Collective::all_reduce:
      std::copy_n(in, n, out);
      if (algorithm == "doubling") return doubling_reduce(r, out, n);
      ring_reduce(r, out, share);
      return ring_gather(r, out, share);
    case Collective::all_gather: std::copy_n(in, share, out + mine); return ring_gather(r, out, share);
    case Collective::reduce_scatter: {
      std::vector<float> sums(in, in + n);
      ring_reduce(r, sums.data(), share);
      std::copy_n(sums.data() + mine, share, out);
      return;
    }
    case Collective::all_to_all: return pairwise(r, in, out, share);
    case Collective::broadcast:
      if (g.me == 0) std::copy_n(in, n, out);
      return tree_broadcast(r, out, n);
    case Collective::send_receive:
      if (g.me == 0) r.exchange(1, in, n, -1, nullptr, 0);
      if (g.me == 1) r.exchange(-1, nullptr, 0, 0, out, n);
      return;
  }
}

void wait_for_group(Transport& t, const Group& g) {
  const char token = 1;
  char got = 0;
  for (int distance = 1; distance < g.size(); distance *= 2) {
    const int to = g.ranks[static_cast<std::size_t>((g.me + distance) % g.size())];
    const int from = g.ranks[static_cast<std::size_t>((g.me - distance + g.size()) % g.size())];
    t.exchange(to, &token, 1, from, &got, 1);
  }
}

double agree(Transport& t, const Group& g, double value) {
  Ranks r(t, g);
  float bits[2];
  static_assert(sizeof bits == sizeof value);
  std::copy_n(reinterpret_cast<const char*>(&value), sizeof value, reinterpret_cast<char*>(bits));
  tree_broadcast(r, bits, 2);
  std::copy_n(reinterpret_cast<const char*>(bits), sizeof value, reinterpret_cast<char*>(&value));
  return value;
}

}  // namespace ridge
