#pragma once
/// The collectives that are measured, what each must give, and data that tells.
///
///   all_reduce      sum over members of element i            all_gather   element i mod share of member i / share
///   reduce_scatter  sum of element me · share + i            all_to_all   element me · share + i mod share of
///   broadcast       element i of the first member                         member i / share
///   sendrecv        element i of the member before
///
///   share   elements / members.  Names are those of nccl-tests.

#include <cstddef>
#include <cstdint>

namespace ridge {

enum class Collective { all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, send_receive };
inline constexpr Collective all_collectives[] = {Collective::all_reduce,     Collective::all_gather,
                                                 Collective::reduce_scatter, Collective::all_to_all,
                                                 Collective::broadcast,      Collective::send_receive};
constexpr const char* name_of(Collective op) {
  constexpr const char* names[] = {"all_reduce", "all_gather", "reduce_scatter",
                                   "all_to_all", "broadcast",  "sendrecv"};
  return names[static_cast<int>(op)];
}

/// What member m holds at element i: a whole number of [-most, most], the same wherever it is computed, different with
/// every seed.  With `most` of 8 sums over 8 members are exact in bf16, with 1 over 256; in fp32 all are.
constexpr float test_element(std::uint64_t seed, int m, std::size_t i, int most) {
  std::uint64_t x = seed + 0x9e3779b97f4a7c15u * (i + 1000003u * static_cast<std::uint64_t>(m + 1));
  x ^= x >> 31;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 29;
  return static_cast<float>(static_cast<int>(x % static_cast<std::uint64_t>(2 * most + 1)) - most);
}

/// Element i of what member `me` gets; held(m, j): what member m held at element j, in double precision.
template <class Held>
double collective_result(Collective op, int me, int members, std::size_t share, std::size_t i, Held held) {
  const std::size_t mine = static_cast<std::size_t>(me) * share;
  const auto sum = [&](std::size_t at) {
    double all = 0;
    for (int m = 0; m < members; ++m) all += held(m, at);
    return all;
  };
  switch (op) {
    case Collective::all_reduce: return sum(i);
    case Collective::reduce_scatter: return sum(mine + i);
    case Collective::all_gather: return held(static_cast<int>(i / share), i % share);
    case Collective::all_to_all: return held(static_cast<int>(i / share), mine + i % share);
    case Collective::broadcast: return held(0, i);
    case Collective::send_receive: return held((me + members - 1) % members, i);
  }
  return 0;
}

}  // namespace ridge
