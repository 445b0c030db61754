#pragma once
/// What a kernel of known tiles makes the whole device wait for.
///
/// A block has a tile of r queries of one head and steps through its keys, c at a time.  S blocks are at work at once, the
/// longest first, and the kernel ends with its longest chain of blocks:
///
///   p_1 >= p_2 >= ... >= p_n   steps of the n blocks, each ceil(keys seen / c) + o, with o the steps that a block's
///                              beginning and end cost
///   M = max( sum p / S, max over k of (k + 1) p_(kS+1) )       steps of the longest chain
///   F = S · M · 4 head_dim r c                                  FLOPs that fit the time of that chain
///
/// F takes the place of the FLOPs by definition in the law (law.h).  It is what makes 133 equal blocks on 132
/// multiprocessors take twice the time of 132, and 200 queries the time of 256.
/// Bound   both terms are below any schedule: kS + 1 blocks of at least p_(kS+1) leave some multiprocessor k + 1 of them.
///         Source: Graham 1969, "Bounds on multiprocessing timing anomalies", SIAM J. Applied Mathematics 17(2).
/// Check   our kernels on H200, 72 held-out shapes of head sizes 64, 128 and 256: off by 1.7, 3.1 and 3.0 % in the median,
///         with FLOPs by definition by 10.5, 5.7 and 4.7 %.

#include "calibrate/fit/law.h"

namespace ridge {

struct BlockSchedule {
  double rows = 0, columns = 0;  ///< r and c
  double at_once = 0;            ///< S
  double overhead = 0;           ///< o; fitted
  bool is_known() const { return rows > 0 && columns > 0 && at_once > 0; }
};

/// As a measurement's sizes tell: tile_rows, tile_columns, blocks_at_once.
BlockSchedule schedule_of(const Measurement&);

/// M.  Pre: schedule.is_known(), an attention over many queries
double longest_chain(const Measurement&, const BlockSchedule&);

/// work_of(m), with F in place of its FLOPs where the schedule is known and the family has one.
std::optional<Work> scheduled_work(const Measurement&, const BlockSchedule&);

}  // namespace ridge
