#pragma once
/// What the name of a kernel's variant says of its operands: "fp8-block", "int4-weights", "bf16-cache-fp8-d64-cudnn".

#include <string_view>

namespace ridge {

/// Bytes of an element, scales of blocks of 16 or 32 elements included; those of larger blocks are less than 1 % and
/// left out.
struct VariantWidths {
  double activation = 2, weight = 2, output = 2;
  double cache = 2;  ///< of attention
};
/// By the type that the variant begins with; "-weights" narrows the weights alone, "-cache-T" is the cache's type.  An
/// unknown type counts as one of 16 bits.
VariantWidths variant_widths(std::string_view variant);

/// "bf16-d64-cudnn": 64; zero when it names none.
int variant_head_dim(std::string_view variant);

}  // namespace ridge
