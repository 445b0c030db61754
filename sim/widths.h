#pragma once
/// How many elements each named width of a stack's traffic has for one token on one device.
///
///   WidthTable w = widths(architecture, kind, plan, Tokens{4096});
///   BytesPerToken kept = traffic_bytes(pass.keep, w, BytesPerElement{2});
///
///   hidden         d, / t under sequence parallelism     whole   d
///   q              H e / t                               kv      K e / min(t, K)
///   ffn            f / t; experts: (k f_e + shared) / t
///   expert_hidden  k d e / t                             experts E, / t under sequence parallelism
///   heads          H / t                                 scores  H / t x keys attended
///   vocab          V / t
///
/// Symbols  d hidden, H query and K key heads, e head_dim (in expert_hidden: expert tensor degree),
///          f feed-forward width, k experts a token passes, E experts, V vocabulary, t tensor degree
/// Assumes  tokens spread evenly over experts: each rank of the tensor group then feeds 1/t of its
///          tokens' copies, whatever the expert degree
/// Not here context parallelism and the micro-batch divide and multiply tokens, not widths
/// Where a layer lacks the part (no attention, no feed-forward) its widths are 0; a recurrent mixer's
/// inner width stands for q, its groups x state for kv.

#include "model/layers.h"
#include "sim/plan.h"
#include "sim/stack.h"

namespace ridge {

struct WidthTable {
  std::array<double, num_widths> elements{};
  double operator[](Width w) const { return elements[static_cast<std::size_t>(w)]; }
};

/// `attended` keys per query: the sequence for a core that computes the full square; a window limits it.
WidthTable widths(const Architecture&, const LayerKind&, const ParallelPlan&, Tokens attended);

/// Sum over widths of elements x (activation_elements x a + fixed_bytes): bytes of one token.
BytesPerToken traffic_bytes(const Traffic&, const WidthTable&, BytesPerElement activation);

}  // namespace ridge
