#pragma once
/// Descriptions of arrays for Hopper's copy engine: bf16, boxes of rows of 64 elements (128 bytes, swizzled).
/// What lies outside the array is read as zeros and not written.

#include <cstdint>
#include <cuda.h>
#include <initializer_list>

namespace ridge::cuda {

/// `sizes` in elements, innermost first; `steps` between neighbours in elements, from the second dimension
/// on; `box` in elements.  Throws ProbeError when the driver has no such call or refuses.
CUtensorMap tensor_map(const void* data, std::initializer_list<std::uint64_t> sizes,
                       std::initializer_list<std::uint64_t> steps, std::initializer_list<std::uint32_t> box);

/// True when device 0 has wgmma (compute capability 9.0).
bool is_hopper();

}  // namespace ridge::cuda
