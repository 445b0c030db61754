#include "calibrate/cuda/tensor_map.h"

#include "calibrate/cuda/device.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace ridge::cuda {
namespace {

/// Through the runtime, so that the program starts without a driver.
decltype(&cuTensorMapEncodeTiled) encoder() {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result{};
  check(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &result),
        "asking the driver for tensor maps");
  if (result != cudaDriverEntryPointSuccess || !found) throw ProbeError("the driver knows no tensor maps");
  return reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(found);
}

}  // namespace

CUtensorMap tensor_map(const void* data, std::initializer_list<std::uint64_t> sizes,
                       std::initializer_list<std::uint64_t> steps, std::initializer_list<std::uint32_t> box) {
  static const auto encode = encoder();
  std::array<std::uint64_t, 5> bytes{};
  std::ranges::transform(steps, bytes.begin(), [](std::uint64_t s) { return 2 * s; });
  const std::array<std::uint32_t, 5> ones{1, 1, 1, 1, 1};
  CUtensorMap map{};
  const CUresult r = encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, static_cast<std::uint32_t>(sizes.size()),
                            const_cast<void*>(data), sizes.begin(), bytes.data(), box.begin(), ones.data(),
                            CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                            CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (r != CUDA_SUCCESS) throw ProbeError("the driver refuses a tensor map: " + std::to_string(r));
  return map;
}

bool is_hopper() {
  static const bool is = [] {
    int device = 0, major = 0, minor = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
    return major == 9 && minor == 0;
  }();
  return is;
}

}  // namespace ridge::cuda
