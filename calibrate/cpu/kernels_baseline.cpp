#define RIDGE_KERNELS kernels_baseline
#define RIDGE_NAME "baseline"
#define RIDGE_VECTOR_BYTES 16
#include "calibrate/cpu/kernels_body.inc"

namespace ridge::cpu {

const Kernels& best_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return kernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kernels_avx2;
#endif
  return kernels_baseline;
}

}  // namespace ridge::cpu
