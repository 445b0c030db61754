#pragma once
/// Passes that a software stack launches in a slot of one layer of gated experts, for the operator that is such a
/// layer (operator_case.h).
///
///   B = t · sum over widths w · (n·a + x), read and written      as passes of whole models (traffic.h)
///
///   t tokens   w hidden, ffn, expert_hidden, experts: elements of a token   n elements of a bytes   x fixed bytes

#include "sim/kernels.h"

#include <string_view>
#include <vector>

namespace ridge {

/// Elements of one token.
struct ExpertWidths {
  Traced<double> hidden, ffn, expert_hidden, experts;
};

struct PassCost {
  std::string_view name;  ///< of the stack, which must outlive it
  double kernels = 1;
  KernelCost cost;
};

/// Those whose condition holds for gated experts.
std::vector<PassCost> expert_passes(const Scenario&, Slot, const ExpertWidths&, Traced<double> tokens,
                                    Traced<BytesPerElement> activation, const Rates&, Explain* ex = nullptr);

}  // namespace ridge
