#pragma once
/// Numbers of a device's memory, widened, for checks against sums in double precision.

#include "calibrate/cuda/device.h"

#include <cuda_bf16.h>
#include <vector>

namespace ridge::cuda {

inline std::vector<double> fetch_bf16(const void* from, std::size_t elements) {
  std::vector<__nv_bfloat16> raw(elements);
  check(cudaMemcpy(raw.data(), from, elements * 2, cudaMemcpyDefault), "copy");
  std::vector<double> out;
  for (const __nv_bfloat16 v : raw) out.push_back(static_cast<double>(__bfloat162float(v)));
  return out;
}

}  // namespace ridge::cuda
