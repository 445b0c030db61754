#pragma once
/// Collectives of floats made of messages between pairs, as libraries make them.
///
///   ring      n - 1 steps round a ring, each rank passing on a share:     all-gather, reduce-scatter;
///             reduce-scatter then all-gather:                             all-reduce
///   doubling  whole buffers between partners 1, 2, 4 ... apart, log2 n steps; ranks beyond a power of two
///             hand theirs to a neighbour first:                           all-reduce of small buffers
///   tree      who has it hands it on, twice as many each step:            broadcast
///   pairwise  in step s to rank + s, from rank - s:                       all-to-all
/// Source  Thakur, Rabenseifner, Gropp 2005, "Optimization of collective communication operations in MPICH",
///         IJHPCA 19(1), sections 4.1 to 4.5.

#include "calibrate/cluster/transport.h"

namespace ridge {

/// n floats in all, a multiple of the group's size except for broadcast, doubling and a single message.
/// Results: all-reduce, all-gather, all-to-all and broadcast fill `out` with n floats, reduce-scatter with
/// n / size, sendrecv that of the second member with n.
void run_collective(Transport&, const Group&, Collective, const std::string& algorithm, const float* in,
                    float* out, std::size_t n);

/// Nobody leaves before everybody came: messages of one byte 1, 2, 4 ... apart.
void wait_for_group(Transport&, const Group&);

/// The first member's value, at all members.
double agree(Transport&, const Group&, double value);

}  // namespace ridge
